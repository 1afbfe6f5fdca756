"""A person's request to read what is kept about them: begun, signed, and read in one browser.

1. `begin` seals the IIN and what is to be signed. Nothing is looked up by the IIN.
2. `sign` takes the signature and makes the row due; a worker judges it.
3. `find` believes the worker's signed entry alone, whatever the row says.
"""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, auto
from functools import partial
from typing import Any, Final

from django.db import transaction

from verification import clock, transactions
from verification.access.tokens import TOKEN_BYTES, TOKEN_MAX_CHARACTERS
from verification.case import policy, steps
from verification.core import subject_text
from verification.core.errors import BadInput, EvidenceUnreadable, NotYourTurn
from verification.core.events import BY_OPERATORS, IDENTIFIED, UNIDENTIFIED
from verification.core.ids import Iin, secret_digest
from verification.core.stored import canonical_json
from verification.course.entry import moment
from verification.evidence import vault
from verification.log import entries, signatures
from verification.models import AuditEntry, SubjectRequest
from verification.stages.statement.dialogue import read_signature

PREFIX: Final = "sub"
QUEUE: Final = "eds"
"""The queue of workers that judge signatures."""
_NONCE_BYTES: Final = 16


class Phase(StrEnum):
    """How far a request is."""

    SIGN = auto()
    WAIT = auto()
    IDENTIFIED = auto()
    REFUSED = auto()
    OVER = auto()


@dataclass(frozen=True)
class Asked:
    """What a request holds, sealed.

    session: the hash of the browser's token, hex. data: what is signed, as `core/subject_text.py`.
    rewrites: how often the language was changed.
    """

    session: str
    data: Mapping[str, Any] = field(repr=False)
    rewrites: int = 0

    @property
    def iin(self) -> Iin:
        """The IIN as typed."""
        return Iin(self.data["iin"])

    @property
    def mode(self) -> str:
        """The mode of the cases in question."""
        return str(self.data["mode"])

    @property
    def signed_until(self) -> datetime:
        """Until when its text may be signed."""
        return datetime.fromisoformat(self.data["expires"])

    def text(self) -> bytes:
        """The bytes to sign."""
        return subject_text.write(self.data)


@dataclass(frozen=True)
class Visit:
    """A browser with a request. entry: the worker's, once it counts. until: the end of reading.

    operator: the id of the second of two operators, who show it to the person instead.
    """

    id: str
    asked: Asked
    phase: Phase
    entry: str = ""
    code: str = ""
    until: datetime | None = None
    operator: str = ""

    @property
    def reader(self) -> dict[str, str]:
        """Who reads, in the words of an entry."""
        if self.operator:
            return {"by": BY_OPERATORS, "person": self.operator}
        return {"session": self.asked.session}


def begin(iin: Iin, *, mode: str, site: str, language: str) -> str:
    """A fresh request; gives the browser's token. The work is the same for every IIN.

    Raises: `BadInput` for an IIN of the other mode, or another language.
    """
    iin.require_mode(mode)
    at, token = clock.now(), secrets.token_urlsafe(TOKEN_BYTES)
    digest = secret_digest(token)
    data = {
        "words": subject_text.CURRENT,
        "language": language,
        "mode": mode,
        "site": site,
        "iin": iin.value,
        "nonce": secrets.token_hex(_NONCE_BYTES),
        "issued": at.isoformat(timespec="seconds"),
        "expires": _later(at, policy.SUBJECT_SIGN_SECONDS).isoformat(timespec="seconds"),
    }
    asked = Asked(digest.hex(), data)
    asked.text()  # an unknown language is refused here
    row = SubjectRequest(
        digest=digest, created_at=at, expires_at=_later(at, policy.SUBJECT_KEPT_SECONDS)
    )
    row.sealed = seal(row.pk, asked)
    with transactions.writing():
        row.save(force_insert=True)
    return token


def find(untrusted_session: str) -> Visit | None:
    """The request of a browser; None without one, or after its time."""
    row = _row(untrusted_session)
    if row is None or (asked := _asked(row)) is None:
        return None
    visit = partial(Visit, row.pk, asked)
    if (entry := _judged(row, asked)) is not None:
        until = moment(entry.body, "until")
        if entry.type == UNIDENTIFIED or until is None:
            return visit(Phase.REFUSED, code=str(entry.body.get("code", "")))
        is_over = until <= clock.now()
        return visit(Phase.OVER if is_over else Phase.IDENTIFIED, entry=entry.pk, until=until)
    if row.sealed_signature is not None:
        return visit(Phase.WAIT)
    return visit(Phase.OVER if asked.signed_until <= clock.now() else Phase.SIGN)


def speak(visit: Visit, language: str) -> None:
    """Writes the text in another language, while it is unsigned.

    Raises: `BadInput` for another language, or too often; `NotYourTurn`.
    """
    asked = Asked(
        visit.asked.session, {**visit.asked.data, "language": language}, visit.asked.rewrites + 1
    )
    asked.text()
    if asked.rewrites > policy.SUBJECT_REWRITES:
        raise BadInput("the language was changed too often", code="bad_answer")
    _change(visit, sealed=seal(visit.id, asked))


def sign(visit: Visit, untrusted_signature: Any) -> None:
    """Takes the signature, once, with its time; a worker judges it.

    Raises: `BadInput` (bad_answer) unless it can be one; `NotYourTurn`.
    """
    content, at = read_signature(untrusted_signature), clock.now()
    signed = canonical_json({"at": at.isoformat(), "signature": content.decode()})
    with transactions.writing():
        _change(
            visit, sealed_signature=vault.seal(_scope("signature", visit.id), signed), due_at=at
        )
        transaction.on_commit(partial(steps.ring, QUEUE))


def leave(visit: Visit) -> None:
    """Deletes the request: the browser reads no more."""
    with transactions.writing():
        SubjectRequest.objects.filter(pk=visit.id).delete()


def forget(*, at: datetime) -> int:
    """Deletes the requests whose time is over; gives their number."""
    return SubjectRequest.objects.filter(expires_at__lte=at).delete()[0]


def seal(request: str, asked: Asked) -> bytes:
    """The sealed request; it opens in the row of this id alone."""
    return vault.seal(
        _scope("asked", request), canonical_json(vars(asked) | {"data": dict(asked.data)})
    )


def unseal(request: str, sealed: bytes | memoryview) -> Asked:
    """The request in a row.

    Raises: `EvidenceUnreadable`.
    """
    return Asked(**json.loads(vault.unseal(_scope("asked", request), bytes(sealed))))


def unseal_signature(row: SubjectRequest) -> tuple[bytes, datetime]:
    """The signature as it was posted, and when.

    Raises: `EvidenceUnreadable`.
    """
    sealed = bytes(row.sealed_signature or b"")
    signed = json.loads(vault.unseal(scope_of_signature(row), sealed))
    return signed["signature"].encode(), datetime.fromisoformat(signed["at"])


def scope_of_asked(row: SubjectRequest) -> str:
    """The scope under which a request is sealed."""
    return _scope("asked", row.pk)


def scope_of_signature(row: SubjectRequest) -> str:
    """The scope under which the signature of a request is sealed."""
    return _scope("signature", row.pk)


def marks(request: str, iin: Iin) -> list[str]:
    """Keyed hashes of the IIN for the entry of this request, newest key first."""
    indexes = vault.blind_index(purpose="subject", value=f"{request} {iin.value}")
    return [index.hex() for index in indexes.values()]


def _row(untrusted_session: str) -> SubjectRequest | None:
    if not untrusted_session or len(untrusted_session) > TOKEN_MAX_CHARACTERS:
        return None
    rows = SubjectRequest.objects.filter(digest=secret_digest(untrusted_session))
    return rows.filter(expires_at__gt=clock.now()).first()


def _asked(row: SubjectRequest) -> Asked | None:
    """The request in a row; None in a changed one: the seal names the browser, too."""
    with suppress(EvidenceUnreadable):
        asked = unseal(row.pk, row.sealed)
        if asked.session == bytes(row.digest).hex():
            return asked
    return None


def _judged(row: SubjectRequest, asked: Asked) -> AuditEntry | None:
    """The worker's entry on this request, of this browser and IIN; None without a valid one."""
    named = entries.by_ids([row.entry], skips_damaged=True) if row.entry else []
    for entry in signatures.sound(named):
        body, expected = entry.body, (row.pk, asked.session, asked.mode)
        is_on_it = entry.type in (IDENTIFIED, UNIDENTIFIED)
        is_its = (body.get("request"), body.get("session"), entry.log) == expected
        if is_on_it and is_its and body.get("subject") in marks(row.pk, asked.iin):
            return entry
    return None


def _change(visit: Visit, **columns: Any) -> None:
    """One conditional UPDATE: of many answers, one counts."""
    at = clock.now()
    unsigned = SubjectRequest.objects.filter(pk=visit.id, sealed_signature=None, expires_at__gt=at)
    is_late = visit.asked.signed_until <= at
    with transactions.writing():
        if is_late or visit.phase is not Phase.SIGN or unsigned.update(**columns) != 1:
            raise NotYourTurn("this request is signed already, or too old")


def _later(at: datetime, seconds: int) -> datetime:
    return at + timedelta(seconds=seconds)


def _scope(part: str, request: str) -> str:
    return f"subject:{part}:{request}"
