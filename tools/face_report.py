"""Compares all people in a folder with each other, as facts for machines and as Markdown for
people.

Includes how many captures the zones send to review. The same pictures give the same report.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import accuracy, face_files
from tools.accuracy import ALL, Share, Tally
from tools.face_files import Measured
from verification.core.errors import BadInput, Misconfigured
from verification.engines.faces.backends import Backend
from verification.engines.faces.calibration import Calibration
from verification.engines.liveness import passive
from verification.stages.live_capture.policy import COMMANDS_MAX

Facts = dict[str, Any]
DEPENDENCE = (
    "Pairs share people and pictures, so they are not independent: the intervals are narrower than"
    " the truth. Pairs with a refused picture are not counted in them."
)


REVIEWERS = 2  # people per review
MINUTES = 2.0  # of one of them per review. Ours, an assumption
HOURS = 1800.0  # of a person's work in a year: 225 days of eight hours
CAPTURES = 1_000_000  # live captures a year, if the command line gives no number
PICTURES = 1 + COMMANDS_MAX  # pictures of a capture that an attack detector sees, at most
_REVIEWS_NOTE = (
    "Shares are of honest borrowers, as the calibration tells them. Not counted: the second try"
    " before a review, loans above the sum that goes to people anyway, refusals by other gates, and"
    " refusals because the best frame of one command alone lies beyond review."
)


def share(proportion: Share) -> Facts:
    """A share with its 95 % interval (Clopper and Pearson); only the counts without trials."""
    if not proportion.trials:
        return {"events": proportion.events, "trials": 0}
    low, high = proportion.bounds
    report = {"share": proportion.value, "low": low, "high": high}
    # Six significant digits: more depend on the machine.
    rounded = {name: float(f"{value:.6g}") for name, value in report.items()}
    return {"events": proportion.events, "trials": proportion.trials, **rounded}


def cohorts(
    tallies: Sequence[Tally],
    distances: Mapping[str, float],
    *,
    pictures: Mapping[str, Collection[Measured]],
) -> list[Facts]:
    """Each cohort with its rates at these distances, by the name of the distance, and the failures
    of its pictures.
    """
    return [
        {
            "name": tally.name,
            "people": tally.people,
            "genuine_pairs": tally.genuine_pairs,
            "impostor_pairs": tally.impostor_pairs,
            "rates": {
                name: {
                    "distance": distance,
                    "fmr": share(tally.false_matches(distance)),
                    "fnmr": share(tally.false_non_matches(distance)),
                    "by_person": dict(
                        zip(
                            ("fmr", "fnmr"),
                            (float(f"{rate:.6g}") for rate in tally.by_person(distance)),
                            strict=True,
                        )
                    ),
                }
                for name, distance in distances.items()
            },
            "failures": failures(pictures[tally.name]),
        }
        for tally in tallies
    ]


def failures(measured: Collection[Measured]) -> Facts:
    """Pictures without a face, or too poor, by code, commonest first: ISO/IEC 19795-1's failure
    to acquire.
    """
    counts = Counter(picture.code for picture in measured if picture.code)
    by_code = dict(sorted(counts.items(), key=lambda count: (-count[1], count[0])))
    return {
        "pictures": len(measured),
        "refused": by_code,
        "rate": share(Share(counts.total(), len(measured))),
    }


def dependent(tallies: Sequence[Tally], *, needed: int) -> list[str]:
    """Cohorts that reach enough impostor pairs only by repeating the same few people."""
    return [
        f"{tally.name}: its {tally.impostor_pairs} impostor pairs are of {tally.people} people, who"
        f" make {pairs} pairs; the certainty that is told takes {needed}"
        for tally in tallies
        if (pairs := tally.people * (tally.people - 1) // 2) < needed
    ]


def markdown(facts: Facts) -> str:
    """The report for people."""
    failed, backend, nearest = facts["failures"], facts["backend"], facts["nearest_impostors"]
    twice = (
        f"{facts['duplicates']} pictures are another, byte for byte: pairs of the two say nothing."
    )
    lines = [
        "# Faces: what this net does on these photographs",
        "",
        (
            f"Backend {backend['backend']}, embedding `{backend['embedding']}`, calibration"
            f" `{backend['calibration']}`."
        ),
        (
            f"Model SHA-256 `{backend['model_sha256']}`, detector SHA-256"
            f" `{backend['detector_sha256']}`."
        ),
        (
            f"What the model learned from is {backend['training_data']} by its maker; the"
            f" calibration's rates are {backend['calibration_source']}."
        ),
        "",
        f"{facts['people']} people, {failed['pictures']} pictures, of which"
        f" {_counted(failed['rate'])} refused"
        + (
            f" ({', '.join(f'{code} {n}' for code, n in failed['refused'].items())})."
            if failed["refused"]
            else "."
        ),
        (
            f"The nearest two people are between {nearest - 0.001:.3f} and {nearest:.3f} apart."
            if nearest
            else ""
        ),
        *([twice] if facts["duplicates"] else []),
        "",
        (
            "FMR: pairs of two people at most so far apart. FNMR: pairs of one person farther"
            " apart. In brackets: the 95 % interval (Clopper and Pearson). By person: each weighs"
            " alike."
        ),
        DEPENDENCE,
        (
            f"The {facts['cohorts'][0]['impostor_pairs']} impostor pairs are pairs of"
            f" {facts['people']} people: {facts['people'] // 2} of them at most have no person in"
            " common."
        ),
        "",
        *_table(facts["cohorts"]),
    ]
    rows = [
        f"{row['cohort']} ({row['source']} {row['weight']}) {row['to_people']:.2%},"
        f" {row['hours']} hours, {row['people']} people, and {row['refused']:.2%} refused"
        for row in facts["reviews"]
    ]
    lines += [
        "",
        (
            f"Reviews of {facts['captures']} live captures a year by the zones of the calibration,"
            f" {REVIEWERS} people each {MINUTES:g} minutes: {'; '.join(rows)}. {_REVIEWS_NOTE}"
        ),
    ]
    if detector := facts.get("detector"):
        lines += [
            "",
            (
                f"{detector['name']} It sends up to {detector['to_people']:.2%} more, its BPCER for"
                f" each of {PICTURES} pictures, to people."
            ),
        ]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Facts]) -> list[str]:
    lines = [
        (
            "| cohort | people | pairs impostor / genuine | zone: distance ≤ | FMR | FNMR | by"
            " person | pictures refused |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for name, rate in row["rates"].items():
            pairs = f"{row['impostor_pairs']} / {row['genuine_pairs']}"
            zone = f"{name}: {rate['distance']:g}"
            by_person = " / ".join(
                f"{rate_by_person:.2g}" for rate_by_person in rate["by_person"].values()
            )
            shares = (
                _counted(rate["fmr"]),
                _counted(rate["fnmr"]),
                by_person,
                _counted(row["failures"]["rate"]),
            )
            cells = (row["name"], row["people"], pairs, zone, *shares)
            lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return lines


def _counted(proportion: Facts) -> str:
    if not proportion["trials"]:
        return "no pairs"
    events, trials, low, high = (proportion[name] for name in ("events", "trials", "low", "high"))
    return f"{events} of {trials} ({low:.2g} … {high:.2g})"


_MOST_NEAR = 100  # pairs of two people that are listed by file, to check them and their labels


@dataclass(frozen=True)
class Survey:
    """facts: the whole report. tallies: all pairs, then each cohort by name. zones: distances by
    their names.
    """

    facts: Facts
    tallies: Sequence[Tally]
    zones: Mapping[str, float]


def survey(folder: Path, backend: Backend, *, captures: int = CAPTURES) -> Survey:
    """captures: live captures a year, for the forecast of reviews.

    Raises: `BadInput` for a folder without people, `Misconfigured` for a backend without
    calibration.
    """
    if backend.calibration is None:
        raise Misconfigured(
            f"face backend {backend.name} has no calibration, so no zones: run calibrate_faces"
        )
    zones = {zone: getattr(backend.calibration.zones, zone).value for zone in ("match", "review")}
    pictures = face_files.read_folder(folder)
    measured = face_files.measure_all((picture.path for picture in pictures), backend)
    accepted = [
        (entry, face) for entry in pictures if (face := measured[entry.path].embedding) is not None
    ]
    if len({picture.person for picture, _ in accepted}) < 2:
        raise BadInput("there are no two people whose pictures were accepted")
    # All pairs, then each cohort by its name, also one without accepted pictures.
    at, tallies, by_cohort = accuracy.edges(*zones.values()), [], {}
    for name in (ALL, *sorted({picture.cohort for picture in pictures} - {""})):
        members = [
            (picture.person, face) for picture, face in accepted if name in (ALL, picture.cohort)
        ]
        people, faces = [person for person, _ in members], [face for _, face in members]
        tallies.append(accuracy.compare_all(faces, people, name=name, at=at))
        by_cohort[name] = [
            measured[entry.path] for entry in pictures if name in (ALL, entry.cohort)
        ]
    nearest = tallies[0].nearest_impostors
    facts: Facts = {
        "backend": dict(backend.report()),
        "people": len({picture.person for picture, _ in accepted}),
        "failures": failures(measured.values()),
        "duplicates": len(measured) - len({entry.sha256 for entry in measured.values()}),
        "nearest_impostors": nearest if nearest < accuracy.FARTHEST else None,
        "farthest_genuine": tallies[0].farthest_genuine,
        "near": [
            {
                "pictures": [accepted[first][0].path.name, accepted[second][0].path.name],
                "distance": round(apart, 3),
            }
            for first, second, apart in accuracy.near_strangers(
                [face for _, face in accepted],
                [entry.person for entry, _ in accepted],
                limit=zones["review"],
                most=_MOST_NEAR,
            )
        ],
        "cohorts": cohorts(tallies, zones, pictures=by_cohort),
        "captures": captures,
        "reviews": reviews(backend.calibration, captures),
        "note": DEPENDENCE,
    }
    if (detector := passive.described()) is not None:
        bpcer = detector.calibration.rejected / detector.calibration.bona_fide
        facts["detector"] = {"name": detector.told(), "to_people": min(1.0, PICTURES * bpcer)}
    return Survey(facts, tallies, zones)


def reviews(calibration: Calibration, captures: int) -> list[Facts]:
    """The zones' reviews: a row for each cohort, by pair and, if known, by person."""
    rows = []
    for cohort in calibration.cohorts:
        match, review = (
            cohort.at(zone.value) for zone in (calibration.zones.match, calibration.zones.review)
        )
        rates = {
            "by pair": (match.fnmr, review.fnmr),
            "by person": (match.fnmr_by_person, review.fnmr_by_person),
        }
        for weight, (missed, rejected) in rates.items():
            if missed is None or rejected is None:
                continue
            hours = captures * (missed - rejected) * REVIEWERS * MINUTES / 60
            rows.append(
                {
                    "cohort": cohort.name,
                    "source": cohort.source,
                    "weight": weight,
                    "to_people": float(f"{missed - rejected:.6g}"),
                    "hours": round(hours),
                    "people": round(hours / HOURS, 1),
                    "refused": rejected,
                }
            )
    return rows
