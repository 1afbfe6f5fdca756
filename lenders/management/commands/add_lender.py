"""manage.py add_lender: a microcredit organization and its first test key, printed once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from lenders import keys, parsing, register
from lenders.models import NAME_LENGTH, Lender
from verification import clock, transactions
from verification.core import almaty, profiles
from verification.core.errors import TulgaError
from verification.core.ids import Bin, parse_office_phone


class Command(BaseCommand):
    """Adds a lender and prints a test key."""

    help = "Adds a lender and prints a test key, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The lender's facts."""
        parser.add_argument("name")
        parser.add_argument(
            "--bin", required=True, help="business identification number, 12 digits"
        )
        parser.add_argument(
            "--phone", required=True, help="where it answers its borrowers: +7 and ten digits"
        )
        parser.add_argument(
            "--return-url", action="append", default=[], help="https, without query; repeatable"
        )
        kind = "[DAY=]PROFILE, from that day on, or from the profile's own; repeatable"
        parser.add_argument(
            "--profile",
            action="append",
            default=[],
            help=f"legal profile in test mode, by default today's law: {kind}",
        )
        parser.add_argument(
            "--live-profile",
            action="append",
            default=[],
            help=f"legal profile in live mode: {kind}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Adds both or nothing."""
        try:
            addresses = parsing.return_urls(options["return_url"])
            today = almaty.day_of(clock.now())
            test, live = list[dict[str, str]](), list[dict[str, str]]()
            for calendar, terms in (
                (test, options["profile"] or [profiles.in_force(today).id]),
                (live, options["live_profile"]),
            ):
                for word in terms:
                    day, is_dated, profile = word.rpartition("=")
                    calendar += (
                        [{"from": day, "profile": profile}]
                        if is_dated
                        else profiles.calendar_of(profile)
                    )
            with transactions.running(scope=transactions.ALL), transactions.writing():
                lender = Lender.objects.create(
                    name=parsing.text(options["name"], longest=NAME_LENGTH),
                    bin=Bin.parse(options["bin"]).value,
                    phone=parse_office_phone(options["phone"]),
                    test_calendar=profiles.parse_calendar(test),
                    live_calendar=profiles.parse_live_calendar(live),
                    return_urls=addresses,
                )
                register.keep_lender(lender)
                issued = keys.issue(lender, mode="test")
        except TulgaError as error:
            raise CommandError(error.detail) from error
        except IntegrityError:
            raise CommandError(
                "a lender with this BIN exists; use add_key for another key"
            ) from None
        self.stdout.write(f"lender   {lender.pk}")
        self.stdout.write(f"test key {issued.secret}")
        self.stdout.write("It is shown this once. Try it:")
        header = f"Authorization: Bearer {issued.secret}"
        self.stdout.write(f"  curl -H '{header}' {settings.TULGA_PUBLIC_URL}/v1/verifications")
        if settings.TULGA_MODES_LIVE:
            self.stdout.write("The live log does not know it yet: manage.py state_actors")
        self.stdout.write("Add at least two people, or attempts left to people fail at once:")
        self.stdout.write(
            f"  manage.py add_person EMAIL --name NAME --role reviewer --lender {lender.pk}"
        )
