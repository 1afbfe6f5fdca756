"""manage.py tulga_trigger: has an event happen to a test lender, by the real steps, for whoever
writes its receiver.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lenders.triggers import NOT_BY_API, TRIGGERS, Trigger, TriggerFailed, bring_about

VARIABLE: Final = "TULGA_KEY"


class Command(BaseCommand):
    """Calls the API as a lender does."""

    help = (
        f"Has an event happen to a test lender, by the real steps. Its key is read from {VARIABLE}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which event, where the API is, and where the key stands: never on the command line, which
        others can read.
        """
        parser.add_argument("event", choices=(*TRIGGERS, *NOT_BY_API))
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", help="of the API (default %(default)s)"
        )
        parser.add_argument(
            "--key-file", metavar="FILE", help=f"instead of {VARIABLE}; - reads it from the input"
        )
        parser.add_argument(
            "--seconds",
            type=float,
            default=120.0,
            help="to wait for the event (default %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints each id as it comes, and the event at last."""
        file = options["key_file"]
        try:
            if file is None:
                key = os.environ.get(VARIABLE, "").strip()
            else:
                key = (
                    sys.stdin.readline() if file == "-" else Path(file).read_text("utf-8")
                ).strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"--key-file: {type(fault).__name__}") from None
        if not key.startswith("tlg_test_"):
            raise CommandError(
                f"set {VARIABLE}: events are brought about with a test key alone, tlg_test_…"
            )
        trigger = Trigger(options["url"].rstrip("/"), key, self.stdout.write)
        try:
            event = bring_about(trigger, options["event"], seconds=options["seconds"])
        except TriggerFailed as failure:
            raise CommandError(str(failure)) from None
        self.stdout.write(f"{event['type']}  {event['id']}  {event['lender_sequence']}")
