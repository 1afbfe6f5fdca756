"""The backend that is used where nothing else is set: dlib's own numbers, run as ONNX."""

import hashlib
from pathlib import Path

import numpy as np

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.calibration import Calibration
from verification.engines.faces.embedding import MIRROR_MEAN_L2, SINGLE, Embedding, mirror_mean
from verification.engines.faces.onnx_net import OnnxNet

NET, MODEL = "dlib-resnet-v1", "dlib_face_recognition_resnet_model_v1"
EMBEDDING = f"{NET}/{MIRROR_MEAN_L2}"
EMBEDDING_SINGLE = f"{NET}/{SINGLE}"


class DlibOnnx:
    """dlib's net as `manage.py build_face_model` converted it."""

    def __init__(self, model: Path) -> None:
        """The file of the model. Raises `Misconfigured` for one that is none."""
        self._net = OnnxNet(model)

    def embed(self, face: Face) -> Embedding:
        """The mean of the face and its mirror image, of length 1."""
        plain, mirrored = self._net.run([face.chip, face.chip[:, ::-1]])
        return Embedding(EMBEDDING, mirror_mean(plain, mirrored))

    def single(self, face: Face) -> Embedding:
        """The net's raw numbers for the face as it is: what face_recognition gives."""
        return Embedding(EMBEDDING_SINGLE, self._net.run([face.chip])[0])

    def test(self) -> None:
        """Raises `Misconfigured` unless the net gives dlib's own numbers for a face that is no face."""
        if self_test.difference(np.asarray(self._net.run([self_test.chip()])[0])) > self_test.TOLERANCE:
            raise Misconfigured("the face model does not give dlib's numbers: run manage.py build_face_model")


def load(choice: Choice, *, calibration: Calibration | None) -> Backend:
    """The converted net of this installation. Raises `Misconfigured` where it was not built, or is not as it was."""
    if choice.models is None:
        raise Misconfigured("TULGA_FACE_MODELS_DIR must name the folder of manage.py build_face_model")
    model = path_in(choice.models)
    try:
        is_built = digest_of(model).read_text(encoding="ascii") == spelled_digest(model, name=model.name)
    except FileNotFoundError as error:
        raise Misconfigured("the face model is not built: run manage.py build_face_model") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"the face model cannot be read ({type(error).__name__}): let its user run manage.py build_face_model"
        ) from error
    if not is_built:
        raise Misconfigured("the face model is not as it was built: run manage.py build_face_model")
    return Backend(
        name="dlib-onnx",
        model=MODEL,
        sha256=weights.FACE_RECOGNITION.sha256,
        embedding=EMBEDDING,
        calibration=calibration,
        recogniser=DlibOnnx(model),
    )


def path_in(models: Path) -> Path:
    """Where the converted net lies: it is named by the SHA-256 of what it was made from."""
    return models / f"{weights.FACE_RECOGNITION.sha256}.onnx"


def digest_of(model: Path) -> Path:
    """Where its own SHA-256 lies, as sha256sum writes and checks it."""
    return model.with_name(f"{model.name}.sha256")


def spelled_digest(model: Path, *, name: str) -> str:
    """What stands there for this model when it has this name. Raises `OSError`."""
    with model.open("rb") as opened:
        return f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {name}\n"
