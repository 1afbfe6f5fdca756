"""Who attacks whom, with which clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from insecure_sandbox.warp_picture import HEIGHT, WIDTH
from tests.liveness_attacks import people
from tests.liveness_attacks.people import COUNT, NEUTRAL, TALK, Actor, Person
from tools.genuine import clips
from verification.engines.faces.embedding import distance
from verification.engines.liveness import gestures, landmarks, policy
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.gestures import Gesture
from verification.engines.liveness.landmarks import FrameMeasurement

# Real clips of others as frames of a camera: of each gesture the seconds in which our engine
# finds most of it.
#
# An attacker has the engine, which is public, and a clip shows a gesture somewhere about
# where an eye saw it.


_APART_S = 0.12  # between two frames: most of these gestures last a second and a half
_ASIDE_S = 0.6  # so far from where an eye saw it the engine looks for it, as the page would send it
_HOWEVER = replace(
    policy.NEUTRAL, eye=0.0, turn=np.inf, pitch=np.inf, mouth=np.inf
)  # they were not asked to be straight
_REST_ASIDE_S = 2.0
_MIRRORED: Mapping[Gesture | None, Gesture] = {"turn_left": "turn_right", "turn_right": "turn_left"}


@cache
def real(folders: tuple[Path, ...], *, most: int | None = None) -> tuple[Actor, ...]:
    """The real clips that are in these folders, at most so many, each once as it is and once in a
    mirror, which makes other turns.
    """
    filmed = clips.CLIPS[:most]
    return tuple(each for clip in filmed for each in _actors(folders, clip, is_chosen=True))


@cache
def as_seen(folders: tuple[Path, ...]) -> tuple[Actor, ...]:
    """The clips with both turns and another gesture, cut evenly where an eye saw them.

    Our engine has chosen nothing of them, so that it may be asked how often it refuses them.
    """
    shown = {clip: {shows for _, _, shows in clip.windows if shows} for clip in clips.CLIPS}
    whole = [clip for clip in clips.CLIPS if {*gestures.TURNS} < shown[clip]]
    return tuple(each for clip in whole for each in _actors(folders, clip, is_chosen=False))


def _actors(folders: tuple[Path, ...], clip: clips.Clip, *, is_chosen: bool) -> Iterator[Actor]:
    folder = next((each for each in folders if (each / clip.file).is_file()), None)
    if folder is not None:
        film = _Film.read(folder, clip)
        for name, each in ((clip.name, film), (f"{clip.name} mirrored", film.mirrored())):
            yield Actor(name, clip.person, "real", each.takes(is_chosen=is_chosen))


@dataclass(frozen=True)
class _Film:
    """`images`: those frames of a clip among which is chosen, by their places in it, as frames of a
    camera. `windows`: what shows from which to which.
    """

    clip: clips.Clip
    windows: tuple[tuple[int, int, Gesture | None], ...]
    images: dict[int, Image]
    measured: dict[int, FrameMeasurement] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, clip: clips.Clip) -> "_Film":
        wanted = {*_even(*clip.rest), *_about(clip, *clip.rest, aside_s=_REST_ASIDE_S)}
        for start, end, shows in clip.windows:
            wanted |= {*_even(start, end), *(_about(clip, start, end) if shows else ())}
        video, found = cv2.VideoCapture(str(folder / clip.file)), dict[int, Image]()
        for at in range(max(wanted) + 1):
            if video.grab() and at in wanted:
                found[at] = clips.cut_out(clip, np.asarray(video.retrieve()[1], dtype=np.uint8))
        placed = _placing(found[_even(*clip.rest)[COUNT // 2]])
        size = (WIDTH, HEIGHT)
        images = {
            at: np.asarray(
                cv2.warpAffine(image, placed, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
            )
            for at, image in found.items()
        }
        return cls(clip, clip.windows, images)

    def mirrored(self) -> "_Film":
        """The same in a mirror: our engine need not find the same in it."""
        windows = tuple(
            (start, end, _MIRRORED.get(shows, shows)) for start, end, shows in self.windows
        )
        images = {at: np.ascontiguousarray(image[:, ::-1]) for at, image in self.images.items()}
        return _Film(self.clip, windows, images)

    def takes(self, *, is_chosen: bool) -> dict[str, tuple[tuple[Image, ...], ...]]:
        """The face at rest and every window, by what they show."""
        # What comes twice, because it is too short or another window has it too, comes in the noise
        # of another moment.
        chance, before = np.random.default_rng(15), set[int]()
        takes: dict[str, tuple[tuple[Image, ...], ...]] = {}
        for command, places in self._chosen() if is_chosen else self._evenly():
            images = tuple(self.images[at] for at in places)
            if len({*places}) < COUNT or before & {*places}:
                images = tuple(people.filmed(image, chance) for image in images)
            before |= {*places}
            takes[command] = (*takes.get(command, ()), images)
        return takes

    def _evenly(self) -> Iterator[tuple[str, list[int]]]:
        yield NEUTRAL, _even(*self.clip.rest)
        for start, end, shows in self.windows:
            yield shows or TALK, _even(start, end)

    def _chosen(self) -> Iterator[tuple[str, list[int]]]:
        rest = self._rest()
        neutral = gestures.neutral([self._seen(at) for at in rest], limits=_HOWEVER)
        yield NEUTRAL, rest
        for start, end, shows in self.windows:
            if shows is None:
                yield TALK, _even(start, end)
            elif (found := self._most(shows, start, end, neutral)) is not None:
                yield shows, found

    def _rest(self) -> list[int]:
        """Where an eye saw it; where our engine takes that for no face at rest, where the face is
        straightest.
        """
        seen = _even(*self.clip.rest)
        runs = self._runs(_about(self.clip, *self.clip.rest, aside_s=_REST_ASIDE_S))
        return seen if self._askew(seen) < 1 or not runs else min(runs, key=self._askew)

    def _askew(self, places: Sequence[int]) -> float:
        faces = [self._seen(at).face for at in places]
        turns = [np.inf if face is None else abs(face.turn) / policy.NEUTRAL.turn for face in faces]
        nods = [
            np.inf if face is None else abs(face.pitch) / policy.NEUTRAL.pitch for face in faces
        ]
        return float(max(np.median(turns), np.median(nods)))

    def _most(
        self, gesture: Gesture, start: int, end: int, rest: gestures.Neutral
    ) -> list[int] | None:
        """Where most of a gesture shows; None where it is nowhere the gesture to our engine, or
        something beside it.
        """

        def shown(places: Sequence[int]) -> tuple[bool, float]:
            frames = [self._seen(at) for at in places]
            is_right = gestures.judge(
                gesture, frames, at_rest=rest, thresholds=policy.GESTURES
            ).is_right
            faces = [frame.face for frame in frames if frame.face is not None]
            return is_right, max(gestures.strengths(gesture, faces, rest), default=-np.inf)

        best = max((_even(start, end), *self._runs(_about(self.clip, start, end))), key=shown)
        return best if shown(best)[0] else None

    def _runs(self, about: range) -> list[list[int]]:
        places = [at for at in about if at in self.images]
        return [places[at : at + COUNT] for at in range(len(places) - COUNT + 1)]

    def _seen(self, at: int) -> FrameMeasurement:
        if at not in self.measured:
            thin, _ = clips.Sender().sent(self.images[at], "chain")
            self.measured[at] = people.measured(thin)
        return self.measured[at]


def _even(start: int, end: int) -> list[int]:
    return [int(at) for at in np.linspace(start, end, COUNT)]


def _about(clip: clips.Clip, start: int, end: int, *, aside_s: float = _ASIDE_S) -> range:
    aside, apart = round(aside_s * clip.rate), max(1, round(_APART_S * clip.rate))
    return range(max(0, start - aside), end + aside + 1, apart)


def _placing(image: Image) -> Floats:
    mesh = people.mesh(image)
    five = landmarks.five_points(mesh)
    apart = float(np.linalg.norm(five[1] - five[0]))
    middle = mesh[:, :2].mean(axis=0)
    scale = 80.0 / apart
    return np.array(
        [[scale, 0, WIDTH / 2 - scale * middle[0]], [0, scale, HEIGHT / 2 - scale * middle[1]]]
    )


# Who attacks whom: the attacker tries his material on our engine first, which is public, and
# takes the nearest.


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
        return as_seen(self.folders)

    def other(self, victim: Person) -> Person:
        """The person who looks least like them."""
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
    clips = real(folders, most=_FEW_CLIPS if is_small else None)
    moving = tuple(each for each in clips if set(each.shown) - {NEUTRAL, TALK})
    return Cast(everybody, tuple(fit[at] for at in chosen), moving, clips, folders)


@cache
def nearest(victim: Person, everybody: tuple[Person, ...]) -> tuple[Person, ...]:
    """Everybody else, the most similar to the victim first."""
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
    """Commands as the server draws them for anybody."""
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
