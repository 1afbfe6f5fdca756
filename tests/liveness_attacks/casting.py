"""Who attacks whom: the attacker tries his material on our engine first, which is public, and takes
the nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from tests.liveness_attacks import filmed_clips, people
from tests.liveness_attacks.people import NEUTRAL, TALK, Actor, Person
from verification.engines.faces.embedding import distance
from verification.engines.liveness import gestures

_VICTIMS = 20
_FEW_PEOPLE, _FEW_CLIPS = 6, 2  # of a small cast
NEAREST = 3
"""Of those who look most like a victim, how many attack."""
_OTHERS = ("blink", "open_mouth", "come_closer", "nod")


@dataclass(frozen=True)
class Cast:
    """`victims`: whose portraits the attacker has. `clips`: of real people; `real`: those that show
    any gesture.

    folders: where the clips lie.
    """

    people: tuple[Person, ...]
    victims: tuple[Person, ...]
    real: tuple[Actor, ...]
    clips: tuple[Actor, ...]
    folders: tuple[Path, ...]

    def victim(self, at: int) -> Person:
        """The victims in turn."""
        return self.victims[at % len(self.victims)]

    @property
    def talkers(self) -> tuple[Actor, ...]:
        """Clips of somebody who talks."""
        return tuple(each for each in self.clips if TALK in each.shown)

    @property
    def whole(self) -> tuple[Actor, ...]:
        """Clips that show enough to follow commands by themselves, as an eye cut them."""
        return filmed_clips.as_seen(self.folders)

    def other(self, victim: Person) -> Person:
        """Whoever looks least like them."""
        return nearest(victim, self.people)[-1]

    def real_attacker(self, at: int) -> Actor:
        """The real clips in turn, each completed to a whole set of commands."""
        return completed(self.real[at % len(self.real)], self.clips)

    def warped_attacker(
        self, victim: Person, chance: np.random.Generator, *, does: Sequence[str] = ()
    ) -> Actor:
        """One of the portraits of other people that are nearest to the victim's; one that does all
        of these, if any.
        """
        near = nearest(victim, self.people)[:NEAREST]
        first = int(chance.integers(NEAREST))
        actors = (
            people.warped(near[(first + at) % len(near)]) for at in range(len(near) if does else 1)
        )
        return max(actors, key=lambda actor: len({*does} & {*actor.shown}))


@cache
def cast(shared: Path | None, folders: tuple[Path, ...], *, seed: int, is_small: bool) -> Cast:
    """Everybody who is there, or a few of them. Raises `OSError` without samples."""
    everybody = people.people(shared)[: _FEW_PEOPLE if is_small else None]
    chance = np.random.default_rng([seed, 15])
    fit = [each for each in everybody if people.is_at_rest(people.still(each.photographs[0]))]
    fit = fit or list(everybody)
    chosen = chance.permutation(len(fit))[:_VICTIMS]
    clips = filmed_clips.real(folders, most=_FEW_CLIPS if is_small else None)
    real = tuple(each for each in clips if set(each.shown) - {NEUTRAL, TALK})
    return Cast(everybody, tuple(fit[at] for at in chosen), real, clips, folders)


@cache
def nearest(victim: Person, everybody: tuple[Person, ...]) -> tuple[Person, ...]:
    """Everybody else, whoever looks most like the victim first."""
    own = people.face(people.still(victim.photographs[0]))
    others = [each for each in everybody if each.name != victim.name]
    return tuple(
        sorted(
            others,
            key=lambda each: distance(own, people.face(people.still(each.photographs[0]))).value,
        )
    )


def completed(actor: Actor, clips: Sequence[Actor]) -> Actor:
    """The actor, and what his clip does not have of the same person's others, or painted of his own
    face at rest.
    """
    # The same clip in a mirror is the same person too.
    own, shown = [each for each in clips if each.person == actor.person], dict(actor.shown)
    for command in (*gestures.TURNS, "blink", "open_mouth"):
        if command not in shown:
            filmed = next((each.shown[command] for each in own if command in each.shown), ())
            if takes := filmed or people.acted(actor.shown[NEUTRAL][0][0], command):
                shown[command] = takes
    return replace(actor, shown=shown)


def any_order(chance: np.random.Generator) -> tuple[str, ...]:
    """Commands as the server draws them, whoever sees them."""
    return _drawn(_OTHERS, chance)


def order(*actors: Actor, chance: np.random.Generator) -> tuple[str, ...]:
    """Commands as the server draws them, of those that all of them have."""
    return _drawn(
        [each for each in _OTHERS if all(each in actor.shown for actor in actors)], chance
    )


def _drawn(others: Sequence[str], chance: np.random.Generator) -> tuple[str, ...]:
    """Both turns and one or two others, in any order."""
    drawn = chance.choice(list(others), min(int(chance.integers(1, 3)), len(others)), replace=False)
    return tuple(str(each) for each in chance.permutation([*gestures.TURNS, *drawn]))
