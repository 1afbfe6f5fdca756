"""manage.py certify_keys: the operator's root certifies public keys. Run it where the root's key
is.
"""

import base64
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core.certificates import public_of
from verification.management.commands.make_keys import ROOT_KEY, ROOT_PUBLIC, certify, read_root


class Command(BaseCommand):
    """Certifies the uncertified keys of the public folder."""

    help = (
        "Certify the public keys of a folder with the operator's root; needs no database and no "
        "other key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which folder, with which root."""
        parser.add_argument(
            "directory", type=Path, help="the folder of keys; only its public/ is read and written"
        )
        parser.add_argument(
            "--root", type=Path, help="the root's key; by default root/root.key in the folder"
        )

    def handle(self, *args: Any, directory: Path, root: Path | None, **options: Any) -> None:
        """Prints the certified keys."""
        seed, public = read_root(root or directory / ROOT_KEY), directory / ROOT_PUBLIC
        if not public.exists():
            raise CommandError(f"there is no {public}: is this the folder of keys?")
        if (
            json.loads(public.read_bytes()).get("public")
            != base64.b64encode(public_of(seed)).decode()
        ):
            raise CommandError(f"this is not the root of {public}: every process there would stop")
        done = certify(directory, seed)
        for name in done:
            self.stdout.write(f"certified {name}")
        if not done:
            self.stdout.write(f"nothing to certify in {public.parent}")
