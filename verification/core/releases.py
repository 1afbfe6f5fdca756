"""The requirements of each route, by release of this software: its stages in order and their
checks.

The log names, by hash, the release of each attempt and verdict, so the rules of its day apply to
it.
Keep every release that was used: without it no verdict of that release can be judged lawful.
When a route changes, add a release; the test of this table prints it.

A replay runs exactly the checks of the release that judged. A check added later does not run for an
earlier judgement.
When a check changes under its name, `Stage.former` keeps the earlier functions.
The new release then counts the changes in `changed`.
The terms of each judgement record the policy of its time; see `core/stored.py` for fields added
later.
"""

from dataclasses import dataclass, field
from typing import Final

from verification.core import stored

Checked = tuple[str, tuple[str, ...], int]
"""A stage's name, the checks that must pass in it, and a borrower's attempts at it per day; 0 if
unlimited.
"""
# 64 bits: only the maintainers make releases, so a collision attack is no risk
_ID_CHARACTERS: Final = 16


@dataclass(frozen=True)
class Release:
    """A route in one release: all its stages in order, the consent first.

    changed: how often each check changed under its name, for checks that changed.
    id: the first half of the hash of its content; the log names the release by it.
    """

    route: str
    stages: tuple[Checked, ...]
    changed: tuple[tuple[str, int], ...] = ()
    id: str = field(init=False)

    def __post_init__(self) -> None:
        stages = [[name, list(checks), tries] for name, checks, tries in self.stages]
        content: dict[str, object] = {"route": self.route, "stages": stages}
        if self.changed:
            content["changed"] = [list(pair) for pair in self.changed]
        object.__setattr__(self, "id", stored.digest(content)[:_ID_CHARACTERS])

    @property
    def names(self) -> tuple[str, ...]:
        """Its stages in the borrower's order."""
        return tuple(name for name, _, _ in self.stages)

    @property
    def asks_register(self) -> bool:
        """Whether one of its stages requires the register of people to confirm the person."""
        return any(set(checks) >= REGISTER_CHECKS for _, checks, _ in self.stages)

    def stages_before(self, stage: str) -> tuple[str, ...]:
        """The stages before this one; all stages if the route lacks it."""
        names = self.names
        return names[: names.index(stage)] if stage in names else names

    def checks(self, stage: str) -> tuple[str, ...]:
        """The checks that must pass in this stage; empty if the route lacks it, so that no
        result suffices.
        """
        return next((checks for name, checks, _ in self.stages if name == stage), ())

    def changes(self, check: str) -> int:
        """How often this check changed under its name; 0 for its first function."""
        return dict(self.changed).get(check, 0)

    def tries(self, stage: str) -> int:
        """A borrower's attempts at this stage per day; 0 if unlimited."""
        return next((tries for name, _, tries in self.stages if name == stage), 0)


_CONSENT: Final[Checked] = ("consent", ("consent.agreed",), 0)
_QUESTION: Final[Checked] = ("question", ("question.free",), 0)
_REGISTER: Final = (
    "person.consent",
    "person.registry",
    "person.alive",
    "person.names",
    "person.document",
)
REGISTER_CHECKS: Final = frozenset(_REGISTER)
"""Checks that the register of people adds to a stage."""
_EDS: Final = (
    *(
        "eds.format",
        "eds.content",
        "eds.signature",
        "eds.path",
        "eds.usage",
        "eds.identity",
        "eds.revocation",
    ),
    *("eds.timestamp", "eds.statement"),
)
_PERSON: Final[Checked] = ("person", (*_REGISTER, "person.answer", "person.phone"), 3)
_CODE: Final[Checked] = ("code", ("code.sent", "code.guess", "code.owner"), 1)
_FACE: Final = (
    *(
        "face.binding",
        "face.timing",
        "face.fresh",
        "face.one_face",
        "face.quality",
        "face.commands",
        "face.depth",
    ),
    *("face.continuity", "face.passive", "face.hand_over", "face.injection", "face.match"),
)

RELEASES: dict[str, Release] = {
    release.id: release
    for release in (
        # Without the register of people in the profile.
        Release("eds", (_CONSENT, _QUESTION, ("statement", _EDS, 3))),
        Release(
            "biometric", (_CONSENT, _QUESTION, ("live_capture", ("person.consent", *_FACE), 3))
        ),
        # With the register of people: from KZ-2024-10 on.
        Release("eds", (_CONSENT, _QUESTION, ("statement", (*_REGISTER, *_EDS), 3))),
        Release("biometric", (_CONSENT, _QUESTION, ("live_capture", (*_REGISTER, *_FACE), 3))),
        Release("live_face", (_CONSENT, _PERSON, _CODE, _QUESTION, ("live_capture", _FACE, 3))),
        Release(
            "renewal", (_CONSENT, ("renewal", ("renewal.agreed",), 0), _PERSON, _QUESTION, _CODE)
        ),
    )
}
"""All releases by their id in the log."""
