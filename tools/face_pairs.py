"""Pairs of photographs in a CSV file: which two files, whether they show one person, and of which
cohort they are.

A probe may be a folder: a set of pictures of one person, as the frames of a capture are. The file
names its pictures below its own folder. It says nothing twice and nothing that contradicts it, for
either would make the rates it is counted into untrue.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tools.calibrating import ALL
from tools.face_folders import SUFFIXES
from verification.core.errors import BadInput

COLUMNS = ("reference", "probe", "same", "cohort")
# Ours: thirty times the pairs that an FMR of 1e-4 needs, each with names of 100 characters.
MAX_ROWS, MAX_BYTES = 1_000_000, 256 * 1024 * 1024
MAX_SET = 50  # pictures of one probe
_MAX_NAME, _MAX_COHORT = 400, 64  # characters; the second is what a calibration takes
_SAME = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Pair:
    """Two pictures. cohort: empty where it is not told."""

    row: int
    reference: str
    probe: str
    same: bool
    cohort: str


def parse(untrusted: bytes) -> tuple[Pair, ...]:
    """The rows of the file. Raises `BadInput` naming the row, for anything that is not exactly
    these columns.
    """
    # 1. Text.
    if len(untrusted) > MAX_BYTES:
        raise BadInput(f"the pairs are more than {MAX_BYTES} bytes")
    try:
        text = untrusted.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("the pairs are not UTF-8") from error
    # 2. Rows, split only where CSV ends one; a quote that is not closed is refused.
    pairs = []
    rows = csv.reader(StringIO(text.rstrip() + "\n", newline=""), strict=True)
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise BadInput(f"the first row must be {','.join(COLUMNS)}")
        for number, row in enumerate(rows, start=2):
            if number > MAX_ROWS + 1:
                raise BadInput(f"there are more than {MAX_ROWS} pairs")
            pairs.append(_pair(number, row))
    except csv.Error as error:
        raise BadInput(f"line {rows.line_num}: no CSV: {error}") from error
    if not pairs:
        raise BadInput("there are no pairs")
    # 3. Nothing is said twice, and no chain of rows makes one person of what another row says are
    #    two.
    seen: set[frozenset[str]] = set()
    people = people_of(pairs)
    for pair in pairs:
        both = frozenset((pair.reference, pair.probe))
        if both in seen:
            raise BadInput(f"row {pair.row}: the pair stands twice")
        seen.add(both)
        if not pair.same and people[pair.reference] == people[pair.probe]:
            raise BadInput(f"row {pair.row} says two people, and other rows say one")
    return tuple(pairs)


def locate(folder: Path, pairs: Sequence[Pair]) -> dict[str, tuple[Path, ...]]:
    """Where the pictures of each name lie: one, or those of a probe's folder by their names.

    Raises `BadInput` for one that is not there, or lies outside the folder by any way.
    """
    root, references = folder.resolve(), {pair.reference for pair in pairs}
    found = {}
    for name in sorted(references | {pair.probe for pair in pairs}):
        path = _below(root, name)
        if path.is_dir() and name not in references:
            inside = [each for each in sorted(path.iterdir()) if each.suffix.lower() in SUFFIXES]
            if not 0 < len(inside) <= MAX_SET:
                raise BadInput(
                    f"{name} is a folder of {len(inside)} pictures: one capture has 1 to {MAX_SET}"
                )
            found[name] = tuple(_below(root, str(each.relative_to(root))) for each in inside)
        else:
            found[name] = (path,)
        if not all(each.is_file() for each in found[name]):
            raise BadInput(f"{name} is no file below the folder of the pairs")
    return found


def _below(root: Path, name: str) -> Path:
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise BadInput(f"{name} cannot be read: {type(error).__name__}") from error
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise BadInput(f"{name} is no file below the folder of the pairs")
    return path


def people_of(pairs: Sequence[Pair]) -> dict[str, str]:
    """For each picture one that stands for its person: pictures are one person's where pairs say
    so, by any chain.
    """
    groups: dict[str, list[str]] = {}
    for pair in pairs:
        both = [groups.setdefault(name, [name]) for name in (pair.reference, pair.probe)]
        if pair.same and both[0] is not both[1]:
            # The larger takes up the smaller: so no name moves often, however long the chain.
            small, large = sorted(both, key=len)
            large += small
            groups.update(dict.fromkeys(small, large))
    return {name: group[0] for name, group in groups.items()}


def _pair(number: int, row: list[str]) -> Pair:
    if len(row) != len(COLUMNS):
        raise BadInput(f"row {number} has {len(row)} columns, not {len(COLUMNS)}")
    reference, probe, same, cohort = row
    names = (reference, probe)
    if (
        not all(0 < len(name) <= _MAX_NAME and name.isprintable() for name in names)
        or reference == probe
    ):
        raise BadInput(f"row {number} does not name two files")
    if same.lower() not in _SAME:
        raise BadInput(f"row {number}: same is 1 or 0")
    if len(cohort) > _MAX_COHORT or not cohort.isprintable() or cohort == ALL:
        raise BadInput(f"row {number}: a cohort is a short name, and not {ALL}")
    return Pair(number, reference, probe, _SAME[same.lower()], cohort)
