"""Frames of attacks for every command of an order, as JPEG that a page could send."""

from collections.abc import Callable, Iterable
from io import BytesIO

import cv2
import numpy as np
from PIL import Image as Pillow

from insecure_sandbox.warp_picture import grainy
from tests.verification.engines.liveness import insecure_paper
from tests.verification.stages.live_capture.captures import ORDER, Frames
from verification.engines.liveness import frames, policy
from verification.engines.liveness.frames import Image

COUNT = 12  # frames in a step
_NOISE = 2.0  # grey levels of the sensor that films the attack
_PIXELS = (
    3.1,
    2.9,
)  # of a filmed screen, in pixels of the camera: what beats against them is moiré


def print_of(portrait: Image, *, eyes: float) -> Image:
    """A frame with a print of the portrait."""
    return insecure_paper.sheet(portrait, eyes=eyes)


def framed(paper: Image, *, seed: int) -> Frames:
    """The print stands still before the camera."""
    return _of_each(lambda command: [paper] * COUNT, seed=seed)


def in_a_hand(paper: Image, *, seed: int) -> Frames:
    """The print is held by a hand that shakes."""
    chance = np.random.default_rng(seed)

    def shaken(command: str) -> list[Image]:
        moves = chance.normal(0, (6, 6, 2, 0.02), (COUNT, 4))
        return [
            insecure_paper.shifted(paper, across=x, down=y, lean=lean, scale=1 + s)
            for x, y, lean, s in moves
        ]

    return _of_each(shaken, seed=seed)


def turned(paper: Image, *, seed: int) -> Frames:
    """The print is turned by 40 degrees to whichever side is asked for."""
    sides = {"turn_left": 40, "turn_right": -40}

    def shown(command: str) -> list[Image]:
        return [
            insecure_paper.turned(paper, yaw=yaw)
            for yaw in np.linspace(0, sides.get(command, 0), COUNT)
        ]

    return _of_each(shown, seed=seed)


def on_a_screen(recorded: Frames, *, seed: int) -> Frames:
    """A recording is played on a screen and filmed: its pixels beat against the camera's."""
    down, across = np.mgrid[0:480, 0:640]
    moire = 12 * (
        np.sin(2 * np.pi * across / _PIXELS[0])
        + np.sin(2 * np.pi * (down + across / 9) / _PIXELS[1])
    )

    def filmed(command: str) -> list[Image]:
        return [
            np.clip(pixels(jpeg) + moire[..., None], 0, 255).astype(np.uint8)
            for jpeg in recorded[command]
        ]

    return _of_each(filmed, seed=seed, order=tuple(recorded))


def beside(live: Frames, somebody: Image, *, command: str) -> Frames:
    """A second face looks into one frame of one command, the seventh of twelve, which is sent in
    full.
    """
    *before, joined_to = live[command][:7]
    joined = pixels(joined_to).copy()
    joined[20:240, 10:190] = cv2.resize(somebody, (180, 220), interpolation=cv2.INTER_AREA)
    return {**live, command: (*before, insecure_paper.jpeg(joined), *live[command][7:])}


def written_again(jpeg: bytes, *, times: int) -> tuple[bytes, ...]:
    """One picture in files that differ, as if it were several frames."""
    return tuple(insecure_paper.jpeg(pixels(jpeg), quality=82 - each) for each in range(times))


def on_its_side(jpeg: bytes) -> bytes:
    """The frame with an EXIF orientation that turns it."""
    exif, written = Pillow.Exif(), BytesIO()
    exif[0x0112] = 6
    Pillow.open(BytesIO(jpeg)).save(written, "JPEG", quality=75, exif=exif)
    return written.getvalue()


def bomb(jpeg: bytes) -> bytes:
    """The frame with a header that announces four thousand million pixels."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :]


def with_a_tail(jpeg: bytes) -> bytes:
    """The frame with the beginning of an archive behind it."""
    return jpeg + b"PK\x03\x04"


def no_picture(jpeg: bytes) -> bytes:
    """Something else in its place."""
    return b"<svg/>"


def pixels(jpeg: bytes) -> Image:
    """The frame, decoded."""
    return frames.decode(jpeg, limits=policy.FRAMES)


def _of_each(
    shown: Callable[[str], Iterable[Image]], *, seed: int, order: tuple[str, ...] = ORDER
) -> Frames:
    chance = np.random.default_rng(seed)
    return {
        command: tuple(_filmed(picture, chance) for picture in shown(command)) for command in order
    }


def _filmed(picture: Image, chance: np.random.Generator) -> bytes:
    return insecure_paper.jpeg(grainy(picture, _NOISE, chance=chance))
