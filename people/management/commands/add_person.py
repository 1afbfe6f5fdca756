"""`manage.py add_person`: adds a person, and shows their password and second factor once."""

import sys
from argparse import ArgumentParser
from base64 import b32encode
from io import StringIO
from typing import Any

import segno
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from people.enrolment import Credentials, current_code, enrol, renew
from people.models import Role, SecondFactor, User


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


def _enrol(options: dict[str, Any], password: str) -> tuple[User, Credentials]:
    if not options["role"] or not options["name"]:
        raise CommandError("--name and --role are needed")
    if (options["role"] == Role.REVIEWER) != bool(options["lender"]):
        raise CommandError("a reviewer needs a --lender; other roles have none")
    lender = None
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
    return enrol(
        email=options["email"],
        full_name=options["name"],
        role=options["role"],
        lender=lender,
        password=password,
    )


def _find(email: str) -> User:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist as error:
        raise CommandError(
            "this e-mail address is unknown; add it with --name and --role"
        ) from error
