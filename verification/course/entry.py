"""Entries of a case as the course reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from verification.core import releases
from verification.core.releases import Release

if TYPE_CHECKING:
    from dataclasses import replace as replace  # so that mypy knows the fields
else:
    Value = TypeVar("Value")

    def replace(value: Value, /, **changes: Any) -> Value:
        """The value with these fields changed.

        Raises: `TypeError` for an unknown field.
        """
        fields = value.__dict__
        if not changes.keys() <= fields.keys():
            raise TypeError(
                f"{type(value).__name__} has no such field:"
                f" {sorted(changes.keys() - fields.keys())}"
            )
        fresh = object.__new__(type(value))
        fresh.__dict__.update(fields, **changes)
        return fresh


Body = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One entry of a verification.

    is_signed: it has the signature that its type requires.
    lender: the lender who receives it.
    """

    id: str
    type: str
    log: str
    at: datetime
    body: Body
    is_signed: bool = True
    lender: str | None = None


class Fault(NamedTuple):
    """A violation of the course: a stable code and a sentence."""

    code: str
    detail: str


MOVE: Final = "illegal_move"
LAW: Final = "law_unknown"
CHECKS: Final = "checks_missing"
CONSENT: Final = "consent_missing"
VOTES: Final = "votes_missing"
STAGES: Final = "stages_missing"
REASON: Final = "reason_missing"
AFTER_END: Final = "after_end"
INPUTS: Final = "inputs_differ"
TIME: Final = "illegal_time"
TRIES: Final = "illegal_tries"
TERMS: Final = "terms_differ"
GATES: Final = "gates_missing"
PLAYED: Final = "simulation_hidden"
LENDER: Final = "lender_differs"
BLOCKED: Final = "block_ignored"
SESSION: Final = "session_unknown"
ACTOR: Final = "illegal_actor"
"""Of a statement of an actor; the others are of a verification."""
CODES: Final = frozenset(
    {
        *(MOVE, LAW, CHECKS, CONSENT, VOTES, STAGES, REASON, AFTER_END, INPUTS, TIME, TRIES),
        *(TERMS, GATES, PLAYED, LENDER, SESSION, BLOCKED),
    }
)


def released(body: Body, route: str) -> Release | None:
    """The release of this route in a body; None if it is not in the table."""
    release = releases.RELEASES.get(text(body, "release"))
    return release if release is not None and release.route == route else None


def text(body: Body, name: str) -> str:
    """A word of a body; empty for anything else."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def listed(body: Body, name: str) -> list[Any]:
    """A list of a body; empty for anything else."""
    value = body.get(name)
    return value if isinstance(value, list) else []


def maps(body: Body, name: str) -> list[dict[str, Any]]:
    """The maps in a list of a body."""
    return [value for value in listed(body, name) if isinstance(value, dict)]


def number(body: Body, name: str) -> int:
    """A count of a body; 0 for anything else."""
    value = body.get(name)
    return value if type(value) is int else 0


def moment(body: Body, name: str) -> datetime | None:
    """A time of a body, with its zone; None for anything else."""
    try:
        time = datetime.fromisoformat(text(body, name))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
