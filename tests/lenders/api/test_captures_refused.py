"""What is wrong with a live capture, as the lender is told it: frames are posted as by the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.test import Client
from PIL import Image

from insecure_sandbox.camera import SLOW_APART_MS
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.api.before_camera import (
    Frames,
    Shown,
    altered,
    at_camera,
    blank,
    captured,
    jpeg_of,
    pixels,
    play,
    post,
    read,
)
from tests.lenders.api.before_camera import asked as asked
from tests.lenders.samples import Caller
from tests.painted import painted
from tests.verification.borrower.test_elsewhere import scanned
from tests.verification.borrower.visits import NOW
from tests.verification.engines.liveness import insecure_detectors, insecure_masks, insecure_paper
from tests.verification.review import desk
from tests.verification.stages.live_capture import insecure_captures
from tests.verification.stories import camera_story as camera
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import Story, swept, wait_until
from verification.engines.faces import backends
from verification.engines.liveness import landmarks, networks, passive
from verification.stages.live_capture import dialogue
from verification.stages.live_capture.policy import UNBURNT_MAX
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


# What else a lender is told of a live capture: poor full frames, signs for people, and lines
# that were lost. `make test` has a few of these captures, and test_captures_told.py each code
# by its facts; `make prove PART=captures` has all.
LARGE = {"loan__amount": "400000.00", "loan__total_repayable": "410000.00"}
STILL_PHONE = {
    "label": "camera2 1",
    "facing": "user",
    "width": 480,
    "height": 640,
    "events": 100,
    "moved": 0,
}
FACE = (slice(100, 400), slice(200, 440))
"""About where it is in the frames of the story."""


def _full(how: Callable[[np.ndarray], np.ndarray]) -> Callable[[bytes], bytes]:
    """Full frames that are all of the face at rest, altered so; each a picture of its own, the same
    in each run.
    """
    places = count()

    def shown(_: bytes) -> bytes:
        noise = np.random.default_rng(next(places)).normal(0, 1, (480, 640, 3))
        return _written(
            how(
                (pixels(camera._played("neutral", camera.FRAMES, seed=1)[0]) + noise).astype(
                    np.float32
                )
            )
        )

    return shown


def _written(shown: np.ndarray) -> bytes:
    return jpeg_of(np.clip(shown, 0, 255).astype(np.uint8))


def _over(share: float, frame: np.ndarray) -> np.ndarray:
    """Where a frame is brighter than this share of the face."""
    light = frame.mean(axis=2, keepdims=True)
    return light > np.quantile(light[FACE], share)


def _half_in_the_dark(frame: np.ndarray) -> np.ndarray:
    return np.concatenate([frame[:, :320] * 0.1, frame[:, 320:]], axis=1)


def _in_the_dark(frame: np.ndarray) -> np.ndarray:
    """The face alone is dark; round it is light."""
    down, across = np.mgrid[0:480, 0:640]
    face = ((across - 320) / 90) ** 2 + ((down - 250) / 120) ** 2 < 1
    return np.where(face[..., None], frame * 0.12, frame + 60)


def _farther(frame: np.ndarray, *, tenths: int = 8) -> np.ndarray:
    """The picture at so many tenths of its size, before what it is of, blurred."""
    far, (high, wide) = cv2.GaussianBlur(frame, (0, 0), 15), (48 * tenths, 64 * tenths)
    down, across = (480 - high) // 2, (640 - wide) // 2
    far[down : down + high, across : across + wide] = cv2.resize(
        frame, (wide, high), interpolation=cv2.INTER_AREA
    )
    return far


def _far_and_half_in_the_dark(frame: np.ndarray) -> np.ndarray:
    """The face is so dark on one side that one of the two detectors takes the other for all of
    it.
    """
    return _farther(np.concatenate([frame[:, :316] * 0.04, frame[:, 316:]], axis=1), tenths=6)


def _flat(command: str, frames: Frames) -> Sequence[bytes]:
    """For a turn, the picture of the face at rest, turned as paper is."""
    side = {"turn_left": 40, "turn_right": -40}.get(command, 0)
    if not side:
        return frames
    paper = pixels(frames[0]).astype(np.uint8)
    return [
        _written(insecure_paper.turned(paper, yaw=yaw)) for yaw in np.linspace(0, side, len(frames))
    ]


def _masked(command: str, frames: Frames) -> Sequence[bytes]:
    drawn = []
    for image in (pixels(one).astype(np.uint8) for one in frames):
        face = landmarks.measure(image, networks=networks.load()).face
        assert face is not None
        assert face.mesh is not None
        drawn.append(_written(insecure_masks.masked(image, face.mesh, "blue")))
    return drawn


def _nobody_turns(command: str, frames: Frames) -> Sequence[bytes]:
    return blank(frames) if command == "turn_left" else frames


def _four_times_each(command: str, frames: Frames) -> Sequence[bytes]:
    return [frames[at] for at in (0, 5, 11) for _ in range(4)]


def _shaken(command: str, frames: Frames) -> Sequence[bytes]:
    """On both sides of the face a wall with a pattern, which moves to and fro."""
    colours = np.random.default_rng(7).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    wall = np.asarray(Image.fromarray(colours).resize((640, 480), Image.Resampling.BICUBIC))
    moved = []
    for at, one in enumerate(frames):
        shown, behind = pixels(one), np.roll(wall, 24 * (at % 2), axis=1)
        for side in (slice(0, 150), slice(490, 640)):
            shown[:, side] = behind[:, side]
        moved.append(_written(shown))
    return moved


def _like(folder: Path) -> str:
    """A picture of somebody so like the borrower that people would have to look."""
    own, other = (
        np.asarray(Image.open(camera.portraits() / name).convert("RGB"))
        for name in ("obama.jpg", "biden.jpg")
    )
    backend = backends.in_use()
    there, _ = cv2.estimateAffinePartial2D(
        backend.find(other)[0].points, backend.find(own)[0].points
    )
    laid = cv2.warpAffine(other, there, own.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    kept = folder / "like.jpg"
    Image.fromarray((own * 0.55 + laid * 0.45).astype(np.uint8)).save(kept, quality=95)
    return str(kept)


AGAIN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "face_again": lambda frame: frame,
    "face_again_light": lambda frame: frame * 0.45,
    "face_again_near": _farther,
    "face_again_still": lambda frame: cv2.GaussianBlur(frame, (0, 0), 2.3),
}
SHOWN: dict[tuple[str, ...], Shown] = {
    ("face_too_dark", "liveness_depth_flat"): Shown(_flat, full=_full(_in_the_dark)),
    ("face_too_bright", "liveness_injection_still_phone"): Shown(
        _shaken,
        told=lambda command: STILL_PHONE,
        full=_full(lambda frame: np.where(_over(0.15, frame), 255, frame * 0.4)),
    ),
    ("face_light_uneven", "liveness_frame_noiseless"): Shown(
        _four_times_each, full=_full(_half_in_the_dark)
    ),
    ("face_too_small",): Shown(full=_full(_far_and_half_in_the_dark)),
    ("face_without_contrast",): Shown(full=_full(lambda frame: 128 + (frame - 128) * 0.11)),
    ("liveness_face_missing",): Shown(_nobody_turns, full=_full(lambda frame: frame)),
    ("liveness_face_masked",): Shown(_masked),
    ("hand_over_review", "liveness_commands_left_out", "liveness_passive_review"): Shown(
        is_at_phone=True, without=["blink"]
    ),
}


@pytest.fixture
def detector(tmp_path: Path) -> Iterator[None]:
    """One of presentation attacks, which takes every picture for one."""
    passive.use(insecure_detectors.install(tmp_path, insecure_detectors.saying(-4.0)))
    yield
    passive.use(None)


def told_codes(found: Mapping[str, Any]) -> dict[str, str]:
    """What each check said that did not pass."""
    return {one["name"]: one["code"] for one in found["checks"] if one["code"]}


_FEW_LOOKED_AT = ("face_too_small", "hand_over_review")
"""One whose full frames are poor, and one by a phone that took over, before a detector."""


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(codes, marks=() if codes[0] in _FEW_LOOKED_AT else _WHOLE, id=", ".join(codes))
        for codes in SHOWN
    ],
)
def test_they_are_told(
    api: Caller, lender: Lender, sandbox: SandboxProcess, codes: tuple[str, ...]
) -> None:
    said = told_codes(read(api, captured(api, lender, sandbox, SHOWN[codes])))
    assert {*codes} <= {*said.values()}, said


@pytest.mark.parametrize(
    "code", [*(pytest.param(code, marks=_WHOLE) for code in AGAIN), "face_review"]
)
def test_a_face_that_is_only_like_is_asked_for_again_or_looked_at(
    api: Caller,
    lender: Lender,
    sandbox: SandboxProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    # How far the faces are from such a picture depends on what they do.
    monkeypatch.setattr(
        dialogue, "fresh_order", lambda previous: ("turn_left", "nod", "turn_right")
    )
    more = LARGE if code == "face_review" else {}
    shown = Shown(
        full=_full(AGAIN.get(code, AGAIN["face_again"])), photo=_like(tmp_path), more=more
    )
    found = read(api, captured(api, lender, sandbox, shown))
    assert told_codes(found)["face.match"] == code


def test_captures_that_cost_nothing_are_few_a_day(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, surname="Асанов", name="Асан", patronymic="")
    story, client = at_camera(api, lender)
    lost(story, client)
    story.work()
    assert {*told_codes(read(api, story)).values()} == {"liveness_line_lost"}
    assert api.post(f"/v1/verifications/{story.id}/cancel").status_code == 200
    for number in range(1, UNBURNT_MAX):
        story, client = at_camera(api, lender, client_reference=f"loan-{number}")
        phone = scanned(client)
        lost(story, client)
        # Before it is judged.
        assert phone.post("/v/phone/now/", {"somebody_tells_me": "true"}).status_code == 302
        story.work()
        assert read(api, story)["code"] == "coercion_reported"
    story, client = at_camera(api, lender, client_reference="loan-last")
    assert (story.page().page, story.page().notice) == ("resume", "captures_exceeded")
    assert client.get(NOW).status_code == 200


def lost(story: Story, client: Client) -> None:
    """A capture whose line is lost whenever something is asked."""
    post(client, {"turn": story.page().turn, "ready": True})
    while (shows := story.page()).page == "commands" and shows.data["state"] == "command":
        post(client, {"turn": shows.turn, "lost": True})
