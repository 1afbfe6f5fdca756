"""manage.py audit_verify: recomputes the log and the evidence, and reports every deviation."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from verification.core import profiles
from verification.core.errors import BadInput, LogInconsistent, Misconfigured
from verification.core.findings import Finding
from verification.evidence.inspection import Unchecked, verify_page, verify_shared
from verification.log import entries, policy
from verification.log.damaged import UNREADABLE
from verification.log.keys import LOGS, ordered_logs, verification_key
from verification.log.sequencer import adopt_head
from verification.log.spread import spread, together
from verification.log.verify import describe, log_of, verify_database, verify_log, verify_since
from verification.log.verify_cases import case_pages
from verification.worker.replay import Sample, replay_sample

TAMPERED = 1
CANNOT_RUN = 3
_SEED_BELOW = 2**32
_PAGE = 100
"""Cases whose evidence one statement per table reads: a camera's has hundreds of rows. Ours."""
_PROCESSES_MAX = 8
"""Default maximum of processes: each has its own database connection. Ours."""


@dataclass(frozen=True)
class _Request:
    """The scope of a run.

    samples: the logs whose judgements are repeated.
    since: a stored note of a log.
    processes: for a log, its cases and its evidence.
    """

    logs: list[str]
    copy: bool
    adopting: bool
    samples: Mapping[str, Sample] = field(default_factory=dict)
    since: Mapping[str, bytes] = field(default_factory=dict)
    processes: int = 1
    unchecked: dict[str, Unchecked] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """Findings in the database, in each log with its cases and evidence, then in shared
        evidence; computed lazily.
        """
        looks = [verify_database()]
        for log in self.logs:
            how = {"against_head_file": not self.copy, "adopting": self.adopting}
            looks.append(verify_log(log, **how, processes=self.processes))
            looks += [verify_since(log, self.since[log])] if log in self.since else []
            looks.append(self._sealed(log))
            looks += [replay_sample(log, self.samples[log])] if log in self.samples else []
        return chain(*looks, verify_shared())

    def _sealed(self, log: str) -> Iterator[Finding]:
        """Findings in each sealed case and its evidence; `unchecked` counts the omissions for
        lack of keys.
        """
        left_out = self.unchecked.setdefault(log, Unchecked())
        try:
            pages = case_pages(log, most=_PAGE)
            for looked_at in spread(
                partial(verify_page, log, entries.of_cases), pages, processes=self.processes
            ):
                if isinstance(looked_at, Finding):
                    yield looked_at
                else:
                    left_out.add(looked_at)
        except UNREADABLE as error:
            detail = f"the sealed cases cannot be read further ({type(error).__name__})"
            yield Finding(code="unreadable", log=log, detail=detail)


class Command(BaseCommand):
    """Exits with 0 if all matches, 1 after a change was found, 3 if it could not verify."""

    help = "Recompute the log and the evidence from the stored data, and report every deviation."
    # It must accept a database without a deployment: a copy on another machine.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Which log, and the output form."""
        parser.add_argument("--log", choices=LOGS, help="only this log; both by default")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object instead of sentences"
        )
        parser.add_argument(
            "--since", type=Path, metavar="CHECKPOINT", help="a stored checkpoint of the log"
        )
        parser.add_argument(
            "--replay",
            type=int,
            default=0,
            metavar="N",
            help="repeat N judgements of each log",
        )
        parser.add_argument("--seed", type=int, help="repeat the sample of a run with this seed")
        parser.add_argument(
            "--processes",
            type=int,
            default=min(os.cpu_count() or 1, _PROCESSES_MAX),
            metavar="N",
            help=(
                "use N processes for the log, the cases and the evidence; by default as many as "
                "cores"
            ),
        )
        parser.add_argument(
            "--key", action="store_true", help="only print the log's public key, for log.vkey"
        )
        heads = parser.add_mutually_exclusive_group()
        heads.add_argument(
            "--copy",
            "--without-head-file",
            action="store_true",
            help=("the database is a copy: it may be older than the log's head file, or lack one"),
        )
        heads.add_argument(
            "--adopt-head",
            action="store_true",
            help=(
                "this host orders the log from now on: write its missing head file, if all matches"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verifies, reports, and raises `CommandError` with a non-zero exit code."""
        try:
            if options["key"]:
                for log in [options["log"]] if options["log"] else ordered_logs():
                    self.stdout.write(str(verification_key(log)))
                return
            request = _request_of(options)
            profiles.look_again()
            with together():
                number = self._look(request, as_json=options["json"])
            for log in request.logs if options["adopt_head"] and not number else ():
                try:
                    size = adopt_head(log)
                except LogInconsistent as error:
                    detail = f"the head of the {log} log was not adopted: {error.detail}"
                    raise CommandError(detail, returncode=TAMPERED) from None
                # On the error stream, so that the output stays one JSON object.
                if size is not None:
                    self.stderr.write(
                        f"{log} log: its head file was missing and is written, at {size} entries"
                    )
        except (BadInput, Misconfigured) as error:
            raise CommandError(f"cannot verify: {error.detail}", returncode=CANNOT_RUN) from None
        except (DatabaseError, UnicodeDecodeError) as error:
            # SQLite may quote content of a damaged file in its error, which Python then cannot
            # decode.
            kind = type(error).__name__
            raise CommandError(
                f"cannot verify: the database cannot be read ({kind})", returncode=CANNOT_RUN
            ) from None
        except BrokenProcessPool:
            raise CommandError(
                "cannot verify: one of its processes was killed", returncode=CANNOT_RUN
            ) from None
        if number:
            raise CommandError(
                f"{number} findings: the data differ from what was signed", returncode=TAMPERED
            )
        if blind := [log for log, sample in request.samples.items() if sample.is_blind]:
            detail = (
                f"no judgement that was drawn of the {' and the '.join(blind)} log could be made"
                " again"
            )
            raise CommandError(f"cannot verify: {detail}", returncode=CANNOT_RUN)

    def _look(self, request: _Request, *, as_json: bool) -> int:
        """The number of findings. They are written one by one, or together as JSON."""
        sizes = {log: describe(log) for log in request.logs}
        findings = request.findings()
        if as_json:
            listed = [finding.as_json() for finding in findings]
            unchecked = {log: asdict(left_out) for log, left_out in request.unchecked.items()}
            answer = {"ok": not listed, "logs": sizes, "unchecked": unchecked, "findings": listed}
            if request.samples:
                answer["replayed"] = {
                    log: sample.as_json() for log, sample in request.samples.items()
                }
            self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
            return len(listed)
        number_found = 0
        for finding in findings:
            number_found += 1
            self.stdout.write(f"{finding.code}: {finding}")
        if not number_found:
            for log, size in sizes.items():
                self.stdout.write(f"{log} log: {size}; everything fits")
        # Also what could not be checked here, or was sampled.
        for told_of in (request.unchecked, request.samples):
            for log, counted in told_of.items():
                if str(counted):
                    self.stdout.write(f"{log} log: {counted}")
        return number_found


def _request_of(options: Mapping[str, Any]) -> _Request:
    """The request of the command line.

    Raises: `BadInput` for an impossible one.
    """
    logs = [options["log"]] if options["log"] else list(LOGS)
    if options["replay"] < 0 or (options["seed"] is not None and not options["replay"]):
        raise BadInput("--replay needs a number of judgements, and --seed selects them")
    if options["processes"] < 1:
        raise BadInput("--processes must be at least one")
    seed = secrets.randbelow(_SEED_BELOW) if options["seed"] is None else options["seed"]
    samples = {log: Sample(options["replay"], seed) for log in logs} if options["replay"] else {}
    since = dict[str, bytes]()
    if options["since"]:
        try:
            with options["since"].open("rb") as file:
                note = file.read(
                    policy.NOTE_BYTES + 1
                )  # bytes beyond the maximum of a note are not read
        except OSError as error:
            raise BadInput(f"the kept checkpoint cannot be read: {error.strerror}") from None
        try:
            since[log_of(note)] = note
        except BadInput as error:
            raise BadInput(f"the file is not a checkpoint of a log here: {error.detail}") from None
    if not since.keys() <= set(logs):
        raise BadInput(f"the kept checkpoint is of the {next(iter(since))} log, which is left out")
    return _Request(
        logs, options["copy"], options["adopt_head"], samples, since, options["processes"]
    )
