"""A simulated borrower's camera: a portrait warped on command, never a person.

Frames are painted once per camera, in a thread of its own, of a slightly new person, and varied for
each capture.
They are bound to their command as static/borrower/commands.js binds them.
"""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from insecure_sandbox import warp
from insecure_sandbox.borrower import Browser
from insecure_sandbox.warp import Sitting
from insecure_sandbox.warp_picture import taken_anew, thinned

FRAMES = 12
"""Per command; a page's script takes six a second for four seconds."""

APART_MS = 60
"""From one frame to the next, as stated."""
SLOW_APART_MS = 240
"""The same on a line with too few pictures."""
STUCK = 5
"""Frames of one picture, if stuck: one more than a slow camera gives (`GateLimits.frozen_run`)."""
_DRAWN_MAX = 8  # borrowers of one camera, until one can do everything
_FACE = (260, 320)  # pixels of it, of a frame of 640 × 480
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
    """The commanded gesture."""
    return _PLAYS[command]


def wrongly(command: str) -> warp.Play:
    """The other side for a turn, and nothing for any other command."""
    return _CONTRARY.get(command, "neutral")


def _stuck(frames: Sequence[bytes]) -> list[bytes]:
    """The first frame repeated, then the gesture: stuck at its end, some gestures would not
    show.
    """
    return [frames[0]] * STUCK + list(frames[STUCK:])


@dataclass(frozen=True, kw_only=True)
class Showing:
    """The content of a capture: the gesture for each command, and its pictures as sent.

    beside: whether another face is visible as each begins. apart_ms: from one to the next.
    """

    gesture: Shows = as_told
    sent: Callable[[Sequence[bytes]], Sequence[bytes]] = list
    has_neighbour: bool = False
    apart_ms: int = APART_MS


SHOWN: Mapping[str, Showing] = {
    "as_told": Showing(),
    "wrongly": Showing(gesture=wrongly),
    "stuck": Showing(sent=_stuck),
    "with_another": Showing(has_neighbour=True),
    "slowly": Showing(apart_ms=SLOW_APART_MS),
}


# The mesh networks are bound to one thread, whichever portrait is painted.
_painter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="painter")


class Camera:
    """A photograph that follows commands."""

    def __init__(
        self,
        photo: Path,
        *,
        frames: int = FRAMES,
        another: Path | None = None,
        is_another: bool = False,
    ) -> None:
        """Starts painting so many frames of each gesture, in the background.

        other: a face that may be visible beside the first.
        is_another: slightly different from the photo, and from earlier people.
        """
        self._frames = frames
        self._other = None if another is None else _painter.submit(_face_of, another)
        self._puppet = _painter.submit(_puppet, photo, is_another=is_another)
        self._played: dict[warp.Play, Future[list[bytes]]] = {
            gesture: _painter.submit(self._play, gesture) for gesture in _PLAYS.values()
        }

    def take(self, gesture: warp.Play) -> list[bytes]:
        """JPEG frames of the gesture, in a new variation. Waits until they are painted."""
        return taken_anew(self._played[gesture].result(), chance=np.random.default_rng())

    def take_with_another(self, gesture: warp.Play) -> list[bytes]:
        """The same, with the other face visible at the start."""
        another = None if self._other is None else self._other.result()
        return taken_anew(
            self._played[gesture].result(), chance=np.random.default_rng(), neighbour=another
        )

    def wait(self) -> None:
        """Returns when everything is painted: a command's window is too short to wait in."""
        for painted in self._played.values():
            painted.result()

    def stop(self) -> None:
        """Paints no further gestures."""
        for painted in self._played.values():
            painted.cancel()

    def _play(self, gesture: warp.Play) -> list[bytes]:
        return self._puppet.result().play(gesture, self._frames)


def follow(browser: Browser, camera: Camera, *, shows: str = "as_told") -> str:
    """Plays one live capture from the open page to its judgement; returns the page that is open
    then.

    shows: a word of `SHOWN`.
    """
    camera.wait()
    showing = SHOWN[shows]
    page = browser.wait_for("commands")
    turn = browser.tell(page, {"turn": browser.current_turn()["turn"], "ready": True})
    while turn["page"] == "commands" and turn["data"]["state"] == "command":
        order, heard = turn["data"], time.monotonic()
        take = camera.take_with_another if showing.has_neighbour else camera.take
        frames = showing.sent(take(showing.gesture(order["command"])))
        answer = answer_to(frames, order, apart_ms=showing.apart_ms)
        # Frames from the future, or from before a person could read the command, are refused.
        last = max(frame["at_ms"] for frame in answer["frames"])
        time.sleep(max(0.0, last / 1000 - (time.monotonic() - heard)))
        files = answer.pop("files")
        turn = browser.tell(page, {"turn": turn["turn"], **answer}, files=files)
        while turn["is_looked_at"]:
            time.sleep(LOOKED_SECONDS)
            turn = browser.current_turn()
    return browser.wait_for_judgement()


def answer_to(
    frames: Sequence[bytes], order: Mapping[str, Any], *, apart_ms: int = APART_MS
) -> dict[str, Any]:
    """The answer to a command, in one part: a thin chain of all frames, and few full ones."""
    times = [order["not_before_ms"] + apart_ms * place for place in range(len(frames))]
    # The first, with the head still straight, and others as far apart as possible: they include a
    # gesture's peak.
    full = [place * len(frames) // order["stills"] for place in range(order["stills"])]
    thin = [
        thinned(jpeg, side=order["chain_side"], most_bytes=order["chain_bytes"]) for jpeg in frames
    ]
    chain = list(zip(times, thin, strict=True))
    return bound(chain, [(times[place], frames[place]) for place in full], order)


def bound(
    chain: Sequence[tuple[int, bytes]],
    stills: Sequence[tuple[int, bytes]],
    order: Mapping[str, Any],
    *,
    part: int = 0,
    parts: int = 1,
) -> dict[str, Any]:
    """Pictures with their times, as a page sends them: each with a code for its command, part,
    place and time.
    """
    records, files = [], []
    for seq, (at_ms, jpeg) in enumerate([*chain, *stills]):
        record = f"{order['step']}:{part}:{seq}:{at_ms}:{sha256(jpeg).hexdigest()}"
        mac = hmac.new(order["key"].encode(), record.encode(), sha256).hexdigest()
        records.append({"at_ms": at_ms, "still": seq >= len(chain), "mac": mac})
        files.append(jpeg)
    return {"part": part, "parts": parts, "frames": records, "files": files}


def _puppet(photo: Path, *, is_another: bool) -> warp.Puppet:
    picture, chance = _opened(photo), np.random.default_rng()
    if not is_another:
        return warp.Puppet(picture)
    # Some are bent into a face that hardly opens its eyes or mouth, which would be refused without
    # an obvious reason.
    drawn = (warp.Puppet(picture, sitting=Sitting(chance)) for _ in range(_DRAWN_MAX))
    able = next((puppet for puppet in drawn if puppet.is_able()), None)
    return able or warp.Puppet(picture, sitting=Sitting(chance))


def _face_of(photo: Path) -> NDArray[np.uint8]:
    """The face alone, as a camera sees it at arm's length."""
    picture = warp.Puppet(_opened(photo)).show(warp.Pose())
    middle, (wide, high) = (picture.shape[1] // 2, picture.shape[0] // 2), _FACE
    return picture[
        middle[1] - high // 2 : middle[1] + high // 2, middle[0] - wide // 2 : middle[0] + wide // 2
    ]


def _opened(photo: Path) -> NDArray[np.uint8]:
    with Image.open(photo) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)
