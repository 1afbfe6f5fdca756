"""What is wrong with a live capture, as the lender is told it: frames are posted as the page's own
script does.

`make test` has a few captures that differ in the way they go, and test_captures_told.py each code
by its facts; `make prove PART=captures` has a capture for each code.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image

from insecure_sandbox.camera import SLOW_APART_MS
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.api.before_camera import (
    Frames,
    Shown,
    altered,
    blank,
    captured,
    jpeg_of,
    pixels,
    play,
    read,
)
from tests.lenders.api.before_camera import asked as asked
from tests.lenders.samples import Caller
from tests.painted import painted
from tests.verification.review import desk
from tests.verification.stages.live_capture import insecure_captures
from tests.verification.stories import camera_story as camera
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import swept, wait_until
from verification.worker import sweep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once", "asked"),
]

PHONE = {"label": "camera2 1, facing front", "facing": "user", "width": 480, "height": 640}
WEBCAM = {"label": "Integrated Camera (13d3:5405)", "width": 640, "height": 480}
COUNTED = {"pictures": 50, "span_us": 50 * 33_333, "shortest_us": 33_333, "longest_us": 33_333}


def _of(command: str, changed: Callable[[Frames], Sequence[bytes]]) -> Shown:
    return Shown(lambda now, frames: changed(frames) if now == command else frames)


def _somebody_else(command: str, frames: Frames) -> Sequence[bytes]:
    return (
        frames
        if command == "look_straight"
        else painted(camera.portraits() / "biden.jpg", play(command), 12, seed=3)
    )


def _beside(frames: Frames) -> Sequence[bytes]:
    other = np.asarray(Image.open(camera.portraits() / "biden.jpg").convert("RGB"))[
        100:1100, 50:850
    ]
    return insecure_captures.beside({"x": frames}, other, command="x")["x"]


def _from_the_middle(command: str, frames: Frames) -> Sequence[bytes]:
    return frames if command == "look_straight" else (*frames[:6], *blank(frames[6:]))


def _there_and_back(command: str, frames: Frames) -> Sequence[bytes]:
    if not command.startswith("turn_"):
        return frames
    return (
        *frames,
        *(insecure_captures.written_again(jpeg, times=1)[0] for jpeg in reversed(frames)),
    )


def _jumping(command: str, frames: Frames) -> Sequence[bytes]:
    rolled = [jpeg_of(np.roll(pixels(one), 150, axis=1).astype(np.uint8)) for one in frames[1::2]]
    return [one for pair in zip(frames[::2], rolled, strict=False) for one in pair]


def _elsewhere(command: str, frames: Frames) -> Sequence[bytes]:
    """Each other frame before another wall; the face stays."""
    chance, wall = np.random.default_rng(6), np.ones((480, 640, 1), dtype=bool)
    wall[60:440, 180:460] = False
    colours = chance.integers(0, 255, (len(frames), 12, 16, 3), dtype=np.uint8)
    walls = [
        np.asarray(Image.fromarray(one).resize((640, 480), Image.Resampling.NEAREST))
        for one in colours
    ]
    made = zip(frames, walls, range(len(frames)), strict=True)
    return [
        jpeg_of(np.where(wall, other, pixels(one)).astype(np.uint8)) if at % 2 else one
        for one, other, at in made
    ]


WRONG: dict[str, Shown] = {
    "liveness_frame_unbound": Shown(asked={"key": "0" * 64}),
    "liveness_frame_frozen": Shown(lambda command, frames: (*frames[:2], *[frames[-1]] * 10)),
    "liveness_frame_repeated": _of("look_straight", lambda frames: (*frames[:6], *frames[:2])),
    "liveness_face_changed": Shown(_somebody_else),
    "liveness_not_at_rest": _of("look_straight", blank),
    "multiple_faces": Shown(
        lambda command, frames: frames if command == "look_straight" else _beside(frames)
    ),
    "liveness_injection_regular_frames": Shown(told=lambda command: {**WEBCAM, **COUNTED}),
    "liveness_injection_camera_changed": Shown(
        told=lambda command: PHONE if command == "look_straight" else WEBCAM
    ),
    "liveness_review": Shown(
        more={"loan__amount": "400000.00", "loan__total_repayable": "410000.00"}
    ),
    "liveness_injection_near_duplicates": Shown(_there_and_back),
    "liveness_face_jumped": Shown(_jumping),
    "face_not_found": Shown(_from_the_middle),
    "liveness_surroundings_jumped": Shown(_elsewhere),
    "face_quality": Shown(altered(lambda pixels: pixels * 0.12)),
    "liveness_line_review": Shown(apart_ms=SLOW_APART_MS),
}


_WHOLE = (pytest.mark.proof("captures"), pytest.mark.whole)
_FEW = ("liveness_frame_unbound", "face_not_found", "liveness_line_review")
"""One that is refused before anybody looks, one by what nets see, and one for people."""


@pytest.mark.parametrize(
    "code", [code if code in _FEW else pytest.param(code, marks=_WHOLE) for code in WRONG]
)
def test_it_is_told(api: Caller, lender: Lender, sandbox: SandboxProcess, code: str) -> None:
    found = read(api, captured(api, lender, sandbox, WRONG[code]))
    said = {(one["name"], one["code"]) for one in found["checks"]}
    assert code in {one for _, one in said}, sorted(said, key=str)


def test_nobody_looks_at_it_in_time(api: Caller, lender: Lender, sandbox: SandboxProcess) -> None:
    story = captured(api, lender, sandbox, WRONG["liveness_review"])
    assert read(api, story)["status"] == "in_review"
    assert api.post("/v1/test/clock", {"advance_seconds": 24 * 3600}).status_code == 200
    swept()
    assert (read(api, story)["status"], read(api, story)["code"]) == ("expired", "review_timeout")
    assert "verification.in_review" in {one["type"] for one in api.get("/v1/events").json()["data"]}


def test_people_should_look_and_there_are_none(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    leave(lender)
    found = read(api, captured(api, lender, sandbox, WRONG["liveness_review"]))
    assert (found["status"], found["code"]) == ("failed", "review_unavailable")
    assert "liveness_review" in {one["code"] for one in found["checks"]}
    told = {one["type"] for one in api.get("/v1/events").json()["data"]}
    assert ("verification.failed" in told, "verification.in_review" in told) == (True, False)


def test_people_refuse_it(api: Caller, lender: Lender, sandbox: SandboxProcess) -> None:
    story = captured(api, lender, sandbox, WRONG["liveness_review"])
    assert desk.vote(desk.at_desk(lender), story, word="fail").status_code == 302
    story.work()
    assert (read(api, story)["status"], read(api, story)["code"]) == ("declined", "review_refused")


def test_money_waits_while_a_worker_owes_the_case_something_else(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    story = captured(api, lender, sandbox, Shown())
    assert read(api, story)["status"] == "verified"
    wait_until(story.row().frames_until)
    sweep.run_round()
    answer = api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
