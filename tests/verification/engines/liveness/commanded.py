"""Captures as the page sends them, of a photograph that follows commands as a person might: never
twice alike.

What differs from one capture to the next, as a person differs from himself: when a movement begins,
how long it takes and how far it goes, whether and when the head comes back, what else moves with
it, how the head sways and where it is, when the eyes blink, and the noise of the sensor. It is a
model, not a person.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from insecure_sandbox import warp
from verification.engines.liveness.frames import Floats, Image
from verification.stages.live_capture.policy import CAPTURE, OTHERS, TURNS

_PERIOD = CAPTURE.chain_ms / 1000  # seconds from one frame of the chain to the next
_REST, _COMMAND = 12, 23  # frames of the chain at rest and of a command
_TURN = (22.0, 34.0)  # degrees
_SIZE = (320, 240)  # pixels of the camera's picture; the chain has 213 × 160
_NOISE = 1.5  # grey levels


@dataclass(frozen=True)
class Course:
    """How one movement of a command goes: seconds, and how far of its strongest. `back`: None where
    it stays.
    """

    begin: float
    rise: float
    far: float
    back: float | None
    fall: float

    def at(self, seconds: Floats) -> Floats:
        """How far it has come at these times: quintic, as hands and heads move (Flash and Hogan
        1985).
        """
        up = _smooth((seconds - self.begin) / self.rise)
        down = (
            _smooth((seconds - self.back) / self.fall)
            if self.back is not None
            else np.zeros_like(seconds)
        )
        return self.far * (up - down)


class Film:
    """One capture of one person: any frame of it, at any time."""

    def __init__(self, puppet: warp.Puppet, *, seed: Sequence[int]) -> None:
        """Draws the commands, and how each is followed."""
        chance = self._chance = np.random.default_rng(list(seed))
        others = list(chance.choice(OTHERS, size=int(chance.integers(1, 3)), replace=False))
        order = [*TURNS, *map(str, others)]
        chance.shuffle(order)
        self.commands: tuple[str, ...] = ("look_straight", *order)
        self._puppet = puppet
        self._steps = [_step(command, chance) for command in self.commands]

    def steps(self, *, slowed: float = 1.0, of: Collection[str] | None = None) -> list[list[Image]]:
        """What the camera gives of each command, or of these alone, RGB; `slowed`: as a film that
        runs so many times as long.
        """
        played = []
        for step, (command, moved) in enumerate(zip(self.commands, self._steps, strict=True)):
            if of is not None and command not in of:
                continue
            seconds = 0.25 + np.arange(_COMMAND if step else _REST) * _PERIOD / slowed
            played.append([self._taken(moved(float(at))) for at in seconds])
        return played

    def _taken(self, moved: dict[str, float]) -> Image:
        pose = warp.Pose(
            yaw=self._puppet.rest.yaw + moved["yaw"],
            pitch=self._puppet.rest.pitch + moved["pitch"],
            closed_eyes=moved["closed"],
            open_mouth=float(np.clip(moved["mouth"], 0, 1)),
        )
        shown = self._puppet.show(pose)
        height, width = _SIZE[1], _SIZE[0]
        small = cv2.resize(shown, _SIZE, interpolation=cv2.INTER_AREA)
        matrix = cv2.getRotationMatrix2D(
            (width / 2, height / 2), moved["roll"], math.exp(moved["near"])
        )
        matrix[:, 2] += np.array([moved["x"], moved["y"]])
        there = cv2.warpAffine(small, matrix, _SIZE, borderMode=cv2.BORDER_REPLICATE)
        noise = self._chance.normal(0, _NOISE, there.shape)
        return np.asarray(np.clip(there + noise, 0, 255), dtype=np.uint8)


Moved = Callable[[float], dict[str, float]]


def _step(command: str, chance: np.random.Generator) -> Moved:
    """How everything moves within one command."""
    ends = _COMMAND * _PERIOD
    sways = {
        name: _sway(chance, size)
        for name, size in {
            "yaw": 1.0,
            "pitch": 1.0,
            "roll": 0.7,
            "x": 1.5,
            "y": 1.2,
            "near": 0.01,
        }.items()
    }
    course = Course(
        begin=float(chance.uniform(0.4, 1.3)),
        rise=float(chance.uniform(0.5, 1.4)),
        far=1.0,
        back=None,
        fall=float(chance.uniform(0.5, 1.2)),
    )
    hold = float(chance.uniform(0.3, 2.0))
    begin = course.begin + course.rise + hold
    if command in ("nod", "blink") or chance.uniform() < 0.5:
        begin = course.begin + course.rise + (0.1 if command == "nod" else hold)
        course = Course(course.begin, course.rise, 1.0, begin, course.fall)
    far = {
        "turn_left": {
            "yaw": chance.uniform(*_TURN),
            "pitch": chance.normal(0, 3),
            "roll": chance.normal(0, 2.5),
        },
        "turn_right": {
            "yaw": -chance.uniform(*_TURN),
            "pitch": chance.normal(0, 3),
            "roll": chance.normal(0, 2.5),
        },
        "nod": {"pitch": chance.uniform(18, 28), "yaw": chance.normal(0, 2)},
        "open_mouth": {"mouth": chance.uniform(0.75, 1.0), "pitch": chance.normal(-5, 3)},
        "come_closer": {"near": math.log(chance.uniform(1.3, 1.5)), "pitch": chance.normal(0, 3)},
    }.get(command, {})
    aside = {name: float(chance.normal(0, size)) for name, size in {"x": 6.0, "y": 3.0}.items()}
    blinks = [float(each) for each in chance.uniform(0, ends, size=int(chance.poisson(1.0)))]
    asked = [
        float(each)
        for each in np.sort(chance.uniform(0.5, ends - 1, size=int(chance.integers(1, 4))))
    ]
    shut = [(each, 0.2) for each in blinks] + (
        [(each, 0.5) for each in asked] if command == "blink" else []
    )

    def moved(at: float) -> dict[str, float]:
        share = float(course.at(np.array([at]))[0]) if far else 0.0
        found = {
            name: sway(at) + share * (far.get(name, 0.0) + aside.get(name, 0.0))
            for name, sway in sways.items()
        }
        found["mouth"] = share * far.get("mouth", 0.0)
        found["closed"] = max(
            (1.0 for begins, lasts in shut if begins <= at <= begins + lasts), default=0.0
        )
        return found

    return moved


def _sway(chance: np.random.Generator, size: float) -> Callable[[float], float]:
    """A slow random movement: a sum of waves of 0.1 to 1.2 Hz, most of it slow."""
    rates = chance.uniform(0.1, 1.2, 6)
    sizes = chance.normal(size=6) / (0.3 + rates)
    sizes *= size / max(float(np.sqrt((sizes**2).sum() / 2)), 1e-9)
    phases = chance.uniform(0, 2 * math.pi, 6)
    return lambda at: float((sizes * np.sin(2 * math.pi * rates * at + phases)).sum())


def _smooth(share: Floats) -> Floats:
    part = np.clip(share, 0, 1)
    return np.asarray(part**3 * (10 - 15 * part + 6 * part**2), dtype=np.float64)
