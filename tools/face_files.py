"""Photographs in files: a folder of people, a CSV of pairs, and the one face of each picture.

A folder has a folder per person, or files `<person>_<anything>.jpg`.
`people.csv` beside them may name a cohort for each person, as the Face Research Lab London Set
does.

A CSV of pairs gives two files, whether they show one person, and their cohort.
A probe may be a folder: pictures of one person, like the frames of a capture.
The CSV names its pictures below its own folder.
A pair that occurs twice, or contradicts another, is refused, because it would falsify the rates.
"""

import csv
import hashlib
import re
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings

from tools.accuracy import ALL
from verification.core.errors import BadInput, Misconfigured, Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.faces.portrait import Quality

SUFFIXES = {".jpg", ".jpeg", ".png"}
MAX_PICTURES, MAX_TEXT_BYTES = 100_000, 16 * 1024 * 1024  # ours: seven times LFW, which has 13 233
_PERSON = re.compile(r"([A-Za-z0-9-]{1,64})_[^/]{1,128}")
_PERSON_COLUMNS, _COHORT_COLUMNS = ("face_id", "person"), ("face_eth", "cohort")


@dataclass(frozen=True)
class Picture:
    """A picture and its person. cohort: empty if unknown."""

    path: Path
    person: str
    cohort: str


def read_folder(folder: Path) -> tuple[Picture, ...]:
    """All pictures, in the order of their names.

    Raises: `BadInput` without pictures, or for an unreadable one.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder")
    cohorts, result = _cohorts(folder / "people.csv"), []
    folders: dict[str, Path] = {}
    for path in sorted(entry for entry in folder.rglob("*") if entry.suffix.lower() in SUFFIXES):
        _refuse_elsewhere(path, folder)
        # The person is the folder, or else the file's name.
        inside, match = path.relative_to(folder).parts, _PERSON.fullmatch(path.stem)
        if len(inside) > 1:
            person = inside[-2]
        elif match is not None:
            person = match.group(1)
        else:
            raise BadInput(f"{path.name} does not say whose picture it is")
        # Folders per day below each person's would make one person of everybody of a day.
        if folders.setdefault(person, path.parent) != path.parent:
            raise BadInput(f"two folders are named {person}: each person has one of their own")
        result.append(Picture(path, person, cohorts.get(person, "")))
        if len(result) > MAX_PICTURES:
            raise BadInput(f"there are more than {MAX_PICTURES} pictures")
    if len(folders) < 2:
        raise BadInput(f"{folder} has no pictures of two people")
    if cohorts and not cohorts.keys() & folders.keys():
        raise BadInput("people.csv names no person with a picture here")
    return tuple(result)


def _cohorts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        reader = csv.DictReader(StringIO(_read_text(path), newline=""), strict=True)
        columns, rows = set(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise BadInput("people.csv is no CSV") from error
    person, cohort = (
        next((name for name in names if name in columns), "")
        for names in (_PERSON_COLUMNS, _COHORT_COLUMNS)
    )
    if not person or not cohort:
        raise BadInput("people.csv has no columns person and cohort")
    cohorts: dict[str, str] = {}
    for row in rows:
        label = (row[cohort] or "").strip()
        if cohorts.setdefault(row[person], label) != label:
            raise BadInput(f"people.csv names two cohorts for {row[person]!r}")
    if any(not name.isprintable() or len(name) > 64 or name == ALL for name in cohorts.values()):
        raise BadInput(f"people.csv: a cohort is a short name, and not {ALL}")
    return cohorts


def _refuse_elsewhere(path: Path, folder: Path) -> None:
    # A pipe would be awaited without end.
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{path.name} is no file, or lies outside the folder")


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        untrusted = file.read(MAX_TEXT_BYTES + 1)
    if len(untrusted) > MAX_TEXT_BYTES:
        raise BadInput(f"{path.name} is more than {MAX_TEXT_BYTES} bytes")
    try:
        return untrusted.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8") from error


COLUMNS = ("reference", "probe", "same", "cohort")
# Ours: thirty times the pairs that an FMR of 1e-4 needs, each with names of 100 characters.
MAX_ROWS, MAX_PAIRS_BYTES = 1_000_000, 256 * 1024 * 1024
MAX_SET = 50  # pictures per probe
_MAX_NAME, _MAX_COHORT = 400, 64  # characters; the second is a calibration's maximum
_SAME = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Pair:
    """Two pictures. cohort: empty if unknown."""

    row: int
    reference: str
    probe: str
    same: bool
    cohort: str


def parse_pairs(untrusted: bytes) -> tuple[Pair, ...]:
    """The rows of the file.

    Raises: `BadInput` naming the row, for any other columns.
    """
    # 1. Text.
    if len(untrusted) > MAX_PAIRS_BYTES:
        raise BadInput(f"the pairs are more than {MAX_PAIRS_BYTES} bytes")
    try:
        text = untrusted.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("the pairs are not UTF-8") from error
    # 2. Rows, split only where CSV ends one; an unclosed quote is refused.
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
    # 3. No repetition, and no chain of rows that makes one person of two.
    known_pairs: set[frozenset[str]] = set()
    people = people_of(pairs)
    for pair in pairs:
        both = frozenset((pair.reference, pair.probe))
        if both in known_pairs:
            raise BadInput(f"row {pair.row}: the pair stands twice")
        known_pairs.add(both)
        if not pair.same and people[pair.reference] == people[pair.probe]:
            raise BadInput(f"row {pair.row} says two people, and other rows say one")
    return tuple(pairs)


def locate(folder: Path, pairs: Sequence[Pair]) -> dict[str, tuple[Path, ...]]:
    """The pictures of each name: one, or those of a probe's folder by their names.

    Raises: `BadInput` for a missing one, or one outside the folder by any path.
    """
    root, references = folder.resolve(), {pair.reference for pair in pairs}
    places = {}
    for name in sorted(references | {pair.probe for pair in pairs}):
        path = _below(root, name)
        if path.is_dir() and name not in references:
            inside = [
                picture for picture in sorted(path.iterdir()) if picture.suffix.lower() in SUFFIXES
            ]
            if not 0 < len(inside) <= MAX_SET:
                raise BadInput(
                    f"{name} is a folder of {len(inside)} pictures: one capture has 1 to {MAX_SET}"
                )
            places[name] = tuple(_below(root, str(picture.relative_to(root))) for picture in inside)
        else:
            places[name] = (path,)
        if not all(picture.is_file() for picture in places[name]):
            raise BadInput(f"{name} is no file below the folder of the pairs")
    return places


def _below(root: Path, name: str) -> Path:
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise BadInput(f"{name} cannot be read: {type(error).__name__}") from error
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise BadInput(f"{name} is no file below the folder of the pairs")
    return path


def people_of(pairs: Sequence[Pair]) -> dict[str, str]:
    """For each picture a representative of its person: pairs join pictures of one person, by any
    chain.
    """
    groups: dict[str, list[str]] = {}
    for pair in pairs:
        both = [groups.setdefault(name, [name]) for name in (pair.reference, pair.probe)]
        if pair.same and both[0] is not both[1]:
            # The larger absorbs the smaller, so that no name moves often, however long the chain.
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


# The size of today's camera files, and no bomb. Ours.
_PROGRESS_SECONDS = 5
LIMITS = ImageLimits(max_bytes=10 * 1024 * 1024, max_pixels=25_000_000)


@dataclass(frozen=True)
class Measured:
    """A picture's face, or its refusal's code. sha256: of the file, or of the part within the
    limits.
    """

    sha256: str
    embedding: Embedding | None = None
    quality: Quality | None = None
    code: str = ""


def add_backend(parser: ArgumentParser) -> None:
    """The arguments that choose a backend for one run."""
    parser.add_argument("--backend", choices=backends.NAMES, help="instead of TULGA_FACE_BACKEND")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="the description of your own net, for onnx-custom",
    )


def backend_of(options: Mapping[str, Any], *, calibration: Path | None) -> Backend:
    """The backend of the deployment, or the one in the arguments.

    calibration: a file instead of the shipped one.

    Raises: `Misconfigured`.
    """
    name = _name(options)
    if name not in backends.NAMES:
        raise Misconfigured(f"there is no face backend {name}")
    model = options["model"] or settings.TULGA_FACE_MODEL
    choice = Choice(
        backend=name, models=settings.TULGA_FACE_MODELS_DIR, model=model, calibration=calibration
    )
    return backends.loaded(choice)


def calibration_of(options: Mapping[str, Any]) -> Path | None:
    """The calibration in the arguments, or the deployment's if the net is the deployment's too."""
    is_deployed = _name(options) == settings.TULGA_FACE_BACKEND and options["model"] is None
    deployed: Path | None = settings.TULGA_FACE_CALIBRATION if is_deployed else None
    return options["calibration"] or deployed


def measure_file(path: Path, backend: Backend) -> Measured:
    """The one face of a file.

    Raises: `BadInput` for an unreadable file.
    """
    try:
        with path.open("rb") as file:
            untrusted = file.read(LIMITS.max_bytes + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read: {type(error).__name__}") from error
    digest = hashlib.sha256(untrusted).hexdigest()
    try:
        face, quality = backend.open(untrusted, limits=LIMITS)
    except Refused as refused:
        return Measured(digest, code=refused.code)
    return Measured(digest, backend.embed(face), quality)


def measure_all(
    paths: Iterable[Path], backend: Backend, *, progress: Callable[[str], object] | None = None
) -> dict[Path, Measured]:
    """Each of these files once, however often it is named.

    progress: receives the number done, every few seconds.

    Raises: `BadInput` for an unreadable one.
    """
    files, measured, reported_at = sorted(set(paths)), {}, time.monotonic()
    for path in files:
        measured[path] = measure_file(path, backend)
        if progress is not None and time.monotonic() - reported_at > _PROGRESS_SECONDS:
            reported_at = time.monotonic()
            progress(f"{len(measured)} of {len(files)} pictures measured")
    return measured


def _name(options: Mapping[str, Any]) -> str:
    return str(options["backend"] or settings.TULGA_FACE_BACKEND)
