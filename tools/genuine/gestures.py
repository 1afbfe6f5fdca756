"""What each gate of gestures, depth and quality refuses of genuine clips, and on how many people;
thresholds fitted anew with each person left out once.
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

_STRIDE = 3  # frames between the windows that slide over a clip
_RATIOS = (0.3, 0.4, 0.5, 0.6, 0.7)
_RESIDUALS = (0.012, 0.016, 0.02, 0.024, 0.028)


def measure(clips: Sequence[Observed]) -> Figures:
    """Windows as they were seen by eye, windows that slide over whole clips, depth, the mouth, and
    the other gates.
    """
    return {
        "ranges": {each.clip.name: _ranges(each) for each in clips},
        "shown": {gesture: _shown(clips, gesture) for gesture in GESTURES},
        "sliding": {gesture: _sliding(clips, gesture) for gesture in GESTURES},
        "mouth": _mouth(clips),
        "depth": _depth(clips),
        "gates": _gates(clips),
    }


def _faces(each: Observed, places: Sequence[int]) -> list[FaceMeasurement]:
    return [face for at in places if (face := each.chain[at].measured) is not None]


def _ranges(each: Observed) -> Figures:
    faces = _faces(each, range(len(each.chain)))
    found: Figures = {}
    for gesture in GESTURES:
        series = gestures.strengths(gesture, faces, each.rest)
        found[gesture] = [
            round(float(value), 3)
            for value in np.quantile(series, (0.01, 0.05, 0.5, 0.95, 0.99, 1.0))
        ]
    return found


def is_right(each: Observed, gesture: Gesture, places: Sequence[int]) -> bool:
    """Whether these frames pass the gesture."""
    frames = [each.chain[at].frame for at in places]
    return gestures.judge(gesture, frames, at_rest=each.rest, thresholds=policy.GESTURES).is_right


def _shown(clips: Sequence[Observed], gesture: Gesture) -> Figures:
    """Windows seen by eye: those that show the gesture, and those that show another or none."""
    shown: list[str] = []
    others: list[str] = []
    missed: list[str] = []
    wrong: list[str] = []
    for each in clips:
        for first, last, shows in each.clip.windows:
            told = f"{each.clip.name} {first}-{last}"
            passes = is_right(each, gesture, each.between(first, last))
            (shown if shows == gesture else others).append(each.clip.person)
            if shows == gesture and not passes:
                missed.append(told)
            if shows != gesture and passes:
                wrong.append(f"{told} {shows or 'nothing'}")
    return {
        "windows": len(shown),
        "people": len(set(shown)),
        "missed": missed,
        "other_windows": len(others),
        "other_people": len(set(others)),
        "fired_without": wrong,
    }


def _places(each: Observed) -> list[list[int]]:
    return [
        list(range(start, start + STEP)) for start in range(0, len(each.chain) - STEP + 1, _STRIDE)
    ]


def _has(each: Observed, places: Sequence[int], gesture: Gesture) -> bool:
    """Whether a window has a part of one that was seen to show the gesture."""
    first, last = each.places[places[0]], each.places[places[-1]]
    return any(
        shows == gesture and start <= last and end >= first
        for start, end, shows in each.clip.windows
    )


def _sliding(clips: Sequence[Observed], gesture: Gesture) -> Figures:
    """How many windows of a command's length pass the gesture by chance, where it was not seen by
    eye.
    """
    found: Figures = {}
    for each in clips:
        free = [places for places in _places(each) if not _has(each, places, gesture)]
        found[each.clip.name] = {
            "windows": len(free),
            "passed": sum(is_right(each, gesture, places) for places in free),
        }
    return found


def _mouth(clips: Sequence[Observed]) -> Figures:
    """The opening that lasts for two frames, as the gate counts it, in windows with an open mouth
    and in others.
    """

    def held(each: Observed, places: Sequence[int]) -> float:
        return sorted(face.mouth for face in _faces(each, places))[-policy.GESTURES.held]

    shown = [
        (each.clip.person, held(each, each.between(first, last)))
        for each in clips
        for first, last, shows in each.clip.windows
        if shows == "open_mouth"
    ]
    others = [
        (each.clip.person, held(each, places))
        for each in clips
        for places in _places(each)
        if not _has(each, places, "open_mouth")
    ]
    people = sorted({each.clip.person for each in clips})
    return {
        "shown": {
            who: [round(v, 3) for w, v in shown if w == who]
            for who in sorted({who for who, _ in shown})
        },
        "others": {who: spread([value for w, value in others if w == who]) for who in people},
        "left_out": _mouth_left_out(people, shown, others),
        "at": {
            f"limit_{round(100 * limit)}": {
                "missed": sum(value < limit for _, value in shown),
                "shown": len(shown),
                "fired_without": sum(value >= limit for _, value in others),
                "others": len(others),
                "people_fired": len({who for who, value in others if value >= limit}),
            }
            for limit in (0.24, 0.26, 0.28, 0.30, 0.32)
        },
    }


def _mouth_left_out(
    people: Sequence[str], shown: Sequence[tuple[str, float]], others: Sequence[tuple[str, float]]
) -> Figures:
    """For each person the middle between the others' talk and their open mouths, and its errors on
    that person.
    """
    left_out: Figures = {}
    for person in people:
        low = max(value for who, value in others if who != person)
        high = min(value for who, value in shown if who != person)
        limit = (low + high) / 2
        left_out[person] = {
            "limit": round(limit, 3),
            "missed": sum(value < limit for who, value in shown if who == person),
            "shown": sum(who == person for who, _ in shown),
            "fired_without": sum(value >= limit for who, value in others if who == person),
            "others": sum(who == person for who, _ in others),
        }
    return left_out


def _depth(clips: Sequence[Observed]) -> Figures:
    """Depth in every window of a command's length in which a turn passes, and in the windows seen
    by eye.
    """
    found: Figures = {}
    rows: list[tuple[str, float | None, float | None]] = []
    for each in clips:
        own = turns(each)
        by_eye = [
            _plane(each, each.between(first, last))
            for first, last, shows in each.clip.windows
            if shows in TURNS
        ]
        if own or by_eye:
            found[each.clip.name] = {
                "windows": len(own),
                "without_evidence": sum(one.ratio is None for one in own),
                "ratio": spread([one.ratio for one in own if one.ratio is not None], low=True),
                "residual": spread(
                    [one.residual for one in own if one.residual is not None], low=True
                ),
                "by_eye": [_pair(one) for one in by_eye],
            }
            rows += [(each.clip.person, one.ratio, one.residual) for one in own]
    found["without_a_turn"] = _unturned(clips)
    people = sorted({who for who, _, _ in rows})
    found["at"] = {
        f"{name}_{round(1000 * limit)}": {
            who: {
                "refused": sum(own is None or own[at] < limit for own in _of(rows, who)),
                "windows": len(_of(rows, who)),
            }
            for who in people
        }
        for at, (name, limits) in enumerate((("ratio", _RATIOS), ("residual", _RESIDUALS)))
        for limit in limits
    }
    found["left_out"] = {who: _refit(rows, who) for who in people}
    return found


def turns(each: Observed) -> list[planarity.Planarity]:
    """Depth in every window of a command's length in which a turn passes."""
    return [
        _plane(each, places)
        for places in _places(each)
        if any(_turned(each, turn, places) for turn in TURNS)
    ]


def _unturned(clips: Sequence[Observed]) -> Figures:
    """What faces that do not turn give as evidence of depth."""
    still = [
        _plane(each, places)
        for each in clips
        for places in _places(each)[::2]
        if not any(_turned(each, t, places) for t in TURNS)
    ]
    return {
        "windows": len(still),
        "with_evidence": sum(one.ratio is not None for one in still),
        "ratio": spread([one.ratio for one in still if one.ratio is not None], low=True),
    }


def _turned(each: Observed, turn: Gesture, places: Sequence[int]) -> bool:
    """A turn that begins in this window: the first face is not turned yet."""
    first = each.chain[places[0]].measured
    return (
        first is not None
        and abs(first.turn - each.rest.turn) < 0.2
        and is_right(each, turn, places)
    )


def _of(
    rows: Sequence[tuple[str, float | None, float | None]], who: str
) -> list[tuple[float, float] | None]:
    return [None if q is None or h is None else (q, h) for person, q, h in rows if person == who]


def _refit(rows: Sequence[tuple[str, float | None, float | None]], who: str) -> Figures:
    """The limits below which 5 % of the others' windows fall, and what they refuse of this
    person's.
    """
    others = [
        each
        for each in (
            known for person in {w for w, _, _ in rows} - {who} for known in _of(rows, person)
        )
        if each
    ]
    own = _of(rows, who)
    if not others:
        return {"windows": len(own)}
    ratio, residual = (float(np.quantile([each[at] for each in others], 0.05)) for at in (0, 1))
    refused = sum(each is None or each[0] < ratio or each[1] < residual for each in own)
    return {
        "ratio": round(ratio, 3),
        "residual": round(residual, 4),
        "refused": refused,
        "windows": len(own),
    }


def _plane(each: Observed, places: Sequence[int]) -> planarity.Planarity:
    seen = [each.chain[at] for at in places if each.chain[at].measured]
    return planarity.measure(
        [one.image for one in seen], [one.mesh for one in seen], limits=policy.PLANARITY
    )


def _pair(one: planarity.Planarity) -> list[float | None]:
    return [
        one.ratio and round(one.ratio, 3),
        one.residual and round(one.residual, 4),
        round(one.moved, 3),
    ]


def _gates(clips: Sequence[Observed]) -> Figures:
    """By clip: the face at rest, how many faces, freshness, overlap of boxes, and flaws of full
    frames.
    """
    found: Figures = {}
    for each in clips:
        inside = each.between(*each.clip.rest)
        try:
            gestures.neutral([each.chain[at].frame for at in inside], limits=policy.NEUTRAL)
            rest = "passed"
        except Refused as refused:
            rest = refused.code
        frames = [seen.frame for seen in each.chain]
        boxes = [
            overlap(one.box, other.box) for one, other in pairwise(_faces(each, range(len(frames))))
        ]
        images = [seen.image for seen in each.chain[: 5 * STEP]]
        fresh = continuity.freshness(
            [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
        )
        poor = [flaws(seen.frame, limits=policy.QUALITY) for seen in each.full]
        found[each.clip.name] = {
            "rest": rest,
            "frames": len(frames),
            "one_face_chain": continuity.presence((frames, policy.SECOND_FACE_IN_CHAIN)).one_face,
            "one_face_full": continuity.presence(
                ([s.frame for s in each.full], policy.SECOND_FACE)
            ).one_face,
            "least_overlap": round(min(boxes), 3),
            "frozen_run": fresh.frozen_run,
            "repeated": fresh.repeated,
            "noise": round(fresh.noise or 0.0, 3),
            "flaws": {
                flaw: sum(flaw in one for one in poor)
                for flaw in sorted({f for one in poor for f in one})
            },
            "interocular_full": round(
                float(np.median([s.measured.interocular for s in each.full if s.measured])), 1
            ),
            "interocular_chain": round(
                float(np.median([s.measured.interocular for s in each.chain if s.measured])), 1
            ),
        }
    return found
