"""Plays one verification against the workflow itself: the lender, the borrower and the worker."""

import base64
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import Lock

from django.db import connection, connections
from django.utils import timezone

from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from lenders.models import Lender
from tests import registered
from tests.scenes import same, staged
from tests.verification.stories.reviewers import with_two
from verification import clock, tasks
from verification.access import answers, open_page, openings
from verification.access.tokens import SESSIONS
from verification.case import attempts, policy, steps
from verification.core import events
from verification.core.ids import Iin, Phone, check_digit
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Opening, Person
from verification.core.route import Next
from verification.models import Attempt, AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

IIN = "990101100010"
BORN = {"birth_date_day": "1", "birth_date_month": "1", "birth_date_year": "1899"}
"""As it is typed into a form."""
OTHER_IIN = "990101100020"
PHONE = "+77011234567"
BIN = "120340000125"


def lender(name: str = "Sandbox Credit", *, number: int = 1) -> Lender:
    eleven = f"12034000{number:03}"
    while check_digit(eleven) == "x":
        number += 1
        eleven = f"12034000{number:03}"
    told = {"name": name, "bin": eleven + check_digit(eleven), "phone": "+77270000044"}
    return with_two(same(f"{name} {eleven}", lambda: registered.lender(**told)))


def person(iin: str = IIN, *, phone: str = PHONE) -> Person:
    document = Document(type="id_card", number="012345678", valid_to=date(2033, 1, 1))
    return Person(
        iin=Iin.parse(iin),
        surname="ТЕСТОВ",
        name="ТЕСТ",
        patronymic="ТЕСТОВИЧ",
        birth_date=date(1899, 1, 1),
        phone=Phone.parse(phone),
        document=document,
    )


def opening(
    reference: str = "A-1",
    *,
    iin: str = IIN,
    phone: str = PHONE,
    routes: tuple[str, ...] | None = None,
) -> Opening:
    loan = Loan(
        amount="150000.00",
        currency="KZT",
        term_days=30,
        annual_rate="46.00",
        total_repayable="155000.00",
        payout_account="KZ86125KZT5004100100",
    )
    return Opening(
        purpose="microcredit",
        person=person(iin, phone=phone),
        loan=loan,
        routes=routes,
        client_reference=reference,
        locale="ru",
    )


_SET_BACK_SECONDS = 0.5


@dataclass(frozen=True)
class Story:
    """One verification under way."""

    lender: Lender
    id: str
    token: str

    def row(self) -> Verification:
        return Verification.objects.get(pk=self.id)

    def page(self) -> open_page.BorrowerPage:
        return open_page.borrower_page(verification_id=self.id)

    def turn(self) -> open_page.BorrowerTurn:
        """What the page's script is told, which is cheaper: the case stays closed."""
        return open_page.borrower_turn(verification_id=self.id)

    def session(self) -> str:
        """The hash of the session that may answer; empty before the first link is spent."""
        live = SESSIONS.rows.filter(verification_id=self.id, spent_at=None)
        return next((bytes(row.digest).hex() for row in live), "")

    def answer(self, **untrusted: object) -> None:
        self.answer_turn(self.turn().turn, untrusted)

    def answer_turn(self, turn: int, untrusted: Mapping[str, object]) -> Next:
        """Answers this turn, in whichever session there is."""
        return answers.answer(
            verification_id=self.id, turn=turn, untrusted=untrusted, session=self.session()
        )

    def reply(self, **untrusted: object) -> None:
        """Answers the open turn, and a worker does what is due by that."""
        self.answer(**untrusted)
        self.work()

    def work(self, rounds: int = 10) -> None:
        """What a worker does for this verification until nothing is due, and tick puts in order."""
        for done in range(rounds):
            before = self.row()
            early = (
                (before.due_at - clock.now()).total_seconds()
                if before.due_at and before.step
                else math.inf
            )
            if early > _SET_BACK_SECONDS:
                if done:
                    order()
                return
            time.sleep(
                max(0.0, early)
            )  # the clock of a machine that has just begun may be set back
            tasks.advance(self.id)

    def look(self) -> None:
        """What a worker does until no turn is left to look at."""
        while self.row().step == steps.LOOK:
            tasks.advance(self.id)

    def to_statement(self) -> "Story":
        """Consents, and says that no caller tells them what to press: the last stage is open."""
        self.reply(agreed=True, version=CURRENT, language="ru")
        self.reply(somebody_tells_me=False)
        return self

    def statement(self) -> bytes:
        return base64.b64decode(self.page().data["statement_base64"])

    def cancel(self) -> None:
        """The lender ends it."""
        openings.cancel(lender_id=self.lender.pk, mode="test", verification_id=self.id)
        order()

    def sign(
        self, credential: Credential, *, content: bytes | None = None, at: datetime | None = None
    ) -> None:
        signed_at = at or timezone.now()
        signature = sign_cms(credential, content or self.statement(), signed_at=signed_at)
        self.answer(signature=base64.b64encode(signature).decode())

    def sign_to_end(self, credential: Credential, *, content: bytes | None = None) -> None:
        """Signs, and a worker judges the signature."""
        self.sign(credential, content=content)
        self.work()


def order() -> None:
    """What tick does next: what is not ordered is not told."""
    sweep.run_round(is_whole=False)


def begin(
    of: Lender,
    reference: str = "A-1",
    *,
    iin: str = IIN,
    phone: str = PHONE,
    profile: str = "KZ-2021-04",
) -> Story:
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    opened = openings.open_verification(
        lender=facts,
        mode="test",
        profile_id=profile,
        opening=opening(reference, iin=iin, phone=phone),
    )
    return Story(of, opened.verification_id, opened.token)


def at_statement(of: Lender | None = None, reference: str = "A-1", *, iin: str = IIN) -> Story:
    """A verification of this or of a new lender whose borrower has the statement before them."""
    name = f"at_statement {of and of.pk} {reference} {iin}"
    return staged(name, lambda: begin(of or lender(), reference, iin=iin).to_statement())


def verified_at_second_try(issued: Callable[..., Credential]) -> Story:
    """Verified by a signature, after one with another person's key; not ordered by us."""
    story = at_statement()
    story.sign_to_end(issued(iin=OTHER_IIN))
    story.sign_to_end(issued())
    assert story.row().status == "verified"
    return story


def later(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def wait_until(moment):
    """Nothing happens until a second after this moment."""
    clock._state.offset += moment - clock.now() + timedelta(seconds=1)


def put_aside(monkeypatch, *, seconds):
    """The worker that prepares is put aside so long before the borrower is asked: what it made is
    older than the turn.

    Less than a lease lasts, or another would do it.
    """
    hand_over = attempts.hand_over

    def late(attempt, stage, prepared, *, key, at):
        clock._state.offset += timedelta(seconds=seconds)
        return hand_over(attempt, stage, prepared, key=key, at=clock.now())

    monkeypatch.setattr(attempts, "hand_over", late)


def run_out(story):
    """The borrower says nothing until the time of the open attempt is over; then tick and workers
    come by.
    """
    wait_until(Attempt.objects.get(verification_id=story.id, status="open").expires_at)
    swept()


def swept():
    """A round of the tick, and what workers then do where time ran out."""
    sweep.run_round()
    due = list(
        Verification.objects.filter(step__in=(steps.LAPSE, steps.EXPIRE)).values_list(
            "pk", flat=True
        )
    )
    for pk in due:
        tasks.advance(pk)
    if due:
        order()


def make_due(story):
    Verification.objects.filter(pk=story.id).update(due_at=timezone.now())


def retry(story):
    """A worker tries the step that is put off."""
    make_due(story)
    story.work()


def until_given_up(story):
    """Workers try the step that is due as often as they try any."""
    for _ in range(policy.FAULTS_MAX):
        retry(story)


def decisions(story):
    return AuditEntry.objects.filter(verification_id=story.id, type__in=events.DECISIONS).count()


def in_parallel(work, times, *, threads=16):
    opening = Lock()

    def one(number):
        try:
            # One after another: a connection that sets SQLite's journal beside others may be
            # refused at once, unwaited.
            with opening:
                connection.ensure_connection()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(one, range(times)))


def signed(issued):
    story = at_statement()
    story.sign(issued())
    return story


__all__ = (
    "BIN",
    "IIN",
    "OTHER_IIN",
    "Story",
    "at_statement",
    "begin",
    "decisions",
    "in_parallel",
    "later",
    "lender",
    "make_due",
    "opening",
    "person",
    "put_aside",
    "replace",
    "retry",
    "signed",
    "until_given_up",
)
