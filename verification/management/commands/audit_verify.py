"""manage.py audit_verify: recompute the log and the evidence, and name what is wrong."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from verification.audit.keys import LOGS
from verification.audit.verify import describe, verify_file, verify_log
from verification.core.errors import Misconfigured
from verification.core.findings import Finding
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
        parser.add_argument(
            "--copy", action="store_true", help="the database is a copy: it may be older than the log's head file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Looks, tells, and raises `CommandError` with the exit code where it is not 0."""
        logs = [options["log"]] if options["log"] else list(LOGS)
        try:
            sizes = {log: describe(log) for log in logs}
            findings = _findings(logs, against_head_file=not options["copy"])
            found = self._tell_json(sizes, findings) if options["json"] else self._tell(sizes, findings)
        except Misconfigured as error:
            raise CommandError(f"cannot verify: {error.detail}", returncode=CANNOT_RUN) from None
        except DatabaseError as error:
            kind = type(error).__name__
            raise CommandError(f"cannot verify: the database cannot be read ({kind})", returncode=CANNOT_RUN) from None
        if found:
            raise CommandError(f"{found} findings: this is not what was signed", returncode=TAMPERED)

    def _tell(self, sizes: dict[str, str], findings: Iterator[Finding]) -> int:
        found = 0
        for finding in findings:
            found += 1
            self.stdout.write(str(finding))
        if not found:
            for log, size in sizes.items():
                self.stdout.write(f"{log} log: {size}; everything fits")
        return found

    def _tell_json(self, sizes: dict[str, str], findings: Iterator[Finding]) -> int:
        found = [finding.as_json() for finding in findings]
        self.stdout.write(json.dumps({"ok": not found, "logs": sizes, "findings": found}, ensure_ascii=False, indent=2))
        return len(found)


def _findings(logs: list[str], *, against_head_file: bool) -> Iterator[Finding]:
    of_logs = (chain(verify_log(log, against_head_file=against_head_file), verify_evidence(log)) for log in logs)
    return chain(verify_file(), chain.from_iterable(of_logs), verify_shared())
