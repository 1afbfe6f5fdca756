"""A scene that many tests begin with, played once a process and then put back: its rows, its files,
its hour, and what it gave.

Only for tests that commit, and only where a test has written nothing before, or the very rows upon
which the scene was played; else it is played. An old one is played anew: what a borrower is asked
in it runs out after minutes, which a busy machine takes. Where all questions are answered, it
may be older: `IS_OVER`.
"""

import shutil
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Model

from tests.environment import prepare
from tests.fresh_database import copies
from verification import clock
from verification.log import keys
from verification.models import AuditEntry, AuditPending

Given = TypeVar("Given")
Row = TypeVar("Row", bound=Model)
IS_OVER = 600
"""Seconds for which a scene is good in which every question was answered."""


@dataclass(frozen=True)
class _Kept:
    """A scene as it was when it had been played."""

    place: Path
    database: copies.Kept
    folders: dict[str, Path]
    given: Any
    offset: timedelta
    played_at: float


_FOLDERS = ("TULGA_EVIDENCE_DIR", "TULGA_LOG_HEAD_DIR")
_OWN_TO_A_TEST = ("TULGA_SOURCES", "TULGA_WEBHOOK_TEST_HOSTS")
_FRESH_SECONDS = 60
_MOST = 50
"""Scenes; the one that was first kept makes way."""
_Scene = tuple[str, str, str, timedelta]
_kept: dict[_Scene, _Kept] = {}
_made: dict[tuple[str, tuple[str, ...]], tuple[Model, list[AuditEntry]]] = {}


def staged(name: str, play: Callable[[], Given], *, seconds: float | None = None) -> Given:
    """What `play` gives, with the rows and files it leaves. The name stands for all that has a say
    in the scene but for rows, settings and hour as they are when it begins. It is good for so many
    seconds.
    """
    if connection.in_atomic_block:
        return play()
    upon = "" if copies.is_untouched() else copies.digest()
    scene = (name, upon, _settings(), clock._state.offset)
    kept = _kept.get(scene)
    is_fresh = kept is not None and time.monotonic() < kept.played_at + (
        _FRESH_SECONDS if seconds is None else seconds
    )
    if kept is None or not is_fresh or not copies.put(kept.database):
        kept = _keep(scene, play())
    else:
        for setting, folder in kept.folders.items():
            shutil.copytree(folder, getattr(settings, setting), dirs_exist_ok=True)
        clock._state.offset = kept.offset
    return deepcopy(kept.given)  # type: ignore[no-any-return]


def same(name: str, make: Callable[[], Row]) -> Row:
    """A row, with the entries that state it, that is the same in each test of this process, so
    that a scene that begins upon it can be put back.
    """
    scene = (name, keys.ordered_logs())
    if scene not in _made:
        before = set(AuditEntry.objects.values_list("pk", flat=True))
        row = make()
        _made[scene] = deepcopy((row, list(AuditEntry.objects.exclude(pk__in=before))))
        return row
    row, entries = deepcopy(_made[scene])  # type: ignore[assignment]
    row.save_base(raw=True, force_insert=True)
    AuditEntry.objects.bulk_create(entries)
    AuditPending.objects.bulk_create([AuditPending(entry_id=entry.pk) for entry in entries])
    return row


def _settings() -> str:
    """All of ours but for addresses that every test has of its own."""
    own = (
        name for name in dir(settings) if name.startswith("TULGA_") and name not in _OWN_TO_A_TEST
    )
    return repr([(name, getattr(settings, name)) for name in own])


def _keep(scene: _Scene, given: object) -> _Kept:
    if scene in _kept or len(_kept) >= _MOST:
        gone = _kept.pop(scene if scene in _kept else next(iter(_kept)))
        shutil.rmtree(gone.place, ignore_errors=True)
    place = Path(mkdtemp(prefix="scene-", dir=prepare()))
    folders = {}
    for setting in _FOLDERS:
        if (folder := getattr(settings, setting)).is_dir():
            folders[setting] = shutil.copytree(folder, place / setting.lower())
    database = copies.keep(place / "database")
    _kept[scene] = _Kept(
        place, database, folders, deepcopy(given), clock._state.offset, time.monotonic()
    )
    return _kept[scene]
