"""Refusals of genuine clips by each gate of gestures, depth and quality, and of how many people.

Thresholds are fitted again without each person in turn.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tools.genuine import Figures, spread
from tools.genuine.clips import STEP, Observed
from verification.core.errors import Refused
from verification.engines.liveness import continuity, gestures, planarity, policy
from verification.engines.liveness.gestures import GESTURES, TURNS, Gesture
from verification.engines.liveness.landmarks import FaceMeasurement, flaws, overlap

_STRIDE = 3  # interval, in frames, of windows that slide over a clip
_RATIOS = (0.3, 0.4, 0.5, 0.6, 0.7)
_RESIDUALS = (0.012, 0.016, 0.02, 0.024, 0.028)


def measure(clips: Sequence[Observed]) -> Figures:
    """Windows seen by eye, windows that slide over whole clips, depth, the mouth, and the other
    gates.
    """
    return {
        "ranges": {film.clip.name: _ranges(film) for film in clips},
        "shown": {gesture: _reached(clips, gesture) for gesture in GESTURES},
        "sliding": {gesture: _sliding(clips, gesture) for gesture in GESTURES},
        "mouth": _mouth(clips),
        "depth": _depth(clips),
        "gates": _gates(clips),
    }


def _faces(film: Observed, places: Sequence[int]) -> list[FaceMeasurement]:
    return [face for at in places if (face := film.chain[at].measured) is not None]


def _ranges(film: Observed) -> Figures:
    faces = _faces(film, range(len(film.chain)))
    figures: Figures = {}
    for gesture in GESTURES:
        series = gestures.strengths(gesture, faces, film.rest)
        figures[gesture] = [
            round(float(value), 3)
            for value in np.quantile(series, (0.01, 0.05, 0.5, 0.95, 0.99, 1.0))
        ]
    return figures


def is_right(film: Observed, gesture: Gesture, places: Sequence[int]) -> bool:
    """Whether these frames pass the gesture."""
    frames = [film.chain[at].frame for at in places]
    return gestures.judge(gesture, frames, at_rest=film.rest, thresholds=policy.GESTURES).is_right


def _reached(clips: Sequence[Observed], gesture: Gesture) -> Figures:
    """Windows seen by eye: those with the gesture, and those with another or none."""
    hits: list[str] = []
    misses: list[str] = []
    missed: list[str] = []
    wrong: list[str] = []
    for film in clips:
        for first, last, shows in film.clip.windows:
            window = f"{film.clip.name} {first}-{last}"
            passes = is_right(film, gesture, film.between(first, last))
            (hits if shows == gesture else misses).append(film.clip.person)
            if shows == gesture and not passes:
                missed.append(window)
            if shows != gesture and passes:
                wrong.append(f"{window} {shows or 'nothing'}")
    return {
        "windows": len(hits),
        "people": len(set(hits)),
        "missed": missed,
        "other_windows": len(misses),
        "other_people": len(set(misses)),
        "fired_without": wrong,
    }


def _places(film: Observed) -> list[list[int]]:
    return [
        list(range(start, start + STEP)) for start in range(0, len(film.chain) - STEP + 1, _STRIDE)
    ]


def _has(film: Observed, places: Sequence[int], gesture: Gesture) -> bool:
    """Whether a window has a part of one with the gesture."""
    first, last = film.places[places[0]], film.places[places[-1]]
    return any(
        shows == gesture and start <= last and end >= first
        for start, end, shows in film.clip.windows
    )


def _sliding(clips: Sequence[Observed], gesture: Gesture) -> Figures:
    """How many windows of a command's length pass the gesture by chance, outside those seen by
    eye.
    """
    figures: Figures = {}
    for film in clips:
        free = [places for places in _places(film) if not _has(film, places, gesture)]
        figures[film.clip.name] = {
            "windows": len(free),
            "passed": sum(is_right(film, gesture, places) for places in free),
        }
    return figures


def _mouth(clips: Sequence[Observed]) -> Figures:
    """The opening that lasts two frames, as the gate counts it, in windows with an open mouth
    and in others.
    """

    def degree_held(film: Observed, places: Sequence[int]) -> float:
        return sorted(face.mouth for face in _faces(film, places))[-policy.GESTURES.held]

    hits = [
        (entry.clip.person, degree_held(entry, entry.between(first, last)))
        for entry in clips
        for first, last, shows in entry.clip.windows
        if shows == "open_mouth"
    ]
    misses = [
        (entry.clip.person, degree_held(entry, places))
        for entry in clips
        for places in _places(entry)
        if not _has(entry, places, "open_mouth")
    ]
    people = sorted({entry.clip.person for entry in clips})
    return {
        "shown": {
            person: [round(v, 3) for w, v in hits if w == person]
            for person in sorted({person for person, _ in hits})
        },
        "others": {
            person: spread([value for w, value in misses if w == person]) for person in people
        },
        "left_out": _mouth_left_out(people, hits, misses),
        "at": {
            f"limit_{round(100 * limit)}": {
                "missed": sum(value < limit for _, value in hits),
                "shown": len(hits),
                "fired_without": sum(value >= limit for _, value in misses),
                "others": len(misses),
                "people_fired": len({person for person, value in misses if value >= limit}),
            }
            for limit in (0.24, 0.26, 0.28, 0.30, 0.32)
        },
    }


def _mouth_left_out(
    people: Sequence[str], hits: Sequence[tuple[str, float]], misses: Sequence[tuple[str, float]]
) -> Figures:
    """For each person the middle between the others' talk and their open mouths, and its errors
    on that person.
    """
    left_out: Figures = {}
    for person in people:
        low = max(value for owner, value in misses if owner != person)
        high = min(value for owner, value in hits if owner != person)
        limit = (low + high) / 2
        left_out[person] = {
            "limit": round(limit, 3),
            "missed": sum(value < limit for owner, value in hits if owner == person),
            "shown": sum(owner == person for owner, _ in hits),
            "fired_without": sum(value >= limit for owner, value in misses if owner == person),
            "others": sum(owner == person for owner, _ in misses),
        }
    return left_out


def _depth(clips: Sequence[Observed]) -> Figures:
    """Depth in every window of a command's length that passes a turn, and in the windows seen by
    eye.
    """
    figures: Figures = {}
    rows: list[tuple[str, float | None, float | None]] = []
    for film in clips:
        planes = turns(film)
        by_eye = [
            _plane(film, film.between(first, last))
            for first, last, shows in film.clip.windows
            if shows in TURNS
        ]
        if planes or by_eye:
            figures[film.clip.name] = {
                "windows": len(planes),
                "without_evidence": sum(plane.ratio is None for plane in planes),
                "ratio": spread(
                    [plane.ratio for plane in planes if plane.ratio is not None], low=True
                ),
                "residual": spread(
                    [plane.residual for plane in planes if plane.residual is not None], low=True
                ),
                "by_eye": [_pair(plane) for plane in by_eye],
            }
            rows += [(film.clip.person, plane.ratio, plane.residual) for plane in planes]
    figures["without_a_turn"] = _unturned(clips)
    people = sorted({person for person, _, _ in rows})
    figures["at"] = {
        f"{name}_{round(1000 * limit)}": {
            person: {
                "refused": sum(
                    pair is None or pair[at] < limit for pair in _evidence_of(rows, person)
                ),
                "windows": len(_evidence_of(rows, person)),
            }
            for person in people
        }
        for at, (name, limits) in enumerate((("ratio", _RATIOS), ("residual", _RESIDUALS)))
        for limit in limits
    }
    figures["left_out"] = {person: _refit(rows, person) for person in people}
    return figures


def turns(film: Observed) -> list[planarity.Planarity]:
    """Depth in every window of a command's length that passes a turn."""
    return [
        _plane(film, places)
        for places in _places(film)
        if any(_turned(film, turn, places) for turn in TURNS)
    ]


def _unturned(clips: Sequence[Observed]) -> Figures:
    """The evidence of depth from faces that do not turn."""
    still = [
        _plane(film, places)
        for film in clips
        for places in _places(film)[::2]
        if not any(_turned(film, t, places) for t in TURNS)
    ]
    return {
        "windows": len(still),
        "with_evidence": sum(plane.ratio is not None for plane in still),
        "ratio": spread([plane.ratio for plane in still if plane.ratio is not None], low=True),
    }


def _turned(film: Observed, turn: Gesture, places: Sequence[int]) -> bool:
    """A turn that begins in this window: the first face is not turned yet."""
    first = film.chain[places[0]].measured
    return (
        first is not None
        and abs(first.turn - film.rest.turn) < 0.2
        and is_right(film, turn, places)
    )


def _evidence_of(
    rows: Sequence[tuple[str, float | None, float | None]], owner: str
) -> list[tuple[float, float] | None]:
    return [None if q is None or h is None else (q, h) for person, q, h in rows if person == owner]


def _refit(rows: Sequence[tuple[str, float | None, float | None]], owner: str) -> Figures:
    """The limits below which 5 % of the others' windows fall, and their refusals of this
    person's.
    """
    training = [
        pair
        for pair in (
            pair_of
            for person in {w for w, _, _ in rows} - {owner}
            for pair_of in _evidence_of(rows, person)
        )
        if pair
    ]
    planes = _evidence_of(rows, owner)
    if not training:
        return {"windows": len(planes)}
    ratio, residual = (float(np.quantile([pair[at] for pair in training], 0.05)) for at in (0, 1))
    refusals = sum(pair is None or pair[0] < ratio or pair[1] < residual for pair in planes)
    return {
        "ratio": round(ratio, 3),
        "residual": round(residual, 4),
        "refused": refusals,
        "windows": len(planes),
    }


def _plane(film: Observed, places: Sequence[int]) -> planarity.Planarity:
    frames = [film.chain[at] for at in places if film.chain[at].measured]
    return planarity.measure(
        [frame.image for frame in frames],
        [frame.mesh for frame in frames],
        limits=policy.PLANARITY,
    )


def _pair(plane: planarity.Planarity) -> list[float | None]:
    return [
        plane.ratio and round(plane.ratio, 3),
        plane.residual and round(plane.residual, 4),
        round(plane.moved, 3),
    ]


def _gates(clips: Sequence[Observed]) -> Figures:
    """By clip: the face at rest, how many faces, freshness, overlap of boxes, and flaws of full
    frames.
    """
    figures: Figures = {}
    for film in clips:
        inside = film.between(*film.clip.rest)
        try:
            gestures.neutral([film.chain[at].frame for at in inside], limits=policy.NEUTRAL)
            rest_code = "passed"
        except Refused as refused:
            rest_code = refused.code
        frames = [frame.frame for frame in film.chain]
        boxes = [
            overlap(first.box, second.box)
            for first, second in pairwise(_faces(film, range(len(frames))))
        ]
        images = [frame.image for frame in film.chain[: 5 * STEP]]
        fresh = continuity.freshness(
            [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
        )
        poor = [flaws(frame.frame, limits=policy.QUALITY) for frame in film.full]
        figures[film.clip.name] = {
            "rest": rest_code,
            "frames": len(frames),
            "one_face_chain": continuity.presence((frames, policy.SECOND_FACE_IN_CHAIN)).one_face,
            "one_face_full": continuity.presence(
                ([s.frame for s in film.full], policy.SECOND_FACE)
            ).one_face,
            "least_overlap": round(min(boxes), 3),
            "frozen_run": fresh.frozen_run,
            "repeated": fresh.repeated,
            "noise": round(fresh.noise or 0.0, 3),
            "flaws": {
                flaw: sum(flaw in flaws_of for flaws_of in poor)
                for flaw in sorted({f for flaws_of in poor for f in flaws_of})
            },
            "interocular_full": round(
                float(np.median([s.measured.interocular for s in film.full if s.measured])), 1
            ),
            "interocular_chain": round(
                float(np.median([s.measured.interocular for s in film.chain if s.measured])), 1
            ),
        }
    return figures
