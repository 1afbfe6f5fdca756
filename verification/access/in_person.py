"""A person without a key reads what is kept about them: two operators saw them and their document.

1. `draft`: an operator seals the IIN, the document and the reason. Nothing is looked up by the IIN.
2. `act`: its writer states it in the log, then another operator does. Each answers with a passkey
   to what the page shows.
3. `open_once`: the second operator shows the page once, and hands over the file once.

The row decides nothing: `_acts` reads the entries of both operators, each time.
"""

import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Final, NamedTuple

from verification import clock, transactions
from verification.access import acting, subjects
from verification.access.subjects import Asked, Visit
from verification.access.tokens import TOKEN_BYTES
from verification.case import policy
from verification.core.errors import BadInput, EvidenceUnreadable, Refused
from verification.core.events import IN_PERSON, SUBJECT_READ, VOUCHED
from verification.core.ids import Iin, secret_digest
from verification.core.stored import canonical_json
from verification.course.entry import text
from verification.log import actors, acts, entries, log, openings, signatures
from verification.models import AuditEntry, SubjectRequest

FORM: Final = "tulga.in-person.v1"
"""The form of what is sealed: no request of `/mine` has it."""
DOCUMENTS: Final = ("identity_card", "passport", "residence_permit", "stateless")
"""Kinds of documents that an operator may see. Ours: those with an IIN and a photograph."""
PAGE, FILE = PARTS = ("page", "file")
"""What an operator may open, each once."""
_NUMBER_MAX: Final = 20
_SALT_BYTES: Final = 16
_HOUR: Final = timedelta(seconds=policy.SUBJECT_VOUCH_SECONDS)


class Phase(StrEnum):
    """How far a request is."""

    DRAFT = auto()
    ASKED = auto()
    VOUCHED = auto()
    OVER = auto()


@dataclass(frozen=True, repr=False)
class Meeting:
    """A person before an operator. writer: the first operator, by id. until: the end of its phase.

    kind, number: of the document seen. opened: the parts that were shown already.
    """

    id: str
    asked: Asked = field(repr=False)
    phase: Phase
    created_at: datetime
    until: datetime
    acts: tuple[AuditEntry, ...] = ()
    opened: tuple[str, ...] = ()

    @property
    def writer(self) -> str:
        return str(self.asked.data["writer"])

    @property
    def kind(self) -> str:
        return str(self.asked.data["kind"])

    @property
    def number(self) -> str:
        return str(self.asked.data["number"])

    @property
    def reason(self) -> str:
        return str(self.asked.data["reason"])

    @property
    def second(self) -> str:
        """The operator who vouched, by id; empty before."""
        return _person(self.acts[1]) if self.phase is Phase.VOUCHED else ""


class Typed(NamedTuple):
    """What the first operator types in. kind: of `DOCUMENTS`."""

    iin: str
    kind: str
    number: str
    reason: str


def draft(typed: Typed, *, mode: str, by: str) -> str:
    """Seals a request, which its writer alone sees; gives its id.

    Raises: `BadInput` (iin_malformed, iin_of_other_mode, bad_answer), `Refused`
    (reason_missing).
    """
    iin = Iin.parse("".join(typed.iin.split()))
    iin.require_mode(mode)
    number = "".join(typed.number.split())
    is_number = 1 <= len(number) <= _NUMBER_MAX and number.isascii() and number.isalnum()
    if typed.kind not in DOCUMENTS or not is_number:
        raise BadInput("a document has a known kind, and a number", code="bad_answer")
    at, digest = clock.now(), secret_digest(secrets.token_urlsafe(TOKEN_BYTES))
    data = {
        "form": FORM,
        "mode": mode,
        "iin": iin.value,
        "kind": typed.kind,
        "number": number,
        "reason": acting.reason_of(typed.reason),
        "writer": by,
        "salt": secrets.token_hex(_SALT_BYTES),
    }
    until = at + timedelta(seconds=policy.SUBJECT_IN_PERSON_SECONDS)
    row = SubjectRequest(is_in_person=True, digest=digest, created_at=at, expires_at=until)
    row.sealed = subjects.seal(row.pk, Asked(digest.hex(), data))
    with transactions.writing():
        row.save(force_insert=True)
    return row.pk


def find(untrusted_id: str) -> Meeting | None:
    """A request by its id; None without one, or after its time."""
    row = _rows().filter(pk=untrusted_id).first()
    return _meeting(row) if row is not None else None


def listed() -> list[Meeting]:
    """Those that are kept, newest first."""
    meetings = map(_meeting, _rows().order_by("-created_at", "-pk"))
    return [meeting for meeting in meetings if meeting is not None]


def shown(meeting: Meeting, *, by: str) -> dict[str, Any]:
    """What a page shows of the operator's act, whose hash is the challenge.

    Raises: `Refused` (proposal_ended, proposal_of_two).
    """
    entry_type, body = _act_of(meeting, by)
    return acts.shown(entry_type, "", body)


def act(meeting_id: str, *, by: str, answer: Any) -> None:
    """Puts the act of an operator on record: the first asks, the second vouches.

    answer: of a passkey; None without one.

    Raises: `Refused` (proposal_ended, proposal_of_two, approval_invalid, passkey_missing, or a code
    of `verification/engines/passkeys.py`).
    """
    with transactions.writing():
        row, meeting = _locked(meeting_id)
        entry_type, body = _act_of(meeting, by)
        mode, first = meeting.asked.mode, meeting.writer
        given = acting.proof(
            mode,
            by,
            lambda: acts.shown(entry_type, "", body),
            answer=answer,
            may_act=acts.is_operator,
            code="approval_invalid",
        )
        if not _are_operators(mode, {by, first}):
            raise Refused("approval_invalid", "the first person is no operator any more")
        entry = log.append(log=mode, type=entry_type, body=body | given)
        SubjectRequest.objects.filter(pk=row.pk).update(act=entry.pk)


def open_once(meeting_id: str, part: str, *, by: str) -> Visit:
    """Opens what is kept to the second operator, and states that in the log first.

    part: of `PARTS`, each once.

    Raises: `Refused` (proposal_ended, proposal_of_two).
    """
    with transactions.writing():
        _, meeting = _locked(meeting_id)
        if meeting.phase is not Phase.VOUCHED or part not in PARTS or part in meeting.opened:
            raise Refused("proposal_ended", "it is not vouched for, too old, or was opened")
        if meeting.second != by:
            raise Refused("proposal_of_two", "the operator who vouched for it opens it")
        vouched = meeting.acts[1].pk
        visit = Visit(
            meeting.id,
            meeting.asked,
            subjects.Phase.IDENTIFIED,
            entry=vouched,
            until=meeting.until,
            operator=by,
        )
        body = {"request": vouched, "what": "subject", "part": part, **visit.reader}
        log.append(log=meeting.asked.mode, type=SUBJECT_READ, body=body)
        return visit


def _rows() -> Any:
    return SubjectRequest.objects.filter(is_in_person=True, expires_at__gt=clock.now())


def _locked(meeting_id: str) -> tuple[SubjectRequest, Meeting]:
    row = _rows().select_for_update().filter(pk=meeting_id).first()
    meeting = _meeting(row) if row is not None else None
    if row is None or meeting is None:
        raise Refused("proposal_ended", "it is not kept any more")
    return row, meeting


def _meeting(row: SubjectRequest) -> Meeting | None:
    """The request in a row; None in a changed one: the seal names the row and its digest."""
    with suppress(EvidenceUnreadable):
        asked = subjects.unseal(row.pk, row.sealed)
        if asked.session == bytes(row.digest).hex() and asked.data.get("form") == FORM:
            return _standing(row, asked)
    return None


def _standing(row: SubjectRequest, asked: Asked) -> Meeting:
    done, now = _acts(row, asked), clock.now()
    until = (done[0].at if done else row.created_at) + _HOUR
    phase, opened = (Phase.ASKED if done else Phase.DRAFT), tuple[str, ...]()
    for vouched in done[1:]:
        until = vouched.at + timedelta(seconds=policy.SUBJECT_READ_SECONDS)
        phase = Phase.VOUCHED
        opened = tuple(
            part
            for part in PARTS
            if openings.is_open(vouched.pk, part, log=asked.mode, since=vouched.at)
        )
    is_late = not row.created_at <= now < until
    # An entry that does not count is no draft: the row was written past the pages.
    is_foreign = bool(row.act) and not done
    if is_late or is_foreign:
        phase = Phase.OVER
    return Meeting(row.pk, asked, phase, row.created_at, until, done, opened)


def _acts(row: SubjectRequest, asked: Asked) -> tuple[AuditEntry, ...]:
    """The acts that count on this request: of the first operator, then of the second.

    The rule: two different people, each an operator then and now, each by a valid act on this
    request, IIN and document, within an hour.
    """
    newest = _sound(row.act, row, asked) if row.act else None
    if newest is None:
        return ()
    if newest.type == IN_PERSON:
        is_writer = _person(newest) == asked.data["writer"]
        return (newest,) if is_writer and _are_operators(asked.mode, {_person(newest)}) else ()
    body = signatures.course_entry(newest).body
    first = _sound(text(body, "asked"), row, asked)
    if first is None or first.type != IN_PERSON or _person(first) != asked.data["writer"]:
        return ()
    asked_by, vouched_by = _person(first), _person(newest)
    is_pair = text(body, "asked_by") == asked_by != vouched_by
    is_in_time = timedelta() <= newest.at - first.at < _HOUR
    counts = is_pair and is_in_time and _are_operators(asked.mode, {asked_by, vouched_by})
    return (first, newest) if counts else ()


def _sound(entry_id: str, row: SubjectRequest, asked: Asked) -> AuditEntry | None:
    """The entry of an act on this request; None unless it is valid and of this content."""
    for entry in signatures.sound(entries.by_ids([entry_id], skips_damaged=True)):
        body = signatures.course_entry(entry).body
        expected = (asked.mode, row.pk, _details(asked.data))
        is_on_it = (entry.log, body.get("request"), body.get("details")) == expected
        is_act = entry.type in (IN_PERSON, VOUCHED)
        if is_act and is_on_it and body.get("subject") in subjects.marks(row.pk, asked.iin):
            return entry
    return None


def _act_of(meeting: Meeting, by: str) -> tuple[str, dict[str, Any]]:
    """The act that is due by this operator: the type and body of its entry.

    Raises: `Refused` (proposal_ended, proposal_of_two).
    """
    body = {
        "request": meeting.id,
        "person": by,
        "subject": subjects.marks(meeting.id, meeting.asked.iin)[0],
        "details": _details(meeting.asked.data),
    }
    if meeting.phase is Phase.DRAFT:
        if by != meeting.writer:
            raise Refused("proposal_of_two", "it is another operator's draft")
        return IN_PERSON, body
    if meeting.phase is not Phase.ASKED:
        raise Refused("proposal_ended", "it was vouched for, or is too old")
    if by == meeting.writer:
        raise Refused("proposal_of_two", "another operator vouches for it")
    return VOUCHED, body | {"asked": meeting.acts[0].pk, "asked_by": meeting.writer}


def _details(data: Mapping[str, Any]) -> str:
    """The keyed hash of what the first operator typed in: HMAC-SHA256 in hex."""
    typed = {name: data[name] for name in (*Typed._fields, "mode")}
    return hmac.digest(bytes.fromhex(data["salt"]), canonical_json(typed), "sha256").hex()


def _person(entry: AuditEntry) -> str:
    return text(signatures.course_entry(entry).body, "person")


def _are_operators(mode: str, people: set[str]) -> bool:
    stated = actors.read(mode, people)
    return all(acts.is_operator(stated.get(person)) for person in people)
