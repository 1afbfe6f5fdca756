"""An operator's own net in ONNX, pinned by its SHA-256. What it is worth is the calibration that the operator measures.

The description is JSON in which all is text: `schema model file sha256 side channels mean scale left_eye_x left_eye_y
right_eye_x right_eye_y`. `file` lies beside it. A face is cut so that the middles of its eyes fall on these two points
of a square of `side` pixels (the left one farther left), and (value - mean) / scale is what the net sees.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from verification.core.errors import BadInput, Misconfigured
from verification.core.strict_json import StrictObject, read_object
from verification.engines.faces import self_test
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.calibration import Calibration
from verification.engines.faces.embedding import MIRROR_MEAN_L2, Embedding, distance, mirror_mean
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.onnx_net import OnnxNet

SCHEMA = "tulga-face-model-1"
MAX_BYTES, MAX_SIDE = 16 * 1024, 512  # of a description; pixels. Ours
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
# How ONNX begins the name of another file in which a tensor's numbers lie: the SHA-256 would not cover that one.
_ANOTHER_FILE = b"\x0a\x08location\x12"
_TELLS_APART = 0.01  # the least distance of two unlike pictures, ours: below it a net sees nothing


@dataclass(frozen=True)
class Description:
    """How faces are prepared for a net; see the module."""

    model: str
    file: str
    sha256: str
    side: int
    channels: str
    mean: float
    scale: float
    eyes: tuple[tuple[float, float], tuple[float, float]]

    @property
    def embedding(self) -> str:
        """The id of what comes out. A face that is cut or scaled otherwise gives other numbers, so it says how, too."""
        prepared = repr((self.side, self.channels, self.mean, self.scale, self.eyes)).encode()
        return f"{self.model}-{hashlib.sha256(prepared).hexdigest()[:8]}/{MIRROR_MEAN_L2}"


class Custom:
    """An operator's net."""

    def __init__(self, model: Path, described: Description) -> None:
        """Raises `Misconfigured` for a file that is no model."""
        self._net, self._described = OnnxNet(model), described

    def embed(self, face: Face) -> Embedding:
        """The mean of the face and its mirror image, of length 1."""
        cut = _cut(face, self._described)
        plain, mirrored = (self._seen(each) for each in (cut, cut[:, ::-1]))
        return Embedding(self._described.embedding, mirror_mean(plain, mirrored))

    def test(self) -> None:
        """Raises `Misconfigured` unless the net says the same of one square again, and something else of another."""
        square = np.resize(self_test.chip(), (self._described.side, self._described.side, 3))
        another = (255 - square) // np.array((1, 2, 4), np.uint8)  # its negative, and of another colour
        one, again, other = (
            Embedding(self._described.embedding, mirror_mean(*[self._seen(each)] * 2))
            for each in (square, square, another)
        )
        if not np.array_equal(one.numbers, again.numbers):
            raise Misconfigured("the operator's face model says something else of the same picture each time")
        if not distance(one, [other]).value > _TELLS_APART:
            raise Misconfigured("the operator's face model says the same of every picture")

    def _seen(self, cut: Pixels) -> npt.NDArray[np.float64]:
        ordered = cut if self._described.channels == "RGB" else cut[:, :, ::-1]
        scaled = (ordered.astype(np.float32) - self._described.mean) / self._described.scale
        return np.asarray(self._net.run([scaled])[0])


def load(choice: Choice, *, calibration: Calibration | None) -> Backend:
    """The net that the description names. Raises `Misconfigured` unless it is the one that is pinned."""
    if choice.model is None:
        raise Misconfigured("TULGA_FACE_MODEL must name the description of the face model")
    try:
        described = read_description(choice.model.read_bytes())
        model = choice.model.parent / described.file
        content = model.read_bytes()
    except OSError as error:
        raise Misconfigured(f"the operator's face model cannot be read: {type(error).__name__}") from error
    if hashlib.sha256(content).hexdigest() != described.sha256:
        raise Misconfigured("the operator's face model is not the one whose SHA-256 its description pins")
    if _ANOTHER_FILE in content:
        raise Misconfigured("the operator's face model keeps numbers in another file, which no SHA-256 pins")
    return Backend(
        name="onnx-custom",
        model=described.model,
        sha256=described.sha256,
        embedding=described.embedding,
        calibration=calibration,
        recogniser=Custom(model, described),
    )


def read_description(untrusted: bytes) -> Description:
    """What a description says. Raises `Misconfigured` for anything that is not exactly one."""
    try:
        return _description(read_object(untrusted, max_bytes=MAX_BYTES))
    except BadInput as fault:
        raise Misconfigured(f"no description of a face model: {fault.detail} {fault.pointer}".rstrip()) from fault


def _description(fields: StrictObject) -> Description:
    fields.choice("schema", [SCHEMA])
    found = Description(
        model=_name(fields, "model"),
        file=_name(fields, "file"),
        sha256=fields.sha256("sha256"),
        side=int(_decimal(fields, "side")),
        channels=fields.choice("channels", ["RGB", "BGR"]),
        mean=_decimal(fields, "mean"),
        scale=_decimal(fields, "scale"),
        eyes=(
            (_decimal(fields, "left_eye_x"), _decimal(fields, "left_eye_y")),
            (_decimal(fields, "right_eye_x"), _decimal(fields, "right_eye_y")),
        ),
    )
    fields.finish()
    are_outside = max(max(eye) for eye in found.eyes) >= found.side  # where every face looks the same: black
    if not 0 < found.side <= MAX_SIDE or found.scale == 0 or found.eyes[0][0] >= found.eyes[1][0] or are_outside:
        raise BadInput("a side, a scale or the eyes are impossible", pointer="/side")
    return found


def _name(fields: StrictObject, name: str) -> str:
    spelled = fields.text(name, longest=64)
    if not _NAME.fullmatch(spelled):
        raise BadInput("a plain name is expected", pointer=f"/{name}")
    return spelled


def _decimal(fields: StrictObject, name: str) -> float:
    spelled = fields.text(name, longest=12)
    if not _DECIMAL.fullmatch(spelled):
        raise BadInput("a number such as 127.5 is expected", pointer=f"/{name}")
    return float(spelled)


def _cut(face: Face, described: Description) -> Pixels:
    """The square in which the eyes stand where the net expects them: turned, scaled and shifted, nothing else."""
    here, there = face.eyes, np.array(described.eyes)
    image, shrunk = _shrunk(face, float(np.linalg.norm(there[1] - there[0])))
    (a, b), (x, y) = (here[1] - here[0]) * shrunk, there[1] - there[0]
    turn = complex(x, y) / complex(a, b)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    shift = there[0] - linear @ (here[0] * shrunk)
    size = (described.side, described.side)
    return np.asarray(cv2.warpAffine(image, np.column_stack([linear, shift]), size, flags=cv2.INTER_LINEAR), np.uint8)


def _shrunk(face: Face, wanted: float) -> tuple[Pixels, float]:
    """The image, averaged down to twice the size that is cut: what is skipped in between would be noise."""
    share = 2 * wanted / max(face.eye_distance, 1.0)
    if share >= 1:
        return face.image, 1.0
    small = cv2.resize(face.image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), share
