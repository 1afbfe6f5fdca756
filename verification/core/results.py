"""What a check says. A result is neither true nor false: code that forgets to ask which one it is fails loudly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from verification.core import reasons

Detail = Mapping[str, str | int]


@dataclass(frozen=True)
class _Result:
    check: str
    detail: Detail = field(default_factory=dict, kw_only=True)
    score: float | None = field(default=None, kw_only=True)
    threshold: float | None = field(default=None, kw_only=True)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not true or false: ask with isinstance or decide()")


@dataclass(frozen=True)
class Passed(_Result):
    """The check found what it must find."""


@dataclass(frozen=True)
class _Negative(_Result):
    code: str

    def __post_init__(self) -> None:
        reasons.require(self.code)


@dataclass(frozen=True)
class Failed(_Negative):
    """The check found something that must not pass. Raises `KeyError` for a code that is not in `core/reasons.py`."""


@dataclass(frozen=True)
class Inconclusive(_Negative):
    """The check could not tell; what follows stands in the reason: try again, two people look, or refuse."""


Result = Passed | Failed | Inconclusive
