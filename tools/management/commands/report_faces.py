"""`manage.py report_faces`: what the face backend does on a folder of people, at the zones it is
judged by.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tools import det_svg, face_pictures, face_report
from tools.face_survey import survey
from verification.core.errors import TulgaError


class Command(BaseCommand):
    """Exits with 0 where there is a report, 1 where the folder cannot be read or the backend has no
    zones.
    """

    help = (
        "Compare everybody in DIR with everybody (a folder for each person, or files"
        " <person>_<anything>.jpg; people.csv may name cohorts, pairs.txt is the protocol of LFW)"
        " and print a report in Markdown."
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
        face_pictures.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the report. The same pictures and backend give the same."""
        try:
            backend = face_pictures.backend_of(
                options, calibration=face_pictures.calibration_of(options)
            )
            found = survey(options["folder"], backend)
            text = face_report.markdown(found.facts)
            if folder := options["output"]:
                folder.mkdir(parents=True, exist_ok=True)
                drawing = det_svg.draw(
                    found.tallies, zones=list(found.zones.values()), title=f"DET of {backend.name}"
                )
                facts = json.dumps(found.facts, ensure_ascii=False, indent=1)
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
