"""What persists from one chain frame to the next, in the face and around it, compared with a cut.

A cut is a pair of genuine frames that are not consecutive: of two people, of two captures of one
person, or of one capture five seconds apart.
`aligned`: the second is moved first so that its face lies on the first one's, an attacker's best
case.
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
_FAR = round(5 * RATE)  # frames of one capture this far apart count as a cut, too
_SHAPE = tuple(range(0, 468, 3))  # points of the mesh: a third of them
NAMES = ("face", "round", "moved", "shape", "alike", "surroundings")


@dataclass(frozen=True)
class Joint:
    """One frame and another.

    face, round: shares of corners that persist, in the face and around it.
    moved: the mesh's points, their median, in eye distances.
    shape: the rest of it after shift, turn and growth.
    alike: correlation of the cut faces.
    surroundings: mean difference outside the head, grey levels.
    NaN: unknown.
    """

    face: float
    round: float
    moved: float
    shape: float
    alike: float
    surroundings: float


Between = tuple[set[str], Joint]
"""The two people of a cut, and what its frames share."""


def measure(clips: Sequence[Observed]) -> Figures:
    """Genuine neighbours by clip, and three kinds of cut.

    Then the refusals of each corner share, and the limits without each person in turn.
    """
    genuine = {
        film.clip.name: [joint(first, second) for first, second in _neighbours(film)]
        for film in clips
    }
    figures: Figures = {
        "genuine": _spreads([link for joints in genuine.values() for link in joints])
    }
    figures["genuine_by_clip"] = {name: _spreads(joints) for name, joints in genuine.items()}
    # For frames that a camera or a line drops.
    figures["face_by_gap"] = {
        f"{gap}_frames": spread(
            [
                corners(first, second)
                for film in clips
                for first, second in zip(film.chain, film.chain[gap:], strict=False)
            ],
            low=True,
        )
        for gap in (1, 2, 3, 6)
    }
    kinds: dict[str, list[Joint]] = {}
    between = list[Between]()
    for kind, (here, first), (there, second) in _cuts(clips):
        joints_made = joint(first, second), joint(first, aligned(second, first))
        kinds.setdefault(kind, []).append(joints_made[0])
        kinds.setdefault(f"{kind}_aligned", []).append(joints_made[1])
        between += [({here, there}, link) for link in joints_made if kind == "stranger"]
    figures["cuts"] = {name: _spreads(joints, is_cut=True) for name, joints in kinds.items()}
    everyone = [link for joints in genuine.values() for link in joints]
    figures["at"] = {
        f"limit_{round(100 * limit)}": {
            "genuine_below": sum(link.face < limit for link in everyone),
            "genuine": len(everyone),
            "people_below": len(
                {
                    film.clip.person
                    for film in clips
                    if any(link.face < limit for link in genuine[film.clip.name])
                }
            ),
            "cuts_above": {
                name: sum(not link.face < limit for link in joints)
                for name, joints in kinds.items()
            },
            "cuts": {name: len(joints) for name, joints in kinds.items()},
        }
        for limit in (0.15, 0.20, 0.25, 0.30, 0.35, 0.40)
    }
    genuine_joints = [
        (film.clip.person, link) for film in clips for link in genuine[film.clip.name]
    ]
    figures["left_out"] = {
        name: _left_out(name, genuine_joints, between) for name in ("face", "round", "surroundings")
    }
    return figures


def _left_out(
    name: str, genuine_joints: Sequence[tuple[str, Joint]], between: Sequence[Between]
) -> Figures:
    """For each person the middle between the others' genuine extreme and their cuts' extreme, and
    its errors.

    Errors on this person's neighbours and on cuts to and from them. Small is bad for shares, large
    for changing surroundings.
    """
    sign = -1 if name == "surroundings" else 1
    genuine = [
        (owner, sign * getattr(link, name))
        for owner, link in genuine_joints
        if np.isfinite(getattr(link, name))
    ]
    cuts = [
        (whose, sign * getattr(link, name))
        for whose, link in between
        if np.isfinite(getattr(link, name))
    ]
    left_out: Figures = {}
    for person in sorted({owner for owner, _ in genuine_joints}):
        least = min(value for owner, value in genuine if owner != person)
        most = max(value for whose, value in cuts if person not in whose)
        limit = (least + most) / 2
        tested, with_me = (
            [v for owner, v in genuine if owner == person],
            [v for whose, v in cuts if person in whose],
        )
        left_out[person] = {
            "limit": round(sign * limit, 3),
            "neighbours": len(tested),
            "beyond": sum(value < limit for value in tested),
            "cuts": len(with_me),
            "let_through": sum(value >= limit for value in with_me),
        }
    return left_out


def corners(first: Seen, second: Seen) -> float:
    """The share of the face's corners that persist: `Joint.face` only; NaN of too few corners."""
    share = engine.kept_share(
        engine.grey(first.image), engine.grey(second.image), first.mesh, second.mesh
    )
    return np.nan if share is None else share


def joint(first: Seen, second: Seen) -> Joint:
    """What two frames share."""
    greys = [engine.grey(frame.image) for frame in (first, second)]
    here, there = first.mesh, second.mesh
    eyes = first.frame.face.interocular if first.frame.face else 1.0
    outside = 255 - oval(here, greys[0].shape, 1.15)
    moves = np.linalg.norm(there[:, :2] - here[:, :2], axis=1) / eyes
    lost = (
        np.linalg.norm(similar(here[:, :2], there[:, :2]) - there[:, :2], axis=1)[list(_SHAPE)]
        / eyes
    )
    free = (
        cv2.bitwise_and(
            255 - oval(here, greys[0].shape, 1.7), 255 - oval(there, greys[0].shape, 1.7)
        )
        > 0
    )
    cuts = [_face(frame) for frame in (first, second)]
    around = engine.share(greys[0], greys[1], outside, guess=None)
    return Joint(
        face=corners(first, second),
        round=np.nan if around is None else around,
        moved=float(np.median(moves)),
        shape=float(np.median(lost)),
        alike=float(np.corrcoef(cuts[0].ravel(), cuts[1].ravel())[0, 1]),
        surroundings=float(np.abs(greys[0].astype(int) - greys[1])[free].mean())
        if free.sum() > 200
        else np.nan,
    )


def aligned(frame: Seen, onto: Seen) -> Seen:
    """The frame under the similarity that brings its face's points nearest to the other's."""
    source, target = five_points(frame.mesh), five_points(onto.mesh)
    matrix = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)[0]
    high, wide = onto.image.shape[:2]
    image = cv2.warpAffine(frame.image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    mesh = np.column_stack([frame.mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2], frame.mesh[:, 2]])
    return _with(frame, np.asarray(image, dtype=np.uint8), mesh)


def _with(frame: Seen, image: Image, mesh: Floats) -> Seen:
    face = frame.frame.face and replace(frame.frame.face, mesh=mesh)
    return Seen(image, replace(frame.frame, face=face), frame.face)


def _face(frame: Seen) -> NDArray[np.float64]:
    cut = Portrait(frame.image, five_points(frame.mesh), 1.0).cut(ARCFACE, side=112)
    return np.asarray(
        cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), (56, 56), interpolation=cv2.INTER_AREA),
        float,
    )


def _neighbours(film: Observed) -> Iterator[tuple[Seen, Seen]]:
    return pairwise(film.chain)


def _cuts(clips: Sequence[Observed]) -> Iterator[tuple[str, tuple[str, Seen], tuple[str, Seen]]]:
    """Frames that are not consecutive, all of one size, each with its person."""
    for first, second in product(clips, repeat=2):
        kind = (
            "same_capture"
            if first is second
            else "same_person"
            if first.clip.person == second.clip.person
            else "stranger"
        )
        for at in np.linspace(0, len(first.chain) - 1, _EACH).astype(int):
            for to in np.linspace(0, len(second.chain) - 1, _EACH).astype(int):
                if kind != "same_capture" or abs(at - to) >= _FAR:
                    yield (
                        kind,
                        (first.clip.person, first.chain[at]),
                        (second.clip.person, second.chain[to]),
                    )


def _spreads(joints: Sequence[Joint], *, is_cut: bool = False) -> Figures:
    """The end of each distribution that faces the other."""
    lows = {
        "face": not is_cut,
        "round": not is_cut,
        "alike": not is_cut,
    }  # small is bad for a neighbour, large for a cut
    return {
        name: spread([getattr(link, name) for link in joints], low=lows.get(name, is_cut))
        for name in NAMES
    }
