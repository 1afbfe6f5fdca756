"""What goes on from one frame of the chain to the next, in the face and round it, beside what a cut
would show.

A cut is a pair of genuine frames that do not follow each other: of two people, of two captures of
one person, or of one capture five seconds apart. `aligned`: the second is moved first so that its
face lies on that of the first, which is the best that whoever cuts can do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.genuine import Figures, spread
from tools.genuine.clips import RATE, Observed, Seen
from verification.engines.faces.portrait import ARCFACE, Portrait
from verification.engines.liveness import corners as engine
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import five_points
from verification.engines.liveness.planarity import oval, similar

_EACH = 10  # frames of each clip that are joined to those of another
_FAR = round(5 * RATE)  # frames of one capture that lie so far apart are a cut, too
_SHAPE = tuple(range(0, 468, 3))  # points of the mesh: a third of them
NAMES = ("face", "round", "moved", "shape", "alike", "surroundings")


@dataclass(frozen=True)
class Joint:
    """One frame and another. face, round: shares of corners that are still there, in the face and
    round it. moved: the mesh's points, their median, in eye distances; shape: what is left of it
    after shift, turn and growth. alike: correlation of the cut-out faces. surroundings: mean
    difference outside the head, grey levels. NaN: unknown.
    """

    face: float
    round: float
    moved: float
    shape: float
    alike: float
    surroundings: float


Between = tuple[set[str], Joint]
"""Of which two people a cut is, and what its frames share."""


def measure(clips: Sequence[Observed]) -> Figures:
    """Genuine neighbours by clip, and three kinds of cut; then which corner shares would refuse
    what, and which limits follow with each person left out.
    """
    genuine = {
        each.clip.name: [joint(one, other) for one, other in _neighbours(each)] for each in clips
    }
    found: Figures = {"genuine": _told([one for joints in genuine.values() for one in joints])}
    found["genuine_by_clip"] = {name: _told(joints) for name, joints in genuine.items()}
    # Where a camera or a line leaves frames out.
    found["face_by_gap"] = {
        f"{gap}_frames": spread(
            [
                corners(one, other)
                for each in clips
                for one, other in zip(each.chain, each.chain[gap:], strict=False)
            ],
            low=True,
        )
        for gap in (1, 2, 3, 6)
    }
    kinds: dict[str, list[Joint]] = {}
    between = list[Between]()
    for kind, (here, one), (there, other) in _cuts(clips):
        made = joint(one, other), joint(one, aligned(other, one))
        kinds.setdefault(kind, []).append(made[0])
        kinds.setdefault(f"{kind}_aligned", []).append(made[1])
        between += [({here, there}, each) for each in made if kind == "stranger"]
    found["cuts"] = {name: _told(joints, is_cut=True) for name, joints in kinds.items()}
    everyone = [one for joints in genuine.values() for one in joints]
    found["at"] = {
        f"limit_{round(100 * limit)}": {
            "genuine_below": sum(one.face < limit for one in everyone),
            "genuine": len(everyone),
            "people_below": len(
                {
                    each.clip.person
                    for each in clips
                    if any(one.face < limit for one in genuine[each.clip.name])
                }
            ),
            "cuts_above": {
                name: sum(not one.face < limit for one in joints) for name, joints in kinds.items()
            },
            "cuts": {name: len(joints) for name, joints in kinds.items()},
        }
        for limit in (0.15, 0.20, 0.25, 0.30, 0.35, 0.40)
    }
    own = [(each.clip.person, one) for each in clips for one in genuine[each.clip.name]]
    found["left_out"] = {
        name: _left_out(name, own, between) for name in ("face", "round", "surroundings")
    }
    return found


def _left_out(name: str, own: Sequence[tuple[str, Joint]], between: Sequence[Between]) -> Figures:
    """For each person the middle between the others' genuine extreme and that of cuts among them,
    and its errors on this person's neighbours and on cuts to and from them. Of shares small is bad,
    of changing surroundings large.
    """
    sign = -1 if name == "surroundings" else 1
    genuine = [
        (who, sign * getattr(one, name)) for who, one in own if np.isfinite(getattr(one, name))
    ]
    cuts = [
        (whose, sign * getattr(one, name))
        for whose, one in between
        if np.isfinite(getattr(one, name))
    ]
    left_out: Figures = {}
    for person in sorted({who for who, _ in own}):
        least = min(value for who, value in genuine if who != person)
        most = max(value for whose, value in cuts if person not in whose)
        limit = (least + most) / 2
        held, with_me = (
            [v for who, v in genuine if who == person],
            [v for whose, v in cuts if person in whose],
        )
        left_out[person] = {
            "limit": round(sign * limit, 3),
            "neighbours": len(held),
            "beyond": sum(value < limit for value in held),
            "cuts": len(with_me),
            "let_through": sum(value >= limit for value in with_me),
        }
    return left_out


def corners(one: Seen, other: Seen) -> float:
    """The share of the face's corners that are still there: `Joint.face` alone; NaN of too few
    corners.
    """
    found = engine.kept_share(
        engine.grey(one.image), engine.grey(other.image), one.mesh, other.mesh
    )
    return np.nan if found is None else found


def joint(one: Seen, other: Seen) -> Joint:
    """What two frames share."""
    greys = [engine.grey(seen.image) for seen in (one, other)]
    here, there = one.mesh, other.mesh
    eyes = one.frame.face.interocular if one.frame.face else 1.0
    outside = 255 - oval(here, greys[0].shape, 1.15)
    moves = np.linalg.norm(there[:, :2] - here[:, :2], axis=1) / eyes
    left = (
        np.linalg.norm(similar(here[:, :2], there[:, :2]) - there[:, :2], axis=1)[list(_SHAPE)]
        / eyes
    )
    free = (
        cv2.bitwise_and(
            255 - oval(here, greys[0].shape, 1.7), 255 - oval(there, greys[0].shape, 1.7)
        )
        > 0
    )
    cuts = [_face(seen) for seen in (one, other)]
    around = engine.share(greys[0], greys[1], outside, guess=None)
    return Joint(
        face=corners(one, other),
        round=np.nan if around is None else around,
        moved=float(np.median(moves)),
        shape=float(np.median(left)),
        alike=float(np.corrcoef(cuts[0].ravel(), cuts[1].ravel())[0, 1]),
        surroundings=float(np.abs(greys[0].astype(int) - greys[1])[free].mean())
        if free.sum() > 200
        else np.nan,
    )


def aligned(seen: Seen, onto: Seen) -> Seen:
    """The frame moved, turned and scaled so that its face's points lie as near as can be to those
    of the other.
    """
    source, target = five_points(seen.mesh), five_points(onto.mesh)
    matrix = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)[0]
    high, wide = onto.image.shape[:2]
    image = cv2.warpAffine(seen.image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    mesh = np.column_stack([seen.mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2], seen.mesh[:, 2]])
    return _with(seen, np.asarray(image, dtype=np.uint8), mesh)


def _with(seen: Seen, image: Image, mesh: Floats) -> Seen:
    face = seen.frame.face and replace(seen.frame.face, mesh=mesh)
    return Seen(image, replace(seen.frame, face=face), seen.face)


def _face(seen: Seen) -> NDArray[np.float64]:
    cut = Portrait(seen.image, five_points(seen.mesh), 1.0).cut(ARCFACE, side=112)
    return np.asarray(
        cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), (56, 56), interpolation=cv2.INTER_AREA),
        float,
    )


def _neighbours(each: Observed) -> Iterator[tuple[Seen, Seen]]:
    return pairwise(each.chain)


def _cuts(clips: Sequence[Observed]) -> Iterator[tuple[str, tuple[str, Seen], tuple[str, Seen]]]:
    """Frames that do not follow each other, all of a size, each with whose it is."""
    for one, other in product(clips, repeat=2):
        kind = (
            "same_capture"
            if one is other
            else "same_person"
            if one.clip.person == other.clip.person
            else "stranger"
        )
        for at in np.linspace(0, len(one.chain) - 1, _EACH).astype(int):
            for to in np.linspace(0, len(other.chain) - 1, _EACH).astype(int):
                if kind != "same_capture" or abs(at - to) >= _FAR:
                    yield (
                        kind,
                        (one.clip.person, one.chain[at]),
                        (other.clip.person, other.chain[to]),
                    )


def _told(joints: Sequence[Joint], *, is_cut: bool = False) -> Figures:
    """The end of each distribution that is near the other side."""
    lows = {
        "face": not is_cut,
        "round": not is_cut,
        "alike": not is_cut,
    }  # small is bad of a neighbour, large of a cut
    return {
        name: spread([getattr(one, name) for one in joints], low=lows.get(name, is_cut))
        for name in NAMES
    }
