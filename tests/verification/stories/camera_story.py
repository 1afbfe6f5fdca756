"""A borrower with a camera, played against the workflow itself: warped frames of a portrait, bound
as the page does.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from insecure_sandbox import samples, warp
from insecure_sandbox.camera import answer_to, bound
from insecure_sandbox.warp_picture import taken_anew
from tests.insecure_sandbox_process import SandboxProcess
from tests.painted import painted
from tests.verification.stories.story import IIN, Story
from verification import clock
from verification.access import open_page
from verification.engines.liveness.gestures import GESTURES
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

FRAMES = 12


@cache
def portraits() -> Path:
    """The folder with the sample portraits; the test is skipped where they cannot be fetched."""
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


def register(
    sandbox: SandboxProcess, iin: str = IIN, *, photo: str | None = "obama.jpg", **changes: object
) -> None:
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
    """The product asks this sandbox, and waits so long for an answer: on a busy machine that takes
    its time.
    """
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


def ask_for_signatures_too(sandbox: SandboxProcess, settings: Settings) -> None:
    """Every route is installed: registers, consent and messages are this sandbox, and signatures go
    on as they did.
    """
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    for_signatures = dict(settings.TULGA_SOURCES["test"])
    ask_at(sandbox, settings)
    settings.TULGA_SOURCES = {"test": for_signatures | settings.TULGA_SOURCES["test"], "live": {}}


def messages_of_1414(sandbox: SandboxProcess, phone: str = "+77011234567") -> int:
    """How many messages of 1414 have come to a phone; by default to that of the story."""
    came = sandbox.post("/inbox", phone=phone)["messages"]
    return sum(message["sender"] == "1414" for message in came)


def agree(story: Story) -> None:
    """Consents, and comes to the next stage."""
    story.reply(agreed=True, version=CURRENT, language="ru")


def free(story: Story) -> None:
    """Says that no other person tells them what to press."""
    story.reply(somebody_tells_me=False)


@dataclass(frozen=True)
class Shown:
    """What is held before the camera: the gesture asked for, or one whatever is asked for; so many
    frames of each.

    told: what the page says of its camera.
    """

    gesture: warp.Play | None = None
    count: int = FRAMES
    told: Mapping[str, object] | None = field(default=None, hash=False)

    def played(self, asked: warp.Play) -> tuple[bytes, ...]:
        """The frames of what is shown for this gesture, painted once a process."""
        # Who shows something else than is asked for shows no picture of before: those are found as
        # played again.
        return _played(self.gesture or asked, self.count, seed=2 if self.gesture else 1)


ALL_RIGHT = Shown()


def until_taken(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """It is the moment in which the last frame was taken.

    The test does not wait for it: the clock of all that runs here goes on. And what the frames took
    to paint on a busy machine is no time that a borrower took.
    """
    last = max(frame["at_ms"] for frame in answer["frames"])
    taken = datetime.fromisoformat(asked["revealed"]) + timedelta(milliseconds=last)
    clock._state.offset += taken - clock.now()


def moment(story: Story, page: open_page.BorrowerPage) -> str:
    """Of a turn, another one for each of a test; in the next test the same, whose frames the nets
    have looked at.
    """
    return f"{story.row().client_reference} {page.attempt} {page.turn}"


def step(story: Story, shown: Shown = ALL_RIGHT) -> None:
    """Answers the command that is due, once its frames can be taken."""
    page = story.page()
    asked = page.data
    taken = _taken(shown, asked["command"].replace("look_straight", "neutral"), moment(story, page))
    answer = answer_to(taken, asked)
    until_taken(asked, answer)
    story.answer(**answer, camera=shown.told)
    story.look()


def capture(story: Story, shown: Shown = ALL_RIGHT) -> None:
    """The whole live capture: ready, every command, and the worker's judgement."""
    follow(story, shown)
    story.work()


def follow(story: Story, shown: Shown = ALL_RIGHT) -> list[str]:
    """A live capture up to the judgement, which a worker then owes; gives the commands in their
    order.
    """
    # Painted before the clock of a command runs: on a busy machine it takes longer than a borrower
    # has.
    plays: tuple[warp.Play, ...] = ("neutral", *GESTURES)
    for play in plays:
        shown.played(play)
    story.answer(ready=True)
    commanded = []
    while (page := story.page()).page == "commands":
        commanded.append(page.data["command"])
        step(story, shown)
    return commanded


def junk_capture(story: Story) -> None:
    """A capture of bytes that are no pictures, for tests that end before anybody looks at them."""
    story.answer(ready=True)
    while story.page().page == "commands":
        asked = story.page().data
        junk = [(asked["not_before_ms"], b"no picture")]
        story.answer(**bound(junk, junk, asked))
        story.look()


@cache
def _played(gesture: warp.Play, count: int, *, seed: int) -> tuple[bytes, ...]:
    return painted(portraits() / "obama3.jpg", gesture, count, seed=seed)


@cache
def _taken(shown: Shown, asked: warp.Play, moment: str) -> tuple[bytes, ...]:
    """The frames of a gesture as they are held at this moment: no two captures of a test share one,
    or move alike.
    """
    return tuple(
        taken_anew(shown.played(asked), chance=np.random.default_rng(list(moment.encode())))
    )
