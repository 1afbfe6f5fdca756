"""The face nets in ONNX, on one thread: an aligned face in, its embedding out.

Each defines its input, and its expected output for a synthetic picture: a machine with another
output cannot use it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime  # its errors have no public name

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.embedding import Embedding, Form, Numbers, TrainingData, unit
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.portrait import ARCFACE, DLIB_SIDE, Portrait, Template

_FAULTS = (
    runtime.EPFail,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
MAX_BYTES = (
    512 * 1024 * 1024
)  # of an operator's net; ours: a worker's child above 600 MB is replaced
# How ONNX names an external file with a tensor's numbers: the SHA-256 would not cover it. Field 1,
# which is this word, however long its tag and length are spelled, and whatever follows.
_ANOTHER_FILE = re.compile(rb"(\x0a|\x8a\x80*\x00)(\x08|\x88\x80*\x00)location")
DLIB, DLIB_MODEL = "dlib-resnet-v1", "dlib_face_recognition_resnet_model_v1"
DLIB_TRAINING_DATA: TrainingData = (
    "described"  # by dlib-models: FaceScrub, VGG's faces, and pictures from the internet
)
SFACE, SFACE_MODEL = "sface-2021dec-yunet5", "face_recognition_sface_2021dec"
# Faces per run of SFace: the same numbers to the last bit in nine tenths of the time, because its
# weights are read once. From six on, memory is allocated and freed each time: half as much time
# again.
SFACE_AT_ONCE = 4


class OnnxNet:
    """One model. It keeps no state between calls; threads may share it."""

    def __init__(self, model: Path, *, is_fast: bool = True, subject: str = "face model") -> None:
        """is_fast: whether onnxruntime may keep a second, optimised copy of the weights.

        what: its name in messages.

        Raises: `Misconfigured` for a file that is no model, or has several inputs.
        """
        options, levels = onnxruntime.SessionOptions(), onnxruntime.GraphOptimizationLevel
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # A worker sees a few faces a minute: an arena would keep the peak memory for ever.
        options.enable_cpu_mem_arena = False
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if is_fast else levels.ORT_ENABLE_EXTENDED
        )
        options.log_severity_level = 3  # errors; a warning would print the model's own words
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
            (entry,) = self._session.get_inputs()
            self._outputs = [output.name for output in self._session.get_outputs()]
        except (*_FAULTS, ValueError) as error:
            raise Misconfigured(f"the {subject} is no ONNX model with one input") from error
        self._input, self._what = entry.name, subject

    def run(self, pictures: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Its output for these (n × 3 × height × width), by name.

        Raises: `Misconfigured` for an unsupported input.
        """
        try:
            return dict(
                zip(
                    self._outputs,
                    self._session.run(self._outputs, {self._input: pictures}),
                    strict=True,
                )
            )
        except (*_FAULTS, ValueError, TypeError) as error:
            raise Misconfigured(
                f"the {self._what} takes no faces of this size, or gives no numbers"
            ) from error

    def rows(self, cuts: Sequence[Pixels | npt.NDArray[np.float32]]) -> Numbers:
        """A row of numbers for each face (side × side × 3)."""
        batch = np.stack(cuts).transpose(0, 3, 1, 2).astype(np.float32)
        try:
            return np.asarray(self.run(batch)[self._outputs[0]], dtype=np.float64).reshape(
                len(cuts), -1
            )
        except (ValueError, TypeError) as error:
            raise Misconfigured(f"the {self._what} gives no numbers") from error


@dataclass(frozen=True)
class Showing:
    """The preparation of a face for a net, and the form of its numbers.

    A square of `side` pixels with the points at the template's places; (value - mean) / scale of
    each colour.
    """

    side: int
    template: Template
    channels: Literal["RGB", "BGR"]
    mean: float
    scale: float
    form: Form


SFACE_SHOWING = Showing(
    112, ARCFACE, "RGB", 0.0, 1.0, "single-l2"
)  # the graph itself subtracts and divides
"""Without the mirror it takes half the time, and 0.9 percentage points more honest people go to
review.
"""


@dataclass(frozen=True)
class OnnxRecogniser:
    """A net with one preparation of faces. model, sha256: its name and its file's hash.

    at_once: faces per run; one unless a measurement shows that larger batches change no number.
    """

    model: str
    sha256: str
    embedding: str
    net: OnnxNet
    showing: Showing
    training_data: TrainingData
    at_once: int = 1

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        """The numbers of each face."""
        cuts = [face.cut(self.showing.template, side=self.showing.side) for face in faces]
        return tuple(Embedding(self.embedding, numbers) for numbers in self.numbers(cuts))

    def numbers(self, cuts: Sequence[Pixels]) -> list[Numbers]:
        """The net's output for each cut square."""
        how, embeddings = self.showing, list[Numbers]()
        for group in (cuts[at : at + self.at_once] for at in range(0, len(cuts), self.at_once)):
            plain_cuts = [cut if how.channels == "RGB" else cut[:, :, ::-1] for cut in group]
            ways = [
                [image, image[:, ::-1]] if how.form == "mirror-mean-l2" else [image]
                for image in plain_cuts
            ]
            rows = self.net.rows(
                [(image.astype(np.float32) - how.mean) / how.scale for way in ways for image in way]
            )
            together = rows.reshape(len(group), len(ways[0]), rows.shape[1]).sum(axis=1)
            embeddings += [
                numbers if how.form == "single" else unit(numbers) for numbers in together
            ]
        return embeddings

    def test(self) -> None:
        """Raises: `Misconfigured` unless SFace gives its own numbers for a synthetic picture,
        also in a batch.
        """
        square = self_test.pattern(self.showing.side)
        first, _, again = self.numbers([square, 255 - square, square])
        if (
            max(self_test.difference(numbers, self_test.SFACE) for numbers in (first, again))
            > self_test.MOST
        ):
            raise Misconfigured(
                "the face model does not give SFace's numbers: run manage.py build_face_model"
            )


@dataclass(frozen=True)
class DlibRecogniser:
    """dlib's net as `manage.py build_face_model` converted it: the mean of a face, in dlib's
    cut, and its mirror.
    """

    net: OnnxNet
    model: str = DLIB_MODEL
    sha256: str = weights.FACE_RECOGNITION.sha256
    embedding: str = f"{DLIB}/mirror-mean-l2"
    training_data: TrainingData = DLIB_TRAINING_DATA

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        """For each, the mean of the face and its mirror image, of length 1."""
        chips = [face.dlib_chip() for face in faces]
        means = [unit(self.net.rows([chip, chip[:, ::-1]]).sum(axis=0)) for chip in chips]
        return tuple(Embedding(self.embedding, mean) for mean in means)

    def single(self, face: Portrait) -> Embedding:
        """The net's raw numbers for the unmirrored face, as face_recognition gives them."""
        return Embedding(f"{DLIB}/single", self.net.rows([face.dlib_chip()])[0])

    def test(self) -> None:
        """Raises: `Misconfigured` unless the net gives dlib's own numbers for a synthetic
        picture.
        """
        if (
            self_test.difference(self.net.rows([self_test.pattern(DLIB_SIDE)])[0], self_test.DLIB)
            > self_test.MOST
        ):
            raise Misconfigured(
                "the face model does not give dlib's numbers: run manage.py build_face_model"
            )


def load_pinned(model: Path, sha256: str, *, subject: str) -> OnnxNet:
    """An operator's net.

    Raises: `Misconfigured` unless it is the one that its description pins, in a single file.
    """
    try:
        with model.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"the {subject} is unreadable: {type(error).__name__}") from error
    if len(content) > MAX_BYTES:
        raise Misconfigured(f"the {subject} has more than {MAX_BYTES} bytes")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Misconfigured(f"the {subject} is not the one whose SHA-256 its description pins")
    if _ANOTHER_FILE.search(content):
        raise Misconfigured(f"the {subject} keeps numbers in another file, which no SHA-256 pins")
    return OnnxNet(model, subject=subject)


def load_sface(models: Path | None, *, showing: Showing = SFACE_SHOWING) -> OnnxRecogniser:
    """The folded SFace.

    Raises: `Misconfigured` if not built, or changed since.
    """
    net = OnnxNet(built(models, weights.SFACE.sha256))
    embedding = f"{SFACE}/{showing.form}"
    return OnnxRecogniser(
        SFACE_MODEL,
        weights.SFACE.sha256,
        embedding,
        net,
        showing,
        "undocumented",
        at_once=SFACE_AT_ONCE,
    )


def load_dlib(models: Path | None) -> DlibRecogniser:
    """The converted dlib net.

    Raises: `Misconfigured` if not built, or changed since.
    """
    return DlibRecogniser(OnnxNet(built(models, weights.FACE_RECOGNITION.sha256)))


def built(models: Path | None, sha256: str) -> Path:
    """The path of a model from set-up, verified to be unchanged.

    Raises: `Misconfigured` with the remedy.
    """
    if models is None:
        raise Misconfigured(
            "TULGA_FACE_MODELS_DIR must name the folder of manage.py build_face_model"
        )
    model = path_in(models, sha256)
    try:
        is_built = digest_of(model).read_text(encoding="ascii") == spelled_digest(
            model, name=model.name
        )
    except FileNotFoundError as error:
        raise Misconfigured(
            "the face model is not built: run manage.py build_face_model"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"the face model cannot be read ({type(error).__name__}): let its user run manage.py"
            " build_face_model"
        ) from error
    if not is_built:
        raise Misconfigured("the face model is not as it was built: run manage.py build_face_model")
    return model


def path_in(models: Path, sha256: str) -> Path:
    """The path of a model from set-up: its name is the SHA-256 of its source."""
    return models / f"{sha256}.onnx"


def digest_of(model: Path) -> Path:
    """The path of its own SHA-256, in the form of sha256sum."""
    return model.with_name(f"{model.name}.sha256")


def spelled_digest(model: Path, *, name: str) -> str:
    """The content of that file for this model under this name.

    Raises: `OSError`.
    """
    with model.open("rb") as opened:
        return f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {name}\n"
