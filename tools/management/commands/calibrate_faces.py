"""`manage.py calibrate_faces`: measures a net's distances on your own pairs of photographs, and
proposes zones.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tools import accuracy, det_curves, face_calibration, face_files, face_report
from tools.accuracy import ALL, Tally
from tools.face_calibration import Calibrated, Targets
from tools.face_report import Facts
from tools.judging import read_by
from verification import clock
from verification.core.errors import TulgaError
from verification.engines.faces import calibration
from verification.stages.live_capture.policy import LiveCapturePolicy

# Half of live mode's maximum, so that a calibration stays fit when pairs are added: NIST SP
# 800-63A-4 asks 1:10 000.
TARGET_FMR = 1e-4
# Maximum share of honest pairs beyond the review zone, unless more than so many strangers lay
# within it, each of whom needs two people. Ours: the shipped zones miss 0.9 % of the harder cohort
# with 0.08 % of its strangers.
REVIEW_FNMR, REVIEW_FMR = 0.01, 0.02
_ZONES = ("match", "review")
_CONDITIONS_MAX = 1200  # characters; our additions also fit into a calibration


class Command(BaseCommand):
    """Exits with 0 after writing a calibration; 1 if the pairs are unreadable or insufficient."""

    help = (
        "Measure FMR and FNMR of the face backend by distance and cohort on PAIRS.csv (columns "
        "reference, probe, same, cohort; paths below its folder; a probe may be a folder of one "
        "person's pictures), propose zones, and write the calibration for TULGA_FACE_CALIBRATION."
        " Use pictures of people who consented to it. Nothing is written if the data do not "
        "support a zone."
    )
    # It measures files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        rate = read_by(
            float,
            expected="a rate is a number such as 1e-4",
            is_right=lambda share: 1e-9 <= share < 1,
        )
        sentence = read_by(
            str,
            expected=f"a sentence of at most {_CONDITIONS_MAX} characters",
            is_right=lambda text: 0 < len(text) <= _CONDITIONS_MAX and text.isprintable(),
        )
        parser.add_argument("pairs", type=Path, metavar="PAIRS.csv")
        parser.add_argument(
            "--conditions", required=True, type=sentence, help="who, where and how, in a sentence"
        )
        parser.add_argument(
            "--target-fmr", type=rate, default=TARGET_FMR, help="of the match zone; %(default)s"
        )
        parser.add_argument(
            "--review-fnmr", type=rate, default=REVIEW_FNMR, help="beyond review; %(default)s"
        )
        parser.add_argument(
            "--review-fmr", type=rate, default=REVIEW_FMR, help="within review; %(default)s"
        )
        frames = LiveCapturePolicy().match_frames
        parser.add_argument(
            "--frames",
            type=int,
            choices=range(2, 100),
            default=frames,
            metavar="K",
            help="of a capture; %(default)s",
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="the calibration; else it is printed"
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="rates with intervals and refusals, as JSON"
        )
        parser.add_argument(
            "--det", type=Path, metavar="DIR", help="DET curves by cohort, as det.svg"
        )
        face_files.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes the calibration, and warnings for the operator to stderr."""
        try:
            # Hours of work must not start for a file that could not be written or drawn.
            if options["det"]:
                det_curves.require_matplotlib()
            for path in filter(None, (options["output"], options["report"])):
                if path.is_dir() or not path.parent.is_dir():
                    raise CommandError(
                        f"no calibration: {path} cannot be written: name one in a folder that is"
                        " there"
                    )
            written, report, tallies = _calibrated(options, say=self.stderr.write)
            if options["output"]:
                options["output"].write_bytes(written)
            else:
                self.stdout.write(written.decode(), ending="")
            if options["report"]:
                text = json.dumps(report, ensure_ascii=False, indent=1)
                options["report"].write_text(text + "\n", encoding="utf-8")
            if options["det"]:
                options["det"].mkdir(parents=True, exist_ok=True)
                drawing = det_curves.draw(
                    tallies, zones=list(report["zones"].values()), title="DET of the calibrated net"
                )
                (options["det"] / "det.svg").write_text(drawing, encoding="utf-8")
            self._warn(report)
        except TulgaError as error:
            raise CommandError(f"no calibration: {error.detail or error.code}") from None
        except OSError as error:
            raise CommandError(
                f"no calibration: {error.filename} cannot be written: {error.strerror}"
            ) from None

    def _warn(self, report: Facts) -> None:
        """Warnings for the operator."""
        for sentence in report["unfit_for_live"]:
            self.stderr.write(f"not fit for live: {sentence}")
        for suspect in report["nearest_strangers"]:
            pair = f"{suspect['reference']} and {suspect['probe']}"
            self.stderr.write(f"labelled rightly? {pair} are two people at {suspect['distance']}")
        for decision, lacking in report["without_zones"].items():
            self.stderr.write(f"no zones for {decision}: {lacking}")
        for sentence in report["dependent"]:
            self.stderr.write(f"more people are better: {sentence}")


def _calibrated(
    options: Mapping[str, Any], *, say: Callable[[str], object]
) -> tuple[bytes, Facts, list[Tally]]:
    """The calibration in stored form, its report, and the counts behind both."""
    # 1. An earlier calibration does not matter: it may be of another net.
    backend = face_files.backend_of(options, calibration=None)
    targets = Targets(options["target_fmr"], options["review_fnmr"], options["review_fmr"])
    # 2. The zones that every cohort supports.
    calibrated = face_calibration.calibrate(
        options["pairs"], backend, frames=options["frames"], targets=targets, progress=say
    )
    # 3. The calibration, with all its limitations in its conditions.
    today = clock.now().date()
    written = face_calibration.spell(
        calibrated.single,
        several=calibrated.several,
        name=f"own-{today.isoformat()}.{calibrated.digest[:16]}",
        embedding=backend.recogniser.embedding,
        model_sha256=backend.recogniser.sha256,
        made_on=today,
        conditions=_limits(options["conditions"], calibrated, targets),
    )
    zones, tallies = calibrated.single
    report = {
        "data_sha256": calibrated.digest,
        "backend": dict(backend.report()),
        "failures": face_report.failures(calibrated.measured.values()),
        "zones": dict(zip(_ZONES, zones, strict=True)),
        "cohorts": _cohorts(calibrated, tallies, zones),
        "several": {
            decision: {
                "zones": dict(zip(_ZONES, edges, strict=True)),
                "cohorts": _cohorts(calibrated, counted, edges),
            }
            for decision, (edges, counted) in calibrated.several.items()
        },
        "without_zones": dict(calibrated.without_zones),
        "nearest_strangers": [asdict(suspect) for suspect in calibrated.suspects],
        "dependent": face_report.dependent(tallies, needed=accuracy.pairs_needed(targets.fmr)),
        "unfit_for_live": calibration.read(written).unfit_for_live(),
        "note": face_report.DEPENDENCE,
    }
    return written, report, list(tallies)


def _limits(conditions: str, calibrated: Calibrated, targets: Targets) -> str:
    """The operator's sentence, and all limitations of the calibration."""
    by_code = face_report.failures(calibrated.measured.values())["refused"]
    codes = ", ".join(f"{code} {count}" for code, count in by_code.items()) or "none"
    return (
        f"{conditions} Data SHA-256 {calibrated.digest}. {len(calibrated.measured)} pictures,"
        f" refused: {codes}. Match: FMR at most {targets.fmr:g} in each cohort with 95 %"
        f" certainty; review: FNMR at most {targets.review_fnmr:g} unless its FMR were above"
        f" {targets.review_fmr:g}."
        f" {face_report.DEPENDENCE}"
    )


def _cohorts(
    calibrated: Calibrated, tallies: Sequence[Tally], zones: Sequence[float]
) -> list[Facts]:
    """Each cohort with its rates at every hundredth that the calibration holds, and at the
    zones.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for pair in calibrated.pairs:
        for cohort in (ALL, pair.cohort):
            names[cohort] |= {pair.reference, pair.probe}
    pictures = {
        cohort: [
            calibrated.measured[path]
            for path in {path for name in members for path in calibrated.pictures[name]}
        ]
        for cohort, members in names.items()
    }
    steps = sorted({*face_calibration.hundredths(tallies), *zones})
    return face_report.cohorts(tallies, {f"{step:.2f}": step for step in steps}, pictures=pictures)
