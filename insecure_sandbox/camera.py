"""What a simulated borrower holds before the camera's page: a portrait warped on command, never a person.

Frames are painted once, in a thread beside the scenes that need none, and given the noise of another moment for each
capture; they are bound to their command as static/borrower/commands.js binds them.
"""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from insecure_sandbox import warp
from insecure_sandbox.borrower import Browser
from insecure_sandbox.warp_picture import taken_anew, thinned

FRAMES = 12
"""Of each command; a page's script takes six a second for four seconds."""

APART_MS = 60
"""From one frame to the next, as it is told."""
LOOKED_SECONDS = 0.25
"""From one question whether a worker has looked to the next."""
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

    def __init__(self, photo: Path, *, frames: int = FRAMES) -> None:
        """Begins to paint so many frames of each gesture at once, beside whoever goes on."""
        self._frames = frames
        self._chance = np.random.default_rng()
        self._pool = ThreadPoolExecutor(max_workers=1)  # the networks that look for the mesh know one thread only
        self._puppet = self._pool.submit(_puppet, photo)
        self._played: dict[warp.Play, Future[list[bytes]]] = {
            gesture: self._pool.submit(self._play, gesture) for gesture in _PLAYS.values()
        }

    def take(self, gesture: warp.Play) -> list[bytes]:
        """JPEG frames of the gesture, held as never before. Waits until they are painted."""
        return taken_anew(self._played[gesture].result(), chance=self._chance)

    def wait(self) -> None:
        """Returns when everything is painted: a command's window is too short to wait in."""
        for painted in self._played.values():
            painted.result()

    def stop(self) -> None:
        """Paints no more than what is begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _play(self, gesture: warp.Play) -> list[bytes]:
        return self._puppet.result().play(gesture, self._frames)


def follow(browser: Browser, camera: Camera, *, shows: Shows = as_told) -> str:
    """Plays one live capture from the open page to its judgement; gives the page that is open then."""
    camera.wait()
    page = browser.wait_for("commands")
    told = browser.tell(page, {"turn": browser.told()["turn"], "ready": True})
    while told["page"] == "commands" and told["data"]["state"] == "command":
        asked, heard = told["data"], time.monotonic()
        answer = answered(camera.take(shows(asked["command"])), asked)
        # Frames that come before they are taken, or before anybody could have read the command, are refused.
        last = max(frame["at_ms"] for frame in answer["frames"])
        time.sleep(max(0.0, last / 1000 - (time.monotonic() - heard)))
        files = answer.pop("files")
        told = browser.tell(page, {"turn": told["turn"], **answer}, files=files)
        while told["is_looked_at"]:
            time.sleep(LOOKED_SECONDS)
            told = browser.told()
    return browser.wait_for_judgement()


def answered(frames: Sequence[bytes], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent for a command, in one part: a thin chain of all frames, and few of them in full."""
    times = [asked["not_before_ms"] + APART_MS * place for place in range(len(frames))]
    # The first, in which the head is still straight, and others as far apart as can be: a gesture's peak is among them.
    full = [place * len(frames) // asked["stills"] for place in range(asked["stills"])]
    thin = [thinned(jpeg, side=asked["chain_side"], most_bytes=asked["chain_bytes"]) for jpeg in frames]
    chain = list(zip(times, thin, strict=True))
    return bound(chain, [(times[place], frames[place]) for place in full], asked)


def bound(
    chain: Sequence[tuple[int, bytes]],
    stills: Sequence[tuple[int, bytes]],
    asked: Mapping[str, Any],
    *,
    part: int = 0,
    parts: int = 1,
) -> dict[str, Any]:
    """Pictures with their times, as a page sends them: each with a code for its command, part, place and time."""
    told, files = [], []
    for seq, (at_ms, jpeg) in enumerate([*chain, *stills]):
        said = f"{asked['step']}:{part}:{seq}:{at_ms}:{sha256(jpeg).hexdigest()}"
        mac = hmac.new(asked["key"].encode(), said.encode(), sha256).hexdigest()
        told.append({"at_ms": at_ms, "still": seq >= len(chain), "mac": mac})
        files.append(jpeg)
    return {"part": part, "parts": parts, "frames": told, "files": files}


def _puppet(photo: Path) -> warp.Puppet:
    with Image.open(photo) as picture:
        return warp.Puppet(np.asarray(picture.convert("RGB"), dtype=np.uint8))
