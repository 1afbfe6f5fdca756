"""What a measurement found, what a check says of it, and what all checks of an attempt come to.

A result is neither true nor false: code that forgets to ask which one it is fails loudly. In the
decision whatever is missing, unknown or odd refuses.
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
    """The check found what it must find.

    code: a remark that people are shown and that decides nothing; empty, as a rule. Raises
        `KeyError` for another code.
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
    """The check found something that must not pass. Raises `KeyError` for a code that is not in
    `core/codes.py`.
    """

    outcome: ClassVar = "fail"


@dataclass(frozen=True)
class Inconclusive(_Negative):
    """The check could not tell; what follows stands in the reason: try again, two people look, or
    refuse.
    """

    outcome: ClassVar = "inconclusive"


Result = Passed | Failed | Inconclusive
"""`outcome` and `code` are what stands on record of it."""


@dataclass(frozen=True)
class Step:
    """One step of a measurement, as a fact: what it established, or why nothing may pass.

    `code`: what it refuses by, of `core/codes.py` or an engine's own; empty if it holds.
    """

    code: str = ""
    detail: Detail = field(default_factory=dict)


@dataclass
class Steps:
    """The steps of a procedure, done one after another: of each what it established, or why nothing
    may pass.
    """

    done: dict[str, Step] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, str | int]]:
        """Does the step of this name; what it establishes goes into the mapping. What refuses ends
        this step alone.
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
    """What a measurement gives; where it refuses, or the bytes cannot be read, the step that says
    so.
    """
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
    """What a check of this name says by a code: none or a remark passes; another fails or could not
    tell.
    """
    if not code:
        return Passed(check, detail=detail, score=score, threshold=threshold)
    reason = codes.require(code)
    if reason.remark:
        return Passed(check, code, detail=detail, score=score, threshold=threshold)
    negative = Inconclusive if reason.retry or reason.review else Failed
    return negative(check, code, detail=detail, score=score, threshold=threshold)


def judged_step(check: str, step: Step) -> Result:
    """What a check says that a step alone decides."""
    return judged(check, step.code, detail=step.detail)


def on_record(checks: Iterable[Mapping[str, str]]) -> tuple[Result, ...]:
    """What the checks of a judgement said, as the log says it. Raises `KeyError` for a code that
    nobody knows.
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
    """What becomes of an attempt."""

    PASSED = "passed"
    FAILED = "failed"
    REVIEW = "review"
    RETRY = "retry"


@dataclass(frozen=True)
class Decision:
    """An outcome with the code that explains it; `burns` says whether the attempt counts against
    the borrower.
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
    # Refusal outweighs another try, which outweighs review: two people never look at half of a
    # case.
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
