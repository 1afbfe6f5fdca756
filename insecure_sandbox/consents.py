"""The consents people gave to be looked up, and what became of each. Kept over restarts."""

import secrets
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from insecure_sandbox.exchange import Rejected
from insecure_sandbox.kept import add_line, read_lines, replace_lines

ANSWERS: Final = ("valid", "invalid")
"""What a person may answer: yes, or no."""

_OPEN: Final = ("pending", "valid")
_MAX_CONSENTS: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who was asked, for whom, to what, and which text they were shown. `reference`: for which
    request for a loan.
    """

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
        """What it is worth now: one that nobody answered has timed out, one that has run out is
        invalid.
        """
        if at < datetime.fromisoformat(self.expires_at) or self.status not in _OPEN:
            return self.status
        return "timeout" if self.status == "pending" else "invalid"


class Consents:
    """All of them. Threads may share it; one process owns the file."""

    def __init__(self, file: Path) -> None:
        """Loads what is kept there."""
        self._file = file
        self._lock = Lock()
        self._consents: dict[str, Consent] = {}
        self._ids_of: dict[str, list[str]] = defaultdict(list)  # by IIN
        for fields in read_lines(file):
            self._take_over(_consent(fields))

    def open_or_new(
        self, request: Asked, *, status: str, valid_seconds: int
    ) -> tuple[Consent, bool]:
        """The open consent to exactly this, or a new one of this status; and whether it is new."""
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
        """The person answers yes (`valid`) or no (`invalid`), or takes a yes back; whether it was
        open.
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
        """Those nobody has answered yet."""
        at = datetime.now(UTC)
        with self._lock:
            return [
                consent for consent in self._consents.values() if consent.status_at(at) == "pending"
            ]

    def allows(self, consent_id: str, *, iin: str, service: str) -> bool:
        """Whether this person lets this service be asked about them now."""
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
