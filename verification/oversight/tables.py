"""What was read, line by line with the words a page shows. Templates only lay it out."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from verification.case import stages
from verification.core.events import DESTROYED
from verification.oversight import labels
from verification.oversight.case_file import CaseFile, Look
from verification.oversight.search import SearchResult, Step


@dataclass(frozen=True)
class Line:
    """One thing found, its name in words, and the class that marks it; a `note` says more in a few
    words.
    """

    of: Any
    label: labels.Words
    mark: str = ""
    route: labels.Words = ""
    note: str = ""
    whole: str = ""


def results(found: Iterable[SearchResult]) -> list[Line]:
    """Verifications of a page of results."""
    return [result(one) for one in found]


def result(found: SearchResult) -> Line:
    """A verification by its outcome and route; the note: what its row alone says of that."""
    return Line(
        of=found,
        label=labels.STATUSES.get(found.status, found.status),
        mark=labels.BADGES.get(found.status, ""),
        route=stages.titles().get(found.route, found.route),
        note=str(labels.STATUSES.get(found.row_status, found.row_status)),
    )


def attempts(file: CaseFile) -> list[Line]:
    """The attempts of a case."""
    return [
        Line(
            of=attempt,
            label=labels.ATTEMPTS.get(attempt.status, attempt.status),
            route=stages.titles().get(attempt.route, attempt.route),
        )
        for attempt in file.attempts
    ]


def checks(file: CaseFile) -> list[Line]:
    """The checks of a case."""
    return [
        Line(
            of=check,
            label=labels.OUTCOMES.get(check.outcome, check.outcome),
            mark=labels.OUTCOME_BADGES.get(check.outcome, "badge-warn"),
        )
        for check in file.checks
    ]


def timeline(steps: Iterable[Step]) -> list[Line]:
    """Entries of the log about a case; `whole` is all the log holds of each."""
    lines = []
    for step in steps:
        failed = step.type == "attempt.judged" and step.body.get("outcome") == "failed"
        # In a few words: from which browser to which, how many frames; of others where and how.
        said = [
            str(step.body.get(name, ""))
            for name in ("route", "stage", "outcome", "code", "what", "how", "person")
        ]
        if step.type == "verification.handed_over":
            said.append(f"{step.body.get('from', '')} → {step.body.get('to', '')}")
        if step.type == DESTROYED:
            said.append(f"× {step.body.get('number', '')}")
        lines.append(
            Line(
                of=step,
                label=labels.ENTRIES.get(step.type, step.type),
                mark="bad" if failed else labels.TONES.get(step.type, ""),
                note=" · ".join(one for one in said if one),
                whole=json.dumps(step.body, ensure_ascii=False, indent=2, sort_keys=True)
                if step.body
                else "",
            )
        )
    return lines


def looks(found: Iterable[Look]) -> list[Line]:
    """Who of the lender looked at a case; `label` is at what."""
    return [Line(of=look, label=labels.LOOKS.get(look.what, look.what)) for look in found]


def own_readings(steps: Iterable[Step]) -> list[Line]:
    """Entries of the log about a reader; `label` is what was done, `note` what was asked for or
    seen.
    """
    lines = []
    for step in steps:
        what, asked = str(step.body.get("what", "")), step.body.get("asked", [])
        words = (
            [str(labels.ASKED.get(name, name)) for name in asked] if isinstance(asked, list) else []
        )
        label, seen = labels.ENTRIES.get(step.type, step.type), labels.VIEWED.get(what, what)
        lines.append(Line(of=step, label=label, route=seen, note=", ".join(words)))
    return lines
