"""The page of the live capture in real time, without a browser: what its script sends, when, and
again when it is lost.

As static/borrower/commands.js and pictures.js do it: frames are taken when they are due whatever
the line does, the first part goes out while the second is taken, and an answer that is not heard is
asked for again.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.camera import LOOKED_SECONDS, Camera, as_told, bound
from insecure_sandbox.warp_picture import thinned
from verification.engines.liveness.gestures import GESTURES
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.policy import CAPTURE

_FIRST_MS = 500
_LEFT = 0.5
_STRAIGHT_SECONDS = 0.9
_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
_HEARD = (200, 204, 409, 422)
_GIVEN_UP_SECONDS = 150.0
_FORGOTTEN_SECONDS = 0.5  # a command takes four
FORGET = "DELETE FROM verification_captureword"


@dataclass
class Played:
    """What came of one capture. sent: bytes of pictures. lost: how often another command was asked
    for.

    answered: seconds from the last byte of a command to the word whether it was seen, as the page
        heard it.
    """

    sent: int = 0
    lost: int = 0
    commands: list[str] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


class PlayedPage:
    """One borrower's page of the capture, over whichever address."""

    def __init__(self, browser: Browser, camera: Camera, url: str) -> None:
        """`browser` stands on the page; from now on everything goes over `url`."""
        self._page = browser.wait_for("commands")
        self._browser, self._camera = browser.over(url), camera
        self._ends = time.monotonic() + _GIVEN_UP_SECONDS
        self._shot: dict[str, tuple[list[bytes], list[bytes]]] = {}

    def shoot(self) -> None:
        """Takes the frames of every command beforehand: a phone has a processor of its own for
        that.
        """
        for command in (NEUTRAL, *GESTURES):
            self._shot[command] = self._taken(command)

    def play(self) -> Played:
        """Says "ready" and follows every command; gives what came of it."""
        found = Played()
        told = self._say({"turn": self._say(None)["turn"], "ready": True})
        while told["page"] == "commands" and told["data"]["state"] == "command":
            told = self._step(told, found)
        return found

    def _step(self, told: Mapping[str, Any], found: Played) -> dict[str, Any]:
        asked, turn = told["data"], told["turn"]
        began = time.monotonic() - told["elapsed_ms"] / 1000
        if told["elapsed_ms"] > asked["window_ms"] * (1 - _LEFT):
            return self._lost(turn, found)
        found.commands.append(asked["command"])
        shot = self._shot.pop(asked["command"], None)  # a command that is asked again is done again
        frames, thin = shot or self._taken(asked["command"])
        first, second = parts_of(frames, asked, spent=told["elapsed_ms"], thin=thin)
        replies: list[dict[str, Any]] = []

        def send(part: dict[str, Any]) -> None:
            files = part.pop("files")
            found.sent += sum(map(len, files))
            replies.append({**told, **self._say({"turn": turn, **part}, files)})

        _until(began + _ends(first))
        sending = threading.Thread(target=send, args=(first,))
        sending.start()
        _until(began + _ends(second))
        sending.join()
        if replies and replies[-1]["turn"] == turn:
            sent_at = time.monotonic()
            send(second)
            while replies[-1]["is_looked_at"]:
                time.sleep(LOOKED_SECONDS)
                replies.append(self._say(None))
            found.answered.append(time.monotonic() - sent_at)
        following = replies[-1]
        found.lost += following["data"].get("seen", True) is None
        if following["data"].get("state") == "command":
            time.sleep(_STRAIGHT_SECONDS)
        return following

    def _lost(self, turn: int, found: Played) -> dict[str, Any]:
        """Too little of the window is left: another command is asked for."""
        found.lost += 1
        told = self._say({"turn": turn, "lost": True})
        while told["is_looked_at"]:
            time.sleep(LOOKED_SECONDS)
            told = self._say(None)
        return told

    def _taken(self, command: str) -> tuple[list[bytes], list[bytes]]:
        """All frames of a command in full, and as thin as the chain has them."""
        frames = self._camera.take(as_told(command))
        return frames, _thin(frames, side=CAPTURE.chain_side, most_bytes=CAPTURE.chain_bytes)

    def _say(
        self, answer: dict[str, Any] | None, files: list[bytes] | None = None
    ) -> dict[str, Any]:
        """Sends an answer, or asks how things stand, as often as it takes to be heard."""
        for wait in _waits():
            try:
                response = self._browser.say(self._page, answer, files or [])
            except urllib3.exceptions.HTTPError:
                response = None
            if response is not None and response.status in _HEARD:
                said: dict[str, Any] = json.loads(
                    response.data or b"{}"
                )  # of a part that was kept nothing is said
                return said
            if time.monotonic() > self._ends:
                raise TimeoutError("the page was not heard")
            time.sleep(wait)
        raise AssertionError


@contextmanager
def forgotten(forget: Callable[[], object]) -> Iterator[None]:
    """All borrowers are one portrait, so that each would be compared with others, as no two people
    are: what captures are known by is forgotten before any is judged. forget: deletes it.
    """
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(_FORGOTTEN_SECONDS):
            forget()

    forgetting = threading.Thread(target=run)
    forgetting.start()
    try:
        yield
    finally:
        is_over.set()
        forgetting.join()


def parts_of(
    frames: Sequence[bytes], asked: Mapping[str, Any], *, spent: int = 0, thin: Sequence[bytes] = ()
) -> list[dict[str, Any]]:
    """What is sent of a command, in two parts, each with the moments its pictures are taken at.

    thin: the frames as the chain has them, where they were made before.
    """
    thin = thin or _thin(frames, side=asked["chain_side"], most_bytes=asked["chain_bytes"])
    times = list(range(max(_FIRST_MS, spent), asked["window_ms"], asked["chain_ms"]))
    shown = [place * len(frames) // len(times) for place in range(len(times))]
    full = {place * len(times) // asked["stills"] for place in range(asked["stills"])}
    parts = []
    for part, places in enumerate((range(len(times) // 2), range(len(times) // 2, len(times)))):
        chain = [(times[at], thin[shown[at]]) for at in places]
        stills = [
            (times[at], _within(frames[shown[at]], asked["still_bytes"]))
            for at in places
            if at in full
        ]
        parts.append(bound(chain, stills, asked, part=part, parts=2))
    return parts


def _thin(frames: Sequence[bytes], *, side: int, most_bytes: int) -> list[bytes]:
    return [thinned(frame, side=side, most_bytes=most_bytes) for frame in frames]


def _waits() -> Iterator[float]:
    yield from _RETRY_SECONDS
    while True:
        yield _RETRY_SECONDS[-1]


def _within(jpeg: bytes, most: int) -> bytes:
    """A full frame as good as fits, as the page sends it."""
    return jpeg if len(jpeg) <= most else thinned(jpeg, side=480, most_bytes=most)


def _ends(part: Mapping[str, Any]) -> float:
    """When the last picture of a part is taken, seconds from the showing of its command."""
    return max(float(told["at_ms"]) for told in part["frames"]) / 1000


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
