"""Votes on a case: who may vote, what people are asked, and the result.

A lender's people may vote if they had no part in the case. Law: O-88.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from django.contrib.auth import get_user_model

from verification.case import contents, dossier, policy, stages
from verification.case.moving import History
from verification.core.errors import Conflict
from verification.core.events import RENEWED
from verification.core.opening import Opening
from verification.core.results import Outcome, decide, on_record
from verification.course.state import REVIEW
from verification.evidence import vault
from verification.log import entries
from verification.models import AuditEntry, Verification

PERMISSION: Final = "people.review_cases"
"""The permission that a reviewer's role must have, as Django names it."""
TOO_FEW: Final = "reviewers_too_few"


@dataclass(frozen=True)
class Reviewer:
    """A possible reviewer: their id in the log, and their lender.

    known_as: names by which the lender may refer to them as opener of a case: e-mail address, full
    name.
    """

    person_id: str
    lender_id: str
    known_as: tuple[str, ...] = field(default=(), repr=False)


def part_of(reviewer: Reviewer, verification: Verification, *, key: vault.Key) -> str:
    """The code of this person's part in the case, or in a renewed consent to its loan; empty
    without one.
    """
    marks = [mark for name in _names(reviewer) for mark in contents.marks_of(name)]
    renewed = entries.of_cases([verification.pk], types=(RENEWED,))
    renewals = [body["renewal"] for body in _bodies(renewed) if "renewal" in body]
    minted = entries.of_cases([verification.pk, *renewals], types=("link.minted",))
    # The opening entry of a renewed consent sent its first link.
    for body in _bodies([*renewed, *minted]):
        if body.get("person") == reviewer.person_id or body.get("sent_by") in marks:
            return "reviewer_sent_link"
    opening = contents.read(verification, key).opening
    return "reviewer_opened_case" if _has_opened(reviewer, opening) else ""


def warnings_of(verification: Verification, opening: Opening) -> tuple[str, ...]:
    """The warning, by code, that too few people can vote on the case, shown to its lender at
    opening.

    Without pictures in any possible stage, no attempt is ever left to people.
    """
    routes = {route for combination in verification.combinations for route in combination}
    offered = (stages.of_route(route, law=verification.profile_sha256) for route in sorted(routes))
    if not any(stage.pictures for of_route in offered for stage in of_route.values()):
        return ()
    reviewers = _reviewers(verification.lender_id)
    are_enough = _suffice(person for person in reviewers if not _has_opened(person, opening))
    return () if are_enough else (TOO_FEW,)


def are_too_few(verification: Verification, *, key: vault.Key) -> bool:
    """Whether too few people can vote on this case now.

    Raises: `EvidenceUnreadable`.
    """
    reviewers = _reviewers(verification.lender_id)
    return not _suffice(
        person for person in reviewers if not part_of(person, verification, key=key)
    )


def _reviewers(lender_id: str) -> Iterator[Reviewer]:
    """The people of a lender whose role permits reviews; closed accounts are excluded."""
    # Workers have a right to these columns, and to no other of people.
    known = ("email", "full_name", "role", "is_active")
    for person in get_user_model().objects.filter(lender_id=lender_id).only(*known).order_by("pk"):
        if person.has_perm(PERMISSION):
            yield Reviewer(person.pk, lender_id, known_as=(person.email, person.full_name))


def _suffice(voters: Iterable[Reviewer]) -> bool:
    """Whether there are enough for a pass; the query stops there."""
    return len(list(islice(voters, policy.REVIEWERS_TO_PASS))) == policy.REVIEWERS_TO_PASS


def _has_opened(reviewer: Reviewer, opening: Opening) -> bool:
    return contents.officer(opening.opened_by) in _names(reviewer)


def _bodies(entries_read: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    """The bodies of entries that are JSON objects."""
    return [entry.body for entry in entries_read if isinstance(entry.body, dict)]


def _names(reviewer: Reviewer) -> set[str]:
    """Every name by which the lender may have referred to this person, in canonical form."""
    return {contents.officer(name) for name in (reviewer.person_id, *reviewer.known_as)} - {""}


def open_question(history: History) -> str:
    """The attempt in review; empty without one."""
    is_asked = history.state.in_review and history.state.newest(REVIEW) is not None
    return history.state.newest_name if is_asked else ""


def verdict(history: History, name: str) -> bool | None:
    """The result of the votes on an attempt; None while they do not suffice."""
    votes = [vote.passes for vote in history.state.attempts[name].votes.values()]
    if not all(votes):
        return False
    return True if len(votes) >= policy.REVIEWERS_TO_PASS else None


def require_the_rest_passed(history: History, name: str) -> None:
    """Raises: `Conflict` (not_reviewable) unless its checks, by their entries, leave it to people.

    The rule of every judgement weighs them.
    """
    attempt = history.state.attempts[name]
    stage = stages.find(attempt.route, attempt.stage, law=history.row.profile_sha256)
    if stage is None:
        raise Conflict("people cannot decide this stage", code="not_reviewable")
    try:
        results = on_record(dossier.stated_checks(history, name))
        decision = decide(results, required=tuple(stage.checks))
    except KeyError:
        detail = "a check has a result that this release does not know"
        raise Conflict(detail, code="not_reviewable") from None
    if decision.outcome is not Outcome.REVIEW:
        raise Conflict("another check did not pass", code="not_reviewable")
