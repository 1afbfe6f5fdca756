"""What was counted about faces, as facts for machines and as Markdown for people. The same pictures
give the same.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tools.accuracy import Share, Tally
from tools.face_pictures import Measured

Facts = dict[str, Any]
DEPENDENCE = (
    "Pairs share people and pictures, so they are not independent: the intervals are narrower than"
    " the truth. Pairs with a refused picture are not counted in them."
)


def share(found: Share) -> Facts:
    """A share with its 95 % interval (Clopper and Pearson); only the counts where nothing was
    tried.
    """
    if not found.trials:
        return {"events": found.events, "trials": 0}
    low, high = found.bounds
    report = {"share": found.value, "low": low, "high": high}
    # Six significant digits: what is beyond them is the machine's.
    rounded = {name: float(f"{value:.6g}") for name, value in report.items()}
    return {"events": found.events, "trials": found.trials, **rounded}


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
                            (float(f"{each:.6g}") for each in tally.by_person(distance)),
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
    """Pictures without a face, or too poor, by code, the commonest first: ISO/IEC 19795-1's failure
    to acquire.
    """
    counts = Counter(each.code for each in measured if each.code)
    refused = dict(sorted(counts.items(), key=lambda count: (-count[1], count[0])))
    return {
        "pictures": len(measured),
        "refused": refused,
        "rate": share(Share(counts.total(), len(measured))),
    }


def dependent(tallies: Sequence[Tally], *, needed: int) -> list[str]:
    """Cohorts that have enough impostor pairs only because the same few people stand in many of
    them.
    """
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
        f"{facts['people']} people, {failed['pictures']} pictures, of which {_of(failed['rate'])}"
        " refused"
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
            f" {facts['people']} people: {facts['people'] // 2} of them at most have nobody in"
            " common."
        ),
        "",
        *_table(facts["cohorts"]),
    ]
    if lfw := facts.get("lfw"):
        lines += [
            "",
            (
                f"The protocol of LFW: {lfw['pairs']} pairs in {lfw['folds']} folds, accuracy"
                f" {lfw['accuracy']:.4f} ± {lfw['standard_error']:.4f} (standard error of the"
                " folds), each judged at the distance that is best on the others."
                f" {lfw['refused_pairs']} pairs had a refused picture, which counts as no match."
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
            by_person = " / ".join(f"{each:.2g}" for each in rate["by_person"].values())
            shares = (_of(rate["fmr"]), _of(rate["fnmr"]), by_person, _of(row["failures"]["rate"]))
            cells = (row["name"], row["people"], pairs, zone, *shares)
            lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return lines


def _of(found: Facts) -> str:
    if not found["trials"]:
        return "no pairs"
    return f"{found['events']} of {found['trials']} ({found['low']:.2g} … {found['high']:.2g})"
