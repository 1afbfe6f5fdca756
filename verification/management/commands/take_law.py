"""manage.py take_law: records a law file, signed by the operator's root, in both logs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification import transactions
from verification.core.errors import TulgaError
from verification.log import laws
from verification.management.commands.sign_law import read
from verification.management.law_words import sentences


class Command(BaseCommand):
    """Takes it, or refuses it with a code. No process is restarted."""

    help = (
        "Take a signed law file: the MCI of a year, a profile, a status. It counts once both logs"
        " have ordered it; every process reads it from there, without a restart. Prints the "
        "file's content."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which file."""
        parser.add_argument("file", type=Path, help="the signed file, from manage.py sign_law")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Prints what was taken, and into which logs."""
        try:
            with transactions.running(scope=transactions.ALL):
                signed, logs = laws.take(read(file))
        except TulgaError as error:
            raise CommandError(f"{error.code}: {error.detail}") from None
        for line in sentences(signed.law):
            self.stdout.write(line)
        self.stdout.write(
            f"taken into the {' and the '.join(logs)} log; it counts once it is ordered"
        )
        self.stdout.write(f"the next law file has number {signed.law.number + 1}")
