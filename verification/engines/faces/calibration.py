"""Calibrations: error rates by distance, measured on pairs of photographs by cohort, and the
resulting zones.

A calibration is a JSON file in one form, shipped or written by `manage.py calibrate_faces`.
All values are text, so that a number has one spelling.
Fields: `schema id embedding model_sha256 made_on conditions match review`, `cohorts` of single
pictures, and `also`.
`also` covers decisions on several pictures of one person, each with `decision match review
cohorts`.
A cohort has `name source people impostor_pairs genuine_pairs` and `rates`.
A rate has `distance false_matches fnmr fnmr_by_person`; the last two are empty if unknown.
Both zones must be among the rates of every cohort.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from verification.core.errors import BadInput, Misconfigured
from verification.core.strict_json import StrictObject, read_object
from verification.engines.faces.embedding import Threshold, Zones
from verification.engines.faces.intervals import interval

SCHEMA = "tulga-face-calibration-1"
Source = Literal["quoted", "measured"]
"""Whether the numbers are quoted from others, or the file was written where they were measured."""
# Limits of a file, ours: the largest has a few cohorts with a rate at each hundredth, thrice.
MAX_BYTES, MAX_COHORTS, MAX_RATES, MAX_TEXT, MAX_ALSO = 2 * 1024 * 1024, 50, 500, 2000, 8
# Conditions for deciding without a person: pairs that a cohort must have, and the rate of false
# matches below which the match zone must stay with 95 % certainty.
# docs/operator/faces.md#what-live-mode-refuses
LIVE_PAIRS_MIN, LIVE_FMR_MAX = 30_000, 2e-4

_COUNT = re.compile(r"0|[1-9][0-9]{0,11}")
_DECIMAL = re.compile(r"[0-9]{1,2}(\.[0-9]{1,8})?")
_DECISION = re.compile(r"(median|mean)-of-([2-9]|[1-9][0-9])")


@dataclass(frozen=True)
class Rate:
    """At a distance: how many impostor pairs matched, and the share of genuine pairs that did not.

    fnmr_by_person: with equal weight for each person, however many pictures. None if unknown.
    """

    distance: float
    false_matches: int
    fnmr: float | None
    fnmr_by_person: float | None


@dataclass(frozen=True)
class Cohort:
    """A group of people and its pairs. people, genuine_pairs: 0 if the source does not give
    them.
    """

    name: str
    source: str
    people: int
    impostor_pairs: int
    genuine_pairs: int
    rates: tuple[Rate, ...]

    def at(self, distance: float) -> Rate:
        """The measurement at this distance.

        Raises: `KeyError` without one.
        """
        return {rate.distance: rate for rate in self.rates}[distance]

    def fmr(self, distance: float) -> float:
        """The share of impostor pairs that matched at this distance."""
        return self.at(distance).false_matches / self.impostor_pairs

    def fmr_upper(self, distance: float) -> float:
        """The upper end of its 95 % interval, for independent pairs. Pairs share people, so it
        is rather too low.
        """
        return interval(self.at(distance).false_matches, self.impostor_pairs)[1]


@dataclass(frozen=True)
class Several:
    """The effect of a decision on several pictures of one person: `median-of-<k>` or
    `mean-of-<k>`.
    """

    decision: str
    zones: Zones
    cohorts: tuple[Cohort, ...]


@dataclass(frozen=True)
class Calibration:
    """The zones of one net's embedding, their error rates, and the conditions.

    source: of the largest cohort's numbers, which the zones rest on. Empty without a cohort.
    """

    id: str
    embedding: str
    model_sha256: str
    made_on: date
    conditions: str
    zones: Zones
    cohorts: tuple[Cohort, ...]
    also: tuple[Several, ...]
    source: str

    def unfit_for_live(self) -> list[str]:
        """Why it must not verify people alone; empty if it may.

        Source: docs/operator/faces.md#what-live-mode-refuses
        """
        match = self.zones.match.value
        large = [cohort for cohort in self.cohorts if cohort.impostor_pairs >= LIVE_PAIRS_MIN]
        if not large:
            return [
                f"calibration {self.id} has no cohort of at least {LIVE_PAIRS_MIN} impostor pairs"
            ]
        return [
            f"calibration {self.id} may match wrongly more often than {LIVE_FMR_MAX:.0e} in cohort"
            f" {cohort.name}"
            for cohort in large
            if cohort.fmr_upper(match) > LIVE_FMR_MAX
        ]

    def told(self) -> str:
        """Its rates for one picture, and for the median of several, shown at the start of a
        process that uses it.
        """
        medians = [section for section in self.also if section.decision.startswith("median")]
        lines = [f"Calibration {self.id} of {self.embedding}."]
        for section in (Several("One picture", self.zones, self.cohorts), *medians):
            match, review = section.zones.match.value, section.zones.review.value
            lines.append(f"{section.decision}: match ≤ {match:g}, review ≤ {review:g}.")
            for cohort in section.cohorts:
                rates = [cohort.at(match), cohort.at(review)]
                wrong = [f"{rate.false_matches / cohort.impostor_pairs:.1e}" for rate in rates]
                missed, by_person = (
                    ["?" if share is None else f"{share:.3f}" for share in part]
                    for part in (
                        [rate.fnmr for rate in rates],
                        [rate.fnmr_by_person for rate in rates],
                    )
                )
                lines.append(
                    f"{cohort.name} ({cohort.source}, {cohort.impostor_pairs} impostor pairs): "
                    f"FMR {wrong[0]} and {wrong[1]}, FNMR {missed[0]} and {missed[1]}, "
                    f"by person {by_person[0]} and {by_person[1]}."
                )
        return " ".join([*lines, self.conditions])


def read(untrusted: bytes) -> Calibration:
    """The calibration in a file.

    Raises: `Misconfigured` naming the place of any defect.
    """
    try:
        fields = read_object(untrusted, max_bytes=MAX_BYTES)
        fields.choice("schema", [SCHEMA])
        calibration_id, embedding = (
            fields.text("id", longest=64),
            fields.text("embedding", longest=128),
        )
        zones, cohorts = _judged(fields, embedding=embedding, calibration=calibration_id)
        also = []
        for section in fields.objects("also", most=MAX_ALSO):
            decision = section.text("decision", longest=16)
            if not _DECISION.fullmatch(decision):
                raise BadInput("median-of-3, mean-of-5 or such is expected", pointer="/also")
            # A mean of several is another embedding: its distances never meet a single picture's
            # threshold.
            embedding_id = f"{embedding}/{decision}" if decision.startswith("mean") else embedding
            also.append(
                Several(
                    decision, *_judged(section, embedding=embedding_id, calibration=calibration_id)
                )
            )
            section.finish()
        largest = max(cohorts, key=lambda cohort: cohort.impostor_pairs, default=None)
        calibration = Calibration(
            id=calibration_id,
            embedding=embedding,
            model_sha256=fields.sha256("model_sha256"),
            made_on=fields.day("made_on"),
            conditions=fields.text("conditions", longest=MAX_TEXT),
            zones=zones,
            cohorts=cohorts,
            also=tuple(also),
            source=largest.source if largest else "",
        )
        fields.finish()
        if len({section.decision for section in also}) != len(also):
            raise BadInput("a decision stands twice", pointer="/also")
    except BadInput as fault:
        raise Misconfigured(
            f"no face calibration: {fault.detail} {fault.pointer}".rstrip()
        ) from fault
    return calibration


def _judged(
    fields: StrictObject, *, embedding: str, calibration: str
) -> tuple[Zones, tuple[Cohort, ...]]:
    """Zones, and the cohorts they were measured on."""
    match, review = (
        Threshold(embedding, _decimal(fields, name), calibration) for name in ("match", "review")
    )
    cohorts = tuple(
        _cohort(fields_of_cohort)
        for fields_of_cohort in fields.objects("cohorts", most=MAX_COHORTS)
    )
    # Without a review zone a person just beyond the match zone is declined unseen: 3.7 % of honest
    # ones were.
    if not 0 < match.value < review.value:
        raise BadInput("the zones are not in order, or there is no review zone", pointer="/match")
    if len({cohort.name for cohort in cohorts}) != len(cohorts):
        raise BadInput("a cohort stands twice", pointer="/cohorts")
    for cohort in cohorts:
        if not {match.value, review.value} <= {rate.distance for rate in cohort.rates}:
            raise BadInput("a cohort has no rate at the edge of a zone", pointer="/cohorts")
    return Zones(match, review), cohorts


def _cohort(fields: StrictObject) -> Cohort:
    name, source = fields.text("name", longest=64), fields.choice("source", ["quoted", "measured"])
    people, impostors, genuine = (
        _count(fields, item) for item in ("people", "impostor_pairs", "genuine_pairs")
    )
    rates = []
    for item in fields.objects("rates", most=MAX_RATES):
        shares: list[float | None] = []
        for kind in ("fnmr", "fnmr_by_person"):
            share = item.text(kind, longest=12, shortest=0)
            if share and (not _DECIMAL.fullmatch(share) or float(share) > 1):
                raise BadInput("a share is a number from 0 to 1", pointer=f"/{kind}")
            shares.append(float(share) if share else None)
        rates.append(Rate(_decimal(item, "distance"), _count(item, "false_matches"), *shares))
        item.finish()
    fields.finish()
    distances, matches = [rate.distance for rate in rates], [rate.false_matches for rate in rates]
    if not impostors or max(matches, default=0) > impostors:
        raise BadInput("more wrong matches than pairs, or none", pointer="/cohorts")
    # A face admitted at one distance is admitted at a greater one: other rates were counted
    # wrongly.
    is_rising = distances == sorted(set(distances)) and matches == sorted(matches)
    for missed in ([rate.fnmr for rate in rates], [rate.fnmr_by_person for rate in rates]):
        known_shares = [share for share in missed if share is not None]
        is_rising = is_rising and known_shares == sorted(known_shares, reverse=True)
    if not is_rising:
        raise BadInput("rates do not rise, or fall, with the distance", pointer="/cohorts")
    return Cohort(name, source, people, impostors, genuine, tuple(rates))


def _count(fields: StrictObject, name: str) -> int:
    digits = fields.text(name, longest=12)
    if not _COUNT.fullmatch(digits):
        raise BadInput("a whole number is expected", pointer=f"/{name}")
    return int(digits)


def _decimal(fields: StrictObject, name: str) -> float:
    digits = fields.text(name, longest=12)
    if not _DECIMAL.fullmatch(digits):
        raise BadInput("a number such as 0.26 is expected", pointer=f"/{name}")
    return float(digits)
