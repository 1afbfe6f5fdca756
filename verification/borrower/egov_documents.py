"""What eGov Mobile is given to sign, and how its answer is read. The document that comes back is
never believed.

`CMS_SIGN_ONLY`, a detached signature: the bytes that are judged are those we stored, so a copy of
them inside the signature could only differ. `CMS_WITH_DATA` would send the whole statement back for
nobody to read, and `XML` would have the app sign a document around the text instead of the text
that the page shows. The protocol is known from public integrations only: see
docs/operator-guide.md, "eGov Mobile".
"""

from collections.abc import Mapping
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext

from verification.access.open_page import BorrowerPage
from verification.core.errors import BadInput
from verification.core.strict_json import MALFORMED, read_object

METHOD: Final = "CMS_SIGN_ONLY"
MIME: Final = "text/plain"
PUT_MAX_BYTES: Final = 160 * 1024
"""A signature of 48 KiB is 64 KiB in base64; its PEM, the rows beside it and escapes in JSON fit
twice. 2026-11.
"""

_NAMES: Final = {"nameRu": "ru", "nameKz": "kk", "nameEn": "en"}


def documents(page: BorrowerPage) -> dict[str, Any]:
    """API2's answer: the statement's exact bytes, which are a text to read, and the rows that stand
    in it.
    """
    names = {}
    for field, language in _NAMES.items():
        with translation.override(language):
            names[field] = gettext("Statement about a loan of %(lender)s") % {
                "lender": page.lender.name
            }
    document = {
        "id": 1,
        **names,
        "meta": [{"name": name, "value": value} for name, value in page.data["statement"]["rows"]],
        "document": {"file": {"mime": MIME, "data": page.data["statement_base64"]}},
    }
    return {"signMethod": METHOD, "documentsToSign": [document]}


def signature_in(untrusted: bytes, *, given: Mapping[str, Any]) -> str:
    """The text in the document's place, for the route to judge. Raises `BadInput`, by code:

    egov_answer_malformed for what is not one such document; egov_document_altered where the answer
    says something else about the document than was given. A field left out, null or unknown is
    passed over: of it nothing is taken.
    """
    try:
        answer = read_object(untrusted, max_bytes=PUT_MAX_BYTES, numbers=True)
        returned = answer.objects("documentsToSign", most=1)
        if len(returned) != 1:
            raise BadInput("not one document", code=MALFORMED, pointer="/documentsToSign")
        (asked,), (document,) = given["documentsToSign"], returned
        known, said = (
            {**asked, "signMethod": given["signMethod"]},
            {"signMethod": answer.value_or_none("signMethod")},
        )
        said |= {name: document.value_or_none(name) for name in ("id", *_NAMES, "meta")}
        for name, found in said.items():
            # JSON's true would equal 1.
            if found is not None and (type(found) is not type(known[name]) or found != known[name]):
                raise BadInput(f"another {name} than was given", code="egov_document_altered")
        file = document.object("document").object("file")
        if file.value_or_none("mime") not in (None, MIME):
            raise BadInput("another mime than was given", code="egov_document_altered")
        signature = file.value_or_none("data")
        if not isinstance(signature, str) or not signature.strip():
            raise BadInput(
                "no signature", code=MALFORMED, pointer="/documentsToSign/0/document/file/data"
            )
        return signature
    except BadInput as error:
        if error.code != MALFORMED:
            raise
        raise BadInput(error.detail, code="egov_answer_malformed", pointer=error.pointer) from error
