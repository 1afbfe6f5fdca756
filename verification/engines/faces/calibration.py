"""What a distance means: a calibration, measured on pairs of photographs by cohort, and the zones that follow from it.

A calibration is a JSON file in one form, whether it came with the product or `manage.py calibrate_faces` wrote it.
All in it is text, so that a number has one spelling:
`schema id embedding model_sha256 made_on conditions match review` and `cohorts`, each with `name people impostor_pairs
genuine_pairs` and `rates`, each with `distance false_matches fnmr`. Both zones must be among the rates of every cohort.
"""

import re
from dataclasses import dataclass
from datetime import date

from verification.core.errors import BadInput, Misconfigured
from verification.core.strict_json import StrictObject, read_object
from verification.engines.faces.distances import Threshold, Zones
from verification.engines.faces.intervals import interval

SCHEMA = "tulga-face-calibration-1"
# Limits of a file, ours: the largest has a few cohorts with a rate at each hundredth.
MAX_BYTES, MAX_COHORTS, MAX_RATES, MAX_TEXT = 512 * 1024, 50, 500, 2000
# What may decide without a person. faces.md §2: pairs a cohort must have to show it, and the rate of false matches that
# the match zone must stay below with 95 % certainty.
LIVE_PAIRS_MIN, LIVE_FMR_MAX = 30_000, 2e-4

_COUNT = re.compile(r"0|[1-9][0-9]{0,11}")
_DECIMAL = re.compile(r"[0-9]{1,2}(\.[0-9]{1,8})?")


@dataclass(frozen=True)
class Rate:
    """At a distance: how many impostor pairs matched, and the share of genuine pairs that did not."""

    distance: float
    false_matches: int
    fnmr: float


@dataclass(frozen=True)
class Cohort:
    """A group of people and its pairs. people, genuine_pairs: 0 where the source does not say how many."""

    name: str
    people: int
    impostor_pairs: int
    genuine_pairs: int
    rates: tuple[Rate, ...]

    def at(self, distance: float) -> Rate:
        """What was measured at this distance. Raises `KeyError` where nothing was."""
        return {rate.distance: rate for rate in self.rates}[distance]

    def fmr(self, distance: float) -> float:
        """The share of impostor pairs that matched at this distance."""
        return self.at(distance).false_matches / self.impostor_pairs

    def fmr_upper(self, distance: float) -> float:
        """The upper end of its 95 % interval, as if pairs were independent. They share people: it is rather too low."""
        return interval(self.at(distance).false_matches, self.impostor_pairs)[1]


@dataclass(frozen=True)
class Calibration:
    """The zones of one embedding by one net, and the error rates they rest on, with the conditions they hold under."""

    id: str
    embedding: str
    model_sha256: str
    made_on: date
    conditions: str
    zones: Zones
    cohorts: tuple[Cohort, ...]

    def unfit_for_live(self) -> list[str]:
        """Why nobody may be verified by it without a person; empty where nothing is against it. faces.md §2."""
        match = self.zones.match.value
        large = [cohort for cohort in self.cohorts if cohort.impostor_pairs >= LIVE_PAIRS_MIN]
        if not large:
            return [f"calibration {self.id} has no cohort of at least {LIVE_PAIRS_MIN} impostor pairs"]
        return [
            f"calibration {self.id} may match wrongly more often than {LIVE_FMR_MAX:.0e} in cohort {cohort.name}"
            for cohort in large
            if cohort.fmr_upper(match) > LIVE_FMR_MAX
        ]


def read(untrusted: bytes) -> Calibration:
    """The calibration a file spells. Raises `Misconfigured` naming the place, for anything that is not exactly one."""
    try:
        return _calibration(read_object(untrusted, max_bytes=MAX_BYTES))
    except BadInput as fault:
        raise Misconfigured(f"no face calibration: {fault.detail} {fault.pointer}".rstrip()) from fault


def _calibration(fields: StrictObject) -> Calibration:
    fields.choice("schema", [SCHEMA])
    named, embedding = fields.text("id", longest=64), fields.text("embedding", longest=128)
    match, review = (Threshold(embedding, _decimal(fields, name), named) for name in ("match", "review"))
    found = Calibration(
        id=named,
        embedding=embedding,
        model_sha256=fields.sha256("model_sha256"),
        made_on=fields.day("made_on"),
        conditions=fields.text("conditions", longest=MAX_TEXT),
        zones=Zones(match, review),
        cohorts=tuple(_cohort(each) for each in fields.objects("cohorts", most=MAX_COHORTS)),
    )
    fields.finish()
    if not 0 < match.value <= review.value:
        raise BadInput("the zones are not in order", pointer="/match")
    if len({cohort.name for cohort in found.cohorts}) != len(found.cohorts):
        raise BadInput("a cohort stands twice", pointer="/cohorts")
    for cohort in found.cohorts:
        if not {match.value, review.value} <= {rate.distance for rate in cohort.rates}:
            raise BadInput("a cohort has no rate at the edge of a zone", pointer="/cohorts")
    return found


def _cohort(fields: StrictObject) -> Cohort:
    found = Cohort(
        name=fields.text("name", longest=64),
        people=_count(fields, "people"),
        impostor_pairs=_count(fields, "impostor_pairs"),
        genuine_pairs=_count(fields, "genuine_pairs"),
        rates=tuple(_rate(each) for each in fields.objects("rates", most=MAX_RATES)),
    )
    fields.finish()
    distances = [rate.distance for rate in found.rates]
    matches, missed = [rate.false_matches for rate in found.rates], [rate.fnmr for rate in found.rates]
    if not found.impostor_pairs or max(matches, default=0) > found.impostor_pairs:
        raise BadInput("more wrong matches than pairs, or none", pointer="/cohorts")
    if distances != sorted(set(distances)) or matches != sorted(matches) or missed != sorted(missed, reverse=True):
        raise BadInput("rates do not rise, or fall, with the distance", pointer="/cohorts")
    return found


def _rate(fields: StrictObject) -> Rate:
    found = Rate(_decimal(fields, "distance"), _count(fields, "false_matches"), _decimal(fields, "fnmr"))
    fields.finish()
    if found.fnmr > 1:
        raise BadInput("a share is at most 1", pointer="/cohorts")
    return found


def _count(fields: StrictObject, name: str) -> int:
    spelled = fields.text(name, longest=12)
    if not _COUNT.fullmatch(spelled):
        raise BadInput("a whole number is expected", pointer=f"/{name}")
    return int(spelled)


def _decimal(fields: StrictObject, name: str) -> float:
    spelled = fields.text(name, longest=12)
    if not _DECIMAL.fullmatch(spelled):
        raise BadInput("a number such as 0.26 is expected", pointer=f"/{name}")
    return float(spelled)
