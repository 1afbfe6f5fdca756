"""A capture that comes again in another verification, and what is left of the first: words,
numbers, nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story as camera
from tests.verification.stories.insecure_route import install
from tests.verification.stories.story import IIN, OTHER_IIN, Story, begin, lender
from verification import routes, transactions
from verification.case import contents, dossier, policy
from verification.core import stored
from verification.core.route import Again
from verification.engines.liveness import prints
from verification.engines.liveness.policy import AGAIN, AGAIN_SHARED
from verification.engines.liveness.prints import Prints
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, CaptureWord, EvidenceItem
from verification.stages import live_capture
from verification.stages.live_capture.measure import ComparedAll
from verification.worker.replay import Verdict, replay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once"),
]

_FRAMES = 14  # of a command: a window of the comparison, and more
# in place of AGAIN_OTHERS: who is compared of too many does not depend on how many are too many
_OTHERS = 6


@pytest.fixture(autouse=True)
def _played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every capture here is the same film, in the noise of another moment."""
    monkeypatch.setattr(camera, "taken_anew", partial(taken_anew, drift=(0.0, 0.0, 0.0, 0.0)))


@pytest.fixture(autouse=True)
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    for iin in (IIN, OTHER_IIN):
        camera.register(sandbox, iin)


@pytest.fixture
def _few_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(_again(), others_max=_OTHERS)
    stages = routes.ROUTES["biometric"].stages
    install(
        monkeypatch,
        "biometric",
        *(stage.differing(again=few) if stage.again else stage for stage in stages),
    )


def _captured(reference: str, *, iin: str = IIN, number: int = 1) -> Story:
    story = begin(lender(f"Lender {number}", number=number), reference, iin=iin)
    camera.agree(story)
    camera.free(story)
    camera.capture(story, camera.Shown(count=_FRAMES))
    return story


def _attempt(story: Story) -> Attempt:
    # The one that was judged; after a refusal another is open already.
    return Attempt.objects.get(verification_id=story.id, stage="live_capture", answers__gt=1)


def _codes(story: Story) -> dict[str, str]:
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=_attempt(story).pk)
    return {check["check"]: check["code"] for check in entry.body["checks"]}


def _compared(story: Story) -> list[dict[str, object]]:
    kept = dossier.contents([_attempt(story)], key=contents.key_of(story.row()))
    found: list[dict[str, object]] = json.loads(kept["live_capture.compared"])["others"]
    return found


def test_it_is_refused_for_whomever_it_comes_and_nothing_of_the_first_is_told() -> None:
    first = _captured("A-1")
    assert (first.row().status, {*_codes(first).values()}) == ("verified", {""})
    assert _compared(first) == []
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == "liveness_capture_replayed"
    assert [one["attempt"] for one in _compared(second)] == [_attempt(first).pk]
    told = json.dumps(
        list(AuditEntry.objects.filter(verification=second.id).values_list("body", flat=True))
    )
    assert _attempt(first).pk not in told
    assert first.id not in told
    # Judged again by what was found then, whatever is left of the first.
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3
    vault.destroy(verification_id=first.id, at=timezone.now())
    assert [one.verdict for one in replay(verification_id=second.id)] == [Verdict.SAME] * 3


def test_words_go_with_the_key_and_then_nothing_is_found() -> None:
    first = _captured("A-1")
    attempt = _attempt(first)
    words = CaptureWord.objects.filter(attempt=attempt)
    assert 40 < words.count() < 1000
    evidence = dossier.contents([attempt], key=contents.key_of(first.row()))
    other = Attempt.objects.create(**_copied(attempt, mode="test"))
    of = live_capture.STAGE.again
    assert of is not None
    found = dossier.compared(other, of, evidence)
    assert [one["attempt"] for one in json.loads(found["live_capture.compared"])["others"]] == [
        attempt.pk
    ]
    # What was captured in the sandbox is nothing to real borrowers, and none is compared with
    # itself.
    for same in (Attempt(**_copied(attempt, mode="live")), attempt):
        found = dossier.compared(same, of, evidence)
        assert json.loads(found["live_capture.compared"])["others"] == []
    vault.destroy(verification_id=first.id, at=timezone.now())
    assert not words.exists()
    found = dossier.compared(other, of, evidence)
    assert json.loads(found["live_capture.compared"])["others"] == []


def test_what_does_not_open_is_no_evidence_against_anybody() -> None:
    first = _captured("A-1")
    EvidenceItem.objects.filter(attempt=_attempt(first), kind="live_capture.1.prints").update(
        commitment="0" * 64
    )
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    assert _codes(second)["face.fresh"] == ""
    assert _compared(second) == []


@pytest.mark.usefixtures("_few_compared")
@pytest.mark.parametrize(("older", "later"), [(0, _OTHERS), (_OTHERS, 0)])
def test_no_number_of_decoys_lets_a_capture_pass_that_comes_again(older: int, later: int) -> None:
    first = _captured("A-1")
    _deceive(first, older, opened_at=timezone.now() - timedelta(days=1))
    _deceive(first, later, opened_at=timezone.now())
    second = _captured("B-1", iin=OTHER_IIN, number=2)
    ends = {"liveness_capture_replayed": "requires_input"}
    # Where older decoys left it uncompared, people look; a decoy that fits by chance refuses as
    # well.
    ends |= {"liveness_replay_review": "in_review"} if older else {}
    assert _codes(second)["face.fresh"] in ends
    assert second.row().status == ends[_codes(second)["face.fresh"]]
    assert len(_compared(second)) == _OTHERS


def test_more_captures_than_can_be_compared_or_words_than_can_be_counted_are_not_left_out_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, decoys = _captured("A-1"), _OTHERS - 1
    attempt, evidence = (
        _attempt(first),
        dossier.contents([_attempt(first)], key=contents.key_of(first.row())),
    )
    presented = Attempt.objects.create(**_copied(attempt, mode="test"))

    def found() -> tuple[int, bool, bool]:
        of = dossier.compared(presented, replace(_again(), others_max=_OTHERS), evidence)[
            "live_capture.compared"
        ]
        told = stored.read(json.loads(of), into=ComparedAll, what="compared")
        return len(told.others), attempt.pk in {one.attempt for one in told.others}, told.is_whole

    assert found() == (1, True, True)
    _deceive(first, decoys, opened_at=timezone.now())
    assert found() == (
        _OTHERS,
        True,
        True,
    )  # whoever has so many earlier captures is compared with all of them
    _deceive(first, 1, opened_at=timezone.now())
    assert found() == (_OTHERS, True, False)  # half of those compared are the oldest
    monkeypatch.setattr(policy, "WORDS_COUNTED", AGAIN_SHARED - 1)
    assert found() == (0, False, False)


def _again() -> Again:
    of = live_capture.STAGE.again
    assert of is not None
    return of


def _deceive(first: Story, number: int, *, opened_at: datetime) -> None:
    """So many captures of the pictures of the first, in orders that are like none, and each three
    times: the index of every third frame has them all, so that each shares more words with what
    comes again than the first does.
    """
    chance, key, attempt = (
        np.random.default_rng([number]),
        contents.key_of(first.row()),
        _attempt(first),
    )
    kept = dossier.contents([attempt], key=key)
    steps = {kind: prints.from_bytes(kept[kind]) for kind in kept if kind.endswith(".prints")}
    for at in range(number):
        shuffled = _shuffled(steps, chance)
        moment = {"opened_at": opened_at + timedelta(milliseconds=at)}
        decoy = Attempt.objects.create(**_copied(attempt, mode="test") | moment)
        with transactions.writing():
            dossier.put(
                decoy,
                {kind: step.to_bytes() for kind, step in shuffled.items()},
                key=key,
                at=timezone.now(),
            )
            dossier.remember(
                decoy, _again(), {kind: step.to_bytes() for kind, step in shuffled.items()}
            )


def _shuffled(steps: Mapping[str, Prints], chance: np.random.Generator) -> dict[str, Prints]:
    """Shuffled until the capture would not be taken for it."""
    while True:
        found = {}
        for kind, step in steps.items():
            order = np.repeat(chance.permutation(len(step.signs)), 3)
            found[kind] = Prints(step.signs[order], step.motion[order], step.looks[order])
        if (
            prints.compare(list(steps.values()), list(found.values()), limits=AGAIN).fitting
            < AGAIN.fitting / 2
        ):
            return found


def _copied(attempt: Attempt, *, mode: str) -> dict[str, object]:
    names = (
        "verification_id",
        "lender_id",
        "route",
        "stage",
        "turn",
        "sealed_memory",
        "opened_at",
        "expires_at",
    )
    return {**{name: getattr(attempt, name) for name in names}, "mode": mode, "status": "failed"}
