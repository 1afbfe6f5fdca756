"""The frames of a person who does what is asked, once for the session, and the photographs of the
registers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from insecure_sandbox import samples, warp
from tests.painted import painted
from tests.verification.stages.live_capture.captures import (
    ORDER,
    POLICY,
    Frames,
    Sent,
    case,
    photo_answer,
)
from verification.core.route import Evidence
from verification.stages.live_capture import STAGE
from verification.stages.live_capture.measure import LiveCaptureFacts

COUNT = 12  # frames in a step

Player = Callable[..., Frames]


@pytest.fixture(scope="module", autouse=True)
def _seen_once(seen_once: None) -> None:
    """Most captures here are the same frames, with one thing changed."""


@pytest.fixture(scope="session")
def portraits() -> Path:
    """The folder with the official portraits; skips where they cannot be downloaded."""
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def play(portraits: Path) -> Player:
    """`play(name, seed=1, order=ORDER)`: the frames of every command, played by the person of this
    portrait.
    """

    def step(name: str, seed: int, command: str) -> tuple[bytes, ...]:
        gesture = "neutral" if command == "look_straight" else cast("warp.Play", command)
        return painted(portraits / name, gesture, COUNT, seed=seed)

    def played(name: str, *, seed: int = 1, order: tuple[str, ...] = ORDER) -> Frames:
        return {command: step(name, seed, command) for command in order}

    return played


@pytest.fixture(scope="session")
def obama(portraits: Path) -> bytes:
    """The register's answer with the borrower's photograph."""
    return photo_answer((portraits / "obama.jpg").read_bytes())


@pytest.fixture(scope="session")
def biden(portraits: Path) -> bytes:
    """The register's answer with somebody else's photograph."""
    return photo_answer((portraits / "biden.jpg").read_bytes())


@pytest.fixture(scope="session")
def live(play: Player) -> Frames:
    """The frames of the borrower who does what is asked."""
    return play("obama3.jpg")


@pytest.fixture(scope="session")
def good(live: Frames, obama: bytes) -> Evidence:
    """Evidence that passes every check."""
    return Sent(live).evidence(photo=obama)


@pytest.fixture(scope="session")
def facts(good: Evidence) -> LiveCaptureFacts:
    """The facts of a capture that passes, measured once."""
    measured = STAGE.measure(case(), good, POLICY)
    assert isinstance(measured, LiveCaptureFacts)
    return measured
