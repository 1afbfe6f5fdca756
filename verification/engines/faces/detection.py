"""Finds the one face of an image, and five points of it, with YuNet. Never chooses among faces of
equal size.

dlib's HOG detector is only asked if YuNet finds no face, or two: whether one face is there.
The points always come from YuNet, run again in dlib's box: another model's points change the
embedding, which has no calibration for them.
Source: Wu, Peng and Yu 2023, "YuNet: a tiny millisecond-level face detector".
"""

from dataclasses import dataclass
from functools import cache

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from verification.core.errors import Refused
from verification.engines.faces import policy
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.nets import OnnxNet
from verification.engines.faces.portrait import Points, Portrait

_STRIDES = (
    8,
    16,
    32,
)  # of the three grids of YuNet, pixels; a picture's sides are padded up to the last
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Found:
    """A face. box: left, top, right, bottom; points: as `Portrait.points`; both in pixels."""

    score: float
    box: Floats
    points: Points

    @property
    def area(self) -> float:
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


def locate(
    image: Pixels, *, yunet: OnnxNet, scale: float = 1.0, is_frame: bool = False
) -> Portrait:
    """The one face. scale: as `Portrait.scale`.

    1. YuNet on the whole picture. For frames this is the only step: there are many of one person,
       some turned away.
    2. If it finds no face or several, dlib says whether one is there, and where.
    3. A small face, or one in dlib's box, is enlarged and located again: dlib's box must contain
       one.

    Raises: `Refused` with `face_not_found` or `multiple_faces`.
    """
    candidates = _find(image, yunet)  # 1
    if (sure := _only_face(candidates)) is not None:
        if float(sure.box[2] - sure.box[0]) * policy.SIDE / max(image.shape) < policy.SURE_WIDTH:
            # With less precise points a net gives an uncalibrated embedding.
            sure = _again(image, sure.box, yunet) or sure  # 3
        return Portrait(image, sure.points, sure.score, scale)
    if is_frame:
        raise Refused("multiple_faces" if candidates else "face_not_found")
    height, width = image.shape[:2]
    for longest, doublings in policy.LADDER:  # 2: shrunk to each rung until a face is found
        share = max(1.0, max(height, width) / longest)
        size = (max(1, round(width / share)), max(1, round(height / share)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if share > 1 else image
        # 0: dlib's own threshold of the score.
        boxes, scores, _ = _hog().run(small, doublings, 0.0)
        sides = [
            np.array([box.left(), box.top(), box.right(), box.bottom()]) * share for box in boxes
        ]
        faces = [
            _Found(score, side, np.zeros((5, 2))) for side, score in zip(sides, scores, strict=True)
        ]
        if faces:
            if (there := _only_face(faces)) is None:
                raise Refused("multiple_faces")
            face = _again(image, there.box, yunet)  # 3
            if face is None:
                break
            return Portrait(image, face.points, face.score, scale)
    raise Refused("face_not_found")


def _only_face(faces: list[_Found]) -> _Found | None:
    """The face that is clearly the largest; None without one, or with another of its size."""
    if not faces:
        return None
    first, *smaller = sorted(faces, key=lambda face: face.area, reverse=True)
    is_alone = all(face.area <= policy.SECOND_FACE_SHARE * first.area for face in smaller)
    return first if is_alone else None


def _find(image: Pixels, yunet: OnnxNet) -> list[_Found]:
    """All faces, by falling score.

    1 shrink · 2 pad to whole cells, in BGR · 3 run · 4 read the likely cells of each grid · 5 drop
    overlaps with a likelier face.
    """
    height, width = image.shape[:2]
    share = min(1.0, policy.SIDE / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if share < 1 else image  # 1
    filled = [-(-side // _STRIDES[-1]) * _STRIDES[-1] for side in small.shape[:2]]
    tensor = np.zeros((1, 3, *filled), np.float32)
    tensor[0, :, : small.shape[0], : small.shape[1]] = small[:, :, ::-1].transpose(2, 0, 1)  # 2
    outputs = yunet.run(tensor)  # 3
    candidates = []
    for stride in _STRIDES:  # 4
        face, there, boxes, points = (
            outputs[f"{name}_{stride}"][0].astype(np.float64)
            for name in ("cls", "obj", "bbox", "kps")
        )
        # Scores, boxes and points as in OpenCV's FaceDetectorYN: a box has its middle and the
        # logarithm of its size, in cells.
        scores = np.sqrt(np.clip(face[:, 0], 0, 1) * np.clip(there[:, 0], 0, 1))
        for at in np.flatnonzero(scores >= policy.SCORE):
            cell = np.array(divmod(int(at), filled[1] // stride)[::-1], np.float64)
            # Bounded, because the net may give any number: e^10 cells are wider than any input
            # picture.
            middle, half = cell + boxes[at, :2], np.exp(np.minimum(boxes[at, 2:], 10)) / 2
            box = np.concatenate([middle - half, middle + half]) * stride / share
            candidates.append(
                _Found(float(scores[at]), box, (points[at].reshape(5, 2) + cell) * stride / share)
            )
    separate: list[_Found] = []
    for candidate in sorted(candidates, key=lambda face: face.score, reverse=True):  # 5
        for other in separate:
            # Intersection over union of two boxes.
            sides = np.minimum(candidate.box[2:], other.box[2:]) - np.maximum(
                candidate.box[:2], other.box[:2]
            )
            shared = float(np.prod(np.maximum(sides, 0)))
            if not shared / max(candidate.area + other.area - shared, 1e-9) <= policy.OVERLAP:
                break
        else:
            separate.append(candidate)
    return separate


def _again(image: Pixels, box: Floats, yunet: OnnxNet) -> _Found | None:
    """The likeliest face whose middle lies in the box, seen at twice `SURE_WIDTH`; None without
    one.

    In all grey levels: a face in mist or dark must be refused for that, not reported as absent.
    """
    high, wide = image.shape[:2]
    more = np.tile(policy.AROUND * (box[2:] - box[:2]), 2) * (-1, -1, 1, 1)
    left, top, right, bottom = np.clip(np.rint(box + more), 0, (wide, high, wide, high)).astype(int)
    part, share = (
        image[top:bottom, left:right],
        2 * policy.SURE_WIDTH / max(float(box[2] - box[0]), 1.0),
    )
    if not part.size:
        return None
    size = tuple(max(1, min(policy.SIDE, round(side * share))) for side in part.shape[1::-1])
    how = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    part_share = np.array(size) / part.shape[1::-1]
    darkest, brightest = int(part.min()), int(part.max())
    stretched = cv2.resize(part, size, interpolation=how).astype(np.float64) - darkest
    for face in _find((stretched * (255 / max(brightest - darkest, 1))).astype(np.uint8), yunet):
        corners, points = (
            face.box.reshape(2, 2) / part_share + (left, top),
            face.points / part_share + (left, top),
        )
        middle = corners.mean(axis=0)
        if (box[:2] <= middle).all() and (middle <= box[2:]).all():
            return _Found(face.score, corners.ravel(), points)
    return None


@cache
def _hog() -> dlib.fhog_object_detector:
    # Not thread-safe: one per process, built at the first face that needs it, so after a worker's
    # fork.
    return dlib.get_frontal_face_detector()
