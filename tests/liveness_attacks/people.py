"""Whom the attacks are made of: photographs of people, and real clips of others, as frames of a
camera.

Every frame has 640 × 480 pixels, and in its first one the eyes lie 80 pixels apart about the
middle: what an attacker can do beforehand to anything, so that one face lies on another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from insecure_sandbox import samples
from insecure_sandbox.warp_picture import HEIGHT, WIDTH, camera_cut
from tests.painted import painted, write_aside
from tools.genuine import clips
from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding
from verification.engines.liveness import gestures, landmarks, networks, policy
from verification.engines.liveness.frames import Floats, Image

COUNT = 12  # frames of a command
_WARPED = 4  # actors in memory, 65 MB each
_NOISE = 2.0  # grey levels of the sensor that films a photograph
# of what is asked for, in frames as a page sends them: below it the picture is no gesture to
# anybody
_CLEAR = 1.1
NEUTRAL, TALK = "look_straight", "talk"


@dataclass(frozen=True)
class Person:
    """`photographs`: what an attacker has of them. `registered`: what the register has."""

    name: str
    photographs: tuple[Path, ...]
    registered: Path


@dataclass(frozen=True)
class Actor:
    """Who does the gestures: `kind` is `warped`, a portrait that does what it is told, or `real`, a
    clip.
    """

    name: str
    person: str
    kind: str
    shown: Mapping[str, tuple[tuple[Image, ...], ...]] = field(repr=False)

    def takes(self, command: str, chance: np.random.Generator) -> tuple[Image, ...]:
        """One of the takes of this command."""
        takes = self.shown[command]
        return takes[int(chance.integers(len(takes)))]


@cache
def people(shared: Path | None) -> tuple[Person, ...]:
    """Two presidents, and the people of the shared portraits where those are. Raises `OSError`
    without samples.
    """
    folder = samples.fetch()
    found = [
        Person("obama", (folder / "obama3.jpg", folder / "obama2.jpg"), folder / "obama.jpg"),
        Person("biden", (folder / "biden.jpg",), folder / "biden.jpg"),
    ]
    if shared is not None:
        for neutral in sorted((shared / "faces" / "london").glob("*_neutral.jpg")):
            smiling = neutral.with_name(neutral.name.replace("neutral", "smiling"))
            found.append(
                Person(neutral.name.removesuffix("_neutral.jpg"), (neutral, smiling), smiling)
            )
    return tuple(found)


@cache
def still(photograph: Path) -> Image:
    """The photograph as a frame of a camera."""
    picture = np.asarray(Pillow.open(photograph).convert("RGB"), dtype=np.uint8)
    return camera_cut(picture, mesh(picture))


@lru_cache(maxsize=_WARPED)
def warped(person: Person, *, seed: int = 1) -> Actor:
    """The portrait of a person that does what is told, as far as lids and lips that are painted on
    it are taken for closed and open.
    """
    portrait = person.photographs[0]
    frames = {
        command: _played(portrait, command, seed) for command in (NEUTRAL, *gestures.GESTURES)
    }
    shown = {
        command: (each,)
        for command, each in frames.items()
        if _is_shown(command, each, frames[NEUTRAL][0])
    }
    return Actor(f"warped {person.name}", person.name, "warped", shown)


def acted(at_rest: Image, command: str) -> tuple[tuple[Image, ...], ...]:
    """The take of a command that is painted of a frame, as a warped portrait has it; none where too
    little shows.
    """
    written = cv2.imencode(".png", at_rest[:, :, ::-1])[1].tobytes()
    # Frames of others' clips, which may not be passed on: like all samples they stay on this
    # machine.
    portrait = samples.SAMPLES / "acting" / f"{sha256(written).hexdigest()}.png"
    if not portrait.is_file():
        write_aside(portrait, written)
    frames = _played(portrait, command, 1)
    return (frames,) if _is_shown(command, frames, at_rest) else ()


def _is_shown(command: str, frames: tuple[Image, ...], rest: Image) -> bool:
    if command not in ("blink", "open_mouth"):
        return True
    sent = [clips.Sender().sent(image, "chain")[0] for image in (rest, *frames)]
    at_rest, faces = (
        measured(sent[0]).face,
        [face for image in sent[1:] if (face := measured(image).face) is not None],
    )
    if at_rest is None:
        return False
    neutral = gestures.Neutral(
        at_rest.turn, at_rest.mouth, *at_rest.lids, at_rest.pitch, at_rest.interocular
    )
    gesture = gestures.NAMED[command]
    return (
        max(gestures.strengths(gesture, faces, neutral))
        >= _CLEAR * gestures.limits(policy.GESTURES)[gesture]
    )


def filmed(image: Image, chance: np.random.Generator) -> Image:
    """The picture with the noise of a camera of this moment."""
    down, across = (int(each) for each in chance.integers(HEIGHT, size=2))
    grainy = np.clip(image + np.roll(_noise(), (down, across), (0, 1)), 0, 255)
    return np.asarray(grainy, dtype=np.uint8)


def is_at_rest(image: Image) -> bool:
    """Would our engine take this picture for a face at rest? An attacker asks it beforehand."""
    seen = measured(image)
    try:
        gestures.neutral([seen] * policy.NEUTRAL.frames, limits=policy.NEUTRAL)
    except Refused:
        return False
    return True


def mesh(image: Image) -> Floats:
    """The points of the face. Raises `ValueError` where there is none."""
    found = measured(image).face
    if found is None or found.mesh is None:
        raise ValueError("no face")
    return found.mesh


def peak(command: str, frames: tuple[Image, ...], *, most: int) -> list[int]:
    """The places of the frames that show most of the gesture, as an attacker with our engine finds
    them.
    """
    gesture = gestures.NAMED[command]
    faces = [
        (at, found)
        for at, image in enumerate(frames)
        if (found := measured(image).face) is not None
    ]
    at_rest = gestures.Neutral(0.0, 0.0, 0.3, 0.3, 0.0, faces[0][1].interocular)
    strong = gestures.strengths(gesture, [each for _, each in faces], at_rest)
    return sorted(
        at
        for _, at in sorted(zip(strong, (at for at, _ in faces), strict=True), reverse=True)[:most]
    )


def _played(portrait: Path, command: str, seed: int) -> tuple[Image, ...]:
    gesture = "neutral" if command == NEUTRAL else gestures.NAMED[command]
    return tuple(decoded(jpeg) for jpeg in painted(portrait, gesture, COUNT, seed=seed))


def decoded(jpeg: bytes) -> Image:
    """A JPEG, RGB."""
    return np.asarray(
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8
    )


def measured(image: Image) -> landmarks.FrameMeasurement:
    """What our engine finds in a frame."""
    return landmarks.measure(image, networks=_networks())


def face(image: Image) -> Embedding:
    """The face in a frame, as it is compared."""
    (look,) = backends.in_use().look_at_all([image])
    if look.face is None:
        raise ValueError("no face to compare")
    return look.face


@cache
def _noise() -> NDArray[np.int16]:
    return np.rint(np.random.default_rng(15).normal(0, _NOISE, (HEIGHT, WIDTH, 3))).astype(np.int16)


@cache
def _networks() -> networks.Networks:
    return networks.load()
