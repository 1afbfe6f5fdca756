"""What was measured of the latest capture: one at a time, because its pixels are many and somebody's face."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from verification.core.errors import Refused

Steps = tuple[tuple[str, tuple[bytes, ...]], ...]
"""The neutral step first, then the commands in order: the command's name and its JPEG frames."""
Measured = TypeVar("Measured")


class Latest:
    """Remembers each measurement of one capture, and each refusal: ten checks ask, one decodes.

    It holds the latest capture until another comes or it is told to forget.
    """

    def __init__(self) -> None:
        """Remembers nothing."""
        self._held: tuple[Steps, dict[str, object]] = ((), {})

    def forget(self) -> None:
        """Lets the pixels and the embeddings go."""
        self._held = ((), {})

    def once(self, measure: Callable[[Steps], Measured]) -> Callable[[Steps], Measured]:
        """The function, which runs once for a capture and afterwards gives, or raises, the same again."""

        @wraps(measure)
        def remembered(steps: Steps) -> Measured:
            known = self._of(steps)
            if measure.__name__ not in known:
                known[measure.__name__] = _outcome(measure, steps)
            outcome = known[measure.__name__]
            if isinstance(outcome, Refused):
                raise _again(outcome)
            return cast("Measured", outcome)

        return remembered

    def _of(self, steps: Steps) -> dict[str, object]:
        held, known = self._held
        if held != steps:
            known = {}
            self._held = (steps, known)
        return known


def _outcome(measure: Callable[[Steps], Measured], steps: Steps) -> Measured | Refused:
    try:
        return measure(steps)
    except Refused as refusal:
        return _again(refusal)


def _again(refusal: Refused) -> Refused:
    # What was raised holds its traceback, and that the frames: only what it says is kept.
    return Refused(refusal.code, refusal.detail, facts=refusal.facts)
