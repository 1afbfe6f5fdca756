"""What vectors of signed XML are put together with: rightly, or with one thing changed and signed
as it then stands.
"""

from typing import Any

from insecure_sandbox.credential import Credential
from insecure_sandbox.xml_signing import envelop, sign_xml, signature_element, signed_info
from tests.vectors.eds.case import STATEMENT
from tests.vectors.eds.workshop import Vector, World
from verification.engines.pki.xmldsig import statement_document

FORMAT, CONTENT, SIGNATURE = "eds.format", "eds.content", "eds.signature"
DOCUMENT, END = statement_document(STATEMENT), b"</statement>"
DEARER = statement_document(STATEMENT.replace(b'"amount":"150000.00"', b'"amount":"950000.00"'))
CLOSED = b"</ds:Signature>"


def vector(
    defect: str, content: bytes, code: str = "", check: str = "", why: str = "", **more: Any
) -> Vector:
    """A vector of this group; what its file is called begins with `xml_`, as its nearest must
    too.
    """
    said: dict[str, Any] = {"code": code, "check": check, "why": why, "nearest": "xml_good"} | more
    return Vector(group="xml", defect=f"xml_{defect}", content=content, **said)


def element(world: World, document: bytes = DOCUMENT, *, by: Credential | None = None) -> bytes:
    """The signature over a document, as it stands in it."""
    return signature_element(by or world.person, info=signed_info(world.family, document))


def with_info(world: World, old: bytes, new: bytes, *, signature: bytes | None = None) -> bytes:
    """Signed XML whose SignedInfo is changed and then rightly signed as it stands, or bears the
    value given.
    """
    info = signed_info(world.family, DOCUMENT)
    if info.count(old) != 1:
        raise ValueError(f"not exactly one {old!r} in SignedInfo")
    return envelop(
        DOCUMENT, signature_element(world.person, info=info.replace(old, new), signature=signature)
    )


def with_key_info(world: World, about_key: bytes) -> bytes:
    """Signed XML that says something else about the key, which its signature does not cover."""
    info = signed_info(world.family, DOCUMENT)
    return envelop(DOCUMENT, signature_element(world.person, info=info, about_key=about_key))


def signed(world: World, document: bytes = DOCUMENT) -> bytes:
    """Signed XML over a document, with nothing wrong."""
    return sign_xml(world.person, document)
