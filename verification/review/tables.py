"""What was read, with the words a page shows. Templates only lay it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from verification.case import stages
from verification.core.identification_document import Judged
from verification.review import labels
from verification.review.attesting import ConfirmCase, ToConfirm
from verification.review.case import ReviewCase, Shot

MATCH, QUALITY, COMMANDS = "face.match", "face.quality", "face.commands"


@dataclass(frozen=True)
class Line:
    """One thing found, in words; `mark` is the class of its badge, `facts` say more."""

    of: Any
    label: labels.Words = ""
    mark: str = ""
    route: labels.Words = ""
    left: str = ""
    facts: tuple[tuple[labels.Words, Any], ...] = field(default=())


@dataclass(frozen=True)
class Strip:
    """The frames of one command, in order."""

    label: labels.Words
    shots: tuple[Shot, ...]


def queue(rows: Iterable[Any], *, at: datetime) -> list[Line]:
    """Cases that wait for reviewers."""
    return [
        Line(
            of=row,
            label=labels.of_code(row.code),
            route=stages.titles().get(row.route, row.route),
            left=left(row.until, at=at),
        )
        for row in rows
    ]


def open_cases(rows: Iterable[Any]) -> list[Line]:
    """Cases that wait for their borrowers."""
    return [
        Line(
            of=row,
            label=labels.STATUSES.get(row.status, row.status),
            route=stages.titles().get(row.route, row.route),
        )
        for row in rows
    ]


def to_confirm(rows: Iterable[ToConfirm]) -> list[Line]:
    """Verified cases; `facts` are what was asked for or attested, and the badge that says which."""
    badges = {True: ("badge-ok", _("attested")), False: ("badge-warn", _("asked for"))}
    return [
        Line(
            of=row,
            facts=tuple(
                (labels.ATTESTED.get(kind, kind), badges[kind in row.made])
                for kind in dict.fromkeys((*row.asked, *row.made))
            ),
        )
        for row in rows
    ]


def confirmation(found: ConfirmCase, *, forms: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the page of an attestation lays out: what is asked for stands first."""
    made = {one.what: one for one in found.made}
    words = [
        {
            "what": what,
            "label": labels.ATTESTED.get(what, what),
            "why": labels.WHY_ATTESTED.get(what, ""),
            "is_asked": what in found.asked,
            "form": form,
            "made": made.get(what),
            "how": labels.HOWS.get(made[what].how, made[what].how) if what in made else "",
        }
        for what, form in forms.items()
    ]
    return {
        "case": found,
        "words": sorted(words, key=lambda one: not one["is_asked"]),
        "hindrance": labels.of_attesting(found.hindrance),
    }


def left(until: datetime, *, at: datetime) -> str:
    """The time that is left, in hours and minutes; never less than nothing."""
    minutes = max(until - at, timedelta()) // timedelta(minutes=1)
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def case(shown: ReviewCase, *, at: datetime) -> dict[str, Any]:
    """Everything the page of a case lays out."""
    references = [shot for shot in shown.shots if not shot.command]
    # Shots come in the order they were taken, so a command's stand together.
    commanded = groupby(
        (shot for shot in shown.shots if shot.command), key=lambda shot: shot.command
    )
    quality = next((check.detail for check in shown.checks if check.name == QUALITY), {})
    # What the borrower said that they cannot do, so that it was not asked for.
    without = next(
        (check.detail.get("without", "") for check in shown.checks if check.name == COMMANDS), ""
    )
    checks = [
        Line(
            of=check,
            label=labels.CHECKS.get(check.name, check.name),
            mark=labels.OUTCOME_BADGES.get(check.outcome, "badge-warn"),
            route=labels.OUTCOMES.get(check.outcome, check.outcome),
            facts=tuple(
                (labels.DETAILS.get(name, name), value)
                for name, value in sorted(check.detail.items())
                if value
            ),
        )
        for check in shown.checks
    ]
    return {
        "case": shown,
        "why": labels.of_code(shown.code),
        "left_out": [labels.LEFT_OUT.get(name, name) for name in str(without).split(", ") if name],
        "route": stages.titles().get(shown.route, shown.route),
        "left": left(shown.until, at=at),
        "reference": references[0] if references else None,
        "strips": [
            Strip(labels.COMMANDS.get(name, name), tuple(shots)) for name, shots in commanded
        ],
        "checks": checks,
        "refused_before": [
            Line(of=check, label=labels.CHECKS.get(check.name, check.name))
            for check in shown.refused_before
        ],
        "remarks": [labels.of_code(code) for code in shown.remarks],
        "comparison": _comparison(shown.checks),
        "quality": [
            (label, number_format(quality[name]))
            for name, label in labels.DETAILS.items()
            if name in quality
        ],
        "hindrance": labels.of_code(shown.hindrance),
    }


def _comparison(checks: Iterable[Judged]) -> tuple[tuple[labels.Words, Any], ...]:
    """Distance, zone, thresholds, model and calibration of the comparison with the reference."""
    match = next((check for check in checks if check.name == MATCH), None)
    if match is None or match.score is None:
        return ()
    detail: Mapping[str, Any] = match.detail
    facts = [
        (_("Distance to the reference"), number_format(match.score, 3)),
        (_("Zone"), labels.ZONES.get(match.outcome, match.outcome)),
        (
            _("Match up to"),
            number_format(match.threshold, 3) if match.threshold is not None else None,
        ),
        (
            _("Two people up to"),
            number_format(float(detail["review"]), 3) if "review" in detail else None,
        ),
        (_("Backend"), detail.get("backend")),
        (_("Model"), detail.get("model")),
        (
            _("What the model learned from"),
            labels.TRAINING_DATA.get(str(detail.get("training_data", ""))),
        ),
        (_("Embedding"), detail.get("embedding")),
        (_("Calibration"), detail.get("calibration")),
        (
            _("Rates of the calibration"),
            labels.SOURCES.get(str(detail.get("calibration_source", ""))),
        ),
        (_("Decided by"), detail.get("decision")),
    ]
    return tuple((label, value) for label, value in facts if value is not None)
