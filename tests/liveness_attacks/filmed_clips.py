"""Real clips of others as frames of a camera: of each gesture the seconds in which our engine finds
most of it.

Whoever attacks has the engine, which is public, and a clip shows a gesture somewhere about where an
eye saw it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from insecure_sandbox.warp_picture import HEIGHT, WIDTH
from tests.liveness_attacks import people
from tests.liveness_attacks.people import COUNT, NEUTRAL, TALK, Actor
from tools.genuine import clips
from verification.engines.liveness import gestures, landmarks, policy
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.gestures import Gesture
from verification.engines.liveness.landmarks import FrameMeasurement

_APART_S = 0.12  # between two frames: most of these gestures last a second and a half
_ASIDE_S = 0.6  # so far from where an eye saw it the engine looks for it, as the page would send it
_HOWEVER = replace(
    policy.NEUTRAL, eye=0.0, turn=np.inf, pitch=np.inf, mouth=np.inf
)  # nobody asked them to be straight
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
