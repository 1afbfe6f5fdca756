"""A scene that many tests begin with, played once a process and then put back: its rows, its files, and what it gave.

Only for tests that commit, and before they have written anything; else the scene is played. An old one is played anew:
what a borrower is asked in it runs out after minutes, which a busy machine takes.
"""

import shutil
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection

from tests.environment import prepare
from tests.fresh_database import copies

Given = TypeVar("Given")


@dataclass(frozen=True)
class _Kept:
    """A scene as it was when it had been played."""

    database: copies.Kept
    folders: dict[str, Path]
    given: Any
    played_at: float


_FOLDERS = ("TULGA_EVIDENCE_DIR", "TULGA_LOG_HEAD_DIR")
_FRESH_SECONDS = 60
_kept: dict[str, _Kept] = {}


def staged(name: str, play: Callable[[], Given]) -> Given:
    """What `play` gives, with the rows and files it leaves. The name stands for all that has a say in the scene."""
    if connection.in_atomic_block or not copies.is_untouched():
        return play()
    kept = _kept.get(name)
    is_fresh = kept is not None and time.monotonic() < kept.played_at + _FRESH_SECONDS
    if kept is None or not is_fresh or not copies.put(kept.database):
        _kept[name] = _keep(play())
    else:
        for setting, folder in _kept[name].folders.items():
            shutil.copytree(folder, getattr(settings, setting), dirs_exist_ok=True)
    return deepcopy(_kept[name].given)  # type: ignore[no-any-return]


def _keep(given: object) -> _Kept:
    place = Path(mkdtemp(prefix="scene-", dir=prepare()))
    folders = {}
    for setting in _FOLDERS:
        if (folder := getattr(settings, setting)).is_dir():
            folders[setting] = shutil.copytree(folder, place / setting.lower())
    return _Kept(copies.keep(place / "database"), folders, given, time.monotonic())
