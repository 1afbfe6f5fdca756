"""Writes what was counted as a calibration, in the form that `calibration.read` takes."""

import json
from collections.abc import Sequence
from datetime import date

from verification.engines.faces import calibration
from verification.engines.faces.accuracy import Tally

ALL = "all"
"""The cohort of all pairs. A pair whose cohort is not told counts here alone."""
_DIGITS = 8  # of a share: the reader takes as many


def spell(
    tallies: Sequence[Tally],
    *,
    name: str,
    embedding: str,
    model_sha256: str,
    made_on: date,
    conditions: str,
    zones: tuple[float, float],
) -> bytes:
    """The file. zones: the edges of match and review. Raises `Misconfigured` for what the reader would refuse."""
    match, review = zones
    distances = sorted({*hundredths(tallies), match, review})
    fields = {
        "schema": calibration.SCHEMA,
        "id": name,
        "embedding": embedding,
        "model_sha256": model_sha256,
        "made_on": made_on.isoformat(),
        "conditions": conditions,
        "match": f"{match:.2f}",
        "review": f"{review:.2f}",
        "cohorts": [_cohort(tally, distances) for tally in tallies],
    }
    written = json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"
    calibration.read(written)
    return written


def hundredths(tallies: Sequence[Tally]) -> list[float]:
    """Each hundredth at which something matches and something does not: elsewhere nothing is told."""
    steps = [step / 100 for step in range(1, 201)]
    return [step for step in steps if any(_is_telling(tally, step) for tally in tallies)]


def _is_telling(tally: Tally, step: float) -> bool:
    matching, missed = tally.false_matches(step), tally.false_non_matches(step)
    return 0 < matching.events < matching.trials or 0 < missed.events < missed.trials


def _cohort(tally: Tally, distances: Sequence[float]) -> dict[str, object]:
    return {
        "name": tally.name,
        "people": str(tally.people),
        "impostor_pairs": str(tally.impostor_pairs),
        "genuine_pairs": str(tally.genuine_pairs),
        "rates": [
            {
                "distance": f"{distance:.2f}",
                "false_matches": str(tally.false_matches(distance).events),
                "fnmr": f"{tally.false_non_matches(distance).value:.{_DIGITS}f}",
            }
            for distance in distances
        ],
    }
