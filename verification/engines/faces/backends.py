"""Which net compares faces here: found once in a process, tested before it is trusted, named in every result.

Whoever sets the process up calls `use`; nothing is loaded before a first face, so that a worker loads after it forked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

from verification.core.errors import Misconfigured
from verification.engines.faces import calibration, detection
from verification.engines.faces.alignment import Face, align
from verification.engines.faces.calibration import Calibration
from verification.engines.faces.detection import Box
from verification.engines.faces.distances import Zones
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import Pixels

_HERE = "verification.engines.faces"
# Only the module of the chosen one is imported: the reference loads 100 MB that nobody else needs.
MODULES: Final = {
    "dlib-onnx": f"{_HERE}.dlib_onnx",
    "face_recognition": f"{_HERE}.reference",
    "onnx-custom": f"{_HERE}.custom",
}
SHIPPED: Final = {"dlib-onnx": "mirror-mean-l2.json", "face_recognition": "single.json"}
"""Calibrations that come with the product, by backend."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the operator set.

    models: the folder of `manage.py build_face_model`. model: the description of an operator's own net, for
    `onnx-custom`. calibration: a file of `manage.py calibrate_faces`, in place of the shipped one.
    """

    backend: str = "dlib-onnx"
    models: Path | None = None
    model: Path | None = None
    calibration: Path | None = None


class Recogniser(Protocol):
    """A loaded net."""

    def embed(self, face: Face) -> Embedding:
        """The numbers of an aligned face."""
        ...

    def test(self) -> None:
        """Raises `Misconfigured` unless the net gives the numbers it must."""
        ...


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One net with all that its results are told by.

    model, sha256: which net, and the file it comes from. embedding: what its distances are distances of.
    calibration: what they mean; None where nobody has measured it.
    """

    name: str
    model: str
    sha256: str
    embedding: str
    calibration: Calibration | None
    recogniser: Recogniser

    def detect(self, image: Pixels) -> Box:
        """The one face of an image. Raises `Refused`: `face_not_found` or `multiple_faces`."""
        return detection.locate(image)

    def align(self, image: Pixels, box: Box) -> Face:
        """The face in the box, with its points and cut out."""
        return align(image, box)

    def embed(self, face: Face) -> Embedding:
        """The numbers of an aligned face."""
        return self.recogniser.embed(face)

    def report(self) -> Mapping[str, object]:
        """What is in use, for a result and for /readyz."""
        return {
            "backend": self.name,
            "embedding": self.embedding,
            "model": self.model,
            "model_sha256": self.sha256,
            "calibration": self.calibration.id if self.calibration else "",
        }

    def unfit_for_live(self) -> list[str]:
        """Why it may not decide about anybody without a person; empty where nothing is against it."""
        if self.calibration is None:
            return [f"face backend {self.name} has no calibration: run manage.py calibrate_faces"]
        return self.calibration.unfit_for_live()


_chosen: list[Choice] = [Choice()]


def use(choice: Choice) -> None:
    """Which backend this process uses; called once as it starts. Raises `Misconfigured` for a name that is none."""
    if choice.backend not in MODULES:
        raise Misconfigured(f"there is no face backend {choice.backend}: one of {', '.join(MODULES)}")
    _chosen[0] = choice
    in_use.cache_clear()
    tested.cache_clear()


@cache
def in_use() -> Backend:
    """The chosen backend, loaded and tested once in a process. Raises `Misconfigured` saying what to do."""
    return load(_chosen[0])


@cache
def tested() -> Mapping[str, object]:
    """What the chosen backend is, once it was loaded, tested and let go of: the process that asks may yet fork."""
    backend = load(_chosen[0])
    return {**backend.report(), "unfit_for_live": backend.unfit_for_live()}


def load(choice: Choice) -> Backend:
    """This backend, loaded and tested. Raises `Misconfigured`."""
    module = import_module(MODULES[choice.backend])
    backend: Backend = module.load(choice, calibration=calibration_of(choice))
    backend.recogniser.test()
    _refuse_strange(backend)
    return backend


def zones_in_use() -> Zones:
    """The zones of the chosen calibration; no net is loaded for it. Raises `Misconfigured` where there is none."""
    found = calibration_of(_chosen[0])
    if found is None:
        raise Misconfigured("the face backend has no calibration: run manage.py calibrate_faces")
    return found.zones


def calibration_of(choice: Choice) -> Calibration | None:
    """The operator's calibration, else the shipped one, else none. Raises `Misconfigured` for a file that is none."""
    if choice.calibration is not None:
        try:
            return calibration.read(choice.calibration.read_bytes())
        except OSError as error:
            raise Misconfigured(f"the face calibration cannot be read: {type(error).__name__}") from error
    shipped = SHIPPED.get(choice.backend)
    return calibration.read((files(_HERE) / "calibrations" / shipped).read_bytes()) if shipped else None


def _refuse_strange(backend: Backend) -> None:
    found = backend.calibration
    if found is not None and (found.embedding, found.model_sha256) != (backend.embedding, backend.sha256):
        raise Misconfigured(f"calibration {found.id} was measured with another net or embedding than is in use")
