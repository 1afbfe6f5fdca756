"""The pages on which a borrower types: a form of the fields that a stage asks for, and the code.

A day has three fields, which are typed as they stand in the document: to pick the year of a birth
in a calendar takes many pages. What was typed comes back after a mismatch, in the same browser. It
is kept nowhere here: the browser gets it sealed under the key of the verification, and it opens
beside the session in which it was typed and no other. A fresh link or another device has another
session and no such seal, a copied seal cannot be read, and none opens once the case is erased.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy

from verification import clock
from verification.access.links import Visit
from verification.access.open_page import BorrowerPage
from verification.borrower import browsers
from verification.case import contents
from verification.core.errors import EvidenceUnreadable
from verification.core.stored import canonical_json

DRAFT_SECONDS: Final = 15 * 60
"""How long the browser keeps it: as long as one may look for one's document. Ours."""
_DRAFT_LONGEST: Final = (
    3900  # characters of a seal: with name and attributes browsers keep 4 096 (RFC 6265 §6.1)
)
_DRAFT_TABLE: Final = "typed"


class _Words(NamedTuple):
    label: Any
    hint: Any
    wrong: Any
    autocomplete: str


_FIELDS: Mapping[str, _Words] = {
    "document_number": _Words(
        gettext_lazy("Document number"),
        gettext_lazy("9 digits on an identity card; a passport has a letter too."),
        gettext_lazy("Write the number as it stands in the document: letters and digits only."),
        "off",
    ),
    "birth_date": _Words(
        gettext_lazy("Date of birth"),
        gettext_lazy("As it stands in the document, for example 27 3 1985."),
        gettext_lazy("Write the day, the month and the year of your birth."),
        "bday",
    ),
}
# The parts of a day, each with the most signs that are typed.
_PARTS = (
    ("day", gettext_lazy("Day"), 2),
    ("month", gettext_lazy("Month"), 2),
    ("year", gettext_lazy("Year"), 4),
)
_TYPED = ("document_number", *(f"birth_date_{part}" for part, _, _ in _PARTS))


def typed_fields(untrusted: Mapping[str, Any]) -> Mapping[str, str]:
    """What of an answer was typed into a form; nothing where it answers another page."""
    return {name: untrusted[name] for name in _TYPED if isinstance(untrusted.get(name), str)}


def form_context(page: BorrowerPage) -> Mapping[str, Any]:
    """The fields, empty."""
    return returned_form(page, untrusted={}, pointer="")


def returned_form(
    page: BorrowerPage, *, untrusted: Mapping[str, Any], pointer: str
) -> Mapping[str, Any]:
    """The fields as they were sent, the one that could not be read marked. `pointer` is that of the
    refusal.
    """
    fields: list[Mapping[str, Any]] = []
    for request in page.data["fields"]:
        name = request["name"]
        texts = _FIELDS.get(name, _Words(name, "", "", "off"))
        parts = [
            {
                "name": f"{name}_{part}",
                "label": label,
                "longest": longest,
                # A browser fills in the parts of one's own birthday, and of no other day.
                "autocomplete": f"{texts.autocomplete}-{part}"
                if texts.autocomplete == "bday"
                else "off",
                "value": untrusted.get(f"{name}_{part}", ""),
            }
            for part, label, longest in (_PARTS if request["kind"] == "date" else ())
        ]
        field = {
            "name": name,
            "parts": parts,
            "max_length": request.get("max_length"),
            "label": texts.label,
            "hint": texts.hint,
            "autocomplete": texts.autocomplete,
            "value": untrusted.get(name, ""),
            "wrong": texts.wrong if pointer == f"/{name}" else "",
        }
        fields.append(field)
    return {"fields": fields}


def seal_draft(visit: Visit, typed: Mapping[str, str], *, session: str) -> str:
    """What the browser keeps; empty where that would be too long for it."""
    sealed = (
        contents.key_beside(visit.verification)
        .seal(canonical_json(typed), table=_DRAFT_TABLE, field=_draft_field(session))
        .data
    )
    text = base64.urlsafe_b64encode(sealed).decode()
    return text if len(text) <= _DRAFT_LONGEST else ""


def unseal_draft(visit: Visit, *, untrusted: str, session: str) -> Mapping[str, str]:
    """What was typed; nothing where this was not sealed for this verification and session."""
    try:
        sealed = base64.urlsafe_b64decode(untrusted[:_DRAFT_LONGEST].encode())
        opened = contents.key_beside(visit.verification).unseal(
            sealed, table=_DRAFT_TABLE, field=_draft_field(session)
        )
    except (ValueError, EvidenceUnreadable):
        return {}
    typed: dict[str, str] = json.loads(opened.plain)
    return typed


def _draft_field(session: str) -> str:
    return sha256(session.encode()).hexdigest()


def show_code(
    request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]
) -> HttpResponseBase:
    """Shows the page with leave to offer the code out of the message."""
    response = view(request)
    response.headers["Permissions-Policy"] = browsers.permissions("otp-credentials")
    return response


def code_context(page: BorrowerPage) -> Mapping[str, Any]:
    """What the template needs. Seconds, not moments: the browser's clock may be wrong."""
    now = clock.now()
    # Rounded up: a button that is promised is never too early.
    resend_in, expires_in = (
        max(0, math.ceil((datetime.fromisoformat(page.data[name]) - now).total_seconds()))
        for name in ("resend_from", "expires")
    )
    return {
        "phone": page.data["phone_masked"],
        "guesses_left": page.data["guesses_left"],
        "resends_left": page.data["resends_left"],
        "resend_in": resend_in,
        "expires_in": expires_in,
    }
