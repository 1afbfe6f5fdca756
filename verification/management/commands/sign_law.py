"""manage.py sign_law: the operator's root signs what a file says of the law. Run where the root's key is."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core import certificates, law_file
from verification.core.errors import BadInput
from verification.management.commands.make_keys import read_root
from verification.management.law_words import sentences


class Command(BaseCommand):
    """Reads the file, says what it says, and writes it beside with the root's signature."""

    help = (
        "Sign a law file by the operator's root; needs no database and no other key. Prints what the file says, and "
        "asks before it signs."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which file, by which root."""
        parser.add_argument("file", type=Path, help="the law file, as docs/operator-guide.md shows it")
        parser.add_argument("--root", type=Path, required=True, help="the root's key")
        parser.add_argument("--yes", action="store_true", help="sign without a question, for a script")
        parser.add_argument("--out", type=Path, help="where the signed file is written; FILE.signed if left out")

    def handle(self, *args: Any, file: Path, root: Path, out: Path | None, yes: bool, **options: Any) -> None:
        """Prints what the file says, and where the signed one is."""
        try:
            law, document = law_file.read_document(read(file))
        except BadInput as error:
            raise CommandError(f"{error.code}: {error.detail}") from None
        for line in sentences(law):
            self.stdout.write(line)
        if not yes and input("Sign this? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("not signed")
        signed = {"law": document, "signature": certificates.law_signature(read_root(root), document)}
        target = out or file.with_name(f"{file.name}.signed")
        content = f"{json.dumps(signed, ensure_ascii=False, indent=1)}\n"
        if len(content.encode()) > law_file.FILE_BYTES:
            raise CommandError(f"law_malformed: the signed file has more than {law_file.FILE_BYTES} bytes")
        try:
            with target.open("x", encoding="utf-8") as written:
                written.write(content)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}") from None
        self.stdout.write(f"signed: {target}; carry it to the installation, and take it there: manage.py take_law")


def read(file: Path) -> bytes:
    """A file's bytes, one more than a law file may have at most."""
    try:
        with file.open("rb") as opened:
            return opened.read(law_file.FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
