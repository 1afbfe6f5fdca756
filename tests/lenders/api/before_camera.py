"""A borrower before the camera's page, by requests alone: frames are posted as the page's own
script does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from insecure_sandbox.camera import APART_MS, answer_to
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.samples import Caller, opening
from tests.verification.borrower.test_elsewhere import numbered, scanned
from tests.verification.borrower.visits import NOW, browser
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import Story, order
from verification.access import open_page
from verification.borrower import camera as page
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.policy import LiveCapturePolicy

STILL_BYTES = LiveCapturePolicy().capture.still_bytes
SCRIPT = {"Accept": "application/json"}
Frames = tuple[bytes, ...]


def same(command: str, frames: Frames) -> Sequence[bytes]:
    return frames


@dataclass(frozen=True)
class Shown:
    """What is held before the camera. `change`: other frames for a command; `told`: what the page
    says of its camera;
    `asked`: what it is bound to instead; `more`: of the opening. `full`: how each full frame
        differs from the chain's;
    `without`: what the borrower cannot do; `is_at_phone`: whether one took over; `apart_ms`:
        between frames.
    """

    change: Callable[[str, Frames], Sequence[bytes]] = same
    told: Callable[[str], Mapping[str, object] | None] = lambda command: None
    asked: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    without: Sequence[str] = ()
    is_at_phone: bool = False
    photo: str = "obama.jpg"
    apart_ms: int = APART_MS


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"), dtype=np.float32)


def jpeg_of(pixels: np.ndarray) -> bytes:
    for quality in range(88, 0, -8):
        written = BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= STILL_BYTES:
            break
    return written.getvalue()


def play(command: str) -> Any:
    return command.replace("look_straight", "neutral")


def blank(frames: Frames) -> Sequence[bytes]:
    chance = np.random.default_rng(5)
    coarse = [chance.integers(90, 130, (30, 40, 3), dtype=np.uint8) for _ in frames]
    return [
        jpeg_of(np.asarray(Image.fromarray(one).resize((640, 480), Image.Resampling.BICUBIC)))
        for one in coarse
    ]


@pytest.fixture
def asked(sandbox: SandboxProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product asks the sandbox, and knows one way."""
    monkeypatch.setattr(
        page, "wait_for_look", open_page.borrower_turn
    )  # nobody waits for a look: it is made here
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)


def capture(client: Client, story: Story, shown: Shown) -> None:
    """Every command, answered as the page's script does, and the worker's looks and judgement."""
    post(client, {"turn": story.page().turn, "ready": True, "without": [*shown.without]})
    while (shows := story.page()).page == "commands" and shows.data["state"] == "command":
        asked = shows.data
        frames = camera._taken(
            camera.ALL_RIGHT, play(asked["command"]), camera.moment(story, shows)
        )
        answer = answer_to(
            shown.change(asked["command"], frames),
            {**asked, **shown.asked},
            apart_ms=shown.apart_ms,
        )
        camera.until_taken(asked, answer)
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
    story, client = at_camera(api, lender, **shown.more)
    capture(taken_over(client) if shown.is_at_phone else client, story, shown)
    return story


def at_camera(api: Caller, lender: Lender, **more: object) -> tuple[Story, Client]:
    """A verification and the browser of its borrower, who is about to be ready."""
    opened = api.post("/v1/verifications", opening(**more)).json()
    story = Story(lender, opened["id"], opened["url"].partition("#")[2])
    client = browser(story)
    client.post(
        NOW, {"turn": story.page().turn, "agreed": "true", "version": CURRENT, "language": "ru"}
    )
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "false"})
    story.work()
    return story, client


def taken_over(desk: Client) -> Client:
    """A phone that scanned the code of the desk's page, and goes on in its place."""
    phone: Client = scanned(desk)
    number = numbered(phone)
    assert desk.post("/v/now/elsewhere/number/", {"number": number}).status_code == 200
    assert phone.get("/v/phone/now/").headers["Location"] == NOW
    return phone


def read(api: Caller, story: Story) -> dict[str, Any]:
    """The verification, as its lender reads it."""
    order()
    found: dict[str, Any] = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    return found
