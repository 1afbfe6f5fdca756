"""What is wrong with a live capture, as the lender is told it: frames are posted as the page's own script does."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from insecure_sandbox import warp
from insecure_sandbox.camera import APART_MS, SLOW_APART_MS, answered
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.samples import Caller, opening
from tests.painted import painted
from tests.verification.borrower.visits import NOW, browser
from tests.verification.review import desk
from tests.verification.stages.live_capture import insecure_captures
from tests.verification.workflow import camera_story as camera
from tests.verification.workflow.story import Story, order, swept, wait_until
from verification import clock
from verification.borrower import camera as page
from verification.engines.liveness.gestures import GESTURES
from verification.stages.consent.policy import CURRENT
from verification.stages.live_capture.policy import LiveCapturePolicy
from verification.workflow.moving import sweep
from verification.workflow.reading import queries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service, pytest.mark.usefixtures("seen_once")]

STILL_BYTES = LiveCapturePolicy().capture.still_bytes
SCRIPT = {"Accept": "application/json"}
PHONE = {"label": "camera2 1, facing front", "facing": "user", "width": 480, "height": 640}
WEBCAM = {"label": "Integrated Camera (13d3:5405)", "width": 640, "height": 480}
COUNTED = {"pictures": 50, "span_us": 50 * 33_333, "shortest_us": 33_333, "longest_us": 33_333}
Frames = tuple[bytes, ...]


def _same(command: str, frames: Frames) -> Sequence[bytes]:
    return frames


@dataclass(frozen=True)
class Shown:
    """What is held before the camera. `change`: other frames for a command; `told`: what the page says of its camera;
    `asked`: what it is bound to instead; `more`: of the opening; `apart_ms`: from one frame to the next."""

    change: Callable[[str, Frames], Sequence[bytes]] = _same
    told: Callable[[str], Mapping[str, object] | None] = lambda command: None
    asked: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    photo: str = "obama.jpg"
    apart_ms: int = APART_MS


def _of(command: str, changed: Callable[[Frames], Sequence[bytes]]) -> Shown:
    return Shown(lambda now, frames: changed(frames) if now == command else frames)


def _altered(how: Callable[[np.ndarray], np.ndarray]) -> Callable[[str, Frames], Sequence[bytes]]:
    def change(command: str, frames: Frames) -> Sequence[bytes]:
        return [_jpeg(np.clip(how(_pixels(one)), 0, 255).astype(np.uint8)) for one in frames]

    return change


def _pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"), dtype=np.float32)


def _jpeg(pixels: np.ndarray) -> bytes:
    for quality in range(88, 0, -8):
        written = BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= STILL_BYTES:
            break
    return written.getvalue()


def _somebody_else(command: str, frames: Frames) -> Sequence[bytes]:
    return (
        frames if command == "look_straight" else painted(camera.portraits() / "biden.jpg", _play(command), 12, seed=3)
    )


def _play(command: str) -> Any:
    return command.replace("look_straight", "neutral")


def _beside(frames: Frames) -> Sequence[bytes]:
    other = np.asarray(Image.open(camera.portraits() / "biden.jpg").convert("RGB"))[100:1100, 50:850]
    return insecure_captures.beside({"x": frames}, other, command="x")["x"]


def _blank(frames: Frames) -> Sequence[bytes]:
    chance = np.random.default_rng(5)
    coarse = [chance.integers(90, 130, (30, 40, 3), dtype=np.uint8) for _ in frames]
    return [_jpeg(np.asarray(Image.fromarray(one).resize((640, 480), Image.Resampling.BICUBIC))) for one in coarse]


def _from_the_middle(command: str, frames: Frames) -> Sequence[bytes]:
    return frames if command == "look_straight" else (*frames[:6], *_blank(frames[6:]))


def _there_and_back(command: str, frames: Frames) -> Sequence[bytes]:
    if not command.startswith("turn_"):
        return frames
    return (*frames, *(insecure_captures.written_again(jpeg, times=1)[0] for jpeg in reversed(frames)))


def _jumping(command: str, frames: Frames) -> Sequence[bytes]:
    rolled = [_jpeg(np.roll(_pixels(one), 150, axis=1).astype(np.uint8)) for one in frames[1::2]]
    return [one for pair in zip(frames[::2], rolled, strict=False) for one in pair]


def _elsewhere(command: str, frames: Frames) -> Sequence[bytes]:
    """Each other frame before another wall; the face stays."""
    chance, wall = np.random.default_rng(6), np.ones((480, 640, 1), dtype=bool)
    wall[60:440, 180:460] = False
    colours = chance.integers(0, 255, (len(frames), 12, 16, 3), dtype=np.uint8)
    walls = [np.asarray(Image.fromarray(one).resize((640, 480), Image.Resampling.NEAREST)) for one in colours]
    made = zip(frames, walls, range(len(frames)), strict=True)
    return [_jpeg(np.where(wall, other, _pixels(one)).astype(np.uint8)) if at % 2 else one for one, other, at in made]


WRONG: dict[str, Shown] = {
    "liveness_frame_unbound": Shown(asked={"key": "0" * 64}),
    "liveness_frame_frozen": Shown(lambda command, frames: (*frames[:2], *[frames[-1]] * 10)),
    "liveness_frame_repeated": _of("look_straight", lambda frames: (*frames[:6], *frames[:2])),
    "liveness_face_changed": Shown(_somebody_else),
    "liveness_not_at_rest": _of("look_straight", _blank),
    "multiple_faces": Shown(lambda command, frames: frames if command == "look_straight" else _beside(frames)),
    "liveness_injection_regular_frames": Shown(told=lambda command: {**WEBCAM, **COUNTED}),
    "liveness_injection_camera_changed": Shown(told=lambda command: PHONE if command == "look_straight" else WEBCAM),
    "liveness_review": Shown(more={"loan__amount": "400000.00", "loan__total_repayable": "410000.00"}),
    "liveness_injection_near_duplicates": Shown(_there_and_back),
    "liveness_face_jumped": Shown(_jumping),
    "face_not_found": Shown(_from_the_middle),
    "liveness_surroundings_jumped": Shown(_elsewhere),
    "face_quality": Shown(_altered(lambda pixels: pixels * 0.12)),
    "liveness_line_review": Shown(apart_ms=SLOW_APART_MS),
}


@pytest.fixture(autouse=True)
def _asked(sandbox: SandboxProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "held", queries.borrower_turn)  # nobody waits for a look: it is made here
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)


def capture(client: Client, story: Story, shown: Shown) -> None:
    """Every command, answered as the page's script does, and the worker's looks and judgement."""
    plays: tuple[warp.Play, ...] = ("neutral", *GESTURES)
    for play in plays:  # before a command's clock runs: once a checkout they are painted, which takes longer
        camera.ALL_RIGHT.played(play)
    post(client, {"turn": story.page().turn, "ready": True})
    while (shows := story.page()).page == "commands" and shows.data["state"] == "command":
        asked = shows.data
        frames = camera._taken(camera.ALL_RIGHT, _play(asked["command"]), f"{story.id} {shows.turn}")
        answer = answered(shown.change(asked["command"], frames), {**asked, **shown.asked}, apart_ms=shown.apart_ms)
        last = max(frame["at_ms"] for frame in answer["frames"])
        taken = datetime.fromisoformat(asked["revealed"]) + timedelta(milliseconds=last)
        clock._state.offset += taken - clock.now()  # what is painted on a busy machine takes nobody's time
        files = answer.pop("files")
        if told := shown.told(asked["command"]):
            answer["camera"] = told
        post(client, {"turn": shows.turn, **answer}, files)
        story.look()
    story.work()


def post(client: Client, answer: Mapping[str, object], files: Sequence[bytes] = ()) -> None:
    sent = [SimpleUploadedFile("frame.jpg", one, "image/jpeg") for one in files]
    answered = client.post(NOW, {"answer": json.dumps(answer), "file": sent}, headers=SCRIPT)
    assert answered.status_code in (200, 204)


def captured(api: Caller, lender: Lender, sandbox: SandboxProcess, shown: Shown) -> Story:
    """A verification whose borrower went this way, from the lender's opening to the judgement."""
    camera.register(sandbox, photo=shown.photo, surname="Асанов", name="Асан", patronymic="")
    opened = api.post("/v1/verifications", opening(**shown.more)).json()
    story = Story(lender, opened["id"], opened["url"].partition("#")[2])
    client = browser(story)
    client.post(NOW, {"turn": story.page().turn, "agreed": "true", "version": CURRENT, "language": "ru"})
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "false"})
    story.work()
    capture(client, story, shown)
    return story


def read(api: Caller, story: Story) -> dict[str, Any]:
    """The verification, as its lender reads it."""
    order()
    found: dict[str, Any] = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    return found


@pytest.mark.parametrize("code", WRONG)
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
