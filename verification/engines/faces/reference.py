"""The reference: face_recognition as published. It takes many times as long and 100 MB more.

Importing it loads its 68-point model, whose training data exclude commercial use; `model="small"`
never uses that one.
"""

from collections.abc import Sequence

import face_recognition
import numpy as np
from PIL import ImageFile

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.nets import DLIB, DLIB_MODEL, DLIB_TRAINING_DATA
from verification.engines.faces.portrait import DLIB_SIDE, Portrait

# face_recognition accepts truncated pictures in the entire process.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class FaceRecognition:
    """The library's own net."""

    model, sha256, embedding = DLIB_MODEL, weights.FACE_RECOGNITION.sha256, f"{DLIB}/single"
    training_data = DLIB_TRAINING_DATA

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        """Of each one image, raw, no jitter."""
        embeddings = []
        for face in faces:
            left, top, right, bottom = face.dlib_box
            box = (top, right, bottom, left)
            (numbers,) = face_recognition.face_encodings(
                face.image, [box], num_jitters=1, model="small"
            )
            embeddings.append(Embedding(self.embedding, np.asarray(numbers, dtype=np.float64)))
        return tuple(embeddings)

    def test(self) -> None:
        """Raises: `Misconfigured` unless the library's weights are the pinned ones and give
        their numbers.
        """
        weights.read(weights.FACE_RECOGNITION)
        square = self_test.pattern(DLIB_SIDE)
        numbers = np.asarray(face_recognition.api.face_encoder.compute_face_descriptor(square))
        if self_test.difference(numbers, self_test.DLIB) > self_test.MOST:
            raise Misconfigured(
                "face_recognition does not give its own numbers: install the locked version"
            )
