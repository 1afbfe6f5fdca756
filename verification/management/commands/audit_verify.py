"""manage.py audit_verify: recompute the log and the evidence, and name what is wrong."""

import json
from collections.abc import Iterator
from dataclasses import asdict
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
        tell = self._tell_json if options["json"] else self._tell
        try:
            sizes = {log: describe(log) for log in logs}
            findings = _findings(unchecked, copy=options["copy"], adopting=options["adopt_head"])
            found = tell(sizes, findings, unchecked)
            if options["adopt_head"] and not found:
                self._adopt(logs)
        except Misconfigured as error:
            raise CommandError(f"cannot verify: {error.detail}", returncode=CANNOT_RUN) from None
        except DatabaseError as error:
            kind = type(error).__name__
            raise CommandError(f"cannot verify: the database cannot be read ({kind})", returncode=CANNOT_RUN) from None
        if found:
            raise CommandError(f"{found} findings: this is not what was signed", returncode=TAMPERED)

    def _tell(self, sizes: dict[str, str], findings: Iterator[Finding], unchecked: dict[str, Unchecked]) -> int:
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

    def _tell_json(self, sizes: dict[str, str], findings: Iterator[Finding], unchecked: dict[str, Unchecked]) -> int:
        found = [finding.as_json() for finding in findings]
        left_out = {log: asdict(number) for log, number in unchecked.items()}
        told = {"ok": not found, "logs": sizes, "unchecked": left_out, "findings": found}
        self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        return len(found)

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


def _findings(unchecked: dict[str, Unchecked], *, copy: bool, adopting: bool) -> Iterator[Finding]:
    yield from verify_database()
    for log, left_out in unchecked.items():
        yield from verify_log(log, against_head_file=not copy, adopting=adopting)
        yield from verify_cases(log, unchecked=left_out)
        yield from verify_evidence(log)
    yield from verify_shared()
