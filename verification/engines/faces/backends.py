"""The face net in use: loaded once per process, tested before use, named in every result.

The process's set-up calls `use`; the net is loaded at the first face, so a worker loads it after
its fork.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

from verification.core.errors import Misconfigured, Refused
from verification.engines import weights
from verification.engines.faces import calibration, custom, detection, image_gate, nets, policy
from verification.engines.faces.calibration import Calibration
from verification.engines.faces.embedding import Embedding, TrainingData, Zones
from verification.engines.faces.image_gate import ImageLimits, Pixels
from verification.engines.faces.nets import OnnxNet
from verification.engines.faces.portrait import Portrait, Quality

NAMES: Final = ("sface-onnx", "dlib-onnx", "face_recognition", "onnx-custom")
SHIPPED: Final = {
    "sface-onnx": "sface-single-l2.json",
    "dlib-onnx": "dlib-mirror-mean-l2.json",
    "face_recognition": "dlib-single.json",
}
"""Calibrations shipped with the product, by backend."""
_HERE = "verification.engines.faces"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The operator's settings.

    models: the folder of `manage.py build_face_model`.
    model: the description of an operator's own net, for `onnx-custom`.
    calibration: a file of `manage.py calibrate_faces` that replaces the shipped one.
    """

    backend: str = NAMES[0]
    models: Path | None = None
    model: Path | None = None
    calibration: Path | None = None


class Recogniser(Protocol):
    """A loaded net. model, sha256: its name and its file's hash. embedding: the id of its
    output.
    """

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def sha256(self) -> str:
        """Of its file."""
        ...

    @property
    def embedding(self) -> str:
        """The id of its output."""
        ...

    @property
    def training_data(self) -> TrainingData:
        """Whether its maker documents the training pictures."""
        ...

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        """The numbers of each face; a batch costs less and gives the same numbers."""
        ...

    def test(self) -> None:
        """Raises: `Misconfigured` unless the net gives the expected numbers."""
        ...


@dataclass(frozen=True)
class Look:
    """One frame's face, if any, and the code why it is no probe; empty if it is one.

    eyes: their midpoint, pixels.
    """

    face: Embedding | None
    code: str
    eyes: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One net with its detector and calibration; the calibration is None if unmeasured."""

    name: str
    recogniser: Recogniser
    yunet: OnnxNet
    calibration: Calibration | None

    def find(self, image: Pixels, *, scale: float = 1.0) -> tuple[Portrait, Quality]:
        """The one face of an image, with its quality. scale: as `Portrait.scale`.

        Raises: `Refused` with a code of `core/codes.py`: no face, several, or one of poor quality.
        """
        face = detection.locate(image, yunet=self.yunet, scale=scale)
        refusal = face.quality()
        refusal.refuse_poor(policy.QUALITY)
        return face, refusal

    def open(self, untrusted: bytes, *, limits: ImageLimits) -> tuple[Portrait, Quality]:
        """The one face of a file: in a draft of it, or in all its pixels if the draft shows it too
        small.

        Raises: `Refused`, as `find` and `open_draft`.
        """
        draft = image_gate.open_draft(untrusted, limits=limits, least=policy.DRAFT_SIDE)
        face = detection.locate(draft.pixels, yunet=self.yunet, scale=draft.scale)
        if draft.scale > 1 and face.eye_distance < policy.LEAST_DRAFT_EYES:
            return self.find(image_gate.open_image(untrusted, limits=limits))
        refusal = face.quality()
        refusal.refuse_poor(policy.QUALITY)
        return face, refusal

    def embed(self, face: Portrait) -> Embedding:
        """The numbers of one face."""
        return self.recogniser.embed_all([face])[0]

    def embed_image(self, image: Pixels) -> Embedding:
        """The numbers of the one face of an image.

        Raises: `Refused` as `find`.
        """
        return self.embed(self.find(image)[0])

    def embed_file(self, untrusted: bytes, *, limits: ImageLimits) -> Embedding:
        """The numbers of the one face of a file.

        Raises: `Refused` as `open`.
        """
        return self.embed(self.open(untrusted, limits=limits)[0])

    def look_at_all(self, images: Sequence[Pixels]) -> tuple[Look, ...]:
        """The face of each frame, turned or not, by YuNet alone; a poor one is embedded too."""
        looks: list[tuple[Portrait | None, str, tuple[float, float] | None]] = []
        for image in images:
            face, code, eyes = None, "", None
            try:
                face = detection.locate(image, yunet=self.yunet, is_frame=True)
                across, down = face.points[:2].mean(axis=0)
                eyes = (across, down)
                face.quality().refuse_poor(policy.QUALITY)
            except Refused as refused:
                code = refused.code
            looks.append((face, code, eyes))
        faces = iter(self.recogniser.embed_all([face for face, *_ in looks if face is not None]))
        return tuple(
            Look(None if face is None else next(faces), code, eyes) for face, code, eyes in looks
        )

    def report(self) -> Mapping[str, str]:
        """The components in use, for a result and for /readyz."""
        return {
            "backend": self.name,
            "embedding": self.recogniser.embedding,
            "model": self.recogniser.model,
            "model_sha256": self.recogniser.sha256,
            "training_data": self.recogniser.training_data,
            "detector_sha256": weights.YUNET.sha256,
            "calibration": self.calibration.id if self.calibration else "",
            "calibration_source": self.calibration.source if self.calibration else "",
        }

    def unfit_for_live(self) -> list[str]:
        """Why it must not decide about people alone; empty if it may."""
        if self.calibration is None:
            return [f"face backend {self.name} has no calibration: run manage.py calibrate_faces"]
        return self.calibration.unfit_for_live()


_chosen: list[Choice] = [Choice()]


def use(choice: Choice) -> None:
    """Selects this process's backend; called once at start.

    Raises: `Misconfigured` for an unknown name.
    """
    if choice.backend not in NAMES:
        raise Misconfigured(f"there is no face backend {choice.backend}: one of {', '.join(NAMES)}")
    _chosen[0] = choice
    for cached in (in_use, tested, _calibration_in_use):
        cached.cache_clear()


@cache
def in_use() -> Backend:
    """The chosen backend, loaded and tested once per process.

    Raises: `Misconfigured` with the remedy.
    """
    return _load(_chosen[0], _calibration_in_use())


@cache
def tested() -> Mapping[str, object]:
    """The report of the chosen backend after a test; it is unloaded again, because this process
    may fork.
    """
    backend = _load(_chosen[0], _calibration_in_use())
    learned = f"What the net learned from is {backend.recogniser.training_data} by its maker."
    description = f"{backend.calibration.told()} {learned}" if backend.calibration else ""
    return {
        **backend.report(),
        "unfit_for_live": backend.unfit_for_live(),
        "calibration_told": description,
    }


def loaded(choice: Choice) -> Backend:
    """This backend: the one in use if it is the same, else loaded.

    Raises: `Misconfigured`.
    """
    return in_use() if choice == _chosen[0] else load(choice)


def load(choice: Choice) -> Backend:
    """This backend, loaded and tested.

    Raises: `Misconfigured`.
    """
    return _load(choice, calibration_of(choice))


def _load(choice: Choice, calibration: Calibration | None) -> Backend:
    if choice.backend == "sface-onnx":
        recogniser: Recogniser = nets.load_sface(choice.models)
    elif choice.backend == "dlib-onnx":
        recogniser = nets.load_dlib(choice.models)
    elif choice.backend == "onnx-custom":
        recogniser = custom.load(choice.model)
    else:
        # Only if chosen: the reference loads 100 MB that the others do not need.
        recogniser = import_module(f"{_HERE}.reference").FaceRecognition()
    recogniser.test()
    yunet = OnnxNet(nets.built(choice.models, weights.YUNET.sha256))
    if calibration is not None and (calibration.embedding, calibration.model_sha256) != (
        recogniser.embedding,
        recogniser.sha256,
    ):
        raise Misconfigured(
            f"calibration {calibration.id} was measured with another net or embedding"
            " than is in use"
        )
    return Backend(name=choice.backend, recogniser=recogniser, yunet=yunet, calibration=calibration)


def zones_in_use() -> Zones:
    """The zones of the chosen calibration, without loading a net.

    Raises: `Misconfigured` without a calibration.
    """
    calibration = _calibration_in_use()
    if calibration is None:
        raise Misconfigured("the face backend has no calibration: run manage.py calibrate_faces")
    return calibration.zones


@cache
def _calibration_in_use() -> Calibration | None:
    # Read once: later contents of the file take effect only after the check at the next start.
    return calibration_of(_chosen[0])


def calibration_of(choice: Choice) -> Calibration | None:
    """The operator's calibration, else the shipped one, else None.

    Raises: `Misconfigured` for an invalid file.
    """
    if choice.calibration is not None:
        try:
            return calibration.read(choice.calibration.read_bytes())
        except OSError as error:
            raise Misconfigured(
                f"the face calibration is unreadable: {type(error).__name__}"
            ) from error
    shipped = SHIPPED.get(choice.backend)
    return (
        calibration.read((files(_HERE) / "calibrations" / shipped).read_bytes())
        if shipped
        else None
    )
