"""`manage.py forecast_reviews`: how many people a lender needs for what the face zones send to
people.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tools import face_pictures
from tools.arguments import read_by
from verification.core.errors import TulgaError
from verification.engines.faces import backends
from verification.engines.faces.backends import Choice
from verification.engines.liveness import passive
from verification.stages.live_capture.policy import COMMANDS_MAX

REVIEWERS = 2  # people who look at a case
MINUTES = 2.0  # that one of them takes for it. Ours, an assumption
HOURS = 1800.0  # that a person works in a year: 225 days of eight hours
PICTURES = (
    1 + COMMANDS_MAX
)  # of a capture at which a detector of presentation attacks looks, at most

_NOTE = (
    "Shares are of honest borrowers, as the calibration tells them; pictures of one day and one"
    " phone may be nearer. Not in them: the second try before a review, which lowers them by a"
    " share that nobody has measured; loans above the sum that goes to people anyway; refusals by"
    " other gates; and refusals because the best frame of one command alone lies beyond review,"
    " which nobody has measured: at most the last column once more for each command."
)


class Command(BaseCommand):
    """Prints a table; exits with 1 where there is no calibration."""

    help = (
        "Forecast by the face calibration in use, for so many verifications a year: the share of"
        " honest borrowers whom two people must look at, the hours that takes, the people, and the"
        " share that is refused without them."
    )
    # It reads one file, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        positive = read_by(
            float, expected="a number above 0 is expected", is_right=lambda found: 0 < found < 1e12
        )
        parser.add_argument(
            "--rate", type=positive, required=True, metavar="N", help="live captures a year"
        )
        parser.add_argument(
            "--minutes", type=positive, default=MINUTES, help="of one person a case; %(default)s"
        )
        parser.add_argument(
            "--hours", type=positive, default=HOURS, help="of one person a year; %(default)s"
        )
        parser.add_argument(
            "--calibration", type=Path, metavar="FILE", help="in place of the one in use"
        )
        face_pictures.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """A row for each cohort and decision."""
        name = options["backend"] or settings.TULGA_FACE_BACKEND
        try:
            found = backends.calibration_of(
                Choice(backend=name, calibration=face_pictures.calibration_of(options))
            )
            detector = passive.described()
        except TulgaError as error:
            raise CommandError(error.detail or error.code) from None
        if found is None:
            raise CommandError(
                f"face backend {name} has no calibration: run manage.py calibrate_faces"
            )
        self.stdout.write(f"Calibration {found.id}, embedding {found.embedding}.")
        self.stdout.write(
            "| decision | cohort | rates | to people | hours a year | people | refused |"
        )
        self.stdout.write("|---|---|---|---|---|---|---|")
        decisions = [
            ("single", found.zones, found.cohorts),
            *((one.decision, one.zones, one.cohorts) for one in found.also),
        ]
        for decision, zones, cohorts in decisions:
            for cohort in cohorts:
                match, review = (cohort.at(zone.value) for zone in (zones.match, zones.review))
                by_pair, by_person = (
                    (match.fnmr, review.fnmr),
                    (match.fnmr_by_person, review.fnmr_by_person),
                )
                for by, (missed, refused) in (("by pair", by_pair), ("by person", by_person)):
                    # Either may not have been told.
                    if missed is None or refused is None:
                        continue
                    sent = missed - refused
                    hours = options["rate"] * sent * REVIEWERS * options["minutes"] / 60
                    row = (
                        f"{by} | {sent:.2%} | {hours:.0f} | {hours / options['hours']:.1f} |"
                        f" {refused:.2%}"
                    )
                    self.stdout.write(f"| {decision} | {cohort.name} | {cohort.source} {row} |")
        self.stdout.write(_NOTE)
        if detector is not None:
            bpcer = detector.calibration.rejected / detector.calibration.bona_fide
            share = (
                f"up to {min(1.0, PICTURES * bpcer):.2%} more, its BPCER for each of {PICTURES}"
                " pictures"
            )
            self.stdout.write(f"{detector.told()} It sends {share}, to people.")
