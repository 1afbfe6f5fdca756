"""Builds the default backend's model at set-up, and lets nothing stand that does not give dlib's own numbers."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dlib
import numpy as np

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import self_test
from verification.engines.faces.conversion import convert
from verification.engines.faces.dlib_onnx import digest_of, path_in, spelled_digest
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.onnx_net import OnnxNet

_PICTURES = 3  # beside the pattern of the self-test: noise of a fixed seed


@dataclass(frozen=True)
class Built:
    """Where the model lies, and its greatest distance from dlib's numbers over a few pictures."""

    path: Path
    farthest: float


def build(models: Path) -> Built:
    """Converts the pinned weights and puts the model into the folder. Raises `Misconfigured`; what was there stays."""
    models.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = path_in(models)
    # Written aside, proven and moved, so that a worker never reads half a model or a wrong one.
    with TemporaryDirectory(dir=models) as aside:
        model = Path(aside) / "model.onnx"
        model.write_bytes(convert(weights.read(weights.FACE_RECOGNITION)))
        digest_of(model).write_text(spelled_digest(model, name=place.name), encoding="ascii")
        if (far := farthest(OnnxNet(model))) > self_test.TOLERANCE:
            raise Misconfigured(f"the converted face model is {far:.1e} from dlib's: nothing was written")
        digest_of(model).replace(digest_of(place))
        model.replace(place)
    return Built(place, far)


def farthest(net: OnnxNet) -> float:
    """The greatest distance of the net's numbers from dlib's over a few pictures."""
    theirs = dlib.face_recognition_model_v1(str(weights.locate(weights.FACE_RECOGNITION)))
    return max(
        float(np.linalg.norm(net.run([picture])[0] - np.asarray(theirs.compute_face_descriptor(picture))))
        for picture in _pictures()
    )


def _pictures() -> list[Pixels]:
    chance = np.random.default_rng(1)
    pattern = self_test.chip()
    return [pattern, *(chance.integers(0, 256, pattern.shape, dtype=np.uint8) for _ in range(_PICTURES))]
