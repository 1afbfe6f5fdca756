"""Source `consent`: asks people for their consent in place of the state's 1414, and returns their
answers.

Consents are kept over restarts. A person registered with `consent: valid`, the default, answers yes
at once; with `pending`, on command.
"""

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.kept import add_line, read_lines, replace_lines
from insecure_sandbox.people import People
from insecure_sandbox.questions import AnsweredOnce, request_id
from insecure_sandbox.sms_gateway import Inbox

ANSWERS: Final = ("valid", "invalid")
"""A person's possible answers: yes, or no."""

_OPEN: Final = ("pending", "valid")
_MAX_CONSENTS: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The person, lender, scope and text of a request. `reference`: the loan request."""

    reference: str
    iin: str
    phone: str
    lender_bin: str
    lender_name: str
    purpose: str
    services: tuple[str, ...]
    text_version: str
    language: str
    text_sha256: str


@dataclass(frozen=True, kw_only=True)
class Consent:
    """One consent; times are RFC 3339 in UTC."""

    consent_id: str
    request: Asked
    status: str
    created_at: str
    expires_at: str

    def status_at(self, at: datetime) -> str:
        """Its present status: an unanswered one has timed out, an expired one is invalid."""
        if at < datetime.fromisoformat(self.expires_at) or self.status not in _OPEN:
            return self.status
        return "timeout" if self.status == "pending" else "invalid"


class Consents:
    """All consents. Threads may share it; one process owns the file."""

    def __init__(self, file: Path) -> None:
        """Loads the file."""
        self._file = file
        self._lock = Lock()
        self._consents: dict[str, Consent] = {}
        self._ids_of: dict[str, list[str]] = defaultdict(list)  # by IIN
        for fields in read_lines(file):
            self._take_over(_consent(fields))

    def open_or_new(
        self, request: Asked, *, status: str, valid_seconds: int
    ) -> tuple[Consent, bool]:
        """The open consent with exactly this scope, or a new one of this status; and whether it
        is new.
        """
        at = datetime.now(UTC)
        with self._lock:
            for earlier in (self._consents[consent_id] for consent_id in self._ids_of[request.iin]):
                if earlier.request == request and earlier.status_at(at) in _OPEN:
                    return earlier, False
            if len(self._consents) >= _MAX_CONSENTS:
                raise Rejected(400, "too many consents are kept")
            consent = Consent(
                consent_id=f"kdp_{secrets.token_hex(16)}",
                request=request,
                status=status,
                created_at=at.isoformat(),
                expires_at=(at + timedelta(seconds=valid_seconds)).isoformat(),
            )
            self._put(consent)
            return consent, True

    def answer(self, consent_id: str, status: str) -> bool:
        """The person answers yes (`valid`) or no (`invalid`), or withdraws a yes; returns
        whether it was open.
        """
        with self._lock:
            consent = self._consents.get(consent_id)
            if consent is None or consent.status_at(datetime.now(UTC)) not in _OPEN:
                return False
            self._put(replace(consent, status=status))
            return True

    def forget(self, iin: str) -> None:
        """Removes every consent of this person, from the file too."""
        with self._lock:
            for consent_id in self._ids_of.pop(iin, []):
                del self._consents[consent_id]
            replace_lines(self._file, (asdict(consent) for consent in self._consents.values()))

    def find(self, consent_id: str, *, iin: str) -> Consent | None:
        """The consent of this person with this id."""
        consent = self._consents.get(consent_id)
        return consent if consent is not None and consent.request.iin == iin else None

    def pending(self) -> list[Consent]:
        """Unanswered consents."""
        at = datetime.now(UTC)
        with self._lock:
            return [
                consent for consent in self._consents.values() if consent.status_at(at) == "pending"
            ]

    def allows(self, consent_id: str, *, iin: str, service: str) -> bool:
        """Whether this person permits this service a look-up now."""
        consent = self.find(consent_id, iin=iin)
        if consent is None or consent.status_at(datetime.now(UTC)) != "valid":
            return False
        return service in consent.request.services

    def _put(self, consent: Consent) -> None:
        self._take_over(consent)
        add_line(self._file, asdict(consent))

    def _take_over(self, consent: Consent) -> None:
        if consent.consent_id not in self._consents:
            self._ids_of[consent.request.iin].append(consent.consent_id)
        self._consents[consent.consent_id] = consent


def _consent(fields: dict[str, Any]) -> Consent:
    stated = fields["request"]
    request = Asked(**stated | {"services": tuple(stated["services"])})
    return Consent(**fields | {"request": request})


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
    """An error has not asked the person: the same question may be asked again."""
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
