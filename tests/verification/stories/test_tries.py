"""How often a borrower may try, what uses a try up, and who is told what of a refused one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
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
from verification.access import answers, hand_over, links
from verification.borrower import wording
from verification.case import attempts, contents
from verification.core.codes import REASONS
from verification.models import Attempt, AuditEntry
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.usefixtures("glances")
def test_who_is_nearly_the_same_is_asked_once_more_and_then_goes_to_people():
    story = glanced("near")
    first = Attempt.objects.get(verification_id=story.id, burnt=True)
    assert (first.stage, first.status, first.code) == ("glance", "failed", "face_again")
    assert (story.row().status, story.page().attempt) == ("requires_input", 2)
    see(story, "near")
    assert story.row().status == "in_review"


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("passes", [True, False])
def test_what_people_look_at_is_a_try_spent_until_they_pass_it(passes):
    story = glanced("grey")
    assert story.row().status == "in_review"
    beside = glanced(of=story.lender, reference="A-2")
    assert (beside.page().page, beside.page().attempt) == ("code", 2)
    voted(story, passes=passes)
    assert Attempt.objects.get(verification_id=story.id, stage="glance").burnt is not passes


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


def test_they_are_of_one_borrower_with_one_lender(script: Script) -> None:
    script.word = "wrong"
    of = lender()
    failed(of, 2)
    assert at_commands(of, "A-2", iin=OTHER_IIN).page().attempt == 1
    assert at_commands(lender("Second Credit", number=2)).page().attempt == 1


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


def test_the_regulator_reads_every_gate_on_the_page_of_the_case(story: Story) -> None:
    reader: Client = rows.signed_in(rows.person("regulator"))
    shown = text(reader.get(reverse("oversight:case", kwargs={"verification_id": story.id})))
    assert all(exact(shown))


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
