"""What was counted about faces, as facts for machines and as Markdown for people. The same pictures give the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.engines.faces.accuracy import Share, Tally
from verification.engines.faces.backends import Backend

Facts = dict[str, Any]
DEPENDENCE = (
    "Pairs share people and pictures, so they are not independent: the intervals are narrower than the truth. "
    "Pairs with a refused picture are not counted in them."
)


def share(found: Share) -> Facts:
    """A share with its 95 % interval (Clopper and Pearson); only the counts where nothing was tried."""
    if not found.trials:
        return {"events": found.events, "trials": 0}
    low, high = found.bounds
    told = {"share": found.value, "low": low, "high": high}
    return {"events": found.events, "trials": found.trials, **{name: _rounded(value) for name, value in told.items()}}


def cohorts(tallies: Sequence[Tally], distances: Mapping[str, float]) -> list[Facts]:
    """Each cohort with its rates at these distances, by the name of the distance."""
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
                }
                for name, distance in distances.items()
            },
        }
        for tally in tallies
    ]


def failures(pictures: int, refused: Mapping[str, int]) -> Facts:
    """Pictures without a face, or too poor, by code: the failure to acquire of ISO/IEC 19795-1."""
    return {"pictures": pictures, "refused": dict(refused), "rate": share(Share(sum(refused.values()), pictures))}


def dependent(tallies: Sequence[Tally], *, needed: int) -> list[str]:
    """Cohorts that have enough impostor pairs only because the same few people stand in many of them."""
    return [
        f"{tally.name}: its {tally.impostor_pairs} impostor pairs are of {tally.people} people, who make "
        f"{pairs} pairs; the certainty that is told takes {needed}"
        for tally in tallies
        if (pairs := tally.people * (tally.people - 1) // 2) < needed
    ]


def backend_facts(backend: Backend) -> Facts:
    """Which net measured."""
    return dict(backend.report())


def markdown(facts: Facts) -> str:
    """The report for people."""
    failed, backend, nearest = facts["failures"], facts["backend"], facts["nearest_impostors"]
    twice = f"{facts['duplicates']} pictures are another, byte for byte: pairs of the two say nothing."
    lines = [
        "# Faces: what this net does on these photographs",
        "",
        f"Backend {backend['backend']}, embedding `{backend['embedding']}`, calibration `{backend['calibration']}`.",
        f"Model SHA-256 `{backend['model_sha256']}`.",
        "",
        f"{facts['people']} people, {failed['pictures']} pictures, of which {_of(failed['rate'])} refused"
        + (f" ({', '.join(f'{code} {n}' for code, n in failed['refused'].items())})." if failed["refused"] else "."),
        f"The nearest two people are between {nearest - 0.001:.3f} and {nearest:.3f} apart." if nearest else "",
        *([twice] if facts["duplicates"] else []),
        "",
        "FMR: pairs of two people at most so far apart. FNMR: pairs of one person farther apart. "
        "In brackets: the 95 % interval (Clopper and Pearson).",
        DEPENDENCE,
        f"The {facts['cohorts'][0]['impostor_pairs']} impostor pairs are pairs of {facts['people']} people: "
        f"{facts['people'] // 2} of them at most have nobody in common.",
        "",
        *_table(facts["cohorts"]),
        *_protocol(facts.get("lfw")),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Facts]) -> list[str]:
    lines = [
        "| cohort | people | pairs impostor / genuine | zone: distance ≤ | FMR | FNMR | pictures refused |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for name, rate in row["rates"].items():
            pairs = f"{row['impostor_pairs']} / {row['genuine_pairs']}"
            zone = f"{name}: {rate['distance']:g}"
            shares = (_of(each) for each in (rate["fmr"], rate["fnmr"], row["failures"]["rate"]))
            cells = (row["name"], row["people"], pairs, zone, *shares)
            lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return lines


def _protocol(found: Facts | None) -> list[str]:
    if found is None:
        return []
    return [
        "",
        f"The protocol of LFW: {found['pairs']} pairs in {found['folds']} folds, accuracy {found['accuracy']:.4f} ± "
        f"{found['standard_error']:.4f} (standard error of the folds), each judged at the distance that is best on the "
        f"others. {found['refused_pairs']} pairs had a refused picture, which counts as no match.",
    ]


def _of(found: Facts) -> str:
    if not found["trials"]:
        return "no pairs"
    return f"{found['events']} of {found['trials']} ({found['low']:.2g} … {found['high']:.2g})"


def _rounded(value: float) -> float:
    """Six significant digits: what is beyond them is the machine's."""
    return float(f"{value:.6g}")
