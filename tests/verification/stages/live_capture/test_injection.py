"""Signs of injection: each raises a review and nothing else, none lowers anything, and what is told
is kept sealed.
"""

from dataclasses import replace
from typing import Any

import pytest

from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture import insecure_captures
from tests.verification.stages.live_capture.captures import Frames, Sent, refusals
from tests.verification.stages.live_capture.turns import answer, begun, said
from verification.core import stored
from verification.core.codes import REASONS
from verification.core.errors import BadInput
from verification.core.results import Outcome, Passed, Step, decide
from verification.core.route import Evidence
from verification.course.policy import FRAMES_HELD_FOR
from verification.engines.liveness.injection import Injection
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.measure import LiveCaptureFacts

CODE = "liveness_injection_"
PHONE = {"label": "camera2 1, facing front", "facing": "user", "width": 480, "height": 640}
WEBCAM = {"label": "Integrated Camera (13d3:5405)", "width": 640, "height": 480}


def with_signs(facts: LiveCaptureFacts, **changes: Any) -> LiveCaptureFacts:
    """The facts with other numbers of injection."""
    assert isinstance(facts.injection, Injection)
    return replace(facts, injection=replace(facts.injection, **changes))


def with_told(live: Frames, photo: bytes, **of: dict[str, Any]) -> Evidence:
    """A capture whose page tells this of the camera with a command, and with each other that it has
    no sensor.
    """
    return Sent(
        live, tells={command: of.get(command, of["every"]) for command in given.ORDER}
    ).evidence(photo=photo)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("virtual_camera", {"virtual": "obs virtual camera"}),
        ("regular_frames", {"pictures": 60, "off_us": 1.0}),
        ("still_phone", {"facing": "user", "events": 60, "moved": 0, "shaken": 3}),
        ("near_duplicates", {"returned": 8}),
        ("camera_changed", {"cameras": 2}),
    ],
)
def test_each_signal_alone_raises_a_review_and_nothing_else(
    facts: LiveCaptureFacts, name: str, changes: dict[str, Any]
) -> None:
    results = STAGE.judge(with_signs(facts, **changes), given.POLICY)
    assert refusals(results) == {"face.injection": CODE + name}
    [result] = [one for one in results if one.check == "face.injection"]
    assert result.detail["signals"] == name
    assert {key: result.detail[key] for key in changes if key != "off_us"} == {
        key: value for key, value in changes.items() if key != "off_us"
    }
    decision = decide(results, required=tuple(CHECKS))
    assert (decision.outcome, decision.code, decision.burns) == (Outcome.REVIEW, CODE + name, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"pictures": 59, "off_us": 0.0},
        {"pictures": 600, "off_us": 2.1},
        {"pictures": 600, "off_us": 0.0, "facing": "user"},
        {"facing": "user", "events": 59, "shaken": 3},
        {"facing": "user", "events": 60, "shaken": 2},
        {"facing": "user", "events": 60, "shaken": 3, "moved": 1},
        {"facing": "", "events": 60, "shaken": 3},
        {"returned": 7},
        {"cameras": 1},
    ],
)
def test_below_each_number_nothing_is_raised(
    facts: LiveCaptureFacts, changes: dict[str, Any]
) -> None:
    assert refusals(STAGE.judge(with_signs(facts, **changes), given.POLICY)) == {}


def test_signals_together_are_all_named_and_a_refusal_stays_a_refusal(
    facts: LiveCaptureFacts, biden: bytes
) -> None:
    signs = {"virtual": "manycam", "cameras": 2, "returned": 30}
    results = {one.check: one for one in STAGE.judge(with_signs(facts, **signs), given.POLICY)}
    assert (
        results["face.injection"].detail["signals"]
        == "virtual_camera, near_duplicates, camera_changed"
    )
    assert not isinstance(facts.match, Step)
    refused = replace(with_signs(facts, **signs), match=replace(facts.match, at_rest=1.3))
    decision = decide(STAGE.judge(refused, given.POLICY), required=tuple(CHECKS))
    assert (decision.outcome, decision.code) == (Outcome.FAILED, "face_mismatch")


def test_a_camera_that_is_told_and_one_that_is_not_pass_alike(
    live: Frames, obama: bytes, facts: LiveCaptureFacts
) -> None:
    told = with_told(live, obama, every={**PHONE, "events": 200, "moved": 350, "pictures": 50})
    assert refusals(given.judge(told)) == {}
    assert isinstance(given.said("face.injection", told), Passed)
    assert refusals(STAGE.judge(facts, given.POLICY)) == {}


def test_the_label_of_a_virtual_camera_raises_a_review_and_is_in_no_fact(
    live: Frames, obama: bytes
) -> None:
    label = "Aliya's OBS Virtual Camera"
    evidence = with_told(live, obama, every={**WEBCAM, "label": label})
    found = STAGE.measure(given.case(), evidence, given.POLICY)
    results = STAGE.judge(found, given.POLICY)
    assert refusals(results) == {"face.injection": CODE + "virtual_camera"}
    assert b"Aliya" not in stored.to_bytes(found)
    assert not any("Aliya" in str(one.detail) for one in results)
    assert label in evidence.items["live_capture.1.part.0"].decode()  # sealed with the attempt


def test_a_clock_that_counts_and_a_camera_that_changes_are_found_in_what_came(
    live: Frames, obama: bytes
) -> None:
    counted = {"pictures": 50, "span_us": 50 * 33_333, "shortest_us": 33_333, "longest_us": 33_333}
    regular = given.said("face.injection", with_told(live, obama, every={**WEBCAM, **counted}))
    assert regular.detail["signals"] == "regular_frames"
    changed = given.said("face.injection", with_told(live, obama, every=WEBCAM, blink=PHONE))
    assert changed.detail["signals"] == "camera_changed"


def test_turns_that_are_played_there_and_back_again_are_for_people(
    live: Frames, obama: bytes
) -> None:
    frames = dict(live)
    for turn in ("turn_left", "turn_right"):
        back = [insecure_captures.written_again(jpeg, times=1)[0] for jpeg in reversed(live[turn])]
        frames[turn] = (*live[turn], *back)
    evidence = Sent(frames, waits={"turn_left": 4.5, "turn_right": 4.5}).evidence(photo=obama)
    assert refusals(given.judge(evidence)) == {"face.injection": CODE + "near_duplicates"}


def test_what_cannot_be_seen_raises_nothing_and_passes_nothing(live: Frames, obama: bytes) -> None:
    evidence = given.without_pictures(Sent(live).evidence(photo=obama))
    assert given.said("face.injection", evidence).detail.keys().isdisjoint({"signals"})
    assert "face.injection" in refusals(given.judge(evidence))


@pytest.mark.parametrize(
    "camera", [{"deviceId": "a"}, {"label": "a" * 201}, {"events": -1}, ["OBS"], "OBS", False]
)
def test_what_no_page_tells_is_refused_with_its_part(camera: Any) -> None:
    memory = begun()
    with pytest.raises(BadInput) as refused:
        answer(memory, untrusted_camera=camera)
    assert (refused.value.code, str(refused.value.pointer)[:7]) == ("bad_answer", "/camera")


def test_what_is_told_is_kept_with_the_part() -> None:
    assert said(answer(begun(), untrusted_camera=PHONE))["camera"] == PHONE


def test_the_borrower_reads_only_that_people_look_and_the_pictures_stay() -> None:
    reasons = [reason for code, reason in REASONS.items() if code.startswith(CODE)]
    assert len(reasons) == 5
    assert {reason.borrower_message for reason in reasons} == {
        REASONS["face_review"].borrower_message
    }
    assert all(reason.review and not reason.burns for reason in reasons)
    assert {reason.code for reason in reasons} <= FRAMES_HELD_FOR
