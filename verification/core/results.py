"""Results of measurements, of checks, and of an attempt as a whole.

A result has no truth value: code that treats it as one fails. A missing, unknown or odd result
refuses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NoReturn, ParamSpec, TypeVar

from verification.core import codes
from verification.core.errors import BadInput, Refused

Given = ParamSpec("Given")
Value = TypeVar("Value")

Detail = Mapping[str, str | int]


@dataclass(frozen=True)
class _Result:
    check: str
    detail: Detail = field(default_factory=dict, kw_only=True)
    score: float | None = field(default=None, kw_only=True)
    threshold: float | None = field(default=None, kw_only=True)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not true or false: ask with isinstance or decide()"
        )


@dataclass(frozen=True)
class Passed(_Result):
    """The check found what it requires.

    code: a remark for people that decides nothing; usually empty.

    Raises: `KeyError` for an unknown code.
    """

    outcome: ClassVar = "pass"
    code: str = ""

    def __post_init__(self) -> None:
        if self.code and not codes.require(self.code).remark:
            raise KeyError(self.code)


@dataclass(frozen=True)
class _Negative(_Result):
    code: str

    def __post_init__(self) -> None:
        codes.require(self.code)


@dataclass(frozen=True)
class Failed(_Negative):
    """The check found what must not pass.

    Raises: `KeyError` for a code outside `core/codes.py`.
    """

    outcome: ClassVar = "fail"


@dataclass(frozen=True)
class Inconclusive(_Negative):
    """The check could not tell. The code's row says what follows: another try, review by two
    people, or refusal.
    """

    outcome: ClassVar = "inconclusive"


Result = Passed | Failed | Inconclusive
"""`outcome` and `code` go on record."""


@dataclass(frozen=True)
class Step:
    """One step of a measurement: what it established, or the reason of its refusal.

    code: the refusal, of `core/codes.py` or an engine's own; empty if the step holds.
    """

    code: str = ""
    detail: Detail = field(default_factory=dict)


@dataclass
class Steps:
    """The steps of a procedure in sequence: for each, what it established or why it refuses."""

    done: dict[str, Step] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, str | int]]:
        """Runs the step of this name; its findings go into the mapping. A refusal ends only this
        step.
        """
        detail: dict[str, str | int] = {}
        try:
            yield detail
            self.done[name] = Step(detail=detail)
        except BadInput as fault:
            self.done[name] = Step("check_missing", {"detail": fault.code})
        except Refused as refusal:
            self.done[name] = Step(
                refusal.code, {"detail": refusal.detail or refusal.code, **refusal.facts}
            )


def measured(
    measure: Callable[Given, Value], *args: Given.args, **kwargs: Given.kwargs
) -> Value | Step:
    """A measurement's result; for a refusal or unreadable bytes, the step that states it."""
    steps = Steps()
    with steps.step("only"):
        return measure(*args, **kwargs)
    return steps.done["only"]


def judged(
    check: str,
    code: str = "",
    *,
    detail: Detail,
    score: float | None = None,
    threshold: float | None = None,
) -> Result:
    """The result of a check from a code: an empty code or a remark passes; others fail or are
    inconclusive.
    """
    if not code:
        return Passed(check, detail=detail, score=score, threshold=threshold)
    reason = codes.require(code)
    if reason.remark:
        return Passed(check, code, detail=detail, score=score, threshold=threshold)
    negative = Inconclusive if reason.retry or reason.review else Failed
    return negative(check, code, detail=detail, score=score, threshold=threshold)


def judged_step(check: str, step: Step) -> Result:
    """The result of a check that one step decides."""
    return judged(check, step.code, detail=step.detail)


def on_record(checks: Iterable[Mapping[str, str]]) -> tuple[Result, ...]:
    """The recorded results of a judgement's checks.

    Raises: `KeyError` for an unknown code.
    """
    results: list[Result] = []
    for check in checks:
        if check["outcome"] == Passed.outcome:
            results.append(Passed(check["check"], check["code"]))
        else:
            negative = Inconclusive if check["outcome"] == Inconclusive.outcome else Failed
            results.append(negative(check["check"], check["code"]))
    return tuple(results)


class Outcome(StrEnum):
    """The outcome of an attempt."""

    PASSED = "passed"
    FAILED = "failed"
    REVIEW = "review"
    RETRY = "retry"


@dataclass(frozen=True)
class Decision:
    """An outcome with the code that explains it; `burns`: the attempt counts against the
    borrower's limit.
    """

    outcome: Outcome
    code: str = ""
    burns: bool = False


def decide(results: Iterable[Result], required: tuple[str, ...] = ()) -> Decision:
    """The outcome of an attempt, given the names of the checks that must have passed.

    1. Nothing required, a required check missing, or a check said twice: refused, and the borrower
      pays nothing.
    2. Any failure refuses, whether or not the check was required; the first in order names the
       code. One that burns burns, whichever came first: a dark picture must not make a wrong
       gesture free.
    3. Any inconclusive result keeps the attempt from passing: refused, tried again, or looked at by
      two people.
    4. Passed only when every result is a `Passed` and every required check is among them.
    """
    judgement = tuple(results)
    names = [result.check for result in judgement]
    failed = [result for result in judgement if isinstance(result, Failed)]
    if failed:
        burns = any(codes.require(result.code).burns for result in failed)
        return Decision(Outcome.FAILED, failed[0].code, burns=burns)
    if not required or set(required) - set(names) or len(names) != len(set(names)):
        return Decision(Outcome.FAILED, "check_missing")
    unclear = [
        codes.require(result.code) for result in judgement if isinstance(result, Inconclusive)
    ]
    # Refusal outranks another try, and another try outranks review: people never see half a case.
    refusing = [reason for reason in unclear if not reason.retry and not reason.review]
    if refusing:
        return Decision(Outcome.FAILED, refusing[0].code)
    for reason in unclear:
        if reason.retry:
            return Decision(Outcome.RETRY, reason.code)
    if unclear:
        return Decision(Outcome.REVIEW, unclear[0].code)
    if all(isinstance(result, Passed) for result in judgement):
        return Decision(Outcome.PASSED)
    return Decision(Outcome.FAILED, "check_missing")
