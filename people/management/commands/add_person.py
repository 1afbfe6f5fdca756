"""`manage.py add_person`: adds a person, and shows their password and second factor once."""

import sys
from argparse import ArgumentParser
from base64 import b32encode
from io import StringIO
from typing import Any

import segno
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from people.enrolment import Credentials, current_code, enrol, invite_now, renew
from people.models import Role, SecondFactor, User
from people.policy import INVITATION_DAYS


class Command(BaseCommand):
    """Adds a person, renews their factors, or shows their current code."""

    help = (
        "Adds a person who signs in and prints the password and the second factor ONCE. With"
        " --renew gives an existing person new ones; with --print-code alone shows their current"
        " code."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("email", help="the address they sign in with")
        parser.add_argument("--name", default="", help="full name")
        parser.add_argument("--role", choices=[role.value for role in Role])
        parser.add_argument("--lender", default="", help="id or exact name; for reviewers only")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of stdin",
        )
        parser.add_argument(
            "--renew",
            action="store_true",
            help="new password and second factor for an existing person",
        )
        parser.add_argument(
            "--invite",
            action="store_true",
            help="print the code of an invitation instead: the person makes a passkey with it",
        )
        parser.add_argument(
            "--qr",
            action="store_true",
            help="draw the second factor as a QR code for an authenticator app",
        )
        parser.add_argument(
            "--print-code", action="store_true", help="also print the code that is valid now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it; every refusal is one sentence with exit status 1, and nothing is half-done."""
        if options["print_code"] and not options["renew"] and not options["role"]:
            factor = SecondFactor.objects.devices_for_user(_find(options["email"])).first()
            if factor is None:
                raise CommandError("this person has no second factor; give one with --renew")
            self.stdout.write(f"code: {current_code(factor)}")
            return
        if options["invite"]:
            self._invite(options)
            return
        if settings.TULGA_MODES_LIVE:
            raise CommandError("while live mode is on people sign in by passkeys: add --invite")
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
        if options["password_stdin"] and not password:
            raise CommandError("there was no password on stdin")
        try:
            if options["renew"]:
                user = _find(options["email"])
                credentials = renew(user, password=password)
            else:
                user, credentials = _enrol(options, password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        factor = credentials.factor
        created = {
            "id": user.id,
            "email": user.email,
            "role": user.role,
            "password": credentials.password,
        }
        created |= {"secret": b32encode(factor.key()).decode(), "otpauth": factor.address()}
        if options["print_code"]:
            created["code"] = current_code(factor)
        for name, value in created.items():
            self.stdout.write(f"{name}: {value}")
        if options["qr"]:
            drawing = StringIO()
            segno.make(factor.address()).terminal(out=drawing, compact=True)
            self.stdout.write(drawing.getvalue())
        self.stderr.write(
            "Shown once: pass both on by separate ways. Lost ones are replaced with --renew."
        )

    def _invite(self, options: dict[str, Any]) -> None:
        """Invites a new or known person."""
        person = _find(options["email"]) if options["renew"] else _candidate(options)
        try:
            code = invite_now(person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        for name, value in {"id": person.pk, "email": person.email, "invitation": code}.items():
            self.stdout.write(f"{name}: {value}")
        self.stderr.write(
            f"Shown once, for {INVITATION_DAYS} days: at {settings.TULGA_PUBLIC_URL}"
            "/people/invitation/ the person chooses a password and makes a passkey."
        )
        if settings.TULGA_MODES_LIVE:
            self.stderr.write("The live log does not know it yet: manage.py state_actors")


def _enrol(options: dict[str, Any], password: str) -> tuple[User, Credentials]:
    person = _candidate(options)
    return enrol(
        email=person.email,
        full_name=person.full_name,
        role=person.role,
        lender=person.lender,
        password=password,
    )


def _candidate(options: dict[str, Any]) -> User:
    if not options["role"] or not options["name"]:
        raise CommandError("--name and --role are needed")
    if (options["role"] == Role.REVIEWER) != bool(options["lender"]):
        raise CommandError("a reviewer needs a --lender; other roles have none")
    lender: Any = None
    if options["lender"]:
        # Reached through the foreign key, because people do not import lenders.
        lenders = User._meta.get_field("lender").related_model._default_manager
        matches = list(
            lenders.filter(pk=options["lender"]) or lenders.filter(name=options["lender"])[:2]
        )
        if not matches:
            raise CommandError("no lender has this id or name")
        if len(matches) > 1:
            raise CommandError("several lenders have this name: give the id")
        lender = matches[0]
    return User(
        email=options["email"].strip().lower(),
        full_name=options["name"].strip(),
        role=options["role"],
        lender=lender,
    )


def _find(email: str) -> User:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist as error:
        raise CommandError(
            "this e-mail address is unknown; add it with --name and --role"
        ) from error
