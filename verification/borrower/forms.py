"""Pages with typed input: a stage's form fields, and the code.

A date has three fields in the document's order, because a calendar needs many taps to reach a year
of birth.
After a mismatch the same browser gets the typed values back. The server does not store them.
The browser keeps them sealed under the verification's key, bound to the session.
A fresh link or another device has another session, a copied seal is unreadable, and none opens
after erasure.
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
"""How long the browser keeps the draft: the time for finding one's document. Ours."""
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
# The parts of a date, each with its maximum length.
_PARTS = (
    ("day", gettext_lazy("Day"), 2),
    ("month", gettext_lazy("Month"), 2),
    ("year", gettext_lazy("Year"), 4),
)
_TYPED = ("document_number", *(f"birth_date_{part}" for part, _, _ in _PARTS))


def typed_fields(untrusted: Mapping[str, Any]) -> Mapping[str, str]:
    """The form fields of an answer; empty if it answers another page."""
    return {name: untrusted[name] for name in _TYPED if isinstance(untrusted.get(name), str)}


def form_context(page: BorrowerPage) -> Mapping[str, Any]:
    """The fields, empty."""
    return returned_form(page, untrusted={}, pointer="")


def returned_form(
    page: BorrowerPage, *, untrusted: Mapping[str, Any], pointer: str
) -> Mapping[str, Any]:
    """The submitted fields, with the unreadable one marked. `pointer`: of the refusal."""
    fields: list[Mapping[str, Any]] = []
    for request in page.data["fields"]:
        name = request["name"]
        texts = _FIELDS.get(name, _Words(name, "", "", "off"))
        parts = [
            {
                "name": f"{name}_{part}",
                "label": label,
                "longest": longest,
                # A browser autofills the parts of a birthday only.
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
    """The sealed draft for the browser; empty if it would be too long."""
    sealed = (
        contents.key_beside(visit.verification)
        .seal(canonical_json(typed), table=_DRAFT_TABLE, field=_draft_field(session))
        .data
    )
    text = base64.urlsafe_b64encode(sealed).decode()
    return text if len(text) <= _DRAFT_LONGEST else ""


def unseal_draft(visit: Visit, *, untrusted: str, session: str) -> Mapping[str, str]:
    """The typed values; empty unless sealed for this verification and session."""
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
    """The page with permission to offer the code from the SMS."""
    response = view(request)
    response.headers["Permissions-Policy"] = browsers.permissions("otp-credentials")
    return response


def code_context(page: BorrowerPage) -> Mapping[str, Any]:
    """The template's data. Durations, not times: the browser's clock may be wrong."""
    now = clock.now()
    # Rounded up, so that the button is never enabled too early.
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
