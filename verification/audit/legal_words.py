"""What an entry says, read without trust: none is taken for well-formed. And the codes of what may be unlawful."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from verification.core import releases
from verification.core.releases import Release

Body = Mapping[str, Any]
Fault = tuple[str, str]
"""A stable code and a sentence."""

MOVE, LAW, CHECKS = "illegal_move", "law_unknown", "checks_missing"
CONSENT, VOTES, STAGES = "consent_missing", "votes_missing", "stages_missing"
REASON, AFTER_END, INPUTS = "reason_missing", "after_end", "inputs_differ"
TIME, TRIES = "illegal_time", "illegal_tries"
TERMS, GATES = "terms_differ", "gates_missing"
PLAYED = "simulation_hidden"
CODES: Final = frozenset(
    {
        *(MOVE, LAW, CHECKS, CONSENT, VOTES, STAGES, REASON, AFTER_END, INPUTS, TIME, TRIES),
        *(TERMS, GATES, PLAYED),
    }
)


def released(body: Body, route: str) -> Release | None:
    """The release of this route that an entry names; None where nobody knows it."""
    found = releases.RELEASES.get(text(body, "release"))
    return found if found is not None and found.route == route else None


def text(body: Body, name: str) -> str:
    """A word of a body; empty where there is none, or something else."""
    said = body.get(name)
    return said if isinstance(said, str) else ""


def listed(body: Body, name: str) -> list[Any]:
    """A list of a body; empty where there is none."""
    said = body.get(name)
    return said if isinstance(said, list) else []


def number(body: Body, name: str) -> int:
    """A count of a body; 0 where there is none."""
    said = body.get(name)
    return said if type(said) is int else 0


def moment(body: Body, name: str) -> datetime | None:
    """A time of a body, with its zone; None where there is none."""
    try:
        said = datetime.fromisoformat(text(body, name))
    except ValueError:
        return None
    return said if said.tzinfo is not None else None
