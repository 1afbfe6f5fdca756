"""The route's whole table of checks over evidence that passes, and over evidence that is changed in
one thing.
"""

from dataclasses import replace

import pytest

from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.conftest import Player
from verification.core.results import Inconclusive, Outcome, Passed
from verification.core.route import Evidence
from verification.engines import weights
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()

_KINDS = (
    "consent.answer",
    "live_capture.order",
    "live_capture.photo",
    *(f"live_capture.{step}.turn" for step in range(len(given.ORDER))),
    *(
        f"live_capture.{step}.{kind}"
        for step in range(len(given.ORDER))
        for kind in ("chain.0", "frame.12", "part.0", "seen")
    ),
)


def test_a_capture_that_does_what_is_asked_passes_against_a_photo_of_the_same_person(
    good: Evidence,
) -> None:
    assert given.refusals(given.judge(good)) == {}
    assert given.decided(good).outcome is Outcome.PASSED


def test_the_other_commands_pass_too(play: Player, obama: bytes) -> None:
    order = ("look_straight", "nod", "turn_left", "come_closer", "turn_right")
    evidence = given.Sent(play("obama3.jpg", order=order), order=order).evidence(photo=obama)
    assert given.refusals(given.judge(evidence)) == {}


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("294900.00", "KZT", ""),
        ("294900.01", "KZT", "liveness_review"),
        ("1.00", "USD", "liveness_review"),
    ],
)
def test_above_a_sum_two_people_look_because_no_detector_did(
    amount: str, currency: str, code: str
) -> None:
    case = given.case()
    borrowed = replace(case, loan=replace(case.loan, amount=amount, currency=currency))
    result = given.said("face.passive", Evidence(items={}, at=given.NOW), of=borrowed)
    assert getattr(result, "code", "") == code
    assert isinstance(result, Inconclusive if code else Passed)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("98300.00", "KZT", ""),
        ("98300.01", "KZT", "hand_over_review"),
        ("1.00", "USD", "hand_over_review"),
    ],
)
@pytest.mark.parametrize("handed_over", [True, False])
def test_above_a_smaller_sum_two_people_look_at_a_phone_that_took_over(
    handed_over: bool, amount: str, currency: str, code: str
) -> None:
    case = given.case()
    borrowed = replace(case, loan=replace(case.loan, amount=amount, currency=currency))
    result = given.said(
        "face.hand_over", Evidence(items={}, at=given.NOW, handed_over=handed_over), of=borrowed
    )
    assert getattr(result, "code", "") == (code if handed_over else "")
    assert isinstance(result, Inconclusive if handed_over and code else Passed)


def test_a_photo_of_somebody_else_refuses_though_every_gate_passes(
    live: given.Frames, biden: bytes
) -> None:
    evidence = given.Sent(live).evidence(photo=biden)
    results = given.judge(evidence)
    assert given.refusals(results) == {"face.match": "face_mismatch"}
    score = results[-1].score
    assert score is not None
    assert score > POLICY.zones.review.value + 0.2


def test_every_check_that_looks_names_the_file_of_its_model(good: Evidence) -> None:
    results = {result.check: result for result in given.judge(good)}
    for name in ("face.one_face", "face.quality", "face.commands", "face.depth"):
        assert results[name].detail["mesh_sha256"] == weights.FACE_MESH.sha256, name
    for name in ("face.continuity", "face.match"):
        assert results[name].detail["model_sha256"] == weights.SFACE.sha256, name


@pytest.mark.parametrize("kind", _KINDS)
def test_nothing_passes_without_one_original_or_with_one_spoilt(good: Evidence, kind: str) -> None:
    assert kind in good.items
    spoilt = replace(good, items={**good.items, kind: b"{}"})
    for broken in (given.without(good, kind), spoilt):
        assert given.decided(broken).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "face_reference_unavailable"),
        ({"iin": "990101100020"}, "face_reference_unavailable"),
        ({"sha256": "ab" * 32}, "check_missing"),
        ({"source": "BORROWER"}, "check_missing"),
    ],
)
def test_a_photo_that_is_not_the_borrowers_reference_refuses(
    good: Evidence, obama: bytes, changes: dict[str, object], code: str
) -> None:
    photo = given.photo_answer(b"\xff\xd8\xff no picture \xff\xd9", **changes)
    spoilt = given.with_items(good, live_capture__photo=photo)
    assert given.refusals(given.judge(spoilt)) == {"face.match": code}


def test_every_attempt_asks_under_ids_of_its_own() -> None:
    memory = live_capture.begin({}, replaced_max=0)
    one, other = live_capture.order_evidence(memory), live_capture.order_evidence(memory)
    assert one != other
    assert memory["nonce"].encode() not in one
