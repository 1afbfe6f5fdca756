"""Captures that come again, in every way that anybody plays a film, and pairs of captures that are
none.

The captures are those of a model (`commanded`), for there are no 80 captures of one person that may
be kept; those of the real clips are played again where they are at hand. The numbers that decide
were fixed on other captures of the model.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from insecure_sandbox import samples, warp
from tests.proofs import Figures
from tests.verification.engines.liveness.commanded import Film
from tools.genuine.clips import CLIPS, STEP, Clip, places_of, read
from tools.genuine.replays import Change, all_of, cropped, lighter, pressed
from verification.engines.liveness import frames, landmarks, networks, policy, prints
from verification.engines.liveness.frames import Image
from verification.engines.liveness.prints import Alike, Prints
from verification.stages.live_capture.policy import CAPTURE, TURNS

# Minutes of painting and measuring: not for every commit's quick check.
pytestmark = pytest.mark.proof("liveness_replays")

_REAL = Path(__file__).resolve().parents[5] / "shared" / "data" / "liveness"
# How many captures of each portrait, and how many of them are played again: 3 160 pairs and 506
# replays.
_CAPTURES = {
    "obama3.jpg": (32, 16),
    "biden.jpg": (20, 12),
    "obama.jpg": (14, 9),
    "obama2.jpg": (14, 9),
}
_KEPT = samples.SAMPLES.parent / "proofs" / "liveness_replays"
_QUALITIES = range(70, 5, -5)  # as the page: the best that fits
Taken = Sequence[Sequence[Image]]
"""The frames of each step."""


@dataclass(frozen=True)
class Way:
    """A way to play a capture again: what is done to each frame, how many times as long it takes,
    in which order.
    """

    change: Change
    slowed: float = 1.0
    is_reversed: bool = False


WAYS = {
    "quality_90": Way(pressed(90)),
    "quality_70": Way(pressed(70)),
    "quality_40": Way(pressed(40)),
    "cropped_2": Way(cropped(0.02)),
    "cropped_5": Way(cropped(0.05)),
    "cropped_10": Way(cropped(0.10)),
    "reordered": Way(pressed(70), is_reversed=True),
    "slowed_1_25": Way(pressed(70), slowed=1.25),
    "slowed_1_6": Way(pressed(70), slowed=1.6),
    "brighter": Way(lighter),
    "all_at_once": Way(all_of(cropped(0.08), lighter, pressed(50)), is_reversed=True),
}
BESIDE = {"mirrored": Way(lambda image, _: np.ascontiguousarray(image[:, ::-1]))}
_FEW = 1  # ways outside `make prove`, drawn by the seed


@dataclass(frozen=True)
class Seen:
    """What is kept of one capture, and of it played again in every way; of none where it is not."""

    of: str
    own: list[Prints]
    again: Mapping[str, list[Prints]]


def _sent(image: Image) -> Image:
    """The frame as the server has it of the thin chain."""
    high, wide = image.shape[:2]
    scale = CAPTURE.chain_side / min(high, wide)
    small = cv2.resize(
        image, (round(wide * scale), round(high * scale)), interpolation=cv2.INTER_AREA
    )[:, :, ::-1]
    made = next(
        sent
        for quality in _QUALITIES
        if len(
            sent := cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        )
        <= CAPTURE.chain_bytes
    )
    return frames.decode(made, limits=policy.CHAIN)


def _prints(steps: Taken, way: Way | None = None) -> list[Prints]:
    found = []
    for step in steps:
        # A crop is one for the whole capture: a player of a film cuts it once.
        shown = [
            _sent(way.change(image, np.random.default_rng(1)) if way else image) for image in step
        ]
        faces = [
            (image, landmarks.measure(image, networks=networks.load()).face) for image in shown
        ]
        found.append(prints.prints_of([(image, face) for image, face in faces if face is not None]))
    return found[::-1] if way and way.is_reversed else found


def _seen(of: str, played: Callable[[float], Taken], *, ways: Collection[str]) -> Seen:
    taken = {1.0: played(1.0)}
    again = {}
    for name, way in {**WAYS, **BESIDE}.items():
        if name not in ways:
            continue
        if way.slowed not in taken:
            taken[way.slowed] = played(way.slowed)
        again[name] = _prints(taken[way.slowed], way)
    return Seen(of, _prints(taken[1.0]), again)


def _modelled(
    portrait: str,
    seed: tuple[int, ...],
    ways: Collection[str],
    is_kept: bool,
    commands: Collection[str] | None,
) -> Seen:
    """One capture of the model, of all commands or of these. Kept: what a proof that was broken off
    has made of this commit is taken up again.
    """
    kept = _KEPT / f"{portrait}-{'-'.join(map(str, seed))}.json"
    if is_kept and kept.is_file():
        read = {
            name: [prints.from_bytes(bytes.fromhex(step)) for step in steps]
            for name, steps in json.loads(kept.read_text()).items()
        }
        return Seen(portrait, read.pop("own"), read)
    image = np.asarray(Pillow.open(samples.SAMPLES / portrait).convert("RGB"), dtype=np.uint8)
    film = Film(warp.Puppet(image), seed=seed)
    seen = _seen(portrait, lambda slowed: film.steps(slowed=slowed, of=commands), ways=ways)
    if is_kept:
        written = {"own": seen.own, **seen.again}
        _KEPT.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}")
        aside.write_text(
            json.dumps(
                {name: [step.to_bytes().hex() for step in each] for name, each in written.items()}
            )
        )
        aside.replace(kept)
    return seen


@pytest.fixture(scope="module")
def modelled(request: pytest.FixtureRequest, proof_seed: int) -> Iterator[list[Seen]]:
    """The captures of the model; both turns of two of them, and of one the replay in one way,
    outside `make prove`.
    """
    try:
        samples.fetch()
    except OSError as error:
        pytest.skip(str(error))
    is_whole = request.config.getoption("--prove")
    # The seed of `make test` is the same from commit to commit, so nothing of it may be taken up
    # again.
    is_kept = is_whole and proof_seed != 0
    ways = [*WAYS, *BESIDE] if is_whole else random.Random(proof_seed).sample([*WAYS], _FEW)
    wanted = [
        (
            portrait,
            (proof_seed, number, kind),
            ways if number < (again if is_whole else kind == 0) else (),
            is_kept,
            None if is_whole else ("look_straight", *TURNS),
        )
        for kind, (portrait, (count, again)) in enumerate(_CAPTURES.items())
        for number in range(count if is_whole else count // 20)
    ]
    if not is_whole:
        yield [_modelled(*each) for each in wanted]
        return
    # Not forked: the networks of this process may be in the middle of something.
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        yield list(pool.map(_modelled, *zip(*wanted, strict=True)))


def _alike(one: Sequence[Prints], other: Sequence[Prints]) -> Alike:
    return prints.compare(one, other, limits=policy.AGAIN)


def _is_for_people(found: Alike) -> bool:
    return policy.AGAIN.resembles(found) and not policy.AGAIN.finds(found)


def _is_candidate(one: Sequence[Prints], other: Sequence[Prints]) -> bool:
    """Whether the index finds the other by the one: as the stage asks it, and as the workflow
    counts.
    """
    indexed = partial(prints.marks, kinds=policy.AGAIN_KINDS)
    kept = frozenset[bytes]().union(
        *(own for step in other for own in indexed(step)[:: policy.AGAIN_EVERY])
    )
    ways = [shown for step in one for shown in (step, prints.mirrored(step))]
    sought = frozenset[bytes]().union(*(own for shown in ways for own in indexed(shown)))
    return len(kept & sought) >= policy.AGAIN_SHARED


def test_a_capture_that_is_played_again_is_found(
    modelled: list[Seen], proof_figures: Figures
) -> None:
    found, looked_at, played, fewest = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    for seen in modelled:
        for name, again in seen.again.items():
            played[name] += 1
            alike, is_compared = _alike(again, seen.own), _is_candidate(again, seen.own)
            found[name] += is_compared and policy.AGAIN.finds(alike)
            looked_at[name] += is_compared and _is_for_people(alike)
            fewest[name] = min(fewest.get(name, alike.fits), alike.fits)
    of_ways, are_found, to_people = (
        sum(count[name] for name in WAYS) for count in (played, found, looked_at)
    )
    proof_figures |= {
        "replays": of_ways,
        "replays_found": are_found,
        "replays_to_people": to_people,
    }
    proof_figures |= {
        "replays_missed": of_ways - are_found - to_people,
        "fewest_fits": min(fewest.values()),
    }
    proof_figures |= {"mirrored_to_people": looked_at["mirrored"]}
    proof_figures |= {f"found_{name}": found[name] for name in played} | {
        f"played_{name}": played[name] for name in played
    }
    assert are_found >= 0.99 * of_ways


def test_no_other_capture_is_taken_for_it(modelled: list[Seen], proof_figures: Figures) -> None:
    pairs, alarms, looked_at, candidates = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    nearest, fits = Counter[str](), Counter[str]()
    for one, other in combinations(modelled, 2):
        kind = (
            "one_place"
            if one.of == other.of
            else "one_man"
            if {one.of, other.of}.isdisjoint({"biden.jpg"})
            else "two"
        )
        pairs[kind] += 1
        found = _alike(other.own, one.own)
        alarms[kind] += policy.AGAIN.finds(found)
        looked_at[kind] += _is_for_people(found)
        candidates[kind] += _is_candidate(other.own, one.own)
        nearest[kind] = max(nearest[kind], round(100 * found.fitting))
        fits[kind] = max(fits[kind], found.fits)
    proof_figures |= {"pairs": sum(pairs.values()), "alarms": sum(alarms.values())}
    proof_figures |= {"pairs_to_people": sum(looked_at.values()), "most_fits": max(fits.values())}
    for kind, number in pairs.items():
        proof_figures |= {
            f"pairs_{kind}": number,
            f"alarms_{kind}": alarms[kind],
            f"candidates_{kind}": candidates[kind],
            f"most_fitting_percent_{kind}": nearest[kind],
        }
    assert sum(alarms.values()) == 0


def _real_captures(clip: Clip) -> list[Seen]:
    images, found = read(_REAL, clip), []
    places, whole = places_of(clip, len(images)), 3 * STEP
    for start in range(0, max(1, len(places) - whole // 2), whole):
        first, *_, last = taken = places[start : start + whole]

        def played(
            slowed: float, first: int = first, last: int = last, count: int = len(taken)
        ) -> Taken:
            every = [
                at for at in places_of(clip, len(images), slowed=slowed) if first <= at <= last
            ][:count]
            return [
                [images[at] for at in every[step : step + STEP]]
                for step in range(0, len(every), STEP)
            ]

        found.append(_seen(clip.person, played, ways=[*WAYS, *BESIDE]))
    return found


@pytest.mark.whole
def test_real_clips_are_found_and_not_taken_for_one_another(proof_figures: Figures) -> None:
    there = [clip for clip in CLIPS if (_REAL / clip.file).is_file()]
    if not there:
        pytest.skip("no real clips beside the checkout")
    seen = [each for clip in there for each in _real_captures(clip)]
    # What hardly moves is not judged: these people were not told to move.
    judged = {name: [_alike(each.again[name], each.own) for each in seen] for name in WAYS}
    moving = {
        name: [one for one in each if one.windows >= policy.AGAIN.fits]
        for name, each in judged.items()
    }
    found = {name: sum(map(policy.AGAIN.finds, each)) for name, each in moving.items()}
    pairs = [_alike(other.own, one.own) for one, other in combinations(seen, 2)]
    alarms = sum(map(policy.AGAIN.finds, pairs))
    looked_at = [one for each in moving.values() for one in each if _is_for_people(one)]
    proof_figures |= {
        "real_captures": len(seen),
        "real_replays": sum(map(len, judged.values())),
        "real_replays_that_move": sum(map(len, moving.values())),
        "real_replays_found": sum(found.values()),
        "real_replays_to_people": len(looked_at),
        "real_pairs": len(pairs),
        "real_alarms": alarms,
        "real_pairs_to_people": sum(map(_is_for_people, pairs)),
    }
    proof_figures |= {f"real_missed_{name}": len(moving[name]) - found[name] for name in WAYS}
    assert alarms == 0
