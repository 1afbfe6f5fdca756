"""Of two legal profiles: in which fields the first asks less. Each field has a direction in which
it is stricter.

A field that holds a truth value needs no line here: to ask is stricter than not to ask.
"""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from verification.core.profiles import Profile


class Direction(Enum):
    """In which direction a number is stricter. A missing number asks nothing: it is the laxest in
    both.
    """

    LOWER = auto()
    HIGHER = auto()


DIRECTIONS: Final[Mapping[str, Direction]] = {
    "replaced_max": Direction.LOWER,
    "valid_for_seconds": Direction.LOWER,
    "amount_max_mci": Direction.LOWER,
    "confirmed_below_years": Direction.HIGHER,
    "confirmed_from_years": Direction.LOWER,
    "visit_over_mci": Direction.LOWER,
    "cooling_off_over_mci": Direction.LOWER,
    "cooling_off_hours": Direction.HIGHER,
    "stop_credit_max_age_seconds": Direction.LOWER,
    "account_owner_max_age_seconds": Direction.LOWER,
}
"""Of each number that decides. Sets of routes, and truth values, have a rule of their own below."""
COMBINATIONS: Final = "combinations"
NOT_DECIDING: Final = frozenset(
    {"id", "status", "since", "source", "repeals", "verified_by_lawyer", "sha256"}
)
"""What names a profile, says where it stands, or names its source."""


def laxer(profile: "Profile", than: "Profile") -> tuple[str, ...]:
    """The deciding fields in which a profile asks less than another, in the order of the fields;
    empty for none.

    Raises `KeyError` for a number without a direction.
    """
    names = [field.name for field in fields(than) if field.name not in NOT_DECIDING]
    return tuple(
        name for name in names if _is_laxer(name, getattr(profile, name), getattr(than, name))
    )


def stricter(law: "Profile", candidate: "Profile") -> "Profile":
    """The candidate where it asks more in any field and less in none; else the law."""
    return candidate if laxer(law, candidate) and not laxer(candidate, law) else law


def _is_laxer(name: str, value: Any, than: Any) -> bool:
    if name == COMBINATIONS:
        # Who has passed a set of the one must have passed a set of the other.
        return not all(any(set(enough) <= set(routes) for enough in than) for routes in value)
    if isinstance(value, bool) or isinstance(than, bool):
        return bool(than) and not value
    if value is None or than is None:
        return value is None and than is not None
    is_lower: bool = value < than
    return value != than and is_lower is (DIRECTIONS[name] is Direction.HIGHER)
