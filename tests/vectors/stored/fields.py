"""The fields of what judgements store, and which of them each release knew: `fields.txt` beside
this.

A line of the list is the path of a field: `<stage>.policy.…`, `<stage>.facts.…` or another record.
The first release of a record knew its field, or a later release `added` it. An added field needs an
earlier value, so that what was stored before is read and judged as it was (`core/stored.py`).
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

from verification.case import dossier, stages
from verification.core import stored
from verification.core.route import Stage
from verification.engines.liveness.gestures import Neutral
from verification.engines.liveness.pictures import ChainNumbers
from verification.routes import ROUTES
from verification.stages.live_capture.measure import ComparedAll

LIST = Path(__file__).resolve().parent / "fields.txt"
_ADDED = " added"
_HOW = f"give it `field(default=…, metadata={{stored.{stored.BEFORE.upper()}: …}})`"


class StoredField(NamedTuple):
    """A field of a record. `is_whole`: it is a policy's, of which no default is taken."""

    path: str
    record: str
    field: dataclasses.Field[Any]
    kind: Any
    is_whole: bool


def today() -> list[StoredField]:
    """The fields of all records of this release."""
    ways = [way for route in ROUTES.values() for way in (route.stages, route.registered or ())]
    every = [
        *of_stages((stages.CONSENT, stages.QUESTION, *(stage for way in ways for stage in way)))
    ]
    for name, kind in (
        ("checks", dossier.Checks),
        ("scores", dossier.Scores),
        ("compared", ComparedAll),
        ("look", ChainNumbers),
        ("rest", Neutral),
    ):
        every += _fields(kind, name, is_whole=False)
    return list({field.path: field for field in every}.values())


def of_stages(with_judgements: Iterable[Stage]) -> Iterator[StoredField]:
    """The fields of the policies and facts of these stages."""
    for stage in with_judgements:
        yield from _fields(type(stage.policy_in_use()), f"{stage.name}.policy", is_whole=True)
        yield from _fields(stage.facts, f"{stage.name}.facts", is_whole=False)


def read_list() -> dict[str, bool]:
    """The list: by path, whether a later release added the field."""
    lines = LIST.read_text("utf-8").splitlines()
    return {line.removesuffix(_ADDED): line.endswith(_ADDED) for line in lines}


def write_list(listed: Mapping[str, bool]) -> None:
    """Keeps the list."""
    lines = [path + (_ADDED if is_added else "") for path, is_added in sorted(listed.items())]
    LIST.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def extended(listed: Mapping[str, bool], fields: Iterable[StoredField]) -> dict[str, bool]:
    """The list with these fields: those of a record that it does not know are its first ones."""
    records = {path.rpartition(".")[0] for path in listed}
    fresh = {field.path: field.record in records for field in fields if field.path not in listed}
    return {**listed, **fresh}


def faults(listed: Mapping[str, bool], fields: Iterable[StoredField]) -> list[str]:
    """Which of these fields would keep earlier judgements from being read, each with its remedy.

    Raises: `EvidenceUnreadable` for an earlier value of another type than its field.
    """
    by_path = {field.path: field for field in fields}
    problems = [
        f"{path} is gone: raise `stored.VERSION`" for path in sorted(listed.keys() - by_path)
    ]
    for path, is_added in sorted(extended(listed, by_path.values()).items()):
        if not is_added or path not in by_path:
            continue
        _, _, field, kind, is_whole = by_path[path]
        if not stored.has_earlier_value(field, is_whole=is_whole):
            problems.append(f"{path} was added and has no earlier value: {_HOW}")
        elif dataclasses.is_dataclass(earlier := field.metadata.get(stored.BEFORE)):
            problems.append(f"{path}: spell its earlier value as a mapping of fields")
        elif stored.BEFORE in field.metadata:
            lone = dataclasses.make_dataclass("Lone", [(field.name, kind)])
            stored.read(
                stored.as_record({field.name: earlier}), into=lone, what=path, is_whole=True
            )
    return problems


def _fields(kind: Any, place: str, *, is_whole: bool) -> Iterator[StoredField]:
    """The fields of a record, and of the records in them; of several in one place by their
    names.
    """
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        types = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            path = f"{place}.{field.name}"
            yield StoredField(path, place, field, types[field.name], is_whole)
            yield from _fields(types[field.name], path, is_whole=is_whole)
        return
    parts = [part for part in get_args(kind) if part not in (NoneType, Ellipsis)]
    records = [part for part in parts if dataclasses.is_dataclass(part)]
    for part in parts:
        name = f"[{part.__name__}]" if part in records and len(records) > 1 else ""
        yield from _fields(part, place + name, is_whole=is_whole)
