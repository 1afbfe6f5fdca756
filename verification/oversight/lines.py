"""What the workflow found, line by line with the words a page shows. Templates only lay it out."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from verification.oversight import words
from verification.workflow.case_file import AttemptView, CaseFile, Look
from verification.workflow.queries import CheckView
from verification.workflow.search import Found, Step


@dataclass(frozen=True)
class Line:
    """One thing found, its name in words, and the class that marks it; a `note` says more in a few words."""

    of: Any
    label: words.Words
    mark: str = ""
    route: words.Words = ""
    note: str = ""
    whole: str = ""


def results(found: Iterable[Found]) -> list[Line]:
    """Verifications of a page of results."""
    return [result(one) for one in found]


def result(found: Found) -> Line:
    """A verification by its outcome and route."""
    return Line(
        of=found,
        label=words.STATUSES.get(found.status, found.status),
        mark=words.BADGES.get(found.status, ""),
        route=words.ROUTES.get(found.route, found.route),
    )


def attempts(file: CaseFile) -> list[Line]:
    """The attempts of a case."""
    return [_attempt(attempt) for attempt in file.attempts]


def checks(file: CaseFile) -> list[Line]:
    """The checks of a case."""
    return [_check(check) for check in file.checks]


def timeline(steps: Iterable[Step]) -> list[Line]:
    """Entries of the log about a case; `whole` is all the log holds of each."""
    return [_step(step) for step in steps]


def looks(found: Iterable[Look]) -> list[Line]:
    """Who of the lender looked at a case; `label` is at what."""
    return [Line(of=look, label=words.LOOKS.get(look.what, look.what)) for look in found]


def own_readings(steps: Iterable[Step]) -> list[Line]:
    """Entries of the log about a reader; `label` is what was done, `note` what was asked for or seen."""
    return [
        Line(of=step, label=words.ENTRIES.get(step.type, step.type), route=_seen(step), note=_asked(step))
        for step in steps
    ]


def _attempt(attempt: AttemptView) -> Line:
    return Line(
        of=attempt,
        label=words.ATTEMPTS.get(attempt.status, attempt.status),
        route=words.ROUTES.get(attempt.route, attempt.route),
    )


def _check(check: CheckView) -> Line:
    return Line(
        of=check,
        label=words.OUTCOMES.get(check.outcome, check.outcome),
        mark=words.OUTCOME_BADGES.get(check.outcome, "badge-warn"),
    )


def _step(step: Step) -> Line:
    said = (str(step.body.get(name, "")) for name in ("route", "stage", "check", "outcome", "code", "person"))
    failed = step.type == "check.recorded" and step.body.get("outcome") == "fail"
    return Line(
        of=step,
        label=words.ENTRIES.get(step.type, step.type),
        mark="bad" if failed else words.TONES.get(step.type, ""),
        note=" · ".join(one for one in said if one),
        whole=json.dumps(step.body, ensure_ascii=False, indent=2, sort_keys=True) if step.body else "",
    )


def _seen(step: Step) -> words.Words:
    what = str(step.body.get("what", ""))
    return words.VIEWED.get(what, what)


def _asked(step: Step) -> str:
    asked = step.body.get("asked", [])
    return ", ".join(str(words.ASKED.get(name, name)) for name in asked) if isinstance(asked, list) else ""
