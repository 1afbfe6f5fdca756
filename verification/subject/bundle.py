"""What is kept about a person: their cases at every lender, told once they are identified.

The keyed hash of the IIN locates the rows. A case is the person's if its sealed content, whose
commitment the signed opening entry has, names their IIN. All else comes from signed entries.
Each case that is shown is an entry `subject.read`, written before anything is shown.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from verification import clock, transactions
from verification.access import erasures
from verification.access.subjects import Phase, Visit
from verification.case import blocks, contents, policy
from verification.case.blocks import Block
from verification.case.moving import History, read_sound
from verification.core.errors import EvidenceUnreadable, NotFound, NotYourTurn
from verification.core.events import (
    BY_PERSON,
    CLEARED,
    DESTROYED,
    LENT,
    PAID,
    REQUESTED,
    SUBJECT_READ,
)
from verification.core.ids import Iin, case_number, is_id
from verification.core.lender import LenderFacts
from verification.core.opening import Loan
from verification.core.person import Case
from verification.core.route import FRAMES
from verification.evidence import vault
from verification.log import decided, entries, log
from verification.log.entries import Look
from verification.models import Verification

logger = logging.getLogger(__name__)

FACE, SIGNATURE, REGISTERS = "face", "signature", "registers"
DOCUMENT, PEOPLE, ANSWERS, MEASURED = "document", "people", "answers", "measured"
"""Kinds of kept originals, in the words of `wording.py`."""
ERASE, WITHDRAW = "erase", "withdraw"
"""What a person may do about a case."""
_ACTS: Final[Mapping[str, Callable[..., None]]] = {
    ERASE: erasures.request_of_person,
    WITHDRAW: erasures.withdraw,
}
_TIYN: Final = 100


@dataclass(frozen=True)
class Kept:
    """One kind of originals: how many, and until when; None while an obligation is open."""

    kind: str
    number: int
    until: datetime | None


@dataclass(frozen=True)
class HeldCase:
    """One case of the person.

    status, code, last_failure: its public status. routes: the ways that were begun.
    is_cleared: a clearance to pay was issued. paid: what of it the lender used, in tenge.
    is_damaged: an entry of it is missing or invalid; what is told comes from the others.
    """

    id: str
    number: str
    lender: LenderFacts
    loan: Loan
    created_at: datetime
    finished_at: datetime | None
    status: str
    code: str
    last_failure: str
    is_renewal: bool
    is_damaged: bool
    routes: tuple[str, ...]
    is_cleared: bool
    paid: tuple[tuple[datetime, str], ...]
    obligation_opened_at: datetime | None
    obligation_closed_at: datetime | None
    disputed_at: datetime | None
    kept: tuple[Kept, ...]
    kept_until: datetime | None
    block: Block | None
    looks: tuple[Look, ...]

    @property
    def may_erase(self) -> bool:
        """Whether the person may ask for the erasure: once, after the end."""
        reasons = self.block.reasons if self.block else ()
        is_asked = any((why.type, why.asked_by) == (REQUESTED, BY_PERSON) for why in reasons)
        return self.finished_at is not None and not is_asked

    @property
    def may_withdraw(self) -> bool:
        """Whether the person may withdraw the consent: once."""
        return self.block is None or not self.block.is_withdrawn


@dataclass(frozen=True)
class Bundle:
    """A page of the person's cases, newest first. unreadable: cases whose data do not open."""

    cases: tuple[HeldCase, ...]
    read_at: datetime
    has_more: bool = False
    unreadable: int = 0


def read(visit: Visit, *, page: int = 1) -> Bundle:
    """A page of the cases of an identified person, from 1 on, and its entries.

    Raises: `NotYourTurn` unless a worker identified them.
    """
    if visit.phase is not Phase.IDENTIFIED:
        raise NotYourTurn("the person is not identified")
    with transactions.looking_up("subject"):
        bundle = _page(visit.asked.iin, mode=visit.asked.mode, page=page)
        body = {"request": visit.entry, "what": "subject", **visit.reader}
        with transactions.writing(), log.gathering():
            for case in bundle.cases:
                log.append(
                    log=visit.asked.mode,
                    type=SUBJECT_READ,
                    lender=case.lender.id,
                    body=body | {"verification": case.id},
                    at=bundle.read_at,
                )
            if not bundle.cases:
                log.append(log=visit.asked.mode, type=SUBJECT_READ, body=body, at=bundle.read_at)
    return bundle


def read_all(visit: Visit) -> Iterator[Bundle]:
    """Every page.

    Raises: as `read`.
    """
    page, has_more = 0, True
    while has_more:
        page += 1
        bundle = read(visit, page=page)
        has_more = bundle.has_more
        yield bundle


def act(visit: Visit, name: str, untrusted_case: str) -> None:
    """Asks for the erasure of a case of the person, or withdraws its consent.

    name: `ERASE` or `WITHDRAW`.

    Raises: `NotYourTurn` unless a worker identified them; `NotFound` for another's case, and all
    that `access/erasures.py` raises.
    """
    if visit.phase is not Phase.IDENTIFIED:
        raise NotYourTurn("the person is not identified")
    with transactions.looking_up("subject"):
        rows = Verification.objects.filter(pk=untrusted_case, mode=visit.asked.mode)
        row = rows.select_related("key").first() if is_id(untrusted_case, prefix="ver") else None
        if row is None or not _is_of(row, read_sound(row), visit.asked.iin):
            raise NotFound("no such case of this person")
        _ACTS[name](row.pk, identified=visit.entry)


def _is_of(row: Verification, history: History, iin: Iin) -> bool:
    return _case(row, history).person.iin == iin


def _case(row: Verification, history: History) -> Case:
    """The sealed case, which the signed opening entry names.

    Raises: `EvidenceUnreadable`.
    """
    commitment = str(history.opening().get("case", ""))
    return contents.read(row, contents.key_beside(row), commitment=commitment).case


def _page(iin: Iin, *, mode: str, page: int) -> Bundle:
    indexes = vault.blind_index(purpose=vault.BORROWER, value=iin.value)
    rows = Verification.objects.filter(mode=mode, borrower_index__in=indexes.values())
    in_order = rows.select_related("key").order_by("-created_at", "-id")
    first = (page - 1) * policy.SUBJECT_CASES
    listed = list(in_order[first : first + policy.SUBJECT_CASES + 1])
    cases, unreadable = list[HeldCase](), 0
    for row in listed[: policy.SUBJECT_CASES]:
        try:
            case = _held(row, iin)
        except EvidenceUnreadable as fault:
            logger.error("%s cannot be told to its person: %s", row.pk, fault.detail)
            unreadable += 1
            continue
        if case is not None:
            cases.append(case)
    return Bundle(tuple(cases), clock.now(), len(listed) > policy.SUBJECT_CASES, unreadable)


def _held(row: Verification, iin: Iin) -> HeldCase | None:
    """The case of a row; None if it is another person's.

    Raises: `EvidenceUnreadable`, also for a row that no signed entry opened.
    """
    history = read_sound(row)
    case = _case(row, history)
    if case.person.iin != iin:
        return None
    public = decided.status_of(row)
    paid = [
        (entry.at, str(Decimal(int(entry.body["amount"])) / _TIYN)) for entry in history.typed(PAID)
    ]
    return HeldCase(
        id=row.pk,
        number=case_number(row.pk),
        lender=case.lender,
        loan=case.loan,
        created_at=row.created_at,
        finished_at=public.finished_at,
        status=public.status,
        code=public.code,
        last_failure=str(public.decision.body.get("last_failure", "")) if public.decision else "",
        is_renewal=case.renewal is not None,
        is_damaged=bool(history.flaw),
        routes=tuple(dict.fromkeys(attempt.route for attempt in history.state.attempts.values())),
        is_cleared=any(history.typed(CLEARED)),
        paid=tuple(paid),
        obligation_opened_at=row.obligation_opened_at,
        obligation_closed_at=row.obligation_closed_at,
        disputed_at=row.disputed_at,
        kept=tuple(_kept(history)),
        kept_until=row.kept_until,
        block=blocks.of_history(history),
        looks=tuple(look for look in entries.looks_at(row) if look.type != LENT),
    )


def _kept(history: History) -> Iterator[Kept]:
    """The originals whose keys exist, by kind."""
    destroyed = {
        name for entry in history.typed(DESTROYED) for name in entry.body.get("destroyed", ())
    }
    listed = [claim for claim in history.claims() if claim.id and claim.id not in destroyed]
    row = history.row
    for kind, number in sorted(Counter(_kind(claim.kind) for claim in listed).items()):
        until = row.frames_until if kind == FACE and row.frames_until else row.kept_until
        yield Kept(kind, number, until)


def _kind(kind: str) -> str:
    stage, _, _ = kind.partition(".")
    if any(mark in kind for mark in FRAMES):
        return FACE
    if kind.endswith(".document"):
        return DOCUMENT
    if stage in ("review", "attestation"):
        return PEOPLE
    if stage == "register":
        return REGISTERS
    if stage == "statement":
        return SIGNATURE
    return ANSWERS if kind.endswith((".answer", ".turn")) or ".guess." in kind else MEASURED
