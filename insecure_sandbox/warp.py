"""Frames of a commanded gesture from one photograph: the reenactment attack of
docs/security/liveness.md.

1. The photograph, cut as a camera would see it, and its mesh.
2. Fixed anchors around the face.
3. For each frame move the points in space: close the lids, open the mouth, turn or nod the head
   about a point behind the face.
4. Paint the triangles between the points, far to near, from the photograph.
5. Scale, sensor-like noise, JPEG.

An attacker who can make these frames needs no live person. Tulga without a certified detector does
not stop them.

`Sitting` varies painted borrowers of one photograph: light, features, posture, pace.
Without it captures of one photograph are more similar than captures of one person, and count as
replays.
Its effect: docs/lender/sandbox.md.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from insecure_sandbox import warp_picture
from insecure_sandbox.warp_picture import HEIGHT, WIDTH, Triangles, camera_cut, jpeg, paint
from verification.engines.liveness import gestures, landmarks, masks, networks, policy
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.gestures import Gesture, Neutral
from verification.engines.liveness.landmarks import FaceMeasurement

_LIGHT, _LIGHT_CELLS = (
    0.16,
    5,
)  # of the picture's own light, standard deviation; so many patches each way
_DIMMEST, _BRIGHTEST = 0.75, 1.25
_BEND, _BEND_CELLS = 4.0, 7  # pixels, standard deviation; so many patches each way
_HELD = 2.0  # maximum deviation of the head's pose, degrees
_SWAYS, _SWAYS_PER_GESTURE = 1.5, (0.4, 1.3)  # amplitude in degrees, and frequency, of a slow sway
_PACE = (0.75, 1.35)  # exponents of a gesture's progress


@dataclass(frozen=True)
class Sitting:
    """One borrower. Each gesture draws from `chance`; the look is drawn once."""

    chance: np.random.Generator
    light: NDArray[np.float32] = field(init=False)
    bent: tuple[NDArray[np.float32], NDArray[np.float32]] = field(init=False)
    offset: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        light = np.clip(1 + _LIGHT * self._patches(_LIGHT_CELLS), _DIMMEST, _BRIGHTEST)
        object.__setattr__(self, "light", light[..., np.newaxis].astype(np.float32))
        object.__setattr__(
            self, "bent", (_BEND * self._patches(_BEND_CELLS), _BEND * self._patches(_BEND_CELLS))
        )
        object.__setattr__(self, "offset", tuple(self.chance.uniform(-_HELD, _HELD, 2).tolist()))

    def apply_to(self, image: Image) -> Image:
        """The photograph in this borrower's look."""
        down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        way = (across + self.bent[0], down + self.bent[1])
        picture = cv2.remap(image, *way, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(picture * self.light, 0, 255), dtype=np.uint8)

    def sway(self, count: int) -> Floats:
        """Degrees (count, 2) of the head's own turn and nod in the frames of one gesture."""
        begun = self.chance.uniform(0, 2 * np.pi, 2)
        often, far = (
            self.chance.uniform(*_SWAYS_PER_GESTURE, 2),
            self.chance.uniform(0.3, 1.0, 2) * _SWAYS,
        )
        places = np.arange(count)[:, np.newaxis] / count
        return np.asarray(np.sin(begun + 2 * np.pi * often * places) * far, dtype=np.float64)

    def pace(self, shares: list[float]) -> list[float]:
        """A gesture's progress in each frame, sooner or later than usual."""
        power = self.chance.uniform(*_PACE)
        return [share**power for share in shares]

    def _patches(self, cells: int) -> NDArray[np.float32]:
        rough = self.chance.normal(0, 1, (cells, cells)).astype(np.float32)
        return np.asarray(
            cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), dtype=np.float32
        )


Play = Gesture | Literal["neutral"]


@dataclass(frozen=True)
class Pose:
    """The face's pose in one frame: angles in degrees (`yaw` to its own left, `pitch` down),
    shares from 0 to 1.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    closed_eyes: float = 0.0
    open_mouth: float = 0.0
    scale: float = 1.0


# Possible strongest poses of each gesture, weakest first; the necessary one depends on the face.
_STRONGEST: dict[Play, tuple[Pose, ...]] = {
    "neutral": (Pose(),),
    "blink": tuple(Pose(closed_eyes=share / 10) for share in range(10, 13)),
    "open_mouth": tuple(Pose(open_mouth=share / 10, pitch=-8.0) for share in range(9, 19)),
    "come_closer": (Pose(scale=1.45),),
    "nod": tuple(Pose(pitch=pitch) for pitch in range(14, 36, 2)),
    "turn_left": tuple(Pose(yaw=yaw) for yaw in range(12, 40, 2)),
    "turn_right": tuple(Pose(yaw=-yaw) for yaw in range(12, 40, 2)),
}
# Multiples of the required strength: noise and a thin picture reduce it, most of a nod. A face
# whose nose is far from its edges turns by so few degrees that it shows no depth. With a sitting
# all gestures grow by this much: farther, the face may look like another one than at rest.
_MORE: dict[Play, float] = {"nod": 1.5, "turn_left": 1.75, "turn_right": 1.75}
_MORE_OF_ANY = 1.25
_THERE_AND_BACK = ("blink", "nod")
# Minimum multiples for a borrower who is painted to do everything: of the required strength, of an
# open eye, and of a mouth without a mask.
_SEEN, _AWAKE, _BARE = 1.05, 1.25, 1.3
_STRAIGHT, _LEVEL = 0.10, 18.0  # ratio and degrees at which a face looks straight enough
_SWAY = 0.7  # degrees of a head's own sway
_CLOSED, _MOUTH = 0.04, 0.50  # of its width, the gap of a closed and of a wide open mouth
_DARK, _WHITE = (45, 20, 20), (215, 205, 195)  # RGB of a mouth's inside and lashes, of teeth
_TEETH = 0.35  # of the gap between the lips
_DEPTH = 1.3  # the mesh is flatter than a head
_LASHES = 0.25  # of the gap between the lids
_BEHIND = 0.35  # of the face's width, the distance behind its edges about which the head turns
_FOCAL = 2.2  # of the frame's width


def frames(image: Image, gesture: Play, count: int, *, seed: int | None = None) -> list[bytes]:
    """`count` frames of the gesture as JPEG of at most 40 KB.

    Raises: `ValueError` for a picture without a face.
    """
    return Puppet(image).play(gesture, count, seed=seed)


class Puppet:
    """A photograph that follows commands."""

    def __init__(
        self,
        image: Image,
        *,
        loaded: networks.Networks | None = None,
        sitting: Sitting | None = None,
    ) -> None:
        """`image` is RGB; sitting: its variation.

        Raises: `ValueError` without a face.
        """
        self._loaded, self._sitting = loaded, sitting = loaded or networks.load(), sitting
        self._picture = camera_cut(image, _mesh(image, loaded))  # 1
        if sitting is not None:
            self._picture = sitting.apply_to(self._picture)
        self._mesh = _with_wide_lids(_mesh(self._picture, loaded))
        height, width = self._picture.shape[:2]
        self._anchors = _anchors(self._mesh, width=width, height=height)  # 2
        self._triangles = Triangles.between(
            np.vstack([self._mesh[:, :2], self._anchors]), without=warp_picture.INNER_LIPS
        )
        self.rest = self._towards_the_camera()
        self._reached: dict[Play, tuple[Pose, float]] = {}

    def is_able(self) -> bool:
        """Whether it is awake and bare at rest and can show every gesture, with a margin for
        noise and a thin picture.
        """
        resting, picture = self._measured(self.rest), self.show(self.rest)
        if (
            resting is None
            or resting.mesh is None
            or min(resting.lids) < _AWAKE * policy.NEUTRAL.eye
        ):
            return False
        mouth = masks.measure(picture, resting.mesh, side=policy.MASK.side)
        if mouth is None or mouth.rough < _BARE * policy.MASK.rough:
            return False
        return all(self._strongest(gesture)[1] >= _SEEN for gesture in gestures.GESTURES)

    def play(self, gesture: Play, count: int, *, seed: int | None = None) -> list[bytes]:
        """`count` frames of the gesture as JPEG of at most 40 KB; the same `seed` gives the same
        ones.
        """
        # Steps of one capture share no noise, or their frames would be the same pictures twice.
        chance = np.random.default_rng(None if seed is None else [seed, *gesture.encode()])
        strongest, _ = self._strongest(gesture)
        shares = _course(gesture, count)
        if (sitting := self._sitting) is not None:
            shares = sitting.pace(shares)
        poses = [_swayed(_between(self.rest, strongest, share), chance) for share in shares]
        if sitting is not None:
            turned, nods = (sitting.sway(count) + sitting.offset).T.tolist()
            poses = [
                replace(pose, yaw=pose.yaw + yaw, pitch=pose.pitch + pitch)
                for pose, yaw, pitch in zip(poses, turned, nods, strict=True)
            ]
        return [jpeg(self.show(pose), chance=chance) for pose in poses]

    def show(self, pose: Pose) -> Image:
        """The picture of one pose, without noise."""
        moved = self._mesh.copy()  # 3
        for lids in (warp_picture.RIGHT_LIDS, warp_picture.LEFT_LIDS):
            gap = moved[list(lids.lower)] - moved[list(lids.upper)]
            moved[list(lids.upper)] += gap * pose.closed_eyes
        _open_mouth(moved, share=pose.open_mouth)
        turned = self._turned(moved, pose)
        points = np.vstack([turned[:, :2], self._anchors])
        depths = np.concatenate([turned[:, 2], np.full(len(self._anchors), np.inf)])
        painted = paint(self._picture, self._triangles, points, depths)  # 4
        if pose.open_mouth:
            _fill_mouth(painted, turned)
        if pose.closed_eyes:
            for lids in (warp_picture.RIGHT_LIDS, warp_picture.LEFT_LIDS):
                lashes = turned[list(lids.lower), :2].astype(np.int32)
                cv2.polylines(painted, [lashes], False, _DARK, thickness=2, lineType=cv2.LINE_AA)
        return _scaled(painted, pose.scale, middle=self._mesh[:, :2].mean(axis=0))

    def _towards_the_camera(self) -> Pose:
        """The least turn and nod that make a photograph look straight enough at the camera."""
        yaws = sorted(np.arange(-40.0, 41.0), key=abs)
        yaw = next(
            (
                angle
                for angle in yaws
                if abs(_turn(self._turned(self._mesh, Pose(yaw=angle)))) <= _STRAIGHT
            ),
            0.0,
        )
        pitches = sorted(np.arange(-30.0, 31.0), key=abs)
        pitch = next(
            (
                angle
                for angle in pitches
                if abs(_rise(self._turned(self._mesh, Pose(yaw=yaw, pitch=angle)))) <= _LEVEL
            ),
            0.0,
        )
        return Pose(yaw=float(yaw), pitch=float(pitch))

    def _strongest(self, gesture: Play) -> tuple[Pose, float]:
        """The first pose that exceeds the required strength, as an attacker can measure it, or
        else the strongest pose; and its multiple of the required strength.
        """
        if gesture not in self._reached:
            self._reached[gesture] = self._tried(gesture)
        return self._reached[gesture]

    def _tried(self, gesture: Play) -> tuple[Pose, float]:
        poses, resting, measured = _STRONGEST[gesture], self._measured(self.rest), list[float]()
        if gesture == "neutral" or resting is None:
            return poses[0], 0.0
        neutral = Neutral(
            resting.turn, resting.mouth, *resting.lids, resting.pitch, resting.interocular
        )
        limits = gestures.limits(policy.GESTURES)[gesture]
        enough = _MORE.get(gesture, _MORE_OF_ANY) if self._sitting is None else _MORE_OF_ANY
        for pose in poses:
            face = self._measured(_between(self.rest, pose, 1.0))
            measured.append(
                0.0 if face is None else gestures.strengths(gesture, [face], neutral)[0] / limits
            )
            if measured[-1] >= enough:
                break
        return poses[measured.index(max(measured))], max(measured)

    def _measured(self, pose: Pose) -> FaceMeasurement | None:
        return landmarks.measure(self.show(pose), networks=self._loaded).face

    def _turned(self, moved: Floats, pose: Pose) -> Floats:
        edges = self._mesh[list(warp_picture.EDGES)]
        wide = float(np.linalg.norm(edges[1] - edges[0]))
        pivot = edges.mean(axis=0) + np.array([0, 0, _BEHIND * wide])
        yaw, pitch = math.radians(pose.yaw), math.radians(pose.pitch)
        sideways = np.array(
            [[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]]
        )
        down = np.array(
            [
                [1, 0, 0],
                [0, math.cos(pitch), -math.sin(pitch)],
                [0, math.sin(pitch), math.cos(pitch)],
            ]
        )
        turned = (moved - pivot) @ (sideways @ down).T + pivot
        # Through a lens: nearer parts grow, relative to their place in the photograph.
        focal = _FOCAL * self._picture.shape[1]
        nearer = (focal + moved[:, 2:]) / (focal + turned[:, 2:])
        turned[:, :2] = (turned[:, :2] - pivot[:2]) * nearer + pivot[:2]
        return np.asarray(turned, dtype=np.float64)


def _mesh(image: Image, loaded: networks.Networks) -> Floats:
    face = landmarks.measure(image, networks=loaded).face
    if face is None or face.mesh is None:
        raise ValueError("the picture shows no face")
    return np.asarray(face.mesh * (1, 1, _DEPTH), dtype=np.float64)


def _with_wide_lids(mesh: Floats) -> Floats:
    """The mesh with lids that include the lashes, which a closing eye would otherwise leave
    behind.
    """
    wide = mesh.copy()
    for lids in (warp_picture.RIGHT_LIDS, warp_picture.LEFT_LIDS):
        gap = mesh[list(lids.lower)] - mesh[list(lids.upper)]
        wide[list(lids.upper)] -= _LASHES * gap
        wide[list(lids.lower)] += _LASHES * gap
    return wide


def _anchors(mesh: Floats, *, width: int, height: int) -> Floats:
    middle = mesh[:, :2].mean(axis=0)
    radius = 1.7 * np.abs(mesh[:, :2] - middle).max(axis=0)
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    ring = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
    inside = (ring > 1).all(axis=1) & (ring < (width - 2, height - 2)).all(axis=1)
    across, down = np.linspace(0, width - 1, 7), np.linspace(0, height - 1, 7)
    border = [(x, y) for x in across for y in down if x in (0, width - 1) or y in (0, height - 1)]
    return np.vstack([ring[inside], border])


def _fill_mouth(painted: Image, turned: Floats) -> None:
    lips = turned[list(warp_picture.INNER_LIPS), :2]
    upper, lower = lips[1:10], lips[:10:-1]
    teeth = np.vstack([upper, (upper + _TEETH * (lower - upper))[::-1]])
    for outline, colour in ((lips, _DARK), (teeth, _WHITE)):
        cv2.fillPoly(painted, [outline.astype(np.int32)], colour, lineType=cv2.LINE_AA)


def _open_mouth(moved: Floats, *, share: float) -> None:
    corners = moved[list(warp_picture.MOUTH_CORNERS)]
    level, width = corners[:, 1].mean(), float(np.linalg.norm(corners[1] - corners[0]))
    already = moved[warp_picture.LOWER_LIP, 1] - moved[warp_picture.UPPER_LIP, 1]
    fall = (_CLOSED + share * (_MOUTH - _CLOSED)) * width - already
    middle = corners[:, 0].mean()
    below = _below_the_mouth(moved)
    # The lips part most in the middle and not at the corners; down to the chin the movement widens.
    down = np.clip((moved[below, 1] - level) / max(moved[warp_picture.CHIN, 1] - level, 1.0), 0, 1)
    sideways = np.abs(moved[below, 0] - middle) / (0.5 * width)
    moved[below, 1] += fall * np.sqrt(np.clip(1 - (sideways / (1.05 + 1.2 * down)) ** 2, 0, 1))


def _below_the_mouth(moved: Floats) -> NDArray[np.intp]:
    upper, lower = set(warp_picture.INNER_LIPS[:11]), warp_picture.INNER_LIPS[11:]
    below = np.flatnonzero(moved[:, 1] > moved[list(lower), 1].min())
    return np.array(sorted({*below.tolist(), *lower} - upper))


def _course(gesture: Play, count: int) -> list[float]:
    """The gesture's progress in each frame: up and held, or up and back."""
    shares = np.linspace(0, 1, count)
    course = np.sin(math.pi * shares) if gesture in _THERE_AND_BACK else np.clip(shares / 0.6, 0, 1)
    if gesture == "blink":
        course = (course > 0.8).astype(float)
    return [float(share) for share in course]


def _turn(mesh: Floats) -> float:
    right = landmarks.distance(mesh, landmarks.NOSE, landmarks.RIGHT_EDGE)
    left_edge = landmarks.distance(mesh, landmarks.NOSE, landmarks.LEFT_EDGE)
    return (right - left_edge) / (right + left_edge)


def _rise(mesh: Floats) -> float:
    up = mesh[landmarks.FOREHEAD] - mesh[landmarks.NOSE_BASE]
    return math.degrees(math.atan2(up[2] / _DEPTH, math.hypot(up[0], up[1])))


def _between(resting: Pose, strongest: Pose, share: float) -> Pose:
    return Pose(
        yaw=resting.yaw + strongest.yaw * share,
        pitch=resting.pitch + strongest.pitch * share,
        closed_eyes=strongest.closed_eyes * share,
        open_mouth=strongest.open_mouth * share,
        scale=1 + (strongest.scale - 1) * share,
    )


def _swayed(pose: Pose, chance: np.random.Generator) -> Pose:
    yaw, pitch = chance.normal(0, _SWAY, 2)
    return replace(pose, yaw=pose.yaw + float(yaw), pitch=pose.pitch + float(pitch))


def _scaled(image: Image, scale: float, *, middle: Floats) -> Image:
    if scale == 1:
        return image
    matrix = np.array([[scale, 0, (1 - scale) * middle[0]], [0, scale, (1 - scale) * middle[1]]])
    size = (image.shape[1], image.shape[0])
    return np.asarray(
        cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
    )
