"""manage.py revoke_signing_key: a stolen key's signatures do not count from an index of the log
on.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification import transactions
from verification.core import certificates
from verification.core.certificates import MODES
from verification.core.errors import TulgaError
from verification.management.commands.make_keys import read_root
from verification.payout import clearances


class Command(BaseCommand):
    """Signs the revocation with the root, or takes a signed one; lists the key's decisions."""

    help = (
        "Revoke a key that signs entries, from an index of the log on: the log takes no more of "
        "its entries, audit_verify reports those from there on, and the lender of each decision "
        "is informed. Prints those verifications."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which key, from where on, and on whose signature."""
        parser.add_argument("log", choices=MODES)
        parser.add_argument(
            "key", help="its id, as `by` in the entries it signed and in audit_verify"
        )
        parser.add_argument("from_index", type=int, help="the first leaf that no longer counts")
        word = parser.add_mutually_exclusive_group(required=True)
        word.add_argument("--root", type=Path, help="the root's key")
        word.add_argument(
            "--signed", help=("the root's signature, from --sign-only where its key is")
        )
        parser.add_argument(
            "--sign-only", action="store_true", help="print the signature; no database is needed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one verification per line, and their number."""
        mode, key, from_index = options["log"], options["key"], options["from_index"]
        if from_index < 0:
            raise CommandError("an index is 0 or more")
        signature = options["signed"]
        if options["root"]:
            signature = certificates.revocation(
                read_root(options["root"]), mode=mode, key=key, from_index=from_index
            )
        if options["sign_only"]:
            self.stdout.write(signature)
            return
        try:
            with transactions.running(scope=transactions.ALL):
                cases = clearances.revoke_key(
                    mode, key=key, from_index=from_index, signature=signature
                )
        except TulgaError as error:
            raise CommandError(f"{error.code}: {error.detail}") from None
        for verification in cases:
            self.stdout.write(verification)
        self.stdout.write(
            f"{key} is revoked from {from_index} on; it had decided {len(cases)} verifications"
        )
