"""manage.py sign_law: the operator's root signs a law file. Run it where the root's key is."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core import certificates, law_file, law_rules
from verification.core.certificates import public_of
from verification.core.errors import BadInput
from verification.core.law_file import Law
from verification.core.profiles import Amendments
from verification.management.commands.make_keys import read_root
from verification.management.law_words import sentences


class Command(BaseCommand):
    """Reads the file, prints its content, and writes the signed file beside it."""

    help = (
        "Sign a law file with the operator's root; needs no database and no other key. Prints the"
        " file's content and the rules that it breaks; asks before it signs."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which file, with which root."""
        parser.add_argument(
            "file", type=Path, help="the law file, as docs/operator/run.md shows it"
        )
        parser.add_argument("--root", type=Path, required=True, help="the root's key")
        parser.add_argument(
            "--yes", action="store_true", help="sign without a question, for a script"
        )
        parser.add_argument(
            "--after",
            type=Path,
            action="append",
            default=[],
            metavar="FILE.signed",
            help=(
                "an earlier law file, from number 1 on; repeatable. The file is then judged "
                "together with them"
            ),
        )
        parser.add_argument(
            "--out", type=Path, help="path of the signed file; by default FILE.signed"
        )

    def handle(
        self, *args: Any, file: Path, root: Path, out: Path | None, yes: bool, **options: Any
    ) -> None:
        """Prints the file's content and the path of the signed file. Signs no file that would be
        refused.
        """
        seed = read_root(root)
        try:
            law, document = law_file.read_document(read(file))
            amendments = _taken_before(law, options["after"], root=public_of(seed))
        except BadInput as error:
            raise CommandError(f"{error.code}: {error.detail}") from None
        for line in sentences(law, amendments):
            self.stdout.write(line)
        faults = law_rules.faults_of(law, amendments)
        for fault in faults:
            outcome = (
                "it will be refused"
                if fault.is_certain
                else "known only with the earlier files: see --after"
            )
            self.stdout.write(f"{fault.code}: {fault.detail}: {outcome}")
        if codes := dict.fromkeys(fault.code for fault in faults if fault.is_certain):
            raise CommandError(f"{', '.join(codes)}: not signed, because the file would be refused")
        if not yes and input("Sign this? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("not signed")
        signed = {"law": document, "signature": certificates.law_signature(seed, document)}
        target = out or file.with_name(f"{file.name}.signed")
        _write(target, f"{json.dumps(signed, ensure_ascii=False, indent=1)}\n")
        self.stdout.write(
            f"signed: {target}; carry it to the installation, and take it there: manage.py take_law"
        )


def _taken_before(law: Law, files: Sequence[Path], *, root: bytes) -> Amendments:
    """The law of the files before this one.

    Raises: `BadInput` for one that this root did not sign, or out of order.
    """
    signed = [law_file.read_signed(read(path)) for path in files]
    for earlier in signed:
        law_file.require_signed(earlier, root=root, installation=law.installation)
    amendments = law_rules.all_of(tuple(earlier.law for earlier in signed))
    if signed and amendments.number != law.number - 1:
        detail = (
            f"--after needs the files 1 to {law.number - 1} in their order, and ends with"
            f" {amendments.number}"
        )
        raise BadInput(detail, code="law_out_of_order")
    return amendments


def _write(target: Path, content: str) -> None:
    """Writes a new file.

    Raises: `CommandError` if it exists, or the content is too long.
    """
    if len(content.encode()) > law_file.FILE_BYTES:
        raise CommandError(
            f"law_malformed: the signed file has more than {law_file.FILE_BYTES} bytes"
        )
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise CommandError(
            f"{target} cannot be written: it exists; move it away, or name another by --out"
        ) from None
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}") from None


def read(file: Path) -> bytes:
    """A file's bytes, up to one more than a law file may have."""
    try:
        with file.open("rb") as opened:
            return opened.read(law_file.FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
