"""manage.py sign_actors: the root signs statements of actors, on the machine that has its key."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core import certificates
from verification.core.errors import BadInput
from verification.core.strict_json import read_json
from verification.management.commands.make_keys import read_root
from verification.management.commands.state_actors import SIGNATURES_MAX_BYTES, write_json


class Command(BaseCommand):
    """Prints each statement, then writes the root's signatures."""

    help = (
        "Sign the file of `state_actors --request` with the operator's root. It prints each"
        " statement: compare it with your own list first. Needs no database and no other key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The request, the root, and where the signatures go."""
        parser.add_argument("request", type=Path)
        parser.add_argument("signed", type=Path, help="the file to write, for --signed")
        parser.add_argument("--root", type=Path, required=True, help="the root's key")

    def handle(self, *args: Any, request: Path, signed: Path, root: Path, **options: Any) -> None:
        """Signs all or nothing."""
        try:
            statements = read_json(request.read_bytes(), max_bytes=SIGNATURES_MAX_BYTES)
        except (OSError, BadInput) as error:
            raise CommandError(f"{request} cannot be read: {error}") from error
        if not isinstance(statements, list) or not all(
            isinstance(statement, dict) and isinstance(statement.get("actor"), str)
            for statement in statements
        ):
            raise CommandError(f"{request} is no file of state_actors --request")
        seed, signatures = read_root(root), dict[str, str]()
        for statement in statements:
            self.stdout.write(_spelled(statement))
            signatures[statement["actor"]] = certificates.actor_signature(seed, statement)
        write_json(signed, signatures)
        self.stdout.write(f"{len(signatures)} signed")


def _spelled(statement: Any) -> str:
    """A statement as JSON, without signs that hide or turn the text on a terminal."""
    line = json.dumps(statement, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in line)
