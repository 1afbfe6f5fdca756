"""Dated legal profiles: which combination of routes suffices, as data. Not legal advice; see law.md §1 and §6."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from verification.core import stored
from verification.core.errors import BadInput, Misconfigured

Combination = tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """One state of the law.

    `combinations`: sufficient sets of routes, each in the order the borrower does them. `replaced_max`: how many missed
    commands of a live capture may be replaced by others; none where the law says that any mismatch repeats the check.
    """

    id: str
    in_force_from: date
    combinations: tuple[Combination, ...]
    replaced_max: int
    source: str
    verified_by_lawyer: bool = False
    sha256: str = field(init=False)
    """Hash of what decides, pinned by every verification opened under it; whence we have it is not in it."""

    def __post_init__(self) -> None:
        rule = {
            "id": self.id,
            "in_force_from": self.in_force_from.isoformat(),
            "combinations": [list(combination) for combination in self.combinations],
            "replaced_max": self.replaced_max,
        }
        object.__setattr__(self, "sha256", stored.digest(rule))


PROFILES = {
    profile.id: profile
    for profile in (
        Profile(
            id="KZ-2021-04",
            in_force_from=date(2021, 4, 30),
            combinations=(("eds",), ("biometric",), ("live_face",)),
            replaced_max=2,  # it says nothing of commands
            source="ARDFM resolution of 30 April 2021: one of EDS, biometric, two-factor with a live face",
        ),
        Profile(
            id="KZ-2025-01",
            in_force_from=date(2025, 1, 1),
            combinations=(("eds", "biometric"),),
            replaced_max=0,  # law.md O-23: a mismatch with any command repeats the check
            source="ARDFM No. 56 of 16 August 2024, items in force from 1 January 2025: EDS and biometric together",
        ),
    )
}


def get(profile_id: str) -> Profile:
    """The profile of this id; raises `BadInput` for one we do not know."""
    try:
        return PROFILES[profile_id]
    except KeyError:
        raise BadInput(f"known profiles: {', '.join(PROFILES)}", code="profile_unknown") from None


def pinned(sha256: str) -> Profile:
    """The profile of this hash, whatever its id: a profile that was ever used stays among `PROFILES`.

    Raises `Misconfigured` for one that is not there: nothing may be decided by a law that nobody can read.
    """
    for profile in PROFILES.values():
        if profile.sha256 == sha256:
            return profile
    raise Misconfigured(f"no profile has the hash {sha256}, by which this verification was opened")


def usable(profile: Profile, *, installed: Sequence[str], wanted: Sequence[str] | None) -> tuple[Combination, ...]:
    """The profile's combinations made only of installed routes the lender allows; never empty.

    Raises `BadInput` when none is left: such a verification could never end in `verified`.
    """
    allowed = set(installed) if wanted is None else set(installed) & set(wanted)
    # A combination is left whole or not at all: half of one suffices for nothing.
    left = tuple(combination for combination in profile.combinations if set(combination) <= allowed)
    if not left:
        raise BadInput(
            f"{profile.id} needs one of {[list(c) for c in profile.combinations]}; available: {sorted(allowed)}",
            code="routes_insufficient",
            pointer="/routes",
        )
    return left


def suffices(combinations: Iterable[Combination], *, passed: Iterable[str]) -> bool:
    """Whether one combination has all its routes passed. An empty combination never suffices."""
    done = set(passed)
    return any(combination and set(combination) <= done for combination in combinations)


def next_route(combination: Combination, *, passed: Iterable[str]) -> str | None:
    """The first route of the chosen combination that has not passed yet, or None when all have."""
    done = set(passed)
    return next((route for route in combination if route not in done), None)
