"""Statements signed as XML, byte for byte like NCALayer's: the signature is the root's last child.

The canonical forms are written out here by hand, as an independent check of the verifier's.
The pieces are public so that tests can combine them wrongly.
"""

import re
from base64 import b64encode

from insecure_sandbox import keys
from insecure_sandbox.credential import Credential
from verification.engines.pki import xml_algorithms
from verification.engines.pki.keys import ALGORITHMS

DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
NAMESPACE = b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'

_METHODS: dict[str, tuple[str, str]] = {
    "gost512": (xml_algorithms.GOST_512_SIGNATURE, xml_algorithms.STREEBOG_512),
    "rsa": (xml_algorithms.RSA_SHA256, xml_algorithms.SHA256),
}
_LINE = 76  # characters of base64, as Java breaks it
_CLOSED = re.compile(rb"></ds:\w+>")
_SHORT = re.compile(rb"<(ds:\w+)( [^<>]*)/>")


def sign_xml(credential: Credential, document: bytes) -> bytes:
    """The document with one more signature. It is in canonical form without a namespace, or was
    signed here before.
    """
    return envelop(
        document, signature_element(credential, info=signed_info(credential.family, document))
    )


def signed_info(family: str, document: bytes) -> bytes:
    """SignedInfo over the document, in canonical form."""
    signature, digest = _METHODS[family]
    parts = (
        _method("CanonicalizationMethod", xml_algorithms.CANONICAL),
        _method("SignatureMethod", signature),
        b'<ds:Reference URI="">',
        b"<ds:Transforms>",
        *(_method("Transform", name) for name in xml_algorithms.TRANSFORMS),
        b"</ds:Transforms>",
        _method("DigestMethod", digest),
        b"<ds:DigestValue>"
        + b64encode(ALGORITHMS[family].digest(_canonical(document)))
        + b"</ds:DigestValue>",
        b"</ds:Reference>",
    )
    return b"<ds:SignedInfo" + NAMESPACE + b">\n" + b"\n".join(parts) + b"\n</ds:SignedInfo>"


def key_info(*certificates: bytes) -> bytes:
    """KeyInfo with these certificates."""
    inside = b"\n".join(_lines(b"X509Certificate", certificate) for certificate in certificates)
    return b"<ds:KeyInfo>\n<ds:X509Data>\n" + inside + b"\n</ds:X509Data>\n</ds:KeyInfo>"


def signature_element(
    credential: Credential,
    *,
    info: bytes,
    signature: bytes | None = None,
    about_key: bytes | None = None,
) -> bytes:
    """Signature over the given SignedInfo. A given `signature` and a given KeyInfo are used
    unchanged.
    """
    value = _lines(b"SignatureValue", signature or keys.sign(credential.private_key, info))
    written = _CLOSED.sub(_shorten, info.replace(NAMESPACE, b"", 1))
    inside = b"\n".join(
        (written, value, key_info(credential.certificate) if about_key is None else about_key)
    )
    return b"<ds:Signature" + NAMESPACE + b">\n" + inside + b"\n</ds:Signature>"


def envelop(document: bytes, element: bytes) -> bytes:
    """The document with the element as its root's last child, after a declaration."""
    head, end, name = document.removeprefix(DECLARATION).rpartition(b"</")
    return DECLARATION + head + element + end + name


def _method(name: str, algorithm: str) -> bytes:
    return f'<ds:{name} Algorithm="{algorithm}"></ds:{name}>'.encode()


def _shorten(closed: re.Match[bytes]) -> bytes:
    return b"/>" if closed.string[closed.start() - 1 : closed.start()] == b'"' else closed[0]


def _lines(name: bytes, content: bytes) -> bytes:
    """Base64 in lines, each with the carriage return that Java's serialiser writes as a
    reference.
    """
    text = b64encode(content)
    lines = b"&#13;\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))
    return b"<ds:" + name + b">\n" + lines + b"\n</ds:" + name + b">"


def _canonical(document: bytes) -> bytes:
    """The canonical form of a document by `sign_xml`: no declaration, no short tags, the
    reference in hexadecimal.
    """
    canonical = _SHORT.sub(rb"<\1\2></\1>", document.removeprefix(DECLARATION))
    return canonical.replace(b"&#13;", b"&#xD;")
