"""A law file: what the operator's root signs of the law between two releases, and the form it
travels in.

The document says, as JSON: `form`, the `installation` it is for (the origin of its logs), its
    `number` (1, 2, 3 …),
`issued_at`, and three lists: `mci` (year, tenge, source), `profiles` (id, status, since, source,
`repeals`, and the fields of the rule by name; one left out is not asked) and `statuses` (profile,
status, since, source). Signed, it is `{"law": document, "signature": base64}`. What it may change
is judged in `core/law_rules.py`.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from verification.core import certificates, law_items, stored
from verification.core.errors import BadInput
from verification.core.law_book import StatusChange
from verification.core.law_items import MALFORMED, malformed
from verification.core.mci import Mci
from verification.core.profiles import Profile
from verification.core.strict_json import StrictObject, read_json

FORM: Final = "tulga-law-1"
FILE_BYTES: Final = 60 * 1024
"""A file at most: it stands in one entry of each log, and a leaf holds 65 535 bytes. Source: C2SP
tlog-tiles.
"""
NUMBER_MAX: Final = 9_999
_ORIGIN_MAX: Final = 200
_SIGNATURE_BYTES: Final = 64
"""Of Ed25519."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Law:
    """What one law file says. `sha256`: of its document, by which it is named."""

    number: int
    installation: str
    issued_at: datetime
    values: tuple[Mci, ...]
    profiles: tuple[Profile, ...]
    statuses: tuple[StatusChange, ...]
    sha256: str


@dataclass(frozen=True)
class Signed:
    """A law file as it travels, and as its entry in the log says it: the document, and the root's
    signature.
    """

    law: Law
    document: Mapping[str, Any]
    signature: str

    @property
    def body(self) -> dict[str, Any]:
        """What its entry in the log says."""
        label = {"number": self.law.number, "sha256": self.law.sha256}
        return {**label, "law": dict(self.document), "signature": self.signature}


def read_document(untrusted: bytes) -> tuple[Law, dict[str, Any]]:
    """What a file says before it is signed, and its document. Raises `BadInput` (law_malformed)."""
    document = _object(untrusted)
    if "law" in document and "form" not in document:
        raise malformed("", "this file is signed already: take it by manage.py take_law")
    return parse(document), document


def read_signed(untrusted: bytes) -> Signed:
    """What a signed file says; its signature is not verified yet. Raises `BadInput`
    (law_malformed).
    """
    return _signed(_object(untrusted))


def read_entry(untrusted_body: Any) -> Signed:
    """What the body of an entry says, in the same way. Raises `BadInput` (law_malformed) for
    another body.
    """
    body = untrusted_body if isinstance(untrusted_body, dict) else {}
    signed = _signed({name: body.get(name) for name in ("law", "signature")})
    if {name: value for name, value in body.items() if name != "v"} != signed.body:
        raise malformed("", "the entry says more than the file, or something else")
    return signed


def require_signed(signed: Signed, *, root: bytes, installation: str) -> None:
    """Raises `BadInput`: law_forged where this root did not sign it, law_elsewhere for another
    installation's.
    """
    if not certificates.is_law(root, signed.signature, signed.document):
        raise BadInput("the operator's root did not sign this law file", code="law_forged")
    if signed.law.installation != installation:
        raise BadInput(
            f"it is for {signed.law.installation}, and this is {installation}", code="law_elsewhere"
        )


def parse(document: Mapping[str, Any]) -> Law:
    """What a document says. Raises `BadInput` (law_malformed) with a JSON pointer."""
    try:
        return _law(document)
    except BadInput as error:
        if error.code == MALFORMED:
            raise
        raise malformed(error.pointer, error.detail) from None


def _law(document: Mapping[str, Any]) -> Law:
    fields_left = StrictObject(dict(document))
    fields_left.choice("form", (FORM,))
    number = fields_left.whole("number", least=1, most=NUMBER_MAX)
    installation = fields_left.text("installation", longest=_ORIGIN_MAX)
    issued_at = fields_left.moment("issued_at")
    values = tuple(law_items.items_of(fields_left, "mci", law_items.value))
    read = tuple(law_items.items_of(fields_left, "profiles", law_items.profile))
    statuses = tuple(law_items.items_of(fields_left, "statuses", law_items.status))
    law_items.finish(fields_left, "")
    if not (values or read or statuses):
        raise malformed("", "the file says nothing of the law")
    # Each value was read by now, so that the document has a canonical spelling.
    return Law(number, installation, issued_at, values, read, statuses, stored.digest(document))


def _signed(untrusted: Mapping[str, Any]) -> Signed:
    document = untrusted.get("law")
    if "law" not in untrusted and "form" in untrusted:
        raise malformed("", "this file is not signed: sign it by manage.py sign_law")
    if not isinstance(document, dict):
        raise malformed("/law", "the document is expected")
    law = parse(document)
    try:
        fields_left = StrictObject(dict(untrusted))
        fields_left.object("law")
        signature = fields_left.octets("signature", most=_SIGNATURE_BYTES)
        law_items.finish(fields_left, "")
    except BadInput as error:
        if error.code == MALFORMED:
            raise
        raise malformed(error.pointer, error.detail) from None
    return Signed(law, document, b64encode(signature).decode())


def _object(untrusted: bytes) -> dict[str, Any]:
    try:
        document = read_json(untrusted, max_bytes=FILE_BYTES)
    except BadInput as error:
        raise malformed("", _fault_of_text(untrusted) or error.detail) from None
    if not isinstance(document, dict):
        raise malformed("", "an object is expected")
    return document


def _fault_of_text(untrusted: bytes) -> str:
    """Where the text of a file stops being JSON; empty where no place can be named."""
    if len(untrusted) > FILE_BYTES:
        return f"a law file has at most {FILE_BYTES} bytes"
    if untrusted.startswith(_BYTE_ORDER_MARK):
        return "the file begins with a byte order mark: save it as UTF-8 without one"
    try:
        json.loads(untrusted.decode("utf-8"))
    except json.JSONDecodeError as error:
        return f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        return ""
    return ""
