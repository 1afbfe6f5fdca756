"""Combines the results of one attempt. Whatever is missing, unknown or odd refuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from verification.core import reasons
from verification.core.results import Failed, Inconclusive, Passed, Result


class Outcome(StrEnum):
    """What becomes of an attempt."""

    PASSED = "passed"
    FAILED = "failed"
    REVIEW = "review"
    RETRY = "retry"


@dataclass(frozen=True)
class Decision:
    """An outcome with the code that explains it; `burns` says whether the attempt counts against the borrower."""

    outcome: Outcome
    code: str = ""
    burns: bool = False


def decide(results: Iterable[Result], required: tuple[str, ...] = ()) -> Decision:
    """The outcome of an attempt, given the names of the checks that must have passed.

    1. Nothing required, a required check missing, or a check said twice: refused, and the borrower pays nothing.
    2. Any failure refuses, whether or not the check was required; the first in order names the code. One that burns
       burns, whichever came first: a dark picture must not make a wrong gesture free.
    3. Any inconclusive result keeps the attempt from passing: refused, tried again, or looked at by two people.
    4. Passed only when every result is a `Passed` and every required check is among them.
    """
    given = tuple(results)
    names = [result.check for result in given]
    failed = [result for result in given if isinstance(result, Failed)]
    if failed:
        burns = any(reasons.require(result.code).burns for result in failed)
        return Decision(Outcome.FAILED, failed[0].code, burns=burns)
    if not required or set(required) - set(names) or len(names) != len(set(names)):
        return Decision(Outcome.FAILED, "check_missing")
    unclear = [result for result in given if isinstance(result, Inconclusive)]
    if unclear:
        return _weigh(unclear)
    if all(isinstance(result, Passed) for result in given):
        return Decision(Outcome.PASSED)
    return Decision(Outcome.FAILED, "check_missing")


def _weigh(unclear: list[Inconclusive]) -> Decision:
    """Refusal outweighs another try, which outweighs review: two people never look at half of a case."""
    found = [reasons.require(result.code) for result in unclear]
    for reason in found:
        if not reason.retry and not reason.review:
            return Decision(Outcome.FAILED, reason.code)
    for reason in found:
        if reason.retry:
            return Decision(Outcome.RETRY, reason.code)
    return Decision(Outcome.REVIEW, found[0].code)
