"""What is wrong with a live capture, as the lender is told it: the facts of one that passes, with
one thing changed.

The checks, the log and the answer are the product's. No picture is taken: what would have been
measured of it is given by `insecure_measure`. Pictures that lead to some of these facts are those
of test_captures_refused.py.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.api.before_camera import asked as asked
from tests.lenders.api.before_camera import at_camera, read
from tests.lenders.samples import Caller
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.conftest import good as good
from tests.verification.stages.live_capture.conftest import live as live
from tests.verification.stages.live_capture.conftest import obama as obama
from tests.verification.stages.live_capture.conftest import play as play
from tests.verification.stages.live_capture.conftest import portraits as portraits
from tests.verification.stories import camera_story as camera
from tests.verification.stories.insecure_route import install
from verification.core.results import Step
from verification.core.route import Evidence
from verification.engines.liveness.prints import Alike
from verification.routes import BIOMETRIC
from verification.stages.live_capture.measure import Compared, ComparedAll, LiveCaptureFacts

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once", "asked"),
]

(ASKING,) = BIOMETRIC.stages
POLICY = ASKING.policy_in_use()
AGAIN = Compared("att_" + "b" * 26, Alike(0.9, 12, 9, 0.8, 0.95))
"""Another capture, which this one is."""
Change = Callable[[LiveCaptureFacts], LiveCaptureFacts]


def _facts(**changes: Any) -> Change:
    return lambda facts: replace(facts, **changes)


def _part(part: str, **changes: Any) -> Change:
    """Another `sent`, `injection` or `match`."""
    return lambda facts: replace(facts, **{part: replace(getattr(facts, part), **changes)})


def _shown(part: str, **changes: Any) -> Change:
    """Other numbers of a part of what the frames show."""

    def changed(facts: LiveCaptureFacts) -> LiveCaptureFacts:
        found: Any = facts.shown
        return replace(
            facts, shown=replace(found, **{part: replace(getattr(found, part), **changes)})
        )

    return changed


def _frames(**changes: Any) -> Change:
    """Another part of what the frames show."""
    return _part("shown", **changes)


def _like(**poorest: str) -> Change:
    """A face that is only like, in pictures of such a quality."""
    near, fair = (POLICY.zones.match.value + POLICY.zones.review.value) / 2, POLICY.fair
    rich = {
        "darkest": fair.darkest,
        "brightest": fair.brightest,
        "interocular": fair.eyes,
        "sharpness": fair.sharpness,
    }

    def changed(facts: LiveCaptureFacts) -> LiveCaptureFacts:
        found: Any = facts.shown
        numbers = {**found.poorest, **{name: str(value) for name, value in rich.items()}, **poorest}
        alike = replace(facts, shown=replace(found, poorest=numbers))
        return _part("match", at_rest=near, at_work=near, farthest=near)(alike)

    return changed


CHANGED: dict[str, Change] = {
    "": _facts(),
    "liveness_frame_unbound": _part("sent", is_bound=False),
    "liveness_line_review": _part("sent", rate=0.0),
    "liveness_commands_left_out": _part("sent", without=("blink",)),
    "liveness_frame_frozen": _shown("freshness", frozen_run=POLICY.gates.frozen_run + 1),
    "liveness_frame_repeated": _shown("freshness", repeated=POLICY.gates.repeated + 1),
    "liveness_frame_noiseless": _shown("freshness", noise=None),
    "liveness_face_changed": _shown("continuity", distance=2.0),
    "liveness_face_jumped": _shown("continuity", overlap=0.0),
    "liveness_face_missing": _shown("continuity", distance=None),
    "liveness_surroundings_jumped": _shown("throughout", surroundings=0.0),
    "liveness_actor_review": _shown("throughout", resting=1.0, to_reference=0.9),
    "liveness_not_at_rest": _frames(gestures=Step("liveness_neutral_unfit")),
    "liveness_face_masked": _facts(
        shown=Step("liveness_face_masked"), match=Step("liveness_face_masked")
    ),
    "liveness_depth_flat": _shown("depth", ratio=0.0),
    "liveness_depth_missing": _shown("depth", ratio=None),
    "liveness_capture_replayed": _part("sent", compared=ComparedAll((AGAIN,), is_whole=True)),
    "liveness_replay_review": _part("sent", compared=ComparedAll((), is_whole=False)),
    "liveness_frame_seen_before": _part("sent", presented_before=True),
    "multiple_faces": _shown("presence", most=POLICY.gates.most_faces + 1),
    "face_not_found": _shown("presence", one_face=0.0),
    "face_quality": _frames(flaws=("face_too_dark",)),
    "liveness_review": _facts(amount="400000.00"),
    "hand_over_review": _facts(amount="400000.00", handed_over=True),
    "liveness_injection_regular_frames": _part("injection", facing="", pictures=60, off_us=1.0),
    "liveness_injection_camera_changed": _part("injection", cameras=2),
    "liveness_injection_near_duplicates": _part("injection", returned=POLICY.injection.returned),
    "liveness_injection_still_phone": _part(
        "injection", facing="user", events=60, moved=0, shaken=3
    ),
    "face_mismatch": _part("match", at_rest=2.0, at_work=2.0, farthest=2.0),
    "face_review": _shown("throughout", to_reference=2.0),
    "face_again": _like(),
    "face_again_light": _like(darkest="0"),
    "face_again_near": _like(interocular="1"),
    "face_again_still": _like(sharpness="0"),
    **{
        code: _facts(match=Step(code))
        for code in (
            "face_too_dark",
            "face_too_bright",
            "face_light_uneven",
            "face_too_small",
            "face_without_contrast",
        )
    },
}


TOGETHER = (
    (
        "liveness_frame_unbound",
        "liveness_line_review",
        "liveness_frame_frozen",
        "multiple_faces",
        "face_quality",
        "liveness_depth_flat",
        "liveness_face_changed",
        "liveness_review",
        "liveness_injection_regular_frames",
        "face_mismatch",
    ),
    (
        "liveness_frame_repeated",
        "face_not_found",
        "liveness_depth_missing",
        "liveness_face_jumped",
        "hand_over_review",
        "liveness_injection_camera_changed",
        "face_too_dark",
    ),
    (
        "liveness_frame_noiseless",
        "liveness_commands_left_out",
        "liveness_face_missing",
        "liveness_injection_near_duplicates",
        "face_too_bright",
    ),
    (
        "liveness_capture_replayed",
        "liveness_surroundings_jumped",
        "liveness_injection_still_phone",
        "face_light_uneven",
    ),
    ("liveness_replay_review", "liveness_actor_review", "face_too_small"),
    ("liveness_frame_seen_before", "face_without_contrast"),
)
"""Each of another check."""
_WHOLE = (pytest.mark.proof("captures"), pytest.mark.whole)
_CASES = [
    *(
        pytest.param((code,), marks=_WHOLE if code in sum(TOGETHER, ()) else (), id=code)
        for code in CHANGED
    ),
    *(pytest.param(codes, id=", ".join(codes)) for codes in TOGETHER),
]


@pytest.fixture(scope="module")
def facts(good: Evidence) -> LiveCaptureFacts:
    """Those of a capture that passes, measured once; no file of it is anybody's here."""
    found = ASKING.measure(given.case(), good, POLICY)
    assert isinstance(found, LiveCaptureFacts)
    return replace(found, best=())


@pytest.mark.parametrize("codes", _CASES)
def test_each_fact_is_told(
    api: Caller,
    lender: Lender,
    sandbox: SandboxProcess,
    facts: LiveCaptureFacts,
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[str, ...],
) -> None:
    def insecure_measure(*_: object) -> LiveCaptureFacts:
        return reduce(
            lambda found, code: CHANGED[code](found), codes, replace(facts, left=POLICY.attempts)
        )

    install(monkeypatch, "biometric", ASKING.differing(measure=insecure_measure))
    camera.register(sandbox, photo="obama.jpg", surname="Асанов", name="Асан", patronymic="")
    story, _ = at_camera(api, lender)
    camera.junk_capture(story)
    story.work()
    found = read(api, story)
    said = {one["code"] for one in found["checks"]}
    assert {*codes} <= said if any(codes) else said == {None}, said
    assert (found["status"] == "verified") is not any(codes)
