"""manage.py state_actors: states people and lenders in a log that does not have them yet."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification import transactions
from verification.core.errors import BadInput, Misconfigured, Refused
from verification.core.events import LENDER, PERSON
from verification.core.strict_json import read_json
from verification.log import actors, approvals, keys, verify_actors
from verification.log.approvals import Approval
from verification.management.commands.make_keys import read_root

TEST = "test"
SIGNATURES_MAX_BYTES = 10_000_000


class Command(BaseCommand):
    """For the day when live mode is turned on, again or first: until then the test log alone states
    changes. Later for what a command changed, because a command has no approval of two operators.
    """

    help = (
        "States the people and lenders that a log does not know so yet, as the test log does."
        " The live log takes them by the root's signature. Compare what it prints with your own"
        " list: from then on they may act in this log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which log, and on whose signature."""
        parser.add_argument("--log", choices=keys.LOGS, default="live")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--root", type=Path, help="the root's key, if it is on this machine")
        way.add_argument(
            "--request", type=Path, help="write the statements for sign_actors into this file"
        )
        way.add_argument("--signed", type=Path, help="the file that sign_actors wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        """States each missing or changed one whose row is as the test log states."""
        log, refused, done = options["log"], list[str](), list[str]()
        if log not in keys.ordered_logs():
            raise CommandError(f"the {log} log is not kept here: set TULGA_MODES_LIVE first")
        statements, approval = list[approvals.Statement](), _approval(options)
        if approval is None and log != TEST and not options["request"]:
            raise CommandError("the live log asks for the root: --root, or --request and --signed")
        try:
            with transactions.running(scope=transactions.ALL), transactions.writing():
                for entry_type, row in _waiting(log, refused):
                    name = str(row["id"])
                    if options["request"]:
                        statements.append(actors.next_statement(log, entry_type, row))
                    else:
                        _state(log, entry_type, row, approval)
                    done.append(f"{name} {row.get('bin') or row.get('role')}")
        except Misconfigured as error:
            raise CommandError(error.detail) from error
        for line in done:
            self.stdout.write(line)
        if options["request"]:
            write_json(options["request"], statements)
        word = "to be signed for" if options["request"] else "stated in"
        self.stdout.write(f"{len(done)} {word} the {log} log")
        if refused:
            detail = "not as the other log states, and so not entered"
            raise CommandError(f"{detail}: {', '.join(refused)}")


def write_json(path: Path, content: Any) -> None:
    """Writes a file for the root, or from it.

    Raises: `CommandError` if it cannot be written.
    """
    try:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def _state(log: str, entry_type: str, row: Mapping[str, Any], approval: Approval | None) -> None:
    """Raises: `CommandError` with the name of an actor whose statement the root did not sign."""
    name = str(row["id"])
    try:
        actors.state(entry_type, name, row, logs=[log], approval=approval)
    except Refused as error:
        raise CommandError(f"{name}: {error.detail}") from error


def _waiting(log: str, refused: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows that a log does not state so. Those that the other log does not state either go
    into `refused`.
    """
    other = TEST if log != TEST else "live"
    for entry_type in (LENDER, PERSON):
        for row in verify_actors.rows(entry_type):
            name = str(row["id"])
            here, there = (actors.read(each, [name]).get(name) for each in (log, other))
            if here is not None and actors.is_as_stated(row, here):
                continue
            # A row alone proves nothing. The test log has every change, signed by web; the live log
            # restores it where web alone signed one.
            if actors.is_as_stated(row, there):
                yield entry_type, row
            else:
                refused.append(name)


def _approval(options: dict[str, Any]) -> Approval | None:
    if options["root"]:
        return approvals.by_root(read_root(options["root"]))
    if options["signed"]:
        try:
            signatures = read_json(options["signed"].read_bytes(), max_bytes=SIGNATURES_MAX_BYTES)
        except (OSError, BadInput) as error:
            raise CommandError(f"{options['signed']} cannot be read: {error}") from error
        if not isinstance(signatures, dict):
            raise CommandError(f"{options['signed']} is no file of sign_actors")
        return approvals.by_signatures(signatures)
    return None
