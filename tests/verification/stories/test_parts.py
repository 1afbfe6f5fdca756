"""A turn whose answer comes in numbered parts: each is kept, and the last takes the turn."""

import pytest
from pytest_django import Settings

from tests.verification import lawful
from tests.verification.stories.insecure_route import InsecurePolicy, NoFacts, install, no_facts
from tests.verification.stories.story import Story, begin, lender, run_out
from verification import routes
from verification.access import answers
from verification.case import contents
from verification.core.errors import BadInput, NotYourTurn
from verification.core.results import Passed
from verification.core.route import Next, Prepared, Stage, Turn, take_part
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 4


def accept(memory, untrusted, at):
    part, _ = memory.get("parts", (0, 0))
    fresh, is_last = take_part(memory, untrusted, most=MOST)
    kept = {f"asked.part.{part}": str(untrusted["content"]).encode()}
    return Turn(next=Next.COLLECT if is_last else Next.PART, memory=fresh, evidence=kept)


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Story:
    stage = Stage(
        name="asked",
        page="code",
        accept=accept,
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
    begun.answer(agreed=True, version=CURRENT, language="ru")
    begun.work()
    begun.answer(somebody_tells_me=False)
    begun.work()
    return begun


def kept(story: Story) -> list[bytes]:
    key = contents.key_of(story.row())
    items = EvidenceItem.objects.filter(
        verification_id=story.id, kind__startswith="asked.part."
    ).order_by("kind")
    return [store.opening(key, item).plain for item in items]


def send(story: Story, turn: int, part: object, parts: object = 3, content: str = "x") -> None:
    told = {"part": part, "parts": parts, "content": content}
    story.answer_turn(turn, told)


def test_parts_are_kept_as_they_come_and_the_last_takes_the_turn(story: Story) -> None:
    turn = story.page().turn
    for number, content in enumerate(("a", "b")):
        send(story, turn, number, content=content)
        for part, parts in ((number, 3), (number + 1, 2)):  # the first part says how many there are
            with pytest.raises(BadInput):
                send(story, turn, part, parts, content="again")
        assert (story.page().turn, story.row().status) == (turn, "requires_input")
    assert Attempt.objects.get(verification_id=story.id, stage="asked").answers == 0
    send(story, turn, 2, content="c")
    with pytest.raises(NotYourTurn):
        send(story, turn, 2, content="late")
    assert kept(story) == [b"a", b"b", b"c"]
    assert (story.row().status, story.row().turn) == ("processing", turn + 1)
    story.work()
    assert story.row().status == "verified"
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
    story: Story, part: object, parts: object
) -> None:
    turn = story.page().turn
    with pytest.raises(BadInput):
        send(story, turn, part, parts)
    assert (kept(story), story.page().turn) == ([], turn)


def test_a_fresh_attempt_begins_with_its_first_part(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = routes.ROUTES["eds"].stages[0]
    install(
        monkeypatch,
        "eds",
        stage.differing(prepare=lambda case, evidence, memory: Prepared(memory=memory)),
    )
    send(story, story.page().turn, 0)
    send(story, story.page().turn, 1)
    run_out(story)
    answers.resume(verification_id=story.id)
    story.work()
    turn = story.page().turn
    with pytest.raises(BadInput):
        send(story, turn, 2)
    for number in range(3):
        send(story, turn, number)
    story.work()
    assert story.row().status == "verified"
