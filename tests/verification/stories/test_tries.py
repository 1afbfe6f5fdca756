"""How often a borrower may try, and how often something may be done over several processes."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from lenders import keys
from lenders.resources import verifications
from tests.lenders.samples import Caller
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.insecure_capture import (
    Script,
    at_commands,
    played,
    put_in,
    show,
    show_to_end,
)
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import ROUTES, glanced, see, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    later,
    lender,
    retry,
    run_out,
    until_given_up,
    wait_until,
)
from verification import clock, transactions
from verification.access import answers, hand_over, links, rates
from verification.borrower import wording
from verification.case import attempts, contents, policy
from verification.core.codes import REASONS
from verification.models import Attempt, AuditEntry, RateCount
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

# How often a borrower may try, what uses a try up, and who is told what of a refused one.


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_another_route_with_the_same_stage_gives_no_new_tries():
    story = glanced("wrong", "wrong", profile="KZ-2021-04")
    assert story.page().attempt == 3
    answers.choose_route(verification_id=story.id, route=ROUTES[1])
    assert story.row().route == ROUTES[1]
    story.reply(agreed=True, version=CURRENT, language="ru")
    assert (story.page().page, story.page().attempt) == ("code", 3)
    see(story, "wrong")
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    assert Attempt.objects.filter(verification_id=story.id, stage="glance", burnt=True).count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_who_is_nearly_the_same_is_asked_once_more_and_then_goes_to_people():
    story = glanced("near")
    first = Attempt.objects.get(verification_id=story.id, burnt=True)
    assert (first.stage, first.status, first.code) == ("glance", "failed", "face_again")
    assert (story.row().status, story.page().attempt) == ("requires_input", 2)
    see(story, "near")
    assert story.row().status == "in_review"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("passes", [True, False])
def test_what_people_look_at_is_a_try_spent_until_they_pass_it(passes):
    story = glanced("grey")
    assert story.row().status == "in_review"
    beside = glanced(of=story.lender, reference="A-2")
    assert (beside.page().page, beside.page().attempt) == ("code", 2)
    voted(story, passes=passes)
    assert Attempt.objects.get(verification_id=story.id, stage="glance").burnt is not passes


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("passes", [True, False])
def test_who_has_no_try_left_but_for_what_people_look_at_waits_for_them(passes):
    story = glanced("wrong", "wrong", "grey", profile="KZ-2021-04")
    assert story.row().status == "in_review"
    beside = glanced(of=story.lender, reference="A-2", profile="KZ-2021-04")
    row = beside.row()
    assert (row.status, row.last_failure, row.step) == ("requires_input", "borrower_busy", "open")
    voted(story, passes=passes)
    retry(beside)
    ended = ("requires_input", "") if passes else ("declined", "attempts_exhausted")
    assert (beside.row().status, beside.row().code) == ended


# A live capture has three attempts: what uses one up, what uses up none, and how long and for
# whom it counts.
DAY = timedelta(days=1)


def burnt() -> int:
    return Attempt.objects.filter(stage="live_capture", burnt=True).count()


def failed(of: Any, times: int, reference: str = "A-1", **more: Any) -> Story:
    """A verification whose captures failed so often; the script must say `wrong`."""
    story = played(of, reference, **more)
    for _ in range(times - 1):
        show_to_end(story)
    return story


def fall_silent(*, is_ready: bool) -> Story:
    story = at_commands()
    if is_ready:
        story.answer(ready=True)
    run_out(story)
    return story


def fault_for_ever() -> Story:
    story = played()
    until_given_up(story)
    return story


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("word", "gate", "faults", "play", "spent"),
    [
        ("wrong", "", 0, played, 1),
        ("clear", "liveness_face_jumped", 0, played, 1),
        ("wrong", "face_quality", 0, played, 1),  # one that burns is enough, whichever comes first
        ("clear", "face_quality", 0, played, 0),
        ("clear", "liveness_line_lost", 0, played, 0),
        ("nothing", "", 0, played, 0),
        ("unclear", "", 0, fault_for_ever, 0),
        ("clear", "", 100, fault_for_ever, 0),
        ("clear", "", 0, lambda: fall_silent(is_ready=False), 0),
        ("clear", "", 0, lambda: fall_silent(is_ready=True), 1),
    ],
    ids=[
        *(
            "fail",
            "a gate",
            "a gate and a fail",
            "poor light",
            "a lost line",
            "no reference",
            "inconclusive",
            "error",
        ),
        *("silence before ready", "silence after ready"),
    ],
)
def test_what_refuses_the_person_burns_an_attempt_and_nothing_else_does(
    script: Script, word: str, gate: str, faults: int, play: Callable[[], Story], spent: int
) -> None:
    script.word, script.gate, script.faults = word, gate, faults
    story = play()
    assert burnt() == spent
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    action = answer["next_action"]
    if action is not None and action["type"] == "commands":
        assert action["attempts_left"] == 3 - spent


@pytest.mark.django_db(transaction=True)
def test_they_are_of_one_borrower_with_one_lender(script: Script) -> None:
    script.word = "wrong"
    of = lender()
    failed(of, 2)
    assert at_commands(of, "A-2", iin=OTHER_IIN).page().attempt == 1
    assert at_commands(lender("Second Credit", number=2)).page().attempt == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_told", [True, False])
def test_no_borrower_is_judged_by_what_rows_say_of_tries(script: Script, is_told: bool) -> None:
    script.word = "wrong" if is_told else "clear"
    of = lender()
    story = failed(of, 2) if is_told else at_commands(of)
    # Tries that were had are hidden, and others are invented.
    columns = (
        {"burnt": False, "closed_at": None} if is_told else {"burnt": True, "closed_at": later(-1)}
    )
    over = Attempt.objects.filter(verification_id=story.id).exclude(status="open")
    over.update(stage="live_capture", **columns)
    show_to_end(story)
    assert story.row().status == ("declined" if is_told else "verified")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("age", "ended"),
    [
        (DAY - timedelta(minutes=1), ("declined", "attempts_exhausted", None)),
        (DAY + timedelta(minutes=1), ("requires_input", None, 1)),
    ],
)
def test_they_count_for_a_day_over_all_verifications(
    script: Script, age: timedelta, ended: tuple[object, ...]
) -> None:
    script.word = "wrong"
    of = lender()
    failed(of, 1).cancel()
    wait_until(AuditEntry.objects.get(type="attempt.judged", body__burnt=True).at + age)
    if (others := failed(of, 2, "A-3")).row().status == "requires_input":
        others.cancel()
    again = at_commands(of, "A-2")
    answer = verifications.read(lender_id=of.pk, mode="test", verification_id=again.id)
    action = answer["next_action"]
    assert (answer["status"], answer["code"], action and action["attempts_left"]) == ended


# Captures that cost nothing are few a day, however they end: each tells what was seen of its
# commands.


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize(
    ("flaw", "most"),
    [("face_quality", 6), ("face_reference_unavailable", 2)],
)
def test_after_so_many_of_a_day_no_other_begins(monkeypatch, script, flaw, most):
    script = put_in(monkeypatch, unburnt_max=most)
    script.gate = flaw
    story = played()
    for _ in range(most - 1):
        assert (story.page().page, story.page().attempt) == ("commands", 1)
        show_to_end(story)
    assert (story.page().page, story.page().notice, story.row().status) == (
        "resume",
        "captures_exceeded",
        "requires_input",
    )
    answers.resume(verification_id=story.id)
    assert (story.page().page, story.page().notice) == ("resume", "captures_exceeded")
    assert Attempt.objects.filter(stage="live_capture").count() == most
    story.cancel()
    other = at_commands(story.lender, "A-2")
    assert (other.page().page, other.page().notice) == ("resume", "captures_exceeded")


def stopped(story, *, commands=None):
    """A yes at a phone, after so many commands of a capture or all of them."""
    session = links.redeem(untrusted_token=story.token)
    show(story, commands=commands)
    code = hand_over.mint(untrusted_session=session).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="")
    hand_over.reply(untrusted_phone=phone, is_told=True)
    story.work()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_capture_left_by_a_yes_at_a_phone_costs_an_attempt_until_it_is_judged(script):
    captures = Attempt.objects.filter(stage="live_capture")
    of = lender()
    for number in range(2):
        stopped(at_commands(of, f"B-{number}"))
        assert captures.filter(status="void").count() == number + 1
    story = at_commands(of, "B-last")
    opened = attempts.current(story.row())
    assert opened is not None
    memory = attempts.memory_of(opened, key=contents.key_of(story.row()))
    assert (memory["unburnt_before"], captures.filter(burnt=True).count()) == (2, 0)
    stopped(at_commands(lender("Second Credit", number=2)), commands=3)
    assert captures.filter(burnt=True).count() == 1


# Who is told what, where several gates refuse a capture: the borrower one sentence, all others
# every gate.
GATE, MATCH = "multiple_faces", "face_mismatch"


@pytest.fixture
def story(script: Script) -> Story:
    """A capture that a gate and the comparison refused."""
    script.gate, script.word = GATE, "wrong"
    return played()


def exact(shown: str) -> list[bool]:
    """Whether what is shown names each of the refusals, and says what it is."""
    return [
        words in shown for code in (GATE, MATCH) for words in (code, REASONS[code].lender_detail)
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_borrower_reads_of_what_kind_it_was_and_what_to_do(story: Story, language: str) -> None:
    client = browser(story)
    client.cookies["django_language"] = language
    shown = text(client.get(NOW))
    with translation.override(language):
        assert wording.sentence(GATE) in shown
        assert wording.sentence(MATCH) not in shown
    for secret in (GATE, MATCH, "face.one_face", "face.match", "0.9", "0.8", "0.35"):
        assert secret not in shown


@pytest.mark.django_db(transaction=True)
def test_the_lender_is_told_every_gate_with_its_code_and_value(story: Story) -> None:
    api = Caller(keys.issue(story.lender, mode="test").secret)
    told = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    refused: list[dict[str, Any]] = [one for one in told["checks"] if one["outcome"] == "fail"]
    assert [(one["name"], one["code"], one["score"]) for one in refused] == [
        ("face.one_face", GATE, 0.4),
        ("face.match", MATCH, 0.8),
    ]
    assert [one["lender_detail"] for one in refused] == [
        REASONS[code].lender_detail for code in (GATE, MATCH)
    ]
    assert told["last_failure"] == GATE


@pytest.mark.django_db(transaction=True)
def test_the_regulator_reads_every_gate_on_the_page_of_the_case(story: Story) -> None:
    reader: Client = rows.signed_in(rows.person("regulator"))
    shown = text(reader.get(reverse("oversight:case", kwargs={"verification_id": story.id})))
    assert all(exact(shown))


@pytest.mark.django_db(transaction=True)
def test_reviewers_read_by_which_gates_earlier_attempts_did_not_pass(
    story: Story, script: Script
) -> None:
    script.gate, script.word = "", "grey"
    show_to_end(story)
    assert story.row().status == "in_review"
    shown = text(desk.at_desk(story.lender).get(desk.address("case", story)))
    assert all(exact(shown))
    before = shown.partition('id="before"')[2].partition("</section>")[0]
    assert before.count("<code>") == 2


# How often something was done, over several processes that tell each other once a second.


LIMIT, MINUTE = 600, 60
START = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


class Processes:
    """Several that count, and the time that passes for all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.seconds = 0.0
        self._patch = monkeypatch
        self._windows: list[dict[str, Any]] = [{} for _ in range(number)]
        monkeypatch.setattr(rates, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(clock, "now", lambda: START + timedelta(seconds=self.seconds))

    def count(self, process: int, *, seconds: int = MINUTE) -> int:
        self._patch.setattr(rates, "_windows", self._windows[process])
        return rates.count("key", seconds=seconds)


class Database:
    """One that is told numbers, and says what `tell` makes of each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tell: Callable[[int], int]) -> None:
        self.ops, self._tell, self._said = connection.ops, tell, threading.local()
        monkeypatch.setattr(rates, "connection", self)
        monkeypatch.setattr(transactions, "writing", nullcontext)

    def cursor(self) -> AbstractContextManager[Self]:
        return nullcontext(self)

    def execute(self, _statement: str, values: Sequence[Any]) -> None:
        self._said.number = self._tell(values[-1])

    def fetchone(self) -> tuple[int]:
        return (self._said.number,)


@pytest.mark.django_db
def test_what_one_process_counted_is_known_to_another_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Processes(monkeypatch, 2)
    assert [both.count(0) for _ in range(5)] == [1, 2, 3, 4, 5]
    # The first told at once; what came after it is told with the next of another second.
    assert [both.count(1) for _ in range(2)] == [2, 3]
    both.seconds = 1.0
    assert (both.count(0), both.count(1), both.count(1)) == (7, 9, 10)
    both.seconds = 2.0
    assert (both.count(0), both.count(1)) == (10, 12)


@pytest.mark.django_db
def test_no_more_get_through_than_the_limit_and_what_the_others_took_in_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = random.Random(20261126)
    for rate in (5, 15, 40):
        RateCount.objects.all().delete()
        four = Processes(monkeypatch, 4)
        admitted: list[tuple[float, int]] = []
        while four.seconds < MINUTE - 1:
            four.seconds += drawn.expovariate(4 * rate)
            process = drawn.randrange(4)
            if four.count(process) <= LIMIT:
                admitted.append((four.seconds, process))
        # What one does not know of another: up to a second not told yet, and a second since it was
        # asked last.
        unknown = max(
            sum(at - 2.05 < then <= at and process != own for then, process in admitted)
            for at, own in admitted
        )
        assert LIMIT <= len(admitted) <= LIMIT + unknown


@pytest.mark.django_db
def test_a_process_that_falls_silent_keeps_few_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Processes(monkeypatch, 2)
    assert [two.count(0) for _ in range(500)] == [*range(1, 501)]
    two.seconds = 30.0
    assert 500 - policy.RATES_UNTOLD < two.count(1) <= 501


@pytest.mark.django_db
def test_a_process_asks_the_database_once_a_second_and_for_a_short_window_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Processes(monkeypatch, 1)
    with CaptureQueriesContext(connection) as sent:
        for _ in range(45):
            one.seconds += 0.07
            one.count(0)
    assert 3 <= sum("ratecount" in each["sql"] for each in sent.captured_queries) <= 4
    with CaptureQueriesContext(connection) as sent:
        assert [one.count(0, seconds=1) for _ in range(3)] == [1, 2, 3]
        one.seconds += 1.5
        assert one.count(0, seconds=1) == 1
    assert not sent.captured_queries


@pytest.mark.django_db
def test_a_new_window_begins_anew_and_one_of_yesterday_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Processes(monkeypatch, 1)
    one.count(0)
    one.seconds = 5.0
    assert one.count(0) == 2
    one.seconds = 61.0
    assert one.count(0) == 1
    rates.forget(at=START + timedelta(hours=23))
    kept = RateCount.objects.order_by("starts_at").values_list("number", flat=True)
    assert list(kept) == [2, 1]
    rates.forget(at=START + timedelta(days=1, seconds=1))
    assert list(kept.all()) == [1]


def test_threads_lose_no_count_while_one_of_them_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    one, asked, answered = Processes(monkeypatch, 1), threading.Event(), threading.Event()
    told: list[int] = []

    def tell(number: int) -> int:
        told.append(number)
        asked.set()
        assert answered.wait(10)
        return sum(told)

    Database(monkeypatch, tell)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(one.count, 0)
        assert asked.wait(10)
        beside = [one.count(0) for _ in range(20)]
        answered.set()
    assert beside == list(range(2, 22))
    assert slow.result() == 21
    one.seconds = 1.0
    assert (one.count(0), told) == (22, [1, 21])


def test_a_count_that_could_not_be_told_is_told_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, told, is_away = Processes(monkeypatch, 1), list[int](), [True]

    def tell(number: int) -> int:
        if is_away.pop():
            raise OperationalError
        told.append(number)
        return number

    Database(monkeypatch, tell)
    with pytest.raises(OperationalError):
        one.count(0)
    is_away.append(False)
    one.seconds = 1.0
    assert (one.count(0), told) == (2, [2])


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_windows", {})
    monkeypatch.setattr(policy, "RATES_KEPT", 10)
    for number in range(100):
        rates.count(f"hint:{number}", seconds=1)
        assert len(rates._windows) <= 10
