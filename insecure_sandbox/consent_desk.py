"""Source `consent`: asks people for their consent in the place of the state's 1414, and tells what
they answered.

Who was registered with `consent: valid`, which is usual, answers yes at once; with `pending`, when
    told to.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from insecure_sandbox.consents import ANSWERS, Asked, Consent, Consents
from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.inbox import Inbox
from insecure_sandbox.people import People
from insecure_sandbox.questions import AnsweredOnce, request_id

SOURCE: Final = "consent"

_SENDER: Final = "1414"
_SERVICES: Final = ("person", "photo", "phone")
_LANGUAGES: Final = ("kk", "ru", "en")
_WITHOUT_TERMS: Final = ("not_found", "error")
_MAX_VALID_SECONDS: Final = 365 * 24 * 3600
_FIELDS: Final = {
    "request_id",
    "reference",
    "iin",
    "phone",
    "lender_bin",
    "lender_name",
    "purpose",
    "services",
    "text_version",
    "language",
    "text_sha256",
    "valid_seconds",
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def routes(people: People, consents: Consents, inbox: Inbox) -> tuple[Route, ...]:
    """`/consent/request` and `/consent/read` are the service; `/consent/answer` is the person."""

    def ask(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        wish, seconds = _request_in(fields), _seconds(fields)
        person = people.find(wish.iin, reference=wish.reference)
        if person is None or person.consent in _WITHOUT_TERMS:
            return _without_terms(fields, "not_found" if person is None else person.consent)
        consent, is_new = consents.open_or_new(wish, status=person.consent, valid_seconds=seconds)
        if is_new:
            text = f"{wish.lender_name}: {wish.purpose}. {', '.join(wish.services)}. Yes / No"
            inbox.put(message_id=consent.consent_id, sender=_SENDER, phone=person.phone, text=text)
        return _with_terms(fields, consent)

    def read(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"request_id", "iin", "consent_id"})
        consent = consents.find(
            text_field(fields, "consent_id"), iin=text_field(fields, "iin", limit=64)
        )
        return (
            _without_terms(fields, "not_found") if consent is None else _with_terms(fields, consent)
        )

    def answer(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"consent_id", "status"})
        status = text_field(fields, "status")
        if status not in ANSWERS:
            raise Rejected(400, f"status must be one of {list(ANSWERS)}")
        return as_json({"answered": consents.answer(text_field(fields, "consent_id"), status)})

    return (
        Route(
            method="POST",
            path="/consent/request",
            source=SOURCE,
            handle=AnsweredOnce().guard(ask, is_kept=_is_done),
        ),
        Route(method="POST", path="/consent/read", source=SOURCE, handle=read),
        Route(method="POST", path="/consent/answer", source="consent_answer", handle=answer),
    )


def _is_done(answer: Response) -> bool:
    """An error has asked nothing of the person: the same question may do so yet."""
    return bool(json.loads(answer.body)["status"] != "error")


def _request_in(fields: Mapping[str, Any]) -> Asked:
    services = fields.get("services")
    if (
        not isinstance(services, list)
        or not services
        or any(name not in _SERVICES for name in services)
    ):
        raise Rejected(400, f"services must be a list out of {list(_SERVICES)}")
    if text_field(fields, "language") not in _LANGUAGES or not _SHA256.fullmatch(
        text_field(fields, "text_sha256")
    ):
        raise Rejected(400, "language must be kk, ru or en, and text_sha256 a SHA-256")
    return Asked(
        reference=text_field(fields, "reference", limit=128),
        iin=text_field(fields, "iin", limit=64),
        phone=text_field(fields, "phone", limit=32, default=""),
        lender_bin=text_field(fields, "lender_bin", limit=12),
        lender_name=text_field(fields, "lender_name"),
        purpose=text_field(fields, "purpose"),
        services=tuple(services),
        text_version=text_field(fields, "text_version", limit=32),
        language=text_field(fields, "language"),
        text_sha256=text_field(fields, "text_sha256"),
    )


def _seconds(fields: Mapping[str, Any]) -> int:
    value = fields.get("valid_seconds")
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not 1 <= value <= _MAX_VALID_SECONDS
    ):
        raise Rejected(400, f"valid_seconds must be an integer from 1 to {_MAX_VALID_SECONDS}")
    return value


def _without_terms(fields: Mapping[str, Any], status: str) -> Response:
    return as_json({"request_id": request_id(fields), "iin": fields["iin"], "status": status})


def _with_terms(fields: Mapping[str, Any], consent: Consent) -> Response:
    request = consent.request
    return as_json(
        {
            "request_id": request_id(fields),
            "iin": request.iin,
            "status": consent.status_at(datetime.now(UTC)),
            "consent_id": consent.consent_id,
            "reference": request.reference,
            "lender_bin": request.lender_bin,
            "purpose": request.purpose,
            "services": list(request.services),
            "text_version": request.text_version,
            "language": request.language,
            "text_sha256": request.text_sha256,
            "created_at": consent.created_at,
            "expires_at": consent.expires_at,
        }
    )
