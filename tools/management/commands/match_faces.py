"""`manage.py match_faces`: compares one face with another as the routes do, on files. Never uses
the network.

It gives the distance of two faces, not the presence of a person: without the gates of a live
capture a match verifies no person.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tools import face_files
from tools.judging import REFUSED, JudgingCommand
from verification.core.errors import Misconfigured, Refused, TulgaError
from verification.engines.faces.embedding import median_distance

EXIT = {"match": 0, "no_match": 1, "review": 2}


class Command(JudgingCommand):
    """Exits with 0 for match, 1 for no match, 2 for review, 3 for refused input."""

    help = (
        "Compare the one face of REFERENCE with that of each PROBE and print as JSON the zone of"
        " the upper median of the distances, by which a route would judge. Exit 0 match, 1 no"
        " match, 2 review, 3 refused or usage. It does not say that a living person was there."
    )
    # It judges files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument("reference", type=Path, metavar="REFERENCE")
        parser.add_argument("probes", type=Path, nargs="+", metavar="PROBE")
        parser.add_argument(
            "--calibration", type=Path, metavar="FILE", help="instead of TULGA_FACE_CALIBRATION"
        )
        face_files.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the result, and raises `CommandError` with a non-zero exit code."""
        paths = [options["reference"], *options["probes"]]
        try:
            backend = face_files.backend_of(options, calibration=face_files.calibration_of(options))
            if backend.calibration is None:
                raise Misconfigured(
                    f"face backend {backend.name} has no calibration: run manage.py calibrate_faces"
                )
            zones, began = backend.calibration.zones, time.perf_counter()
            measured = [face_files.measure_file(path, backend) for path in paths]
            for path, face in zip(paths, measured, strict=True):
                if face.code:
                    raise Refused(face.code, path.name)
            reference, *probes = [face.embedding for face in measured if face.embedding is not None]
            far = median_distance(reference, probes)
        except TulgaError as error:
            refusal = {"zone": "refused", "code": error.code, "detail": error.detail}
            self.stdout.write(json.dumps(refusal, indent=2))
            raise CommandError(f"refused: {error.code}", returncode=REFUSED) from None
        # The quality of each face: raw measures, and OFIQ's components from 0 to 1.
        quality: list[dict[str, Any]] = [{"file": path.name} for path in paths]
        for row, portrait in zip(quality, (face.quality for face in measured), strict=True):
            for name, values in (
                (("measures", asdict(portrait)), ("components", portrait.components))
                if portrait
                else ()
            ):
                row[name] = {measure: round(value, 4) for measure, value in values.items()}
        result = {
            "zone": zones.of(far),
            "distance": round(far.value, 6),
            "thresholds": {"match": zones.match.value, "review": zones.review.value},
            "faces": [path.name for path in paths],
            "quality": quality,
            "decision": f"median-of-{len(probes)}",
            **backend.report(),
            "ms": round(1000 * (time.perf_counter() - began)),
        }
        # In ASCII: an undisplayable file name must not end in a crash, whose 1 means no match.
        self.stdout.write(json.dumps(result, indent=2))
        if code := EXIT[zones.of(far)]:
            raise CommandError(zones.of(far), returncode=code)
