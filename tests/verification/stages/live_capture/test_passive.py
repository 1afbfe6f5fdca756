"""What a detector of presentation attacks may do to a capture: send it to people, and if certified
lift the sum.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verification.engines.liveness import insecure_detectors as made
from tests.verification.stages.live_capture import captures as given
from verification.core import stored
from verification.core.errors import CalibrationMismatch, Misconfigured
from verification.core.results import Inconclusive, Outcome, Passed, decide
from verification.core.route import Evidence
from verification.engines.faces.embedding import Zones
from verification.engines.liveness import passive
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import check_passive
from verification.stages.live_capture.measure import LiveCaptureFacts, ready
from verification.stages.live_capture.policy import LiveCapturePolicy

SMALL, LARGE = "294900.00", "294900.01"
BONA_FIDE, ATTACK = 4.0, -4.0


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Callable[..., LiveCapturePolicy]]:
    """`installed(BONA_FIDE, certified=True)`: a detector that says so of every picture, and what is
    judged by then.
    """

    def put(says: float, *, certified: bool = False) -> LiveCapturePolicy:
        papers = [made.CERTIFICATE] if certified else []
        passive.use(made.install(tmp_path, made.saying(says), certificates=papers))
        return LiveCapturePolicy()

    yield put
    passive.use(None)


def measured(
    evidence: Evidence, policy: LiveCapturePolicy, *, amount: str = SMALL
) -> LiveCaptureFacts:
    case = given.case()
    found = STAGE.measure(replace(case, loan=replace(case.loan, amount=amount)), evidence, policy)
    assert isinstance(found, LiveCaptureFacts)
    return found


def test_without_a_detector_all_is_as_it_was(good: Evidence) -> None:
    facts = measured(good, LiveCapturePolicy())
    said = check_passive(facts, LiveCapturePolicy())
    assert facts.passive is None
    assert (said.detail, said.score, said.threshold) == ({"passive": "none"}, 294_900.0, 294_900.0)
    assert ready()["passive"] == "none"


@pytest.mark.parametrize(
    ("says", "certified", "amount", "code"),
    [
        (BONA_FIDE, False, SMALL, ""),
        (BONA_FIDE, False, LARGE, "liveness_review"),
        (BONA_FIDE, True, SMALL, ""),
        (BONA_FIDE, True, LARGE, ""),
        (ATTACK, False, SMALL, "liveness_passive_review"),
        (ATTACK, False, LARGE, "liveness_passive_review"),
        (ATTACK, True, SMALL, "liveness_passive_review"),
        (ATTACK, True, LARGE, "liveness_passive_review"),
    ],
)
def test_a_detector_sends_to_people_and_only_a_certified_one_lifts_the_sum(
    good: Evidence,
    installed: Callable[..., LiveCapturePolicy],
    says: float,
    certified: bool,
    amount: str,
    code: str,
) -> None:
    policy = installed(says, certified=certified)
    facts = measured(good, policy, amount=amount)
    results = STAGE.judge(facts, policy)
    assert given.refusals(results) == ({"face.passive": code} if code else {})
    decision = decide(results, required=tuple(STAGE.checks))
    assert (decision.outcome, decision.burns) == (Outcome.REVIEW if code else Outcome.PASSED, False)


def test_the_check_says_which_detector_gave_which_score_at_which_threshold(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE)
    facts = measured(good, policy)
    assert facts.passive is not None
    assert policy.passive is not None
    said = check_passive(facts, policy)
    assert len(facts.passive.scores) == len(given.ORDER)  # the best still of each command
    assert said.score == min(score for score in facts.passive.scores if score is not None)
    assert (said.threshold, said.detail["passive"]) == (0.5, policy.passive.detector)
    assert ready()["passive"] == policy.passive.detector


def test_facts_and_policy_are_read_back_as_they_were_judged(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(ATTACK)
    facts = measured(good, policy)
    kept = json.loads(
        stored.to_bytes({"facts": stored.as_record(facts), "policy": stored.as_record(policy)})
    )
    passive.use(None)  # a replay needs no detector for what was kept
    again = stored.read(kept["facts"], into=LiveCaptureFacts, what="facts")
    judged_by = stored.read(kept["policy"], into=LiveCapturePolicy, what="policy", is_whole=True)
    assert check_passive(again, judged_by) == check_passive(facts, policy)
    assert isinstance(check_passive(again, judged_by), Inconclusive)


def test_a_score_that_is_missing_or_of_another_detector_is_for_people(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE, certified=True)
    facts = measured(good, policy, amount=LARGE)
    assert facts.passive is not None
    assert isinstance(check_passive(facts, policy), Passed)
    without = (
        replace(facts, passive=None),
        replace(facts, passive=replace(facts.passive, scores=(None, *facts.passive.scores[1:]))),
        replace(facts, passive=replace(facts.passive, detector="another@1")),
    )
    for each in without:
        assert given.refusals([check_passive(each, policy)]) == {
            "face.passive": "liveness_passive_review"
        }


def test_a_detector_that_gives_up_on_the_pictures_sends_to_people(
    good: Evidence, tmp_path: Path
) -> None:
    passive.use(made.install(tmp_path, made.blind_to_red(), of_net={"crop": "1"}))
    try:
        policy = LiveCapturePolicy()
        facts = measured(good, policy)
    finally:
        passive.use(None)
    assert facts.passive is not None
    assert set(facts.passive.scores) == {None}
    assert given.refusals(STAGE.judge(facts, policy)) == {"face.passive": "liveness_passive_review"}


def test_a_capture_of_which_nothing_was_measured_is_no_attack_to_a_detector(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(ATTACK)
    facts = measured(given.with_items(good, live_capture__0__turn=b"{}"), policy)
    assert facts.passive is None
    assert isinstance(check_passive(facts, policy), Passed)
    assert (
        decide(STAGE.judge(facts, policy), required=tuple(STAGE.checks)).outcome is Outcome.FAILED
    )


def test_a_certified_detector_does_not_lift_the_sum_of_a_phone_that_took_over(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    policy = installed(BONA_FIDE, certified=True)
    facts = measured(replace(good, handed_over=True), policy, amount=LARGE)
    assert given.refusals(STAGE.judge(facts, policy)) == {"face.hand_over": "hand_over_review"}


@pytest.mark.parametrize(("says", "code"), [(BONA_FIDE, "face_again"), (ATTACK, "face_review")])
def test_whom_the_detector_sends_to_people_is_not_asked_for_a_better_picture(
    good: Evidence, installed: Callable[..., LiveCapturePolicy], says: float, code: str
) -> None:
    usual = installed(says)
    nowhere = replace(usual.zones.match, value=0.01)
    policy = replace(usual, zones=Zones(nowhere, usual.zones.match))
    facts = measured(replace(good, attempts_left=3), policy)
    assert given.refusals(STAGE.judge(facts, policy))["face.match"].startswith(code)


def test_a_capture_is_judged_again_with_the_detector_it_was_judged_with_or_not_at_all(
    good: Evidence, installed: Callable[..., LiveCapturePolicy]
) -> None:
    without, before = LiveCapturePolicy(), installed(BONA_FIDE)
    installed(ATTACK)
    assert measured(good, without).passive is None
    with pytest.raises(CalibrationMismatch, match="small@"):
        measured(good, before)
    passive.use(None)
    with pytest.raises(CalibrationMismatch, match="small@"):
        measured(good, before)


def test_a_detector_that_is_not_as_pinned_keeps_anything_from_being_judged(
    good: Evidence, tmp_path: Path
) -> None:
    passive.use(made.install(tmp_path, made.saying(BONA_FIDE), of_net={"sha256": "ab" * 32}))
    try:
        with pytest.raises(Misconfigured, match="SHA-256"):
            measured(good, LiveCapturePolicy())
        with pytest.raises(Misconfigured, match="SHA-256"):
            ready()
    finally:
        passive.use(None)
