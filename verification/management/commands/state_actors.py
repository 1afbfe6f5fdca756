"""manage.py state_actors: states people and lenders in a log that does not have them yet."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from verification import transactions
from verification.core.errors import Misconfigured
from verification.core.events import LENDER, PERSON
from verification.log import actors, keys, verify_actors

TEST = "test"


class Command(BaseCommand):
    """For the day when live mode is turned on, again or first: until then the test log alone states
    changes.
    """

    help = (
        "States the people and lenders that a log does not know so yet, as the test log does."
        " Compare what it prints with your own list: from then on they may act in this log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which log."""
        parser.add_argument("--log", choices=keys.LOGS, default="live")

    def handle(self, *args: Any, **options: Any) -> None:
        """States each missing or changed one whose row is as the test log states."""
        log, number, refused = options["log"], 0, list[str]()
        if log not in keys.ordered_logs():
            raise CommandError(f"the {log} log is not kept here: set TULGA_MODES_LIVE first")
        try:
            with transactions.running(scope=transactions.ALL), transactions.writing():
                for entry_type in (LENDER, PERSON):
                    for row in verify_actors.rows(entry_type):
                        name = str(row["id"])
                        here, there = (actors.read(each, [name]).get(name) for each in (log, TEST))
                        if here is not None and actors.is_as_stated(row, here):
                            continue
                        # The test log has every change, signed; a row alone proves nothing.
                        if not actors.is_as_stated(row, there):
                            refused.append(name)
                            continue
                        actors.state(entry_type, name, row, logs=[log])
                        self.stdout.write(f"{name} {row.get('bin') or row.get('role')}")
                        number += 1
        except Misconfigured as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{number} stated in the {log} log")
        if refused:
            detail = "not as the test log states, and so not entered"
            raise CommandError(f"{detail}: {', '.join(refused)}")
