"""`manage.py report_faces`: the face backend's results on a folder of people, at its zones."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tools import det_curves, face_files, face_report
from tools.face_report import survey
from tools.judging import read_by
from verification.core.errors import TulgaError


class Command(BaseCommand):
    """Exits with 0 after a report, 1 if the folder is unreadable or the backend has no zones."""

    help = (
        "Compare all people in DIR with each other (a folder for each person, or files "
        "<person>_<anything>.jpg; people.csv may name cohorts) and print a report in Markdown, "
        "with the people needed for reviews."
    )
    # It measures files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="also write report.md, report.json and det.svg",
        )
        parser.add_argument(
            "--calibration", type=Path, metavar="FILE", help="whose zones to judge by"
        )
        number = read_by(
            int,
            expected="a whole number above 0 is expected",
            is_right=lambda captures: 0 < captures < 10**12,
        )
        parser.add_argument(
            "--captures",
            type=number,
            default=face_report.CAPTURES,
            metavar="N",
            help="live captures a year, for the forecast of reviews; %(default)s",
        )
        face_files.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the report. The same pictures and backend give the same."""
        try:
            if options["output"]:  # hours of work must not start for an impossible drawing
                det_curves.require_matplotlib()
            backend = face_files.backend_of(options, calibration=face_files.calibration_of(options))
            result = survey(options["folder"], backend, captures=options["captures"])
            text = face_report.markdown(result.facts)
            if folder := options["output"]:
                folder.mkdir(parents=True, exist_ok=True)
                drawing = det_curves.draw(
                    result.tallies,
                    zones=list(result.zones.values()),
                    title=f"DET of {backend.name}",
                )
                facts = json.dumps(result.facts, ensure_ascii=False, indent=1)
                for name, content in (
                    ("report.md", text),
                    ("report.json", facts + "\n"),
                    ("det.svg", drawing),
                ):
                    (folder / name).write_text(content, encoding="utf-8")
        except TulgaError as error:
            raise CommandError(f"no report: {error.detail or error.code}") from None
        except OSError as error:
            raise CommandError(
                f"no report: {error.filename} cannot be read or written: {error.strerror}"
            ) from None
        self.stdout.write(text, ending="")
