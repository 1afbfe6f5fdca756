"""What each route asked for, release by release of this software: its stages in order, and what
each of them checks.

Whatever the log says of an attempt or a verdict names by hash how its route was done then, so that
it is read by the rules of its day. A release that was ever used stays here: without it nobody can
say any more whether a verdict was lawful. When a route changes, the new one is added; the test of
this table prints it.

A replay runs the checks of the release that judged, and no other. So a check that is added later is
not run for an earlier judgement. A check that changes under its name keeps its earlier functions in
`Stage.former`, and the new release says by `changed` how often it changed. What a policy said then
stands in the terms of the judgement itself: see `core/stored.py` for fields that a policy gained
since.
"""

from dataclasses import dataclass, field
from typing import Final

from verification.core import stored

Checked = tuple[str, tuple[str, ...], int]
"""The name of a stage, those of the checks that all must pass in it, and how many attempts a
borrower has at it in a day; 0 where they are not counted.
"""
_ID_CHARACTERS: Final = 16  # 64 bits: only we make releases, so nobody looks for two of one name


@dataclass(frozen=True)
class Release:
    """A route as one release of the software does it: its stages in order, the consent first and
    all of ours woven in.

    `changed`: how often a check had changed under its name, of those that ever did. `id`: the first
    half of the hash of what it says, by which the log names it.
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
        """Its stages in the order the borrower meets them."""
        return tuple(name for name, _, _ in self.stages)

    @property
    def asks_register(self) -> bool:
        """Whether one of its stages passes only where the register of people confirms the
        person.
        """
        return any(set(checks) >= REGISTER_CHECKS for _, checks, _ in self.stages)

    def stages_before(self, stage: str) -> tuple[str, ...]:
        """The stages that come before this one; all, for one that the route has not."""
        names = self.names
        return names[: names.index(stage)] if stage in names else names

    def checks(self, stage: str) -> tuple[str, ...]:
        """What must pass in this stage; nothing for one that the route has not, so that nothing
        suffices.
        """
        return next((checks for name, checks, _ in self.stages if name == stage), ())

    def changes(self, check: str) -> int:
        """How often this check had changed under its name; 0 for the first function of it."""
        return dict(self.changed).get(check, 0)

    def tries(self, stage: str) -> int:
        """How many attempts a borrower has at this stage in a day; 0 where they are not counted."""
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
"""What a stage asks beside whose errand the register of people is."""
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
        # Where the profile does not ask the register of people.
        Release("eds", (_CONSENT, _QUESTION, ("statement", _EDS, 3))),
        Release(
            "biometric", (_CONSENT, _QUESTION, ("live_capture", ("person.consent", *_FACE), 3))
        ),
        # Where it does: from KZ-2024-10 on.
        Release("eds", (_CONSENT, _QUESTION, ("statement", (*_REGISTER, *_EDS), 3))),
        Release("biometric", (_CONSENT, _QUESTION, ("live_capture", (*_REGISTER, *_FACE), 3))),
        Release("live_face", (_CONSENT, _PERSON, _CODE, _QUESTION, ("live_capture", _FACE, 3))),
        Release(
            "renewal", (_CONSENT, ("renewal", ("renewal.agreed",), 0), _PERSON, _QUESTION, _CODE)
        ),
    )
}
"""All there ever were, by what the log calls them."""
