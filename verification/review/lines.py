"""What the workflow found, with the words a page shows. Templates only lay it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from verification.core.document_facts import Judged
from verification.review import words
from verification.workflow.review_case import ReviewCase, Shot

MATCH, QUALITY = "face.match", "face.quality"


@dataclass(frozen=True)
class Line:
    """One thing found, in words; `mark` is the class of its badge, `facts` say more."""

    of: Any
    label: words.Words = ""
    mark: str = ""
    route: words.Words = ""
    left: str = ""
    facts: tuple[tuple[words.Words, Any], ...] = field(default=())


@dataclass(frozen=True)
class Strip:
    """The frames of one command, in order."""

    label: words.Words
    shots: tuple[Shot, ...]


def queue(rows: Iterable[Any], *, at: datetime) -> list[Line]:
    """Cases that wait for reviewers."""
    return [
        Line(
            of=row,
            label=words.WHY.get(row.code, row.code),
            route=words.ROUTES.get(row.route, row.route),
            left=left(row.until, at=at),
        )
        for row in rows
    ]


def open_cases(rows: Iterable[Any]) -> list[Line]:
    """Cases that wait for their borrowers."""
    return [
        Line(of=row, label=words.STATUSES.get(row.status, row.status), route=words.ROUTES.get(row.route, row.route))
        for row in rows
    ]


def left(until: datetime, *, at: datetime) -> str:
    """The time that is left, in hours and minutes; never less than nothing."""
    minutes = max(until - at, timedelta()) // timedelta(minutes=1)
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def case(shown: ReviewCase, *, at: datetime) -> dict[str, Any]:
    """Everything the page of a case lays out."""
    references = [shot for shot in shown.shots if not shot.command]
    return {
        "case": shown,
        "why": words.WHY.get(shown.code, shown.code),
        "route": words.ROUTES.get(shown.route, shown.route),
        "left": left(shown.until, at=at),
        "reference": references[0] if references else None,
        "strips": _strips(shot for shot in shown.shots if shot.command),
        "checks": [_check(check) for check in shown.checks],
        "comparison": _comparison(shown.checks),
        "quality": _quality(shown.checks),
        "hindrance": words.HINDRANCES.get(shown.hindrance, shown.hindrance),
    }


def _strips(shots: Iterable[Shot]) -> list[Strip]:
    by_command = groupby(shots, key=lambda shot: shot.command)
    return [Strip(words.COMMANDS.get(command, command), tuple(together)) for command, together in by_command]


def _check(check: Judged) -> Line:
    return Line(
        of=check,
        label=words.CHECKS.get(check.name, check.name),
        mark=words.OUTCOME_BADGES.get(check.outcome, "badge-warn"),
        route=words.OUTCOMES.get(check.outcome, check.outcome),
        facts=tuple((words.DETAILS.get(name, name), value) for name, value in sorted(check.detail.items()) if value),
    )


def _comparison(checks: Iterable[Judged]) -> tuple[tuple[words.Words, Any], ...]:
    """Distance, zone, thresholds, model and calibration of the comparison with the reference."""
    match = next((check for check in checks if check.name == MATCH), None)
    if match is None or match.score is None:
        return ()
    told: Mapping[str, Any] = match.detail
    facts = [
        (_("Distance to the reference"), number_format(match.score, 3)),
        (_("Zone"), words.ZONES.get(match.outcome, match.outcome)),
        (_("Match up to"), number_format(match.threshold, 3) if match.threshold is not None else None),
        (_("Two people up to"), number_format(float(told["review"]), 3) if "review" in told else None),
        (_("Model"), told.get("model")),
        (_("Embedding"), told.get("embedding")),
        (_("Calibration"), told.get("calibration")),
    ]
    return tuple((label, value) for label, value in facts if value is not None)


def _quality(checks: Iterable[Judged]) -> tuple[tuple[words.Words, Any], ...]:
    found = next((check.detail for check in checks if check.name == QUALITY), {})
    return tuple((label, number_format(found[name])) for name, label in words.DETAILS.items() if name in found)
