"""manage.py audit_verify: recompute the log and the evidence, and name what is wrong."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from verification.audit.keys import LOGS
from verification.audit.sequencer import adopt_head
from verification.audit.verify import describe, verify_database, verify_log
from verification.core.errors import LogInconsistent, Misconfigured
from verification.core.findings import Finding
from verification.evidence.case_inspection import Unchecked, verify_cases
from verification.evidence.inspection import verify_evidence, verify_shared

TAMPERED = 1
CANNOT_RUN = 3


class Command(BaseCommand):
    """Exits with 0 if everything fits, 1 if something was changed, 3 if it could not look."""

    help = "Recompute the log and the evidence from what is stored, and name everything that does not fit."
    # It must look at a database whose deployment is not set up: a copy on another machine.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Which log, and how to tell."""
        parser.add_argument("--log", choices=LOGS, help="only this one; both, if left out")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
        heads = parser.add_mutually_exclusive_group()
        heads.add_argument(
            "--copy",
            "--without-head-file",
            action="store_true",
            help="the database is a copy: it may be older than the log's head file, or have none beside it",
        )
        heads.add_argument(
            "--adopt-head",
            action="store_true",
            help="this host orders the log from now on: write its missing head file, if everything fits",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Looks, tells, and raises `CommandError` with the exit code where it is not 0."""
        logs = [options["log"]] if options["log"] else list(LOGS)
        unchecked = {log: Unchecked() for log in logs}
        try:
            sizes = {log: describe(log) for log in logs}
            findings = list(_findings(unchecked, copy=options["copy"], adopting=options["adopt_head"]))
            adopted = _adopt(logs) if options["adopt_head"] and not findings else {}
        except Misconfigured as error:
            raise CommandError(f"cannot verify: {error.detail}", returncode=CANNOT_RUN) from None
        except LogInconsistent as error:
            raise CommandError(f"the head was not adopted: {error.detail}", returncode=TAMPERED) from None
        except DatabaseError as error:
            kind = type(error).__name__
            raise CommandError(f"cannot verify: the database cannot be read ({kind})", returncode=CANNOT_RUN) from None
XX