"""What the demo's borrower holds before the camera's page: a portrait warped on command, never a person.

Frames are painted once, in a thread beside the scenes that need none, and given the noise of another moment for each
capture; they are bound to their command as static/borrower/commands.js binds them.
"""

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from insecure_sandbox import warp
from insecure_sandbox.demo.borrower import Browser
from insecure_sandbox.warp_picture import taken_anew

FRAMES = 8
"""Of each command; a capture's window holds 7 s, in which a page's script takes up to ten."""

_FIRST_MS, _APART_MS = 300, 100
_CONTRARY: Mapping[str, warp.Play] = {"turn_left": "turn_right", "turn_right": "turn_left"}
_PLAYS: Mapping[str, warp.Play] = {
    "look_straight": "neutral",
    "turn_left": "turn_left",
    "turn_right": "turn_right",
    "blink": "blink",
    "open_mouth": "open_mouth",
    "come_closer": "come_closer",
    "nod": "nod",
}

Shows = Callable[[str], warp.Play]


def as_told(command: str) -> warp.Play:
    """The gesture that is asked for."""
    return _PLAYS[command]


def wrongly(command: str) -> warp.Play:
    """The other side for a turn, and nothing at all for any other command."""
    return _CONTRARY.get(command, "neutral")


class Camera:
    """A photograph that does what it is told."""

    def __init__(self, photo: Path) -> None:
        """Begins to paint at once, beside whoever goes on."""
        self._chance = np.random.default_rng()
        self._pool = ThreadPoolExecutor(max_workers=1)  # the networks that look for the mesh know one thread only
        self._puppet = self._pool.submit(_puppet, photo)
        self._played: dict[warp.Play, Future[list[bytes]]] = {
            gesture: self._pool.submit(self._play, gesture) for gesture in _PLAYS.values()
        }

    def take(self, gesture: warp.Play) -> list[bytes]:
        """JPEG frames of the gesture that were never taken before. Waits until they are painted."""
        return [taken_anew(frame, chance=self._chance) for frame in self._played[gesture].result()]

    def wait(self) -> None:
        """Returns when everything is painted: a command's window is too short to wait in."""
        for painted in self._played.values():
            painted.result()

    def stop(self) -> None:
        """Paints no more than what is begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _play(self, gesture: warp.Play) -> list[bytes]:
        return self._puppet.result().play(gesture, FRAMES)


def follow(browser: Browser, camera: Camera, *, shows: Shows = as_told) -> str:
    """Plays one live capture from the open page to its judgement; gives the page that is open then."""
    camera.wait()
    page = browser.wait_for("commands")
    told = browser.tell(page, {"turn": browser.told()["turn"], "ready": True})
    while told["page"] == "commands" and told["data"]["state"] == "command":
        asked, heard = told["data"], time.monotonic()
        frames = camera.take(shows(asked["command"]))[: asked["frames"]]
        # Frames that come before anybody could have read the command are refused, and rightly.
        time.sleep(max(0.0, asked["not_before_ms"] / 1000 - (time.monotonic() - heard)))
        told = browser.tell(page, {"turn": told["turn"], "frames": bound(frames, asked)})
    return browser.wait_for_judgement()


def bound(frames: list[bytes], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Frames as they are sent: each bound to its command and place by a code under the command's own key."""
    sent = []
    for seq, jpeg in enumerate(frames):
        said = f"{asked['step']}:{seq}:{sha256(jpeg).hexdigest()}".encode()
        mac = hmac.new(asked["key"].encode(), said, sha256).hexdigest()
        at_ms = _FIRST_MS + _APART_MS * seq
        sent.append({"seq": seq, "at_ms": at_ms, "jpeg": base64.b64encode(jpeg).decode(), "mac": mac})
    return sent


def _puppet(photo: Path) -> warp.Puppet:
    with Image.open(photo) as picture:
        return warp.Puppet(np.asarray(picture.convert("RGB"), dtype=np.uint8))
