"""An operator's description of a presentation attack detector: its nets and its error rates.

It is JSON whose values are all text, so that a number has one spelling: `schema name threshold`,
and three lists.
- `nets`: `file sha256 side crop channels mean scale answer bona_fide`
- `calibration`: `dataset made_on people bona_fide rejected` and `species` of `name presentations
  accepted`
- `certificates`, none or one: `number laboratory level issued_on`

The files lie beside it.
A net's input is a square of `side` pixels: the face's box, `crop` times as large, as (value - mean)
/ scale per colour.
`answer` is `logits` or `probabilities`, and `bona_fide` the index, from 0, of a living person.
A picture's score is the mean over the nets; from `threshold` on it is bona fide.
The calibration was measured at that threshold.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from verification.core.errors import BadInput, Misconfigured
from verification.core.strict_json import StrictObject, read_object
from verification.engines.faces.intervals import interval

SCHEMA = "tulga-passive-detector-1"
# Limits of a description and of its files, ours.
MAX_BYTES, MAX_NETS, MAX_SPECIES, MAX_SIDE, MAX_CROP = 32 * 1024, 4, 50, 512, 8.0
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)


@dataclass(frozen=True)
class PassiveLimits:
    """Limits for a check. detector: its name and the SHA-256 of its description, which pins all
    else.

    threshold: a score below it means an attack.
    is_certified: whether the operator names a certificate.
    """

    detector: str
    threshold: float
    is_certified: bool


@dataclass(frozen=True)
class Net:
    """One net and its input; see the module."""

    file: str
    sha256: str
    side: int
    crop: float
    channels: Literal["RGB", "BGR"]
    mean: float
    scale: float
    answer: Literal["logits", "probabilities"]
    bona_fide: int


@dataclass(frozen=True)
class Species:
    """One species of attack instruments: its presentations, and how many passed as bona fide."""

    name: str
    presentations: int
    accepted: int


@dataclass(frozen=True)
class Calibration:
    """Errors at the threshold, of one picture each. bona_fide, rejected: presentations of
    people, and those refused.
    """

    dataset: str
    made_on: date
    people: int
    bona_fide: int
    rejected: int
    species: tuple[Species, ...]


@dataclass(frozen=True)
class Certificate:
    """A laboratory's certificate by ISO/IEC 30107-3, as the operator states it."""

    number: str
    laboratory: str
    level: str
    issued_on: date


@dataclass(frozen=True)
class Description:
    """A detector by its operator's description. sha256: of the description itself."""

    name: str
    sha256: str
    threshold: float
    nets: tuple[Net, ...]
    calibration: Calibration
    certificate: Certificate | None

    @property
    def limits(self) -> PassiveLimits:
        """The limits for a check."""
        return PassiveLimits(
            f"{self.name}@{self.sha256}", self.threshold, self.certificate is not None
        )

    def told(self) -> str:
        """Its error rates in the words of ISO/IEC 30107-3, shown at the start of a process that
        uses it.
        """
        calibration, paper = self.calibration, self.certificate
        rates = [
            (
                "BPCER",
                calibration.rejected,
                calibration.bona_fide,
                f", of {calibration.people} people",
            )
        ]
        rates += [
            (f"APCER {species.name}", species.accepted, species.presentations, "")
            for species in calibration.species
        ]
        lines = [
            f"{name} {rate_text(wrong, presented)}{more}" for name, wrong, presented, more in rates
        ]
        certificate = (
            f"{paper.level}, {paper.number} of {paper.laboratory}, {paper.issued_on}"
            if paper
            else "none"
        )
        return (
            f"Passive detector {self.limits.detector}, threshold {self.threshold:g}:"
            f" {'; '.join(lines)}. {calibration.dataset}, {calibration.made_on}."
            f" Certificate: {certificate}."
        )


def rate_text(wrong: int, presented: int) -> str:
    """A rate with its counts and the upper end of its 95 % interval, for independent
    presentations.
    """
    return (
        f"{wrong / presented:.3f} ({wrong} of {presented}, ≤ {interval(wrong, presented)[1]:.3f})"
    )


def read_description(untrusted: bytes) -> Description:
    """The content of a description.

    Raises: `Misconfigured` naming the place of any defect.
    """
    try:
        fields = read_object(untrusted, max_bytes=MAX_BYTES)
        fields.choice("schema", [SCHEMA])
        described = fields.objects("nets", most=MAX_NETS)
        papers = fields.objects("certificates", most=1)
        description = Description(
            name=_word(fields, "name"),
            sha256=hashlib.sha256(untrusted).hexdigest(),
            threshold=_decimal(fields, "threshold"),
            nets=tuple(_net(item) for item in described),
            calibration=_calibration(fields.object("calibration")),
            certificate=None,
        )
        for item in papers:
            number, laboratory, level = (
                item.text(name, longest=100) for name in ("number", "laboratory", "level")
            )
            description = replace(
                description,
                certificate=Certificate(number, laboratory, level, item.day("issued_on")),
            )
            item.finish()
        fields.finish()
        if not description.nets or not 0 < description.threshold <= 1:
            raise BadInput(
                "at least one net is expected, and a threshold above 0 and at most 1",
                pointer="/threshold",
            )
    except BadInput as fault:
        raise Misconfigured(
            f"TULGA_PASSIVE_DETECTOR is not a description: {fault.detail} {fault.pointer}"
        ) from fault
    return description


def _net(fields: StrictObject) -> Net:
    side, crop, scale = (_decimal(fields, name) for name in ("side", "crop", "scale"))
    if not 0 < side <= MAX_SIDE or side != int(side) or not 0 < crop <= MAX_CROP or scale == 0:
        raise BadInput("a side, a crop or a scale is impossible", pointer="/nets")
    net = Net(
        # The file lies beside its description: a plain name leads to no other folder.
        file=_word(fields, "file"),
        sha256=fields.sha256("sha256"),
        side=int(side),
        crop=crop,
        channels="RGB" if fields.choice("channels", ["RGB", "BGR"]) == "RGB" else "BGR",
        mean=_decimal(fields, "mean"),
        scale=scale,
        answer=(
            "logits"
            if fields.choice("answer", ["logits", "probabilities"]) == "logits"
            else "probabilities"
        ),
        bona_fide=_count(fields, "bona_fide"),
    )
    fields.finish()
    return net


def _calibration(fields: StrictObject) -> Calibration:
    species = []
    for item in fields.objects("species", most=MAX_SPECIES):
        counted = _shares(item, "accepted", total="presentations")
        species.append(Species(item.text("name", longest=100), counted[1], counted[0]))
        item.finish()
    rejected, bona_fide = _shares(fields, "rejected", total="bona_fide")
    people, dataset = _count(fields, "people"), fields.text("dataset", longest=500)
    calibration = Calibration(
        dataset, fields.day("made_on"), people, bona_fide, rejected, tuple(species)
    )
    fields.finish()
    if (
        not species
        or len({item.name for item in species}) != len(species)
        or not 0 < people <= bona_fide
    ):
        raise BadInput("species, each once, and people are expected", pointer="/calibration")
    return calibration


def _shares(fields: StrictObject, part: str, *, total: str) -> tuple[int, int]:
    """A count and its total: the total is at least one, and the count no more."""
    some, every = _count(fields, part), _count(fields, total)
    if not some <= every or not every:
        raise BadInput(f"{part} is a part of {total}", pointer=f"/calibration/{part}")
    return some, every


def _word(fields: StrictObject, name: str) -> str:
    word = fields.text(name, longest=64)
    if not _NAME.fullmatch(word):
        raise BadInput("a plain name is expected", pointer=f"/{name}")
    return word


def _count(fields: StrictObject, name: str) -> int:
    digits = fields.text(name, longest=9)
    if not _COUNT.fullmatch(digits):
        raise BadInput("a whole number is expected", pointer=f"/{name}")
    return int(digits)


def _decimal(fields: StrictObject, name: str) -> float:
    digits = fields.text(name, longest=12)
    if not _DECIMAL.fullmatch(digits):
        raise BadInput("a number such as 0.5 is expected", pointer=f"/{name}")
    return float(digits)
