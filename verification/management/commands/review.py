"""`manage.py review`: the votes of a lender's reviewers on a verification in review."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django_otp.plugins.otp_totp.models import TOTPDevice

from verification.case.votes import PERMISSION, Reviewer
from verification.core.errors import TulgaError
from verification.review.voting import review

STDIN = "-"


class Command(BaseCommand):
    """Passes or refuses one verification on behalf of its reviewers."""

    help = (
        "Ends the review of one verification: --pass by two different reviewers of its lender, "
        "--fail by one. The person who runs this confirms that they looked and said so."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("verification_id", help="ver_…")
        verdict = parser.add_mutually_exclusive_group(required=True)
        verdict.add_argument(
            "--pass",
            action="store_true",
            dest="passes",
            help="it is the borrower; needs two reviewers",
        )
        verdict.add_argument(
            "--fail",
            action="store_false",
            dest="passes",
            help=("it is not the borrower, or it is impossible to tell"),
        )
        parser.add_argument(
            "--reviewer",
            action="append",
            required=True,
            metavar="EMAIL",
            help="the reviewer; once for each",
        )
        parser.add_argument(
            "--reason",
            required=True,
            help=f"10 to 500 characters, kept sealed; {STDIN} reads a line from stdin",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it; every refusal is one sentence with exit status 1, and nothing is half-done."""
        people, reviewers = get_user_model(), []
        # A refusal names a person by their position on the command line.
        for number, email in enumerate(options["reviewer"], start=1):
            try:
                user = people._default_manager.get_by_natural_key(email)
            except people.DoesNotExist:
                raise CommandError(f"reviewer {number}: this e-mail address is unknown") from None
            if not user.is_active:
                raise CommandError(f"reviewer {number}: this account is closed")
            if not user.has_perm(PERMISSION):
                requirement = "this person may not review; reviewers are added with add_person"
                raise CommandError(f"reviewer {number}: {requirement}")
            if not TOTPDevice.objects.devices_for_user(user, confirmed=True).exists():
                raise CommandError(f"reviewer {number}: this person has no second factor")
            known_as = (user.get_username(), str(getattr(user, "full_name", "")))
            lender_id = getattr(user, "lender_id", None) or ""
            reviewers.append(Reviewer(person_id=user.pk, lender_id=lender_id, known_as=known_as))
        reason = sys.stdin.readline() if options["reason"] == STDIN else options["reason"]
        try:
            review(
                verification_id=options["verification_id"],
                passes=options["passes"],
                reviewers=reviewers,
                reason=reason,
            )
        except TulgaError as error:
            raise CommandError(f"{error.code}: {error.detail}") from error
        self.stdout.write(
            f"{options['verification_id']}: the votes are recorded, and a worker decides by them"
        )
