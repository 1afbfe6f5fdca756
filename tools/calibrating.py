"""Writes what was counted as a calibration, in the form that `calibration.read` takes."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

from tools.accuracy import Tally
from verification.engines.faces import calibration

Counted = tuple[tuple[float, float], Sequence[Tally]]
"""The edges of match and review, and the cohorts they were proposed for."""

ALL = "all"
"""The cohort of all pairs. A pair whose cohort is not told counts here alone."""
_DIGITS = 8  # of a share: the reader takes as many


def spell(
    single: Counted,
    *,
    several: Mapping[str, Counted],
    name: str,
    embedding: str,
    model_sha256: str,
    made_on: date,
    conditions: str,
) -> bytes:
    """The file. several: what decisions on several pictures do. Raises `Misconfigured` for what
    would not be read.
    """
    fields = {
        "schema": calibration.SCHEMA,
        "id": name,
        "embedding": embedding,
        "model_sha256": model_sha256,
        "made_on": made_on.isoformat(),
        "conditions": conditions,
        **_judged(single),
        "also": [
            {"decision": decision, **_judged(counted)} for decision, counted in several.items()
        ],
    }
    written = json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"
    calibration.read(written)
    return written


def hundredths(tallies: Sequence[Tally]) -> list[float]:
    """Each hundredth at which something matches and something does not: elsewhere nothing is
    told.
    """
    telling = []
    for step in (step / 100 for step in range(1, 201)):
        shares = [
            error(step)
            for tally in tallies
            for error in (tally.false_matches, tally.false_non_matches)
        ]
        if any(0 < share.events < share.trials for share in shares):
            telling.append(step)
    return telling


def _judged(counted: Counted) -> dict[str, object]:
    (match, review), tallies = counted
    distances = sorted({*hundredths(tallies), match, review})
    return {
        "match": f"{match:.2f}",
        "review": f"{review:.2f}",
        "cohorts": [
            {
                "name": tally.name,
                "source": "measured",
                "people": str(tally.people),
                "impostor_pairs": str(tally.impostor_pairs),
                "genuine_pairs": str(tally.genuine_pairs),
                "rates": [
                    {
                        "distance": f"{distance:.2f}",
                        "false_matches": str(tally.false_matches(distance).events),
                        "fnmr": f"{tally.false_non_matches(distance).value:.{_DIGITS}f}",
                        "fnmr_by_person": f"{tally.by_person(distance)[1]:.{_DIGITS}f}",
                    }
                    for distance in distances
                ],
            }
            for tally in tallies
        ],
    }
