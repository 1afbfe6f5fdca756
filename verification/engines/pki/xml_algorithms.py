"""Accepted algorithms in signed XML, as data, and names of others for messages.

Source: measured on documents that NCALayer and the authority's library signed; RFC 9231 for the
others.
"""

from collections.abc import Mapping

from verification.core.errors import Refused
from verification.engines.pki import keys

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_NATIONAL = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"

CANONICAL = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{_DSIG}enveloped-signature"
# NCALayer names the form with comments; the parser refuses comments, so both forms are equal.
TRANSFORMS = (ENVELOPED, f"{CANONICAL}#WithComments")
GOST_512_SIGNATURE = f"{_NATIONAL}gostr34102015-gostr34112015-512"
STREEBOG_512 = f"{_NATIONAL}gostr34112015-512"
RSA_SHA256 = f"{_MORE}rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

SIGNATURES: Mapping[str, str] = {
    GOST_512_SIGNATURE: keys.GOST_512_SIGNATURE,
    RSA_SHA256: keys.SHA256_WITH_RSA,
}
DIGESTS: Mapping[str, str] = {STREEBOG_512: keys.STREEBOG_512, SHA256: keys.SHA256}

# Only for the message: an algorithm outside the tables above is refused in any case.
_REFUSED: Mapping[str, str] = {
    f"{_MORE}gost34310-gost34311": "GOST 34.310-2004",
    f"{_MORE}gost34311": "GOST 34.311-95",
    f"{_NATIONAL}gostr34102015-gostr34112015-256": "GOST 34.10-2015 of 256 bits",
    f"{_NATIONAL}gostr34112015-256": "Streebog of 256 bits",
    f"{_DSIG}rsa-sha1": "RSA with SHA-1",
    f"{_MORE}rsa-sha1": "RSA with SHA-1",
    f"{_DSIG}sha1": "SHA-1",
    f"{_MORE}sha1": "SHA-1",
    f"{_DSIG}dsa-sha1": "DSA",
    f"{_DSIG}hmac-sha1": "HMAC",
    f"{_MORE}hmac-sha256": "HMAC",
    f"{_MORE}hmac-sha384": "HMAC",
    f"{_MORE}hmac-sha512": "HMAC",
    f"{_MORE}ecdsa-sha256": "ECDSA",
    f"{_DSIG}base64": "the base64 transform",
    "http://www.w3.org/TR/1999/REC-xslt-19991116": "XSLT",
    "http://www.w3.org/TR/1999/REC-xpath-19991116": "XPath",
    "http://www.w3.org/2002/06/xmldsig-filter2": "the XPath filter",
    "http://www.w3.org/2001/10/xml-exc-c14n#": "exclusive canonical form",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": "exclusive canonical form",
    "http://www.w3.org/2006/12/xml-c14n11": "canonical form 1.1",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments": "canonical form 1.1",
    CANONICAL: "canonical form without comments in this place",
    f"{CANONICAL}#WithComments": "canonical form with comments in this place",
}


def algorithm_refused(name: str, *, subject: str) -> Refused:
    """The refusal of an algorithm. The message repeats its name only if it is a known one."""
    reason = _REFUSED.get(name, "an algorithm outside the profile")
    return Refused("eds_algorithm_refused", f"{subject}: {reason}", facts={"algorithm": reason})


def identify(name: str, algorithms: Mapping[str, str], *, subject: str) -> str:
    """The object identifier of an accepted algorithm.

    Raises: `Refused` (eds_algorithm_refused) for any other.
    """
    if name not in algorithms:
        raise algorithm_refused(name, subject=subject)
    return algorithms[name]
