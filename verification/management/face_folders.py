"""A folder of people's photographs: who is on each picture, and of which cohort they are.

Either a folder for each person, or files `<person>_<anything>.jpg`. `people.csv` beside them may name a cohort for each
person, as the Face Research Lab London Set does. `pairs.txt` is the protocol of Labeled Faces in the Wild.
"""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from verification.core.errors import BadInput
from verification.engines.faces.calibrating import ALL

SUFFIXES = {".jpg", ".jpeg", ".png"}
MAX_PICTURES, MAX_TEXT_BYTES = 100_000, 16 * 1024 * 1024  # ours: seven times LFW, which has 13 233
_PERSON = re.compile(r"([A-Za-z0-9-]{1,64})_[^/]{1,128}")
_PERSON_COLUMNS, _COHORT_COLUMNS = ("face_id", "person"), ("face_eth", "cohort")


@dataclass(frozen=True)
class Picture:
    """A file and whose face it shows. cohort: empty where it is not told."""

    path: Path
    person: str
    cohort: str


@dataclass(frozen=True)
class ProtocolPair:
    """A pair of the protocol of LFW, and which of its folds it is of."""

    fold: int
    first: Path
    second: Path
    same: bool


def read(folder: Path) -> tuple[Picture, ...]:
    """All pictures, in the order of their names. Raises `BadInput` where there are none, or one is not readable so."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder")
    root, cohorts = folder.resolve(), _cohorts(folder / "people.csv")
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES):
        if not path.resolve().is_relative_to(root):
            raise BadInput(f"{path.name} lies outside the folder")
        person = _person(path, folder)
        found.append(Picture(path, person, cohorts.get(person, "")))
        if len(found) > MAX_PICTURES:
            raise BadInput(f"there are more than {MAX_PICTURES} pictures")
    if len({picture.person for picture in found}) < 2:
        raise BadInput(f"{folder} has no pictures of two people")
    return tuple(found)


def read_protocol(folder: Path) -> tuple[ProtocolPair, ...]:
    """The pairs of `pairs.txt`; none where there is no such file. Raises `BadInput` for one that is no protocol."""
    path = folder / "pairs.txt"
    if not path.is_file():
        return ()
    head, *lines = [line.split("\t") for line in _text(path).splitlines()]
    try:
        folds, of_each = (int(number) for number in head)
        if not (2 <= folds <= 100 and of_each > 0 and len(lines) == 2 * folds * of_each):
            raise BadInput("pairs.txt has not as many pairs as its first line says")
        return tuple(_protocol_pair(folder, line, fold=at // (2 * of_each)) for at, line in enumerate(lines))
    except ValueError as error:
        raise BadInput("pairs.txt is no protocol of LFW") from error


def _person(path: Path, folder: Path) -> str:
    inside = path.relative_to(folder).parts
    if len(inside) > 1:
        return inside[-2]
    named = _PERSON.fullmatch(path.stem)
    if named is None:
        raise BadInput(f"{path.name} does not say whose picture it is")
    return named.group(1)


def _cohorts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        rows = list(csv.DictReader(StringIO(_text(path), newline=""), strict=True))
    except csv.Error as error:
        raise BadInput("people.csv is no CSV") from error
    columns = set(rows[0]) if rows else set()
    person, cohort = (
        next((name for name in names if name in columns), "") for names in (_PERSON_COLUMNS, _COHORT_COLUMNS)
    )
    if not person or not cohort:
        raise BadInput("people.csv has no columns person and cohort")
    found = {row[person]: (row[cohort] or "").strip() for row in rows}
    if any(not name.isprintable() or len(name) > 64 or name == ALL for name in found.values()):
        raise BadInput(f"people.csv: a cohort is a short name, and not {ALL}")
    return found


def _protocol_pair(folder: Path, line: list[str], *, fold: int) -> ProtocolPair:
    if len(line) == 3:
        (name, first, second), other = line, line[0]
    else:
        name, first, other, second = line
    return ProtocolPair(fold, _located(folder, name, first), _located(folder, other, second), len(line) == 3)


def _located(folder: Path, person: str, number: str) -> Path:
    if not re.fullmatch(r"[^/\\.][^/\\]{0,99}", person):
        raise ValueError(person)
    name = f"{person}_{int(number):04d}.jpg"
    for place in (folder / person / name, folder / "lfw" / person / name):
        if place.is_file():
            return place
    raise BadInput(f"pairs.txt names {name}, which is not there")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        untrusted = file.read(MAX_TEXT_BYTES + 1)
    if len(untrusted) > MAX_TEXT_BYTES:
        raise BadInput(f"{path.name} is more than {MAX_TEXT_BYTES} bytes")
    try:
        return untrusted.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8") from error
