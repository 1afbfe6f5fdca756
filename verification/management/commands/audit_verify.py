"""manage.py audit_verify: recompute the log and the evidence, and name what is wrong."""

import json
from dataclasses import asdict
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from verification.audit.keys import LOGS
from verification.audit.sequencer import adopt_head
from verification.audit.verify import describe, verify_database, verify_log
from verification.core.errors import LogInconsistent, Misconfigured
from verification.evidence.inspection import Unchecked, verify_cases, verify_evidence, verify_shared

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
        try:
            found = self._look(logs, copy=options["copy"], adopting=options["adopt_head"], as_json=options["json"])
            if options["adopt_head"] and not found:
                self._adopt(logs)
        except Misconfigured as error:
            raise CommandError(f"cannot verify: {error.detail}", returncode=CANNOT_RUN) from None
        except (DatabaseError, UnicodeDecodeError) as error:
            # What SQLite complains of in a damaged file it may quote, and Python then cannot read the complaint.
            kind = type(error).__name__
            raise CommandError(f"cannot verify: the database cannot be read ({kind})", returncode=CANNOT_RUN) from None
        if found:
            raise CommandError(f"{found} findings: this is not what was signed", returncode=TAMPERED)

    def _look(self, logs: list[str], *, copy: bool, adopting: bool, as_json: bool) -> int:
        """How many findings there are: told one by one as they are made, or all together as JSON."""
        sizes, unchecked = {log: describe(log) for log in logs}, {log: Unchecked() for log in logs}
        # 1. The database, each log with its cases and evidence, then what is shared. Each looks when it is asked.
        looks = [verify_database()]
        for log, left_out in unchecked.items():
            looks.append(verify_log(log, against_head_file=not copy, adopting=adopting))
            looks += [verify_cases(log, unchecked=left_out), verify_evidence(log)]
        findings = chain(*looks, verify_shared())
        # 2. The answer, and with it what could not be checked here.
        if as_json:
            told = [finding.as_json() for finding in findings]
            left = {log: asdict(left_out) for log, left_out in unchecked.items()}
            answer = {"ok": not told, "logs": sizes, "unchecked": left, "findings": told}
            self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
            return len(told)
        found = 0
        for finding in findings:
            found += 1
            self.stdout.write(str(finding))
        if not found:
            for log, size in sizes.items():
                self.stdout.write(f"{log} log: {size}; everything fits")
        for log, left_out in unchecked.items():
            if str(left_out):
                self.stdout.write(f"{log} log: {left_out}")
        return found

    def _adopt(self, logs: list[str]) -> None:
        """Writes missing head files; told on the error stream, so that the answer stays one JSON object."""
        for log in logs:
            try:
                size = adopt_head(log)
            except LogInconsistent as error:
                detail = f"the head of the {log} log was not adopted: {error.detail}"
                raise CommandError(detail, returncode=TAMPERED) from None
            if size is not None:
                self.stderr.write(f"{log} log: its head file was missing and is written, at {size} entries")
