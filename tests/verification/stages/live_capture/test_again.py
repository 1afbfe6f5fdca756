"""Before two people look, a borrower who has spent no attempt is asked once more, for what was
poor in the picture.
"""

from dataclasses import replace

import pytest

from tests.verification.stages.live_capture import captures as given
from verification.core import codes
from verification.core.results import Failed, Inconclusive, Outcome, Passed, decide
from verification.engines.faces.embedding import Zones
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.measure import LiveCaptureFacts, Match, Shown
from verification.stages.live_capture.policy import LiveCapturePolicy

FAIR = {"interocular": "90", "darkest": "0.40", "brightest": "0.50", "sharpness": "0.40"}


@pytest.fixture
def facts(facts: LiveCaptureFacts) -> LiveCaptureFacts:
    """A capture that passes, of a borrower who has spent nothing."""
    return with_picture(replace(facts, left=3))


def with_picture(facts: LiveCaptureFacts, **poorest: str) -> LiveCaptureFacts:
    assert isinstance(facts.shown, Shown)
    return replace(facts, shown=replace(facts.shown, poorest=FAIR | poorest))


def near_miss() -> LiveCapturePolicy:
    """The policy in whose review zone everybody lies who would match."""
    usual = LiveCapturePolicy()
    nowhere, match = replace(usual.zones.match, value=0.01), usual.zones.match
    return replace(usual, zones=Zones(nowhere, match))


@pytest.mark.parametrize("place", range(3), ids=["at rest", "at work", "farthest"])
def test_a_distance_that_is_no_number_never_matches(facts: LiveCaptureFacts, place: int) -> None:
    assert isinstance(facts.match, Match)
    apart = [facts.match.at_rest, facts.match.at_work, facts.match.farthest]
    apart[place] = float("nan")
    at_rest, at_work, farthest = apart
    broken = replace(facts, match=Match(at_rest, at_work, farthest, facts.match.rest_frames))
    assert given.refusals(STAGE.judge(facts, LiveCapturePolicy())) == {}
    assert given.refusals(STAGE.judge(broken, LiveCapturePolicy())) == {
        "face.match": "face_mismatch"
    }


@pytest.mark.parametrize(
    ("poorest", "code"),
    [
        ({}, "face_again"),
        ({"darkest": "0.24"}, "face_again_light"),
        ({"brightest": "0.66"}, "face_again_light"),
        ({"interocular": "69"}, "face_again_near"),
        ({"sharpness": "0.15"}, "face_again_still"),
        (
            {"darkest": "0.25", "brightest": "0.65", "interocular": "70", "sharpness": "0.16"},
            "face_again",
        ),
    ],
)
def test_the_first_capture_in_the_review_zone_is_asked_for_again_by_what_was_poor(
    facts: LiveCaptureFacts, poorest: dict[str, str], code: str
) -> None:
    results = STAGE.judge(with_picture(facts, **poorest), near_miss())
    assert given.refusals(results) == {"face.match": code}
    found = decide(results, required=tuple(STAGE.checks))
    assert (found.outcome, found.code, found.burns) == (Outcome.FAILED, code, True)
    assert not codes.require(code).final


@pytest.mark.parametrize(
    "change",
    [{"left": 2}, {"left": 1}, {"left": None}, {"amount": "294900.01"}],
    ids=["second", "last", "uncounted", "large"],
)
def test_a_borrower_who_spent_an_attempt_or_is_looked_at_anyway_is_not_asked_again(
    facts: LiveCaptureFacts, change: dict[str, object]
) -> None:
    results = STAGE.judge(replace(facts, **change), near_miss())  # type: ignore[arg-type]
    match = results[-1]
    assert isinstance(match, Inconclusive)
    assert match.code == "face_review"
    assert decide(results, required=tuple(STAGE.checks)).outcome is Outcome.REVIEW


def test_a_refusal_that_costs_nothing_does_not_cost_the_attempt_to_be_asked_again(
    facts: LiveCaptureFacts,
) -> None:
    assert isinstance(facts.shown, Shown)
    away = replace(
        facts, shown=replace(facts.shown, presence=replace(facts.shown.presence, one_face=0.9))
    )
    found = decide(STAGE.judge(away, near_miss()), required=tuple(STAGE.checks))
    assert (found.outcome, found.code, found.burns) == (Outcome.FAILED, "face_not_found", False)


def test_an_operator_may_send_everybody_to_people_at_once(facts: LiveCaptureFacts) -> None:
    results = STAGE.judge(facts, replace(near_miss(), asks_again=False))
    assert given.refusals(results) == {"face.match": "face_review"}


def test_neither_a_match_nor_a_stranger_is_asked_again(facts: LiveCaptureFacts) -> None:
    usual = LiveCapturePolicy()
    assert isinstance(STAGE.judge(facts, usual)[-1], Passed)
    nowhere = replace(usual.zones.match, value=0.01)
    stranger = STAGE.judge(facts, replace(usual, zones=Zones(nowhere, nowhere)))[-1]
    assert isinstance(stranger, Failed)
    assert stranger.code == "face_mismatch"


def test_the_verdict_is_of_single_distances_and_of_no_mean(facts: LiveCaptureFacts) -> None:
    assert isinstance(facts.match, Match)
    apart = {(row.step, row.place): row.to_reference for row in facts.identity}
    rest = sorted(apart[0, place] or 0.0 for place in facts.match.rest_frames)
    assert len(rest) > 1
    assert facts.match.at_rest == pytest.approx(rest[len(rest) // 2], abs=1e-9)
    for found in (facts.match.at_work, facts.match.farthest):
        assert any(
            row.to_reference == pytest.approx(found, abs=1e-9)
            for row in facts.identity
            if row.step > 0
        )


@pytest.mark.parametrize(
    ("at_rest", "at_work", "farthest", "code"),
    [
        (0.5, 1.0, 1.0, ""),
        (0.5, 1.04, 1.04, "face_review"),  # the worse of the two medians counts, whichever it is
        (1.04, 0.5, 0.5, "face_review"),
        (0.5, 0.5, 1.09, "face_mismatch"),  # and no command may show somebody else
        (1.09, 0.5, 0.5, "face_mismatch"),
    ],
)
def test_the_worse_of_both_verdicts_counts_and_no_command_shows_another(
    at_rest: float, at_work: float, farthest: float, code: str, facts: LiveCaptureFacts
) -> None:
    assert isinstance(facts.match, Match)
    match = Match(at_rest, at_work, farthest, facts.match.rest_frames)
    said = given.refusals(STAGE.judge(replace(facts, left=1, match=match), LiveCapturePolicy()))
    assert said == ({"face.match": code} if code else {})


def test_every_frame_has_its_pose_and_its_distance_to_the_face_at_rest_and_to_the_reference(
    facts: LiveCaptureFacts,
) -> None:
    rows, review = facts.identity, LiveCapturePolicy().zones.review.value
    assert [(row.step, row.place) for row in rows] == sorted(
        {(row.step, row.place) for row in rows}
    )
    assert isinstance(facts.shown, Shown)
    assert len(rows) == sum(len(step.stills) for step in facts.shown.numbers)
    whole = [
        row for row in rows if None not in (row.yaw, row.pitch, row.to_neutral, row.to_reference)
    ]
    assert len(whole) >= 0.9 * len(rows)
    assert min(row.to_neutral for row in whole if row.to_neutral is not None) < 1e-6
    near = [row for row in whole if row.to_neutral is not None and row.to_neutral <= review]
    assert len(near) >= 0.95 * len(whole)
