"""The attacks that need no cutting: prints, screens, recordings, other people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from tests.liveness_attacks import people, played
from tests.liveness_attacks.people import COUNT, NEUTRAL, TALK, Actor, Person
from tests.liveness_attacks.played import Attempt, Shown
from tests.liveness_attacks.splices import named
from tests.verification.engines.liveness import insecure_paper
from tools.genuine.replays import all_of, cropped, lighter
from tools.genuine.replays import pressed as compressed
from verification.engines.liveness.frames import Image
from verification.stages.live_capture.policy import CAPTURE

_SIDES = {"turn_left": 40, "turn_right": -40}
_PIXELS = (
    3.1,
    2.9,
)  # of a filmed screen, in pixels of the camera: what beats against them is moiré

Order = Sequence[str]


def honest(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The actor does what is asked, before the register's picture of the victim, who may be the
    same.
    """
    shown = {command: _all(actor.takes(command, chance), command) for command in (NEUTRAL, *order)}
    return Attempt(shown, played.photo(victim.registered), named(victim, actor))


def own(actor: Actor, order: Order, chance: np.random.Generator) -> Attempt:
    """The actor, before the register's picture of the actor: a frame of this face at
    rest.
    """
    shown = {command: _all(actor.takes(command, chance), command) for command in (NEUTRAL, *order)}
    told = {"victim": actor.person, "actor": actor.name, "person": actor.person, "kind": actor.kind}
    return Attempt(shown, played.photo_of(actor.shown[NEUTRAL][0][0]), told)


def still(victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """A print of the victim stands before the camera."""
    return _paper(victim, order, chance, lambda paper, command: [paper] * COUNT)


def jittered_still(victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The print is held by a hand that shakes."""
    moves = chance.normal(0, (6, 6, 2, 0.02), (COUNT, 4))
    return _paper(
        victim,
        order,
        chance,
        lambda paper, command: [
            insecure_paper.shifted(paper, across=x, down=y, lean=lean, scale=1 + size)
            for x, y, lean, size in moves
        ],
    )


def flat_paper(victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The print is turned to the side that is asked for."""
    return _turned(victim, order, chance, bend=0.0, most=float(chance.uniform(0.75, 1.0)))


def bent_paper(victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The print is bent round a head, and turned."""
    return _turned(
        victim,
        order,
        chance,
        bend=float(chance.uniform(0.4, 1.2)),
        most=float(chance.uniform(0.75, 1.0)),
    )


def frozen(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """From one frame of a command on the same picture comes, to the byte."""
    frozen_from = {str(chance.choice(list(order))): int(chance.integers(2, COUNT - 4))}
    return replace(honest(actor, victim, order, chance), frozen_from=frozen_from)


def wrong_order(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """Two commands are done one for the other."""
    own = honest(actor, victim, order, chance)
    one, other = chance.choice(list(order), 2, replace=False)
    return replace(own, shown={**own.shown, one: own.shown[other], other: own.shown[one]})


def replay(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The very frames of an earlier capture."""
    return replace(honest(actor, victim, order, chance), is_replayed=True)


def replay_anew(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """A recording of a capture by the same commands: cropped, as bright as another screen,
    compressed anew.
    """
    recorded = honest(actor, victim, order, chance)
    cut, pressed = (
        cropped(float(chance.uniform(0.0, 0.08))),
        compressed(int(chance.integers(40, 91))),
    )
    change = all_of(cut, *([lighter] if chance.integers(2) else []), pressed)
    seed = int(chance.integers(2**31))  # a crop is one for the whole capture
    shown = {
        command: _all([change(image, np.random.default_rng(seed)) for image in each.chain], command)
        for command, each in recorded.shown.items()
    }
    return replace(recorded, shown=shown, plays_again=recorded.shown)


def screen_replay(
    actor: Actor, victim: Person, order: Order, chance: np.random.Generator
) -> Attempt:
    """A recording of another order is played on a screen and filmed."""
    down, across = np.mgrid[0:480, 0:640]
    moire = 12 * (
        np.sin(2 * np.pi * across / _PIXELS[0])
        + np.sin(2 * np.pi * (down + across / 9) / _PIXELS[1])
    )
    moved = dict(zip(order, [*order[1:], order[0]], strict=True))
    own = honest(actor, victim, order, chance)

    def filmed(command: str) -> Shown:
        images = own.shown[moved.get(command, command)].chain
        return _all(
            [np.clip(image + moire[..., None], 0, 255).astype(np.uint8) for image in images],
            command,
        )

    return replace(own, shown={command: filmed(command) for command in own.shown})


def talking_head(
    actor: Actor, victim: Person, order: Order, chance: np.random.Generator
) -> Attempt:
    """A film of somebody who talks, whatever is asked: the victim of it is that person, so the
    match refuses no attempt.
    """
    shown = {NEUTRAL: _all(actor.takes(NEUTRAL, chance), NEUTRAL)}
    shown |= {command: _all(actor.takes(TALK, chance), command) for command in order}
    return Attempt(
        shown,
        played.photo_of(actor.shown[NEUTRAL][0][0]),
        {**named(victim, actor), "victim": actor.person},
    )


def two_faces(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """A second face looks into a frame of one command that is sent in full."""
    own = honest(actor, victim, order, chance)
    command = str(chance.choice(list(order)))
    joined = np.array(own.shown[command].chain[COUNT // 2])
    second = people.still(victim.photographs[0])[80:400, 190:450]
    high = int(chance.integers(180, 240))
    joined[20 : 20 + high, 5 : 5 + high * 13 // 16] = cv2.resize(
        second, (high * 13 // 16, high), interpolation=cv2.INTER_AREA
    )
    chain = [*own.shown[command].chain]
    chain[COUNT // 2] = joined
    return replace(own, shown={**own.shown, command: _all(chain, command)})


def swapped(actor: Actor, victim: Person, order: Order, chance: np.random.Generator) -> Attempt:
    """The victim themself begins, and after a step or more somebody else goes on."""
    own = people.warped(victim)
    first = int(chance.integers(1, len(order) + 1))
    acting = {command: own if at < first else actor for at, command in enumerate((NEUTRAL, *order))}
    shown = {command: _all(who.takes(command, chance), command) for command, who in acting.items()}
    return Attempt(shown, played.photo(victim.registered), named(victim, actor))


PAPER: Mapping[str, Callable[[Person, Order, np.random.Generator], Attempt]] = {
    each.__name__: each for each in (still, jittered_still, flat_paper, bent_paper)
}
ACTED: Mapping[str, Callable[[Actor, Person, Order, np.random.Generator], Attempt]] = {
    each.__name__: each
    for each in (frozen, wrong_order, replay, replay_anew, screen_replay, two_faces, swapped)
}
OWN = ("frozen", "wrong_order", "replay", "replay_anew", "screen_replay", "two_faces")
"""Of whose frames the victim themself is the actor: only what is done to them may refuse."""


def _all(images: Sequence[Image], command: str) -> Shown:
    return played.of(images, stills=CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills)


def _turned(
    victim: Person, order: Order, chance: np.random.Generator, *, bend: float, most: float
) -> Attempt:
    turned = cache(
        lambda yaw: insecure_paper.turned(people.still(victim.photographs[0]), yaw=yaw, bend=bend)
    )

    def shown(paper: Image, command: str) -> list[Image]:
        return [turned(float(yaw)) for yaw in np.linspace(0, most * _SIDES.get(command, 0), COUNT)]

    return _paper(victim, order, chance, shown)


def _paper(
    victim: Person,
    order: Order,
    chance: np.random.Generator,
    shown: Callable[[Image, str], list[Image]],
) -> Attempt:
    paper = people.still(victim.photographs[0])
    frames = {
        command: _all([people.filmed(image, chance) for image in shown(paper, command)], command)
        for command in (NEUTRAL, *order)
    }
    return Attempt(
        frames,
        played.photo(victim.registered),
        {"victim": victim.name, "person": victim.name, "actor": "", "kind": "paper"},
    )
