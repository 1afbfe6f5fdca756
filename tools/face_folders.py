"""A folder of people's photographs: who is on each picture, and of which cohort they are.

Either a folder for each person, or files `<person>_<anything>.jpg`. `people.csv` beside them may
name a cohort for each person, as the Face Research Lab London Set does. `pairs.txt` is the protocol
of Labeled Faces in the Wild.
"""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tools.calibrating import ALL
from verification.core.errors import BadInput

SUFFIXES = {".jpg", ".jpeg", ".png"}
MAX_PICTURES, MAX_TEXT_BYTES = 100_000, 16 * 1024 * 1024  # ours: seven times LFW, which has 13 233
_MAX_NAME_BYTES = 255  # of a file's name, as file systems have it
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
    """All pictures, in the order of their names. Raises `BadInput` where there are none, or one is
    not readable so.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder")
    cohorts, found = _cohorts(folder / "people.csv"), []
    folders: dict[str, Path] = {}
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES):
        _refuse_elsewhere(path, folder)
        # Whose it is says the folder it lies in, or else the name of the file.
        inside, named = path.relative_to(folder).parts, _PERSON.fullmatch(path.stem)
        if len(inside) > 1:
            person = inside[-2]
        elif named is not None:
            person = named.group(1)
        else:
            raise BadInput(f"{path.name} does not say whose picture it is")
        # A folder for each day below that of each person would make everybody of one day one
        # person.
        if folders.setdefault(person, path.parent) != path.parent:
            raise BadInput(
                f"two folders are named {person}: each person has one, which names nobody else"
            )
        found.append(Picture(path, person, cohorts.get(person, "")))
        if len(found) > MAX_PICTURES:
            raise BadInput(f"there are more than {MAX_PICTURES} pictures")
    if len(folders) < 2:
        raise BadInput(f"{folder} has no pictures of two people")
    if cohorts and not cohorts.keys() & folders.keys():
        raise BadInput("people.csv names nobody who has a picture here")
    return tuple(found)


def read_protocol(folder: Path) -> tuple[ProtocolPair, ...]:
    """The pairs of `pairs.txt`; none where there is no such file. Raises `BadInput` for one that is
    no protocol.
    """
    path = folder / "pairs.txt"
    if not path.is_file():
        return ()
    content = _text(path)
    try:
        head, *lines = [line.split("\t") for line in content.splitlines()]
        folds, of_each = (int(number) for number in head)
        if not (2 <= folds <= 100 and of_each > 0 and len(lines) == 2 * folds * of_each):
            raise BadInput("pairs.txt has not as many pairs as its first line says")
        pairs = []
        for at, line in enumerate(lines):
            # One person and two numbers, or a person and a number twice.
            name, first, *rest = line
            other, second = rest if len(rest) == 2 else (name, *rest)
            places = []
            for person, number in ((name, first), (other, second)):
                file = f"{person}_{int(number):04d}.jpg"
                is_name = re.fullmatch(r"[^/\\.][^/\\]{0,99}", person) and re.fullmatch(
                    "[0-9]{1,4}", number
                )
                if not is_name or len(file.encode()) > _MAX_NAME_BYTES:
                    raise ValueError(file)
                there = [
                    one
                    for one in (folder / person / file, folder / "lfw" / person / file)
                    if one.is_file()
                ]
                if not there:
                    raise BadInput(f"pairs.txt names {file}, which is not there")
                _refuse_elsewhere(there[0], folder)
                places.append(there[0])
            pairs.append(ProtocolPair(at // (2 * of_each), places[0], places[1], len(rest) == 1))
        return tuple(pairs)
    except ValueError as error:
        raise BadInput("pairs.txt is no protocol of LFW") from error


def _cohorts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        reader = csv.DictReader(StringIO(_text(path), newline=""), strict=True)
        columns, rows = set(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise BadInput("people.csv is no CSV") from error
    person, cohort = (
        next((name for name in names if name in columns), "")
        for names in (_PERSON_COLUMNS, _COHORT_COLUMNS)
    )
    if not person or not cohort:
        raise BadInput("people.csv has no columns person and cohort")
    found: dict[str, str] = {}
    for row in rows:
        named = (row[cohort] or "").strip()
        if found.setdefault(row[person], named) != named:
            raise BadInput(f"people.csv names two cohorts for {row[person]!r}")
    if any(not name.isprintable() or len(name) > 64 or name == ALL for name in found.values()):
        raise BadInput(f"people.csv: a cohort is a short name, and not {ALL}")
    return found


def _refuse_elsewhere(path: Path, folder: Path) -> None:
    # A pipe would be waited for without end.
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{path.name} is no file, or lies outside the folder")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        untrusted = file.read(MAX_TEXT_BYTES + 1)
    if len(untrusted) > MAX_TEXT_BYTES:
        raise BadInput(f"{path.name} is more than {MAX_TEXT_BYTES} bytes")
    try:
        return untrusted.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8") from error
