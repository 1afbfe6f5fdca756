"""manage.py state_actors: states people and lenders in a log that does not have them yet."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from verification import transactions
from verification.core.errors import Misconfigured
from verification.core.events import LENDER, PERSON
from verification.log import actors, keys, verify_actors


class Command(BaseCommand):
    """For the day when live mode is turned on: until then only the test log states them."""

    help = (
        "States the people and lenders that a log does not know yet, by their rows. Compare what it"
        " prints with your own list: from then on they may act in this log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which log."""
        parser.add_argument("--log", choices=keys.LOGS, default="live")

    def handle(self, *args: Any, **options: Any) -> None:
        """States each missing one; a known one stays as it is stated."""
        log, number = options["log"], 0
        if log not in keys.ordered_logs():
            raise CommandError(f"the {log} log is not kept here: set TULGA_MODES_LIVE first")
        try:
            with transactions.running(scope=transactions.ALL), transactions.writing():
                for entry_type in (LENDER, PERSON):
                    for row in verify_actors.rows(entry_type):
                        name = str(row["id"])
                        if actors.read(log, [name]):
                            continue
                        actors.state(entry_type, name, row, logs=[log])
                        self.stdout.write(name)
                        number += 1
        except Misconfigured as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{number} stated in the {log} log")
