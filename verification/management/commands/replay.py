"""`manage.py replay`: repeats the judgements of a verification from the stored evidence."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core.errors import TulgaError
from verification.worker.replay import Verdict, replay, worst

EXIT = {Verdict.SAME: 0, Verdict.DIFFERENT: 1, Verdict.CANNOT: 2}


class Command(BaseCommand):
    """Exits with 0 if every judgement gives the same result, 1 if one differs, 2 if one cannot
    be repeated.
    """

    help = (
        "Repeat every judgement of a verification with its stored evidence, time and policy and "
        "the checks of its release, offline; where camera frames were destroyed by rule, with the"
        " facts of that time. Exit 0 the same, 1 different, 2 cannot (evidence missing, form of a"
        " later release, nothing judged). The log gets one entry of the reading."
    )

    # It may hold the keys of all processes, which a service must not in live mode.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("verification_id", help="ver_…")

    def handle(self, *args: Any, verification_id: str, **options: Any) -> None:
        """One line per attempt; raises `CommandError` with a non-zero exit code."""
        try:
            replays = replay(verification_id=verification_id)
        except TulgaError as error:
            raise CommandError(
                f"{error.code}: {error.detail}", returncode=EXIT[Verdict.CANNOT]
            ) from None
        for number, replayed in enumerate(replays, start=1):
            detail = "".join(f": {part}" for part in (replayed.code, replayed.detail) if part)
            source = f" (from: {replayed.source})" if replayed.source else ""
            self.stdout.write(
                f"{number} {replayed.route} {replayed.stage} {replayed.attempt_id}:"
                f" {replayed.verdict}{source}{detail}"
            )
        word = worst(replays)
        if word is not Verdict.SAME:
            raise CommandError(f"{verification_id}: {word}", returncode=EXIT[word])
        self.stdout.write(f"{verification_id}: {word}")
