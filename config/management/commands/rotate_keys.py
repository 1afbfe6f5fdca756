"""Seals anew what rests on an older key-encryption key; says when that key opens nothing."""

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import sealed
from config.sealed import SEALED, Tally
from verification import transactions
from verification.core.errors import Misconfigured

_PROCESSES: Final = ("web", "worker", "every")
_PROGRESS_SECONDS: Final = 1.0
"""Between two lines of progress. Ours."""


class Command(BaseCommand):
    """Runs beside all processes. Safe to stop, to repeat and to run twice at once."""

    help = (
        "Seal what rests on an older kek anew, under the newest. Run it as the worker, then as web,"
        " which counts what still rests on the older one. Exit 0: it opens nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """See `manage.py help rotate_keys`."""
        parser.add_argument("--check", action="store_true", help="count only, change nothing")
        parser.add_argument(
            "--batch", type=int, default=sealed.BATCH, help="rows of one transaction, 1 to 10000"
        )

    def handle(self, *, check: bool, batch: int, **options: Any) -> None:
        """Moves, then counts: another process may have sealed with an older key meanwhile.

        Raises: `CommandError`, which exits with 1, if something rests on another key.
        """
        if settings.TULGA_PROCESS not in _PROCESSES:
            raise Misconfigured(
                f"the process {settings.TULGA_PROCESS} holds no key-encryption key.\nRun it as"
                " worker, then as web."
            )
        if not 1 <= batch <= 10_000:
            raise CommandError("--batch must be 1 to 10000")
        moved, seen = dict[str, Tally](), [place for place in SEALED if place.is_visible()]
        with transactions.running(scope=transactions.ALL):
            newest = sealed.newest_kek()
            for place in SEALED if not check else ():
                if place.is_ours():
                    moved[place.name] = self._walk(place, batch=batch, moves=True)
            counted = [self._walk(place, batch=batch, moves=False) for place in seen]
            ends = {place.name: sealed.last_deletion(place) for place in seen}
        for tally in counted:
            rests = [f"{rows} under kek-{kek}" for kek, rows in sorted(tally.by_kek.items())]
            self.stdout.write(f"{tally.place.name}: {', '.join(rests) or 'nothing'}")
        if left := [
            self._remainder(tally, kek, moved.get(tally.place.name), ends[tally.place.name])
            for tally in counted
            for kek in sorted(tally.by_kek)
            if kek != newest
        ]:
            raise CommandError("\n".join(left))
        self._conclude(newest, unseen=[place.name for place in SEALED if place not in seen])

    def _conclude(self, newest: int, *, unseen: list[str]) -> None:
        older = sorted(kek for kek in settings.TULGA_KEY_ENCRYPTION_KEYS if kek < newest)
        for kek in older:
            if unseen:
                self.stdout.write(
                    f"kek-{kek} opens nothing of these. Run this as web now: it also counts"
                    f" {', '.join(unseen)}."
                )
            else:
                self.stdout.write(f"kek-{kek} opens nothing: take kek-{kek}.key away.")
        if not older:
            self.stdout.write(f"kek-{newest} is the only key here, and all rests on it.")

    def _walk(self, place: sealed.Sealed, *, batch: int, moves: bool) -> Tally:
        """The last tally of a column, with a line of progress now and then."""
        tally, told_at = Tally(place), time.monotonic()
        for tally in sealed.walk(place, batch=batch, moves=moves):
            if time.monotonic() >= told_at + _PROGRESS_SECONDS:
                self._tell(tally, moves=moves)
                told_at = time.monotonic()
        if moves:
            self._tell(tally, moves=True)
        return tally

    def _tell(self, tally: Tally, *, moves: bool) -> None:
        done = f"{tally.moved} moved of {tally.total}" if moves else f"{tally.total} counted"
        self.stdout.write(f"{tally.place.name}: {done}")
        self.stdout.flush()

    @staticmethod
    def _remainder(tally: Tally, kek: int, moved: Tally | None, ends: datetime | None) -> str:
        """What of a column rests on another key than the newest, why, and what to do."""
        place, line = tally.place, f"kek-{kek} opens {tally.by_kek[kek]} of {tally.place.name}"
        if kek not in settings.TULGA_KEY_ENCRYPTION_KEYS:
            return f"{line}, and is not in {settings.TULGA_KEYS_DIR}: restore it"
        if moved is not None and moved.unreadable:
            line += f"; some do not open at their place, such as {', '.join(moved.unreadable)}"
        elif moved is not None:
            line += ": a process that began before the newest key seals with it; restart web and"
            line += " workers, and repeat this"
        elif not place.is_ours():
            line += f": run this as {place.writer}"
        else:
            line += ": run this without --check"
        return line + (f"; the last is deleted by {ends:%Y-%m-%d %H:%M} UTC" if ends else "")
