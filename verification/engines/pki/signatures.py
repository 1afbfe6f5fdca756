"""A borrower's signature in either of its forms, CMS or signed XML: read into plain values, and checked the same way.

What is signed differs. A CMS is over the statement's bytes as we stored them; signed XML is over the document that
`xmldsig.statement_document` makes of those bytes and of nothing else. Whoever checks has the stored bytes, makes the
document anew and compares it to the byte, so no form can say anything that was not stored.
"""

from verification.engines.pki.cms import SignedStatement, parse_cms
from verification.engines.pki.xmldsig import SignedXml, parse_xml

Signature = SignedStatement | SignedXml

_SPACE = b" \t\r\n"


def is_xml(untrusted: bytes) -> bool:
    """Whether it claims to be XML: `<` is its first byte but white space. No CMS begins so, in no armor."""
    return untrusted.lstrip(_SPACE).startswith(b"<")


def parse_signature(untrusted: bytes, *, max_bytes: int) -> Signature:
    """The only signature in a CMS (DER, PEM or base64) or an XML document of at most `max_bytes` bytes, unverified.

    What claims to be XML is never tried as CMS, nor the other way. Raises what `parse_cms` and `parse_xml` raise.
    """
    return parse_xml(untrusted, max_bytes=max_bytes) if is_xml(untrusted) else parse_cms(untrusted, max_bytes=max_bytes)
