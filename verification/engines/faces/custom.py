"""An operator's own ONNX net, pinned by its SHA-256. The operator's calibration determines its
value.

The description is JSON whose values are all text.
Fields: `schema model file sha256 training_data side channels mean scale points template form`.
`file` lies beside it. `training_data` is `described` or `undocumented`, per the net's maker.
`points` names the face points for the places of `template`, `x,y x,y …` in a square of `side`
pixels (see `portrait.Template`).
The net's input is (value - mean) / scale of each colour.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np

from verification.core.errors import BadInput, Misconfigured
from verification.core.strict_json import read_object
from verification.engines.faces import nets, self_test
from verification.engines.faces.embedding import Embedding, Form, TrainingData, distance
from verification.engines.faces.nets import OnnxRecogniser, Showing
from verification.engines.faces.portrait import PointsKind, Portrait, Template

SCHEMA = "tulga-face-model-1"
MAX_BYTES, MAX_SIDE = 16 * 1024, 512  # of a description; pixels. Ours
_COUNTS: Final[dict[PointsKind, int]] = {"eyes": 2, "dlib5": 5, "yunet5": 5}
_FORMS: Final[dict[str, Form]] = {form: form for form in get_args(Form) if form != "single"}
_LEARNED: Final[dict[str, TrainingData]] = {source: source for source in get_args(TrainingData)}
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
# the least distance of two unlike pictures, ours: a net below it does not react
_TELLS_APART = 0.01


@dataclass(frozen=True)
class Description:
    """A net and the preparation of its faces; see the module."""

    model: str
    file: str
    sha256: str
    training_data: TrainingData
    showing: Showing

    @property
    def embedding(self) -> str:
        """The id of the output. Another cut or scale gives other numbers, so the id includes
        both.
        """
        how = self.showing
        prepared = repr(
            (how.side, how.template.points, how.template.places, how.channels, how.mean, how.scale)
        )
        return f"{self.model}-{hashlib.sha256(prepared.encode()).hexdigest()[:8]}/{how.form}"


@dataclass(frozen=True)
class Custom:
    """An operator's net."""

    described: Description
    net: OnnxRecogniser

    @property
    def model(self) -> str:
        """Its name."""
        return self.described.model

    @property
    def sha256(self) -> str:
        """Of its file."""
        return self.described.sha256

    @property
    def embedding(self) -> str:
        """The id of its output."""
        return self.described.embedding

    @property
    def training_data(self) -> TrainingData:
        """The operator's knowledge of the training pictures."""
        return self.described.training_data

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        """The numbers of each face, one per run: the net may not support, or may change with,
        larger batches.
        """
        return self.net.embed_all(faces)

    def test(self) -> None:
        """Raises: `Misconfigured` unless the net repeats its numbers for one square, and gives
        others for another.
        """
        square = self_test.pattern(self.described.showing.side)
        another = (255 - square) // np.array(
            (1, 2, 4), np.uint8
        )  # its negative, and of another colour
        one, again, other = (
            Embedding(self.embedding, numbers)
            for numbers in self.net.numbers([square, square, another])
        )
        if not np.array_equal(one.numbers, again.numbers):
            raise Misconfigured(
                "the operator's face model gives different numbers for the same picture"
            )
        if not distance(one, other).value > _TELLS_APART:
            raise Misconfigured(
                "the operator's face model gives the same numbers for every picture"
            )


def load(description: Path | None) -> Custom:
    """The net of the description.

    Raises: `Misconfigured` unless it is the pinned one.
    """
    if description is None:
        raise Misconfigured("TULGA_FACE_MODEL must name the description of the face model")
    try:
        described = read_description(description.read_bytes())
    except OSError as error:
        raise Misconfigured(
            f"the operator's face model is unreadable: {type(error).__name__}"
        ) from error
    net = nets.load_pinned(
        description.parent / described.file, described.sha256, subject="operator's face model"
    )
    recogniser = OnnxRecogniser(
        described.model,
        described.sha256,
        described.embedding,
        net,
        described.showing,
        described.training_data,
    )
    return Custom(described, recogniser)


def read_description(untrusted: bytes) -> Description:
    """The content of a description.

    Raises: `Misconfigured` for any defect.
    """
    try:
        fields = read_object(untrusted, max_bytes=MAX_BYTES)
        fields.choice("schema", [SCHEMA])
        fields_by_name = {}
        for name in ("model", "file"):
            fields_by_name[name] = fields.text(name, longest=64)
            # The file lies beside its description: a plain name leads to no other folder.
            if not _NAME.fullmatch(fields_by_name[name]):
                raise BadInput("a plain name is expected", pointer=f"/{name}")
        learned, sha256 = (
            _LEARNED[fields.choice("training_data", [*_LEARNED])],
            fields.sha256("sha256"),
        )
        side, mean, scale = (
            _decimal(fields.text(name, longest=12), name) for name in ("side", "mean", "scale")
        )
        kinds: dict[str, PointsKind] = {kind: kind for kind in _COUNTS}
        points = kinds[fields.choice("points", [*kinds])]
        pairs = [place.split(",") for place in fields.text("template", longest=200).split(" ")]
        if len(pairs) != _COUNTS[points] or any(len(place) != 2 for place in pairs):
            raise BadInput(
                f"{_COUNTS[points]} places such as 38.3,51.7 are expected", pointer="/template"
            )
        template = Template(
            points, tuple((_decimal(x, "template"), _decimal(y, "template")) for x, y in pairs)
        )
        # Points outside are the same in every face: black. dlib's begin with the eye on the right.
        are_outside = max(max(place) for place in template.places) >= side
        left, right = (-3, 0) if points == "dlib5" else (0, 1)
        rightwards = template.places[left][0] < template.places[right][0]
        if (
            not 0 < side <= MAX_SIDE
            or side != int(side)
            or scale == 0
            or are_outside
            or not rightwards
        ):
            raise BadInput("a side, a scale or the points are impossible", pointer="/side")
        channels = fields.choice("channels", ["RGB", "BGR"])
        form = _FORMS[fields.choice("form", [*_FORMS])]
        showing = Showing(
            int(side), template, "RGB" if channels == "RGB" else "BGR", mean, scale, form
        )
        fields.finish()
    except BadInput as fault:
        raise Misconfigured(
            f"no description of a face model: {fault.detail} {fault.pointer}".rstrip()
        ) from fault
    return Description(fields_by_name["model"], fields_by_name["file"], sha256, learned, showing)


def _decimal(digits: str, name: str) -> float:
    if not _DECIMAL.fullmatch(digits):
        raise BadInput("a number such as 127.5 is expected", pointer=f"/{name}")
    return float(digits)
