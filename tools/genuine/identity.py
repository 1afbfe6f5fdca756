"""Who a frame shows: its distance to the same clip's face at rest, to the frame before, and to
strangers, by pose.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.genuine import Figures, spread
from tools.genuine.clips import STEP, Observed, Seen, Sender, by_mesh, look_at
from verification.engines.faces.embedding import Embedding
from verification.engines.liveness.frames import Image
from verification.engines.liveness.gestures import GESTURES

_YAWS = (0.0, 0.1, 0.2, 0.35, 1.0)  # change of the turn ratio from rest
_CANDIDATES = (0.90, 0.95, 1.0, 1.02, 1.05, 1.08, 1.11, 1.15)
Numbers = NDArray[np.float64]


def measure(clips: Sequence[Observed], portraits: Sequence[Image] = ()) -> Figures:
    """By the stream that is compared with the face at rest: `full` and `chain` in their own stream,
    `chain_to_full`,
    and `by_mesh`: the chain, cut by the mesh's points.
    """
    streams = {
        "full": [(_faces(each.full), each.full[each.rest_at].face) for each in clips],
        "chain": [(_faces(each.chain), each.chain[each.rest_at].face) for each in clips],
        "chain_to_full": [(_faces(each.chain), each.full[each.rest_at].face) for each in clips],
        "by_mesh": [(_rows(each.by_mesh), each.by_mesh[each.rest_at]) for each in clips],
    }
    found: Figures = {name: _stream(clips, faces) for name, faces in streams.items()}
    if portraits:
        found["portraits"] = _portraits(portraits)
    return found


def _portraits(portraits: Sequence[Image]) -> Figures:
    """Photographs of people who stand in no clip, two of each one after the other, in the chain's
    size.
    """
    rows = _rows([by_mesh(look_at(Sender().sent(image, "chain")[0])) for image in portraits])
    apart = _apart(rows, rows)
    person = np.arange(len(rows)) // 2
    upper = np.triu(np.ones_like(apart, dtype=bool), 1)
    same = person[:, None] == person[None, :]
    return {
        "people": len(set(person.tolist())),
        "same": spread(apart[upper & same]),
        "stranger": spread(apart[upper & ~same], low=True),
    }


def _stream(
    clips: Sequence[Observed], faces: Sequence[tuple[Numbers, Embedding | None]]
) -> Figures:
    yaws = [
        np.array([seen.measured.turn if seen.measured else np.nan for seen in each.chain])
        for each in clips
    ]
    turned = [np.abs(yaw - each.rest.turn) for yaw, each in zip(yaws, clips, strict=True)]
    own, near, again, steps, cuts = [], [], [], [], []
    for number, each in enumerate(clips):
        rows, rest = faces[number]
        if rest is None:
            raise ValueError(f"{each.clip.name} has no face at rest")
        own.append(_apart(rows, rest.numbers[None])[:, 0])
        steps.append(
            np.array([float(np.linalg.norm(one - other)) for one, other in pairwise(rows)])
        )
        for other, another in enumerate(clips):
            if another.clip.person != each.clip.person:
                near.append((number, other, _apart(faces[other][0], rest.numbers[None])[:, 0]))
                cuts.append(_apart(rows, faces[other][0]).ravel())
            elif other != number:
                again.append(_apart(faces[other][0], rest.numbers[None])[:, 0])
    found: Figures = {
        "to_rest": spread(np.concatenate(own)),
        "to_rest_by_clip": {
            each.clip.name: spread(values) for each, values in zip(clips, own, strict=True)
        },
        "to_rest_of_another_capture": spread(np.concatenate(again)) if again else {"n": 0},
        "stranger_to_rest": spread(np.concatenate([values for _, _, values in near]), low=True),
        "step": spread(np.concatenate(steps)),
        "step_by_clip": {
            each.clip.name: spread(values) for each, values in zip(clips, steps, strict=True)
        },
        "cut": spread(np.concatenate(cuts), low=True),
        "unseen": sum(int(np.isnan(values).sum()) for values in own),
    }
    found |= _by_yaw(clips, turned, own, near)
    found["at"] = {
        f"limit_{round(100 * limit)}": _at(
            clips, own, steps, [values for _, _, values in near], limit
        )
        for limit in _CANDIDATES
    }
    found |= _by_command(clips, own)
    found["left_out"] = _left_out(clips, own, near)
    return found


def _by_yaw(
    clips: Sequence[Observed],
    turned: Sequence[Numbers],
    own: Sequence[Numbers],
    near: Sequence[tuple[int, int, Numbers]],
) -> Figures:
    found: Figures = {}
    for low, high in pairwise(_YAWS):
        inside = [(turn >= low) & (turn < high) for turn in turned]
        found[f"yaw_{round(100 * low)}"] = {
            "people": len(
                {each.clip.person for each, bin_ in zip(clips, inside, strict=True) if bin_.any()}
            ),
            "to_rest": spread(
                np.concatenate([values[bin_] for values, bin_ in zip(own, inside, strict=True)])
            ),
            "stranger": spread(
                np.concatenate([values[inside[other]] for _, other, values in near]), low=True
            ),
        }
    return found


def _by_command(clips: Sequence[Observed], own: Sequence[Numbers]) -> Figures:
    """Over windows of a command's length, and over those in which a gesture was seen."""
    found: Figures = {}
    commands = [
        np.sort(values[start : start + STEP])
        for values in own
        for start in range(0, max(1, len(values) - STEP + 1), STEP // 2)
    ]
    found["median_of_a_command"] = spread([float(np.median(each)) for each in commands])
    found["second_farthest_of_a_command"] = spread([float(each[-2]) for each in commands])
    found["by_gesture"] = {
        str(gesture): spread(
            [
                float(value)
                for each, values in zip(clips, own, strict=True)
                for first, last, shows in each.clip.windows
                if shows == gesture
                for value in values[each.between(first, last)]
            ]
        )
        for gesture in GESTURES
    }
    return found


def _at(
    clips: Sequence[Observed],
    own: Sequence[Numbers],
    steps: Sequence[Numbers],
    near: Sequence[Numbers],
    limit: float,
) -> Figures:
    """What a limit refuses of genuine frames and of whole commands, and whom it lets through."""
    windows = [
        (each.clip.person, values[start : start + STEP] > limit)
        for each, values in zip(clips, own, strict=True)
        for start in range(0, max(1, len(values) - STEP + 1), STEP // 2)
    ]
    strangers = np.concatenate(near)
    known = strangers[np.isfinite(strangers)]
    return {
        "frames_beyond": int(sum((values > limit).sum() for values in own)),
        "people_beyond": len(
            {e.clip.person for e, values in zip(clips, own, strict=True) if (values > limit).any()}
        ),
        "steps": len(windows),
        "steps_with_one_beyond": sum(bool(beyond.any()) for _, beyond in windows),
        "steps_with_two_beyond": sum(int(beyond.sum()) >= 2 for _, beyond in windows),
        "next_frames_beyond": int(sum((values > limit).sum() for values in steps)),
        "strangers_within": int((known <= limit).sum()),
        "strangers": len(known),
    }


def _left_out(
    clips: Sequence[Observed], own: Sequence[Numbers], near: Sequence[tuple[int, int, Numbers]]
) -> Figures:
    """For each person the middle between the others' farthest frame and nearest stranger, and its
    errors on them.
    """
    found: Figures = {}
    for person in sorted({each.clip.person for each in clips}):
        mine = [each.clip.person == person for each in clips]
        others = np.concatenate(
            [values for values, is_mine in zip(own, mine, strict=True) if not is_mine]
        )
        strangers = np.concatenate(
            [values for one, other, values in near if not mine[one] and not mine[other]]
        )
        limit = float(np.nanmax(others) + np.nanmin(strangers)) / 2
        held = np.concatenate(
            [values for values, is_mine in zip(own, mine, strict=True) if is_mine]
        )
        with_me = np.concatenate(
            [values for one, other, values in near if mine[one] or mine[other]]
        )
        found[person] = {
            "limit": round(limit, 3),
            "frames": int(np.isfinite(held).sum()),
            "refused": int((held > limit).sum()),
            "strangers": int(np.isfinite(with_me).sum()),
            "let_through": int((with_me <= limit).sum()),
        }
    return found


def _faces(stream: Sequence[Seen]) -> Numbers:
    return _rows([seen.face for seen in stream])


def _rows(faces: Sequence[Embedding | None]) -> Numbers:
    """A row a frame; not a number where no face was found."""
    size = next(len(face.numbers) for face in faces if face is not None)
    return np.stack([np.full(size, np.nan) if face is None else face.numbers for face in faces])


def _apart(rows: Numbers, others: Numbers) -> Numbers:
    return np.asarray(
        np.sqrt(np.maximum(2 - 2 * rows @ others.T, 0)), dtype=np.float64
    )  # of length 1, all
