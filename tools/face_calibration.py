"""Calibrates a net on pairs of photographs, for single pictures and for several of one person
together.

Writes the calibration in the form of `calibration.read`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from tools import accuracy, face_files
from tools.accuracy import ALL, Compared, Tally
from tools.face_files import Measured, Pair
from verification.core.errors import BadInput
from verification.engines.faces import calibration
from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import Embedding

Counted = tuple[tuple[float, float], Sequence[Tally]]
"""The edges of match and review, and the cohorts behind them."""
_DIGITS = 8  # of a share: the parser's maximum
_SUSPECTS = 10  # pairs that are reported to the labellers


@dataclass(frozen=True)
class Targets:
    """Target rates of the zones. fmr: of the match zone. review_fnmr: beyond the review zone,
    unless more than review_fmr of strangers lay within it.
    """

    fmr: float
    review_fnmr: float
    review_fmr: float


@dataclass(frozen=True)
class Suspect:
    """A pair labelled as two people that is nearer than nine in ten pairs of one: the label may
    be wrong.
    """

    reference: str
    probe: str
    distance: float


@dataclass(frozen=True)
class Calibrated:
    """The measurement. digest: SHA-256 of pictures and pairs. single, several: zones and counts, by
    decision.

    without_zones: decisions on several pictures with too few pairs, and what is missing.
    """

    pairs: tuple[Pair, ...]
    measured: Mapping[Path, Measured]
    pictures: Mapping[str, tuple[Path, ...]]
    digest: str
    single: Counted
    several: Mapping[str, Counted]
    without_zones: Mapping[str, str]
    suspects: Sequence[Suspect]


def calibrate(
    path: Path,
    backend: Backend,
    *,
    frames: int,
    targets: Targets,
    progress: Callable[[str], object],
) -> Calibrated:
    """Raises: `BadInput` for pairs that are unreadable, contradictory, or too few."""
    # 1. Rows, enough of them, and where their pictures lie.
    pairs = _read(path, targets)
    pictures = face_files.locate(path.parent, pairs)
    # 2. Each picture once.
    measured = face_files.measure_all(
        chain.from_iterable(pictures.values()), backend, progress=progress
    )
    name_of: dict[str, Path] = {}
    for place, face in measured.items():
        # A pair of one picture with itself is no evidence.
        if (namesake := name_of.setdefault(face.sha256, place)) != place:
            raise BadInput(f"{namesake.name} and {place.name} are one picture under two names")
    # The hashes of the files and the rows, with hashes in place of names, both in order.
    hashes = {
        name: "+".join(measured[path].sha256 for path in paths) for name, paths in pictures.items()
    }
    rows = sorted(
        f"{hashes[pair.reference]} {hashes[pair.probe]} {int(pair.same)} {pair.cohort}"
        for pair in pairs
    )
    digest = hashlib.sha256("\n".join([*sorted(name_of), *rows]).encode()).hexdigest()
    progress(f"{len(measured)} pictures measured, {len(pairs)} pairs to compare")
    # 3. All distances, by decision, with several pictures judged as `frames` of them; and zones
    #    that hold everywhere.
    compared = _compared(pairs, pictures, measured, k=frames)
    suspects = _suspects(pairs, pictures, measured, compared["single"])
    try:
        single = _proposed(pairs, compared["single"].first_of_each(), targets)
    except BadInput as lacking:
        nearest = ", ".join(
            f"{suspect.reference} and {suspect.probe} at {suspect.distance}" for suspect in suspects
        )
        raise BadInput(
            f"{lacking.detail}. The nearest strangers: {nearest or 'all are far'}"
        ) from lacking
    several, without = dict[str, Counted](), dict[str, str]()
    sets = [paths for paths in pictures.values() if len(paths) > 1]
    if few := sum(
        sum(measured[path].embedding is not None for path in paths) < frames for paths in sets
    ):
        progress(
            f"{few} of {len(sets)} sets have fewer than {frames} accepted pictures: single pictures"
            " at most"
        )
    for decision in sorted(compared.keys() - {"single"}):
        try:
            several[decision] = _proposed(pairs, compared[decision], targets)
        except BadInput as lacking:
            without[decision] = lacking.detail
    return Calibrated(pairs, measured, pictures, digest, single, several, without, suspects)


def _read(path: Path, targets: Targets) -> tuple[Pair, ...]:
    """Checks, before hours of measuring, that the rows could suffice for a zone if all were
    accepted.

    Raises: `BadInput`.
    """
    try:
        with path.open("rb") as file:
            pairs = face_files.parse_pairs(file.read(face_files.MAX_PAIRS_BYTES + 1))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    needed, strangers = accuracy.pairs_needed(targets.fmr), sum(not pair.same for pair in pairs)
    if strangers in (0, len(pairs)):
        counts = f"{strangers} impostor and {len(pairs) - strangers} genuine"
        raise BadInput(f"each cohort needs pairs of both kinds, and there are {counts}")
    if strangers < needed:
        raise BadInput(
            f"no zone can be proposed: an FMR of {targets.fmr:g} is shown by {needed} impostor"
            f" pairs or more in each cohort, and {ALL} has {strangers}"
        )
    return pairs


def _suspects(
    pairs: Sequence[Pair],
    pictures: Mapping[str, tuple[Path, ...]],
    measured: Mapping[Path, Measured],
    single: Compared,
) -> list[Suspect]:
    """Strangers who are nearer than nine in ten of the pairs of one person.

    Of each pair only the nearest picture: those of one capture would fill the list.
    """
    suspects: dict[int, Suspect] = {}
    for at in accuracy.nearest_strangers(single.pairs):
        row = int(single.rows[at])
        if row in suspects:
            continue
        pair, first = pairs[row], int(single.rows.searchsorted(row))
        # In a folder, the picture in question: a pair's distances are adjacent, in the order of
        # accepted pictures.
        probe = [path for path in pictures[pair.probe] if measured[path].embedding is not None][
            at - first
        ]
        name = pair.probe if len(pictures[pair.probe]) == 1 else f"{pair.probe}/{probe.name}"
        suspects[row] = Suspect(pair.reference, name, round(float(single.pairs.apart[at]), 4))
        if len(suspects) == _SUSPECTS:
            break
    return [*suspects.values()]


def _compared(
    pairs: Sequence[Pair],
    pictures: Mapping[str, tuple[Path, ...]],
    measured: Mapping[Path, Measured],
    *,
    k: int,
) -> dict[str, Compared]:
    """All distances by decision; refused pictures are left out."""
    people = face_files.people_of(pairs)
    numbers = {person: number for number, person in enumerate(sorted(set(people.values())))}
    faces: list[Embedding] = []
    row_of: dict[Path, int] = {}
    for path, face in measured.items():
        if face.embedding is not None:
            row_of[path] = len(faces)
            faces.append(face.embedding)
    accepted = {
        name: tuple(row_of[path] for path in paths if path in row_of)
        for name, paths in pictures.items()
    }
    requests = [
        (
            accuracy.Asked(
                accepted[pair.reference][0],
                accepted[pair.probe],
                pair.same,
                (numbers[people[pair.reference]], numbers[people[pair.probe]]),
            )
            if accepted[pair.reference]
            else accuracy.Asked(0, (), pair.same, (0, 0))
        )
        for pair in pairs
    ]
    return accuracy.compare(faces, requests, k=k)


def _proposed(pairs: Sequence[Pair], compared: Compared, targets: Targets) -> Counted:
    """The zones, and their counts: of all pairs, then of each cohort by its name.

    The zones might not hold in a cohort without pairs of both kinds, unnoticed.

    Raises: `BadInput` for such a cohort.
    """
    at = accuracy.edges()
    rows: dict[str, set[int]] = defaultdict(set)
    for number, pair in enumerate(pairs):
        if pair.cohort:
            rows[pair.cohort].add(number)
    tallies = [accuracy.tally(ALL, compared.pairs, at=at)]
    tallies += [accuracy.tally(name, compared.select(rows[name]), at=at) for name in sorted(rows)]
    if lacking := [
        f"{tally.name} has {tally.impostor_pairs} impostor and {tally.genuine_pairs} genuine"
        for tally in tallies
        if not (tally.genuine_pairs and tally.impostor_pairs)
    ]:
        raise BadInput(
            "each cohort needs pairs of both kinds whose pictures were accepted:"
            f" {', '.join(lacking)}"
        )
    rates = {
        "target_fmr": targets.fmr,
        "review_fnmr": targets.review_fnmr,
        "review_fmr": targets.review_fmr,
    }
    return accuracy.propose(tallies, **rates), tallies


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
    """The file. several: decisions on several pictures.

    Raises: `Misconfigured` for a file that the parser would refuse.
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
    """Each hundredth with both matches and non-matches: elsewhere nothing is given."""
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
