"""manage.py revoke_signing_key: what a stolen key has signed counts no more, from an index of the
log on.
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
    """Signs the revocation by the root, or takes one that was signed where the root is; lists what
    the key decided.
    """

    help = (
        "Revoke a key that signs entries, from an index of the log on: the log takes no more of it,"
        " audit_verify names what it signed from there on, and the lender of each decision is told."
        " Prints those verifications."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which key, from where on, and on whose word."""
        parser.add_argument("log", choices=MODES)
        parser.add_argument(
            "key", help="its id, as `by` in the entries it signed and in audit_verify"
        )
        parser.add_argument(
            "from_index", type=int, help="the first leaf that does not count any more"
        )
        word = parser.add_mutually_exclusive_group(required=True)
        word.add_argument("--root", type=Path, help="the root's key")
        word.add_argument("--signed", help="the root's signature, by --sign-only where its key is")
        parser.add_argument(
            "--sign-only", action="store_true", help="print the signature; no database is needed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one verification a line, and how many."""
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
