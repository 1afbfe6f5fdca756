"""`manage.py install_anchors`: copies the national authority's certificates, verified by
fingerprint, to the live set.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from verification.core.certificates import OFFICIAL
from verification.core.errors import Misconfigured
from verification.sources import installed


class Command(BaseCommand):
    """Exits with 0 if the live set holds the given certificates, 1 if it refused and changed
    nothing.
    """

    help = (
        "Copy the certificates of the NCA RK from DIR into the live set (TULGA_LIVE_TRUST_ANCHORS)"
        " with their pins. Every certificate in DIR must be in our table of fingerprints, or"
        " nothing is written. Compare what this prints with pki.gov.kz and root.gov.kz yourself"
        " before you go live."
    )
    # Live mode is incomplete before this has run.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument(
            "directory", type=Path, metavar="DIR", help="certificates as .cer, .crt, .der or .pem"
        )

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        """Installs them, and prints what a person must compare."""
        try:
            done = installed.install_official(directory)
        except Misconfigured as error:
            raise CommandError(f"nothing was installed: {error.detail}") from None
        self.stdout.write(f"{done.directory} trusts:")
        for anchor in done.installed:
            self.stdout.write(
                f"  {anchor.name}, {anchor.role}, to {anchor.valid_to}\n    {anchor.sha256}\n   "
                f" {anchor.address}"
            )
        for anchor in done.left_out:
            self.stdout.write(
                f"left out: {anchor.name}: a borrower's signature must not chain to it"
            )
        for anchor in OFFICIAL.values():
            if anchor.role and anchor not in done.installed:
                self.stdout.write(
                    f"missing: {anchor.name} ({anchor.address}): its signatures are refused"
                )
        self.stdout.write(
            "Compare each fingerprint with the authority's own pages before you go live."
        )
