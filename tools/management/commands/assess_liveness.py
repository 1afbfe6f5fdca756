"""`manage.py assess_liveness`: the results of the live-capture gates on files. Never uses the
network.

It judges with the stage's own `measure` and checks, as if a page had sent the pictures.
"""

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tools import capture_files, judging
from tools.capture_files import StepFiles
from tools.capture_limits import Limit, limits
from tools.judging import REFUSED, JudgingCommand, read_by
from verification import clock
from verification.core.answers import PHOTO_MAX_BYTES
from verification.core.errors import BadInput, TulgaError
from verification.core.results import Outcome, decide
from verification.engines.liveness import passive
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.measure import measure_live_capture
from verification.stages.live_capture.policy import LiveCapturePolicy

SCHEMA = "tulga-liveness-assessment-1"
EXIT = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.REVIEW: 2, Outcome.RETRY: 1}
MATCH = "face.match"
_SUM_MAX = Decimal(10**12)  # KZT; a larger sum is a typing error


class Command(JudgingCommand):
    """Exits with 0 if every gate passes, 1 if one fails, 2 for a review, 3 for unreadable input."""

    help = (
        "Judge a live capture from files by the gates of the routes: those of MANIFEST.json, or "
        "of a video cut as a page would take it. Prints one JSON with every gate, its value, its "
        "threshold and its other limits. Exit 0 pass, 1 fail, 2 review, 3 refused or usage. It "
        "shows no face, and verifies no person."
    )
    # It judges files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        amount = read_by(
            Decimal,
            expected="a sum in KZT such as 150000.00 is expected",
            is_right=lambda total: total.is_finite() and 0 <= total <= _SUM_MAX,
        )
        parser.add_argument("manifest", type=Path, nargs="?", metavar="MANIFEST.json")
        parser.add_argument(
            "--video",
            type=Path,
            metavar="FILE",
            help="MP4, QuickTime, Matroska, WebM or AVI, unmirrored",
        )
        parser.add_argument(
            "--commands",
            metavar="look_straight:0-2.5,turn_left:2.5-6.5,…",
            help="seconds in the video",
        )
        parser.add_argument(
            "--reference", type=Path, metavar="JPEG", help="the photograph to compare with"
        )
        parser.add_argument(
            "--sum", type=amount, default="0", metavar="KZT", help="of the loan; %(default)s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the gates' results, and raises `CommandError` with a non-zero exit code."""
        names = ("manifest", "video", "commands", "reference")
        manifest, film, commands, compared = (options[name] for name in names)
        try:
            if (manifest is None) == (film is None) or (film is None) != (commands is None):
                raise BadInput(
                    "MANIFEST.json is expected, or --video with --commands", code="usage"
                )
            if film is not None:
                steps, reference = (
                    capture_files.read_video(film, capture_files.parse_windows(commands)),
                    None,
                )
            else:
                steps, reference = capture_files.read_manifest(manifest)
            if compared is not None:
                reference = capture_files.read(compared, most=PHOTO_MAX_BYTES)
            report, outcome = _assessed(steps, reference, amount=str(options["sum"]))
        except TulgaError as error:
            refusal = {
                "schema": SCHEMA,
                "outcome": "refused",
                "code": error.code,
                "detail": error.detail,
            }
            self.stdout.write(json.dumps(refusal, indent=2, sort_keys=True))
            raise CommandError(f"refused: {error.code}", returncode=REFUSED) from None
        # In ASCII, and by RFC 8259, which has no NaN.
        self.stdout.write(json.dumps(report, indent=2, sort_keys=True, allow_nan=False))
        if code := EXIT[outcome]:
            raise CommandError(str(outcome), returncode=code)


def _assessed(
    steps: Sequence[StepFiles], reference: bytes | None, *, amount: str
) -> tuple[dict[str, Any], Outcome]:
    policy, case = (
        LiveCapturePolicy(),
        judging.empty_case(capture_files.IIN, amount=amount, currency="KZT"),
    )
    facts = measure_live_capture(
        case, capture_files.evidence(steps, reference, at=clock.now()), policy
    )
    # Without a reference there is no face to compare with, which is no fault of the capture.
    names = [name for name in CHECKS if reference is not None or name != MATCH]
    results = [CHECKS[name](facts, policy) for name in names]
    decision = decide(results, required=tuple(names))
    gates, limits_by_check = [], limits(facts, policy)
    for result in results:
        gate = {
            "gate": result.check,
            "outcome": result.outcome,
            "code": result.code,
            "detail": dict(result.detail),
        }
        numbers = {"value": _number(result.score), "threshold": _number(result.threshold)}
        gates.append(
            {
                **gate,
                **numbers,
                "limits": {
                    name: _limit(limit)
                    for name, limit in limits_by_check.get(result.check, {}).items()
                },
            }
        )
    return {
        "schema": SCHEMA,
        "outcome": str(decision.outcome),
        "code": decision.code,
        "commands": [step.command for step in steps],
        "gates": gates,
        "not_asked": [name for name in CHECKS if name not in names],
        "policy": policy.version,
        "passive": {
            **passive.tested(),
            "scores": [] if facts.passive is None else list(facts.passive.scores),
        },
        "models": dict(facts.models),
        "recognition": dict(facts.recognition),
    }, decision.outcome


def _limit(limit: Limit) -> dict[str, float | None]:
    """The measured value, and its limits."""
    sides = {
        name: side
        for name in ("least", "most", "above", "below")
        if (side := getattr(limit, name)) is not None
    }
    return {"value": _number(limit.value), **sides}


def _number(value: float | None) -> float | None:
    """JSON has no number for a missing measurement."""
    return None if value is None or not math.isfinite(value) else value
