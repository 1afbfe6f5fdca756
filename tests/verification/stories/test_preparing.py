"""A stage that is prepared, and one whose answer comes in parts: what is counted and kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from tests.verification import lawful
from tests.verification.stories.insecure_route import InsecurePolicy, NoFacts, install, no_facts
from tests.verification.stories.insecure_route import script as script
from tests.verification.stories.story import (
    Story,
    begin,
    in_parallel,
    lender,
    retry,
    run_out,
)
from verification import routes
from verification.access import answers
from verification.case import attempts, contents, stages
from verification.core.errors import BadInput, NotYourTurn, TulgaError
from verification.core.results import Passed
from verification.core.route import Next, Prepared, Stage, Turn, take_part
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem, QuotaUse
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)


def asked(reference, of, **more):
    story = begin(of, reference, **more)
    return story.to_statement()


def test_nothing_is_prepared_while_the_borrower_is_busy_elsewhere(script):
    of = lender()
    first, second = asked("A-1", of), asked("A-2", of)
    assert (first.page().page, second.page().page) == ("code", "wait")
    assert script.prepared == 1
    first.reply()
    retry(second)
    assert (second.page().page, script.prepared) == ("code", 2)


def test_a_try_again_has_the_same_seed_another_preparation_another_and_no_seed_is_kept(script):
    script.silent = 2
    story = asked("A-1", lender())
    for _ in range(2):
        retry(story)
    assert QuotaUse.objects.get().used == 1
    first, *others = script.seeds
    assert (len(first), others) == (64, [first, first])
    kept = attempts.memory_of(Attempt.objects.get(status="open"), key=contents.key_of(story.row()))
    assert kept == {"number": 1}
    for _ in range(2):
        story.reply(again=True)
    assert len(set(script.seeds)) == 3
    assert story.page().data == {"number": 3}


def test_what_a_preparation_has_to_tell_stands_with_the_question_until_it_is_answered(script):
    script.notice = "sms_refused"
    story = asked("A-1", lender())
    assert (story.page().page, story.page().notice) == ("code", "sms_refused")
    script.notice = ""
    before = Attempt.objects.get(status="open").expires_at
    story.reply(again=True)
    assert Attempt.objects.get(status="open").expires_at > before
    assert (story.page().page, story.page().notice) == ("code", "")


def test_answers_in_vain_are_told_to_the_next_preparation_and_those_that_passed_are_not(script):
    of = lender()
    for reference in ("A-1", "A-2"):
        story = asked(reference, of)
        story.reply()
    assert story.row().status == "verified"
    spent = Attempt.objects.filter(stage="asked")
    spent.update(answers=1)
    spent.filter(verification_id=story.id).update(status="lapsed")
    asked("A-3", of)
    assert script.answered == [0, 0, 1]


def test_what_a_stage_remembers_goes_on_from_its_latest_attempt(script):
    story = asked("A-1", lender())
    for number in (1, 2):
        assert story.page().data == {"number": number}
        run_out(story)
        answers.resume(verification_id=story.id)
        story.work()
    assert story.page().data == {"number": 3}


def test_a_quota_used_up_keeps_what_stands_and_says_so(script):
    story = asked("A-1", lender())
    for number in (2, 3):
        story.reply(again=True)
        assert story.page().data == {"number": number}
    story.reply(again=True)
    page = story.page()
    assert (page.page, page.notice, page.data, script.prepared) == (
        "code",
        "velocity_exceeded",
        {"number": 3},
        3,
    )
    story.reply()
    assert story.row().status == "verified"


def test_a_quota_counts_over_all_lenders_and_begins_no_dialogue_beyond_it(script):
    for number in (1, 2, 3):
        story = asked("A-1", lender(number=number * 10))
        story.reply()
    late = asked("A-1", lender(number=40))
    assert (late.page().page, late.page().notice) == ("resume", "velocity_exceeded")
    assert not Attempt.objects.filter(verification_id=late.id, stage="asked").exists()
    assert script.prepared == 3


def test_a_quota_is_one_phones_in_one_mode_for_one_purpose_and_one_day(script):
    row, live = (begin(lender(number=number)).row() for number in (1, 20))
    live.mode = "live"
    stage, noon = stages.installed("eds")["asked"], datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert stage.quota is not None
    quota = stage.quota

    def take(of=row, at=noon, **changes):
        return attempts.take_quota(of, replace(quota, **changes), key=contents.key_of(of), at=at)

    assert [take() for _ in range(4)] == [True, True, True, False]
    assert take(live)
    assert take(value=lambda case: "+77019999998")
    assert take(purpose="another")
    assert take(at=noon + timedelta(days=1))
    # The hashes do not tell that two purposes or modes count the same phone.
    assert QuotaUse.objects.values("value_index").distinct().count() == 4


def test_counts_of_days_gone_by_are_forgotten_and_todays_stay(script):
    row, noon = begin(lender()).row(), datetime(2026, 11, 24, 12, tzinfo=UTC)
    quota = stages.installed("eds")["asked"].quota
    assert quota is not None
    for days in (0, 0, 1):
        at = noon + timedelta(days=days)
        assert attempts.take_quota(row, quota, key=contents.key_of(row), at=at)
    attempts.forget_quotas(at=noon)
    assert QuotaUse.objects.count() == 2
    attempts.forget_quotas(at=noon + timedelta(days=1))
    assert [(use.day, use.used) for use in QuotaUse.objects.all()] == [
        (noon.date() + timedelta(days=1), 1)
    ]


@pytest.mark.service
def test_parallel_requests_prepare_no_more_often_than_the_quota_allows(script):
    stories = [begin(lender(number=number * 10), "A-1") for number in range(1, 9)]

    def play(number):
        story = stories[number]
        try:
            story.reply(agreed=True, version=CURRENT, language="ru")
            story.reply(somebody_tells_me=False)
        except TulgaError:
            return 0
        return int(story.page().page == "code")

    assert sum(in_parallel(play, 8)) == script.prepared == 3


# A turn whose answer comes in numbered parts: each is kept, and the last takes the turn.
MOST = 4


def accept_part(memory, untrusted, at):
    part, _ = memory.get("parts", (0, 0))
    fresh, is_last = take_part(memory, untrusted, most=MOST)
    kept = {f"asked.part.{part}": str(untrusted["content"]).encode()}
    return Turn(next=Next.COLLECT if is_last else Next.PART, memory=fresh, evidence=kept)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Story:
    stage = Stage(
        name="asked",
        page="code",
        accept=accept_part,
        measure=no_facts,
        facts=NoFacts,
        checks={"asked.answered": lambda facts, policy: Passed("asked.answered")},
        policy_in_use=InsecurePolicy,
        seconds=300,
        attempts=3,
    )
    install(monkeypatch, "eds", stage)
    lawful.know_kinds(monkeypatch, "asked.part.N")
    settings.TULGA_ROUTES = ["eds"]
    begun = begin(lender())
    return begun.to_statement()


def kept(in_parts: Story) -> list[bytes]:
    key = contents.key_of(in_parts.row())
    items = EvidenceItem.objects.filter(
        verification_id=in_parts.id, kind__startswith="asked.part."
    ).order_by("kind")
    return [store.opening(key, item).plain for item in items]


def send(in_parts: Story, turn: int, part: object, parts: object = 3, content: str = "x") -> None:
    told = {"part": part, "parts": parts, "content": content}
    in_parts.answer_turn(turn, told)


def test_parts_are_kept_as_they_come_and_the_last_takes_the_turn(in_parts: Story) -> None:
    turn = in_parts.page().turn
    for number, content in enumerate(("a", "b")):
        send(in_parts, turn, number, content=content)
        for part, parts in ((number, 3), (number + 1, 2)):  # the first part says how many there are
            with pytest.raises(BadInput):
                send(in_parts, turn, part, parts, content="again")
        assert (in_parts.page().turn, in_parts.row().status) == (turn, "requires_input")
    assert Attempt.objects.get(verification_id=in_parts.id, stage="asked").answers == 0
    send(in_parts, turn, 2, content="c")
    with pytest.raises(NotYourTurn):
        send(in_parts, turn, 2, content="late")
    assert kept(in_parts) == [b"a", b"b", b"c"]
    assert (in_parts.row().status, in_parts.row().turn) == ("processing", turn + 1)
    in_parts.work()
    assert in_parts.row().status == "verified"
    entries = AuditEntry.objects.filter(type="attempt.answered", body__stage="asked")
    assert [entry.body["next"] for entry in entries.order_by("verification_sequence")] == [
        "part",
        "part",
        "collect",
    ]


@pytest.mark.parametrize(
    ("part", "parts"),
    [(1, 3), (-1, 3), (0, MOST + 1), (0, 0), (3, 3), ("0", 3), (0, "3"), (True, 3), (None, None)],
)
def test_a_part_that_is_not_due_is_not_taken_and_nothing_is_kept(
    in_parts: Story, part: object, parts: object
) -> None:
    turn = in_parts.page().turn
    with pytest.raises(BadInput):
        send(in_parts, turn, part, parts)
    assert (kept(in_parts), in_parts.page().turn) == ([], turn)


def test_a_fresh_attempt_begins_with_its_first_part(
    in_parts: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = routes.ROUTES["eds"].stages[0]
    install(
        monkeypatch,
        "eds",
        stage.differing(prepare=lambda case, evidence, memory: Prepared(memory=memory)),
    )
    send(in_parts, in_parts.page().turn, 0)
    send(in_parts, in_parts.page().turn, 1)
    run_out(in_parts)
    answers.resume(verification_id=in_parts.id)
    in_parts.work()
    turn = in_parts.page().turn
    with pytest.raises(BadInput):
        send(in_parts, turn, 2)
    for number in range(3):
        send(in_parts, turn, number)
    in_parts.work()
    assert in_parts.row().status == "verified"
