"""A borrower with a camera, played against the workflow itself: warped frames of a portrait, bound as the page does."""

import base64
import hmac
import time
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from insecure_sandbox import samples, warp
from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.painted import painted
from tests.verification.workflow.story import IIN, Story
from verification.engines.liveness.gestures import GESTURES
from verification.stages.consent.policy import CURRENT

FRAMES = 8


@cache
def portraits() -> Path:
    """The folder with the sample portraits; the test is skipped where they cannot be fetched."""
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


def register(sandbox: SandboxProcess, iin: str = IIN, *, photo: str | None = "obama.jpg", **changes: object) -> None:
    """Makes the registers know the person of the story, with this portrait as the state's photo."""
    person = {
        "iin": iin,
        "surname": "ТЕСТОВ",
        "name": "ТЕСТ",
        "patronymic": "ТЕСТОВИЧ",
        "birth_date": "1899-01-01",
        "phone": "+77011234567",
        "document": {"number": "012345678", "issued_on": "2023-01-02", "valid_to": "2033-01-01"},
    }
    if photo is not None:
        person["photo"] = base64.b64encode((portraits() / photo).read_bytes()).decode()
    sandbox.post("/people", **person | changes)


def ask_at(sandbox: SandboxProcess, settings: Settings, *, seconds: float = 20.0) -> None:
    """The product asks this sandbox, and waits so long for an answer: on a busy machine that takes its time."""
    adapters = {
        "person_registry": ("person_registry.HttpPersonRegistry", "person"),
        "photo_registry": ("photo_registry.HttpPhotoRegistry", "photo"),
        "phone_registry": ("phone_registry.HttpPhoneRegistry", "phone"),
        "consent": ("consent.HttpConsentSource", "consent"),
        "sms": ("sms.HttpSmsGateway", "sms"),
    }
    settings.TULGA_SOURCES = {
        "test": {
            name: {
                "adapter": f"verification.sources.{adapter}",
                "options": {"url": f"{sandbox.url}/{path}", "seconds": seconds},
            }
            for name, (adapter, path) in adapters.items()
        },
        "live": {},
    }


def agree(story: Story) -> None:
    """Consents, and comes to the next stage."""
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()


def free(story: Story) -> None:
    """Says that nobody tells them what to press."""
    story.answer(somebody_tells_me=False)
    story.work()


def step(story: Story, *, gesture: warp.Play | None = None, of: str = "obama3.jpg") -> None:
    """Answers the command that is due by frames that show it, or by those of another gesture, once it can be seen."""
    page = story.page()
    asked = page.data
    time.sleep(asked["not_before_ms"] / 1000)
    shown = gesture or asked["command"].replace("look_straight", "neutral")
    moment = f"{story.row().client_reference} {page.attempt} {asked['command']}"
    frames = [
        {"seq": seq, "at_ms": 300 + 100 * seq, "jpeg": base64.b64encode(jpeg).decode(), "mac": _mac(asked, seq, jpeg)}
        for seq, jpeg in enumerate(_taken(of, shown, moment))
    ]
    story.answer(frames=frames)


def capture(story: Story, *, gesture: warp.Play | None = None, of: str = "obama3.jpg") -> None:
    """The whole live capture: ready, every command, and the worker's judgement."""
    follow(story, gesture=gesture, of=of)
    story.work()


def follow(story: Story, *, gesture: warp.Play | None = None, of: str = "obama3.jpg") -> list[str]:
    """A live capture up to the judgement, which a worker then owes; gives the commands in their order."""
    # Painted before the clock of a command runs: on a busy machine it takes longer than a borrower has.
    plays: tuple[warp.Play, ...] = (gesture,) if gesture else ("neutral", *GESTURES)
    for play in plays:
        _played(of, play)
    story.answer(ready=True)
    commanded = []
    while (page := story.page()).page == "commands":
        commanded.append(page.data["command"])
        step(story, gesture=gesture, of=of)
    return commanded


def junk_capture(story: Story) -> None:
    """A capture of bytes that are no pictures, for tests that end before anybody looks at them."""
    story.answer(ready=True)
    while story.page().page == "commands":
        story.answer(frames=[{"seq": 0, "at_ms": 300, "jpeg": base64.b64encode(b"no picture").decode(), "mac": "none"}])


@cache
def _played(of: str, gesture: warp.Play) -> tuple[bytes, ...]:
    return painted(portraits() / of, gesture, FRAMES, seed=1)


@cache
def _taken(of: str, gesture: warp.Play, moment: str) -> tuple[bytes, ...]:
    """The frames of a gesture with the noise of this moment: no two captures of a test share a frame."""
    noise = np.random.default_rng(list(moment.encode()))
    return tuple(taken_anew(frame, chance=noise) for frame in _played(of, gesture))


def _mac(asked: Mapping[str, Any], seq: int, jpeg: bytes) -> str:
    said = f"{asked['step']}:{seq}:{sha256(jpeg).hexdigest()}".encode()
    return hmac.new(str(asked["key"]).encode(), said, sha256).hexdigest()
