"""The reference: face_recognition as its authors publish it. It costs three times the time and 100 MB more.

Importing it loads its 68-point model, whose training data excludes commercial use; `model="small"` never asks that one.
"""

import face_recognition
import numpy as np
from PIL import ImageFile

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.calibration import Calibration
from verification.engines.faces.dlib_onnx import EMBEDDING_SINGLE, MODEL
from verification.engines.faces.embedding import Embedding

# face_recognition lets half a picture pass as a whole one, in the entire process.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class FaceRecognition:
    """The library's own net."""

    def embed(self, face: Face) -> Embedding:
        """One image, raw, no jitter."""
        left, top, right, bottom, _ = face.box
        found = face_recognition.face_encodings(face.image, [(top, right, bottom, left)], num_jitters=1, model="small")
        return Embedding(EMBEDDING_SINGLE, np.asarray(found[0], dtype=np.float64))

    def test(self) -> None:
        """Raises `Misconfigured` unless the library's weights are the pinned ones and give their numbers."""
        weights.read(weights.FACE_RECOGNITION)
        numbers = np.asarray(face_recognition.api.face_encoder.compute_face_descriptor(self_test.chip()))
        if self_test.difference(numbers) > self_test.TOLERANCE:
            raise Misconfigured("face_recognition does not give its own numbers: install the locked version")


def load(choice: Choice, *, calibration: Calibration | None) -> Backend:
    """The library, with its net."""
    return Backend(
        name="face_recognition",
        model=MODEL,
        sha256=weights.FACE_RECOGNITION.sha256,
        embedding=EMBEDDING_SINGLE,
        calibration=calibration,
        recogniser=FaceRecognition(),
    )
