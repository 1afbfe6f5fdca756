"""manage.py add_key: another key of a lender, printed once; with `--replaces` the old one
expires after a day.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from lenders import keys, policy
from lenders.models import ApiKey, Lender
from verification import transactions
from verification.core.errors import TulgaError
from verification.log import approvals
from verification.management.commands.make_keys import read_root


class Command(BaseCommand):
    """Adds a key, or replaces one."""

    help = "Adds a key for a lender (its id or BIN) and prints it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The lender, and the key's rights."""
        parser.add_argument("lender", help="len_… or BIN")
        parser.add_argument("--mode", choices=keys.MODES, default="test")
        parser.add_argument(
            "--scope", action="append", help=f"{', '.join(policy.SCOPES)}; repeatable; all if none"
        )
        parser.add_argument(
            "--cidr", action="append", default=[], help="network it may be used from; repeatable"
        )
        parser.add_argument("--days", type=int, default=policy.KEY_DAYS)
        parser.add_argument(
            "--replaces", metavar="KEY_ID", help="lets that key expire a day from now"
        )
        parser.add_argument(
            "--root", type=Path, help="the root's key, which approves a live key without operators"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the key."""
        name = options["lender"]
        lender = Lender.objects.filter(Q(pk=name) | Q(bin=name)).first()
        if lender is None:
            raise CommandError("there is no such lender")
        if options["days"] < 1:
            raise CommandError("a key lives a day or longer")
        if options["mode"] != "test" and not options["root"]:
            raise CommandError("two operators propose a live key in their pages; or give --root")
        approval = approvals.by_root(read_root(options["root"])) if options["root"] else None
        try:
            with transactions.writing():
                old = None
                if options["replaces"]:
                    old = ApiKey.objects.filter(
                        pk=options["replaces"], lender=lender, mode=options["mode"]
                    ).first()
                    if old is None:
                        raise CommandError("the lender has no such key in this mode")
                issued = keys.issue(
                    lender,
                    mode=options["mode"],
                    scopes=options["scope"] or policy.SCOPES,
                    cidrs=options["cidr"],
                    days=options["days"],
                    approval=approval,
                )
                ends = keys.retire(old) if old else None
        except TulgaError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"key id   {issued.key.pk}")
        self.stdout.write(f"{options['mode']} key {issued.secret}")
        self.stdout.write("It is shown this once.")
        if ends is not None:
            self.stdout.write(
                f"{options['replaces']} runs out at {ends.isoformat(timespec='seconds')}"
            )
