"""Distances of a frame's face: to the same clip's face at rest, to the previous frame, and to
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
    """By the stream compared with the face at rest: `full` and `chain` in their own stream,
    `chain_to_full`, and `by_mesh`:
    the chain, cut by the mesh's points.
    """
    streams = {
        "full": [(_faces(film.full), film.full[film.rest_at].face) for film in clips],
        "chain": [(_faces(film.chain), film.chain[film.rest_at].face) for film in clips],
        "chain_to_full": [(_faces(film.chain), film.full[film.rest_at].face) for film in clips],
        "by_mesh": [(_rows(film.by_mesh), film.by_mesh[film.rest_at]) for film in clips],
    }
    figures: Figures = {name: _stream(clips, faces) for name, faces in streams.items()}
    if portraits:
        figures["portraits"] = _portraits(portraits)
    return figures


def _portraits(portraits: Sequence[Image]) -> Figures:
    """Photographs of people outside the clips, two of each in sequence, in the chain's size."""
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
        np.array([frame.measured.turn if frame.measured else np.nan for frame in film.chain])
        for film in clips
    ]
    turned = [np.abs(yaw - film.rest.turn) for yaw, film in zip(yaws, clips, strict=True)]
    to_rest, near, again, steps, cuts = [], [], [], [], []
    for number, film in enumerate(clips):
        rows, neutral = faces[number]
        if neutral is None:
            raise ValueError(f"{film.clip.name} has no face at rest")
        to_rest.append(_apart(rows, neutral.numbers[None])[:, 0])
        steps.append(
            np.array([float(np.linalg.norm(row - later)) for row, later in pairwise(rows)])
        )
        for place, another in enumerate(clips):
            if another.clip.person != film.clip.person:
                near.append((number, place, _apart(faces[place][0], neutral.numbers[None])[:, 0]))
                cuts.append(_apart(rows, faces[place][0]).ravel())
            elif place != number:
                again.append(_apart(faces[place][0], neutral.numbers[None])[:, 0])
    figures: Figures = {
        "to_rest": spread(np.concatenate(to_rest)),
        "to_rest_by_clip": {
            film.clip.name: spread(values) for film, values in zip(clips, to_rest, strict=True)
        },
        "to_rest_of_another_capture": spread(np.concatenate(again)) if again else {"n": 0},
        "stranger_to_rest": spread(np.concatenate([values for _, _, values in near]), low=True),
        "step": spread(np.concatenate(steps)),
        "step_by_clip": {
            film.clip.name: spread(values) for film, values in zip(clips, steps, strict=True)
        },
        "cut": spread(np.concatenate(cuts), low=True),
        "unseen": sum(int(np.isnan(values).sum()) for values in to_rest),
    }
    figures |= _by_yaw(clips, turned, to_rest, near)
    figures["at"] = {
        f"limit_{round(100 * limit)}": _at(
            clips, to_rest, steps, [values for _, _, values in near], limit
        )
        for limit in _CANDIDATES
    }
    figures |= _by_command(clips, to_rest)
    figures["left_out"] = _left_out(clips, to_rest, near)
    return figures


def _by_yaw(
    clips: Sequence[Observed],
    turned: Sequence[Numbers],
    to_rest: Sequence[Numbers],
    near: Sequence[tuple[int, int, Numbers]],
) -> Figures:
    figures: Figures = {}
    for low, high in pairwise(_YAWS):
        inside = [(turn >= low) & (turn < high) for turn in turned]
        figures[f"yaw_{round(100 * low)}"] = {
            "people": len(
                {film.clip.person for film, bin_ in zip(clips, inside, strict=True) if bin_.any()}
            ),
            "to_rest": spread(
                np.concatenate([values[bin_] for values, bin_ in zip(to_rest, inside, strict=True)])
            ),
            "stranger": spread(
                np.concatenate([values[inside[second]] for _, second, values in near]), low=True
            ),
        }
    return figures


def _by_command(clips: Sequence[Observed], to_rest: Sequence[Numbers]) -> Figures:
    """Over windows of a command's length, and over those with a gesture."""
    figures: Figures = {}
    commands = [
        np.sort(values[start : start + STEP])
        for values in to_rest
        for start in range(0, max(1, len(values) - STEP + 1), STEP // 2)
    ]
    figures["median_of_a_command"] = spread([float(np.median(window)) for window in commands])
    figures["second_farthest_of_a_command"] = spread([float(window[-2]) for window in commands])
    figures["by_gesture"] = {
        str(gesture): spread(
            [
                float(value)
                for film, values in zip(clips, to_rest, strict=True)
                for first, last, shows in film.clip.windows
                if shows == gesture
                for value in values[film.between(first, last)]
            ]
        )
        for gesture in GESTURES
    }
    return figures


def _at(
    clips: Sequence[Observed],
    to_rest: Sequence[Numbers],
    steps: Sequence[Numbers],
    near: Sequence[Numbers],
    limit: float,
) -> Figures:
    """A limit's refusals of genuine frames and of whole commands, and its false matches."""
    windows = [
        (film.clip.person, values[start : start + STEP] > limit)
        for film, values in zip(clips, to_rest, strict=True)
        for start in range(0, max(1, len(values) - STEP + 1), STEP // 2)
    ]
    strangers = np.concatenate(near)
    finite = strangers[np.isfinite(strangers)]
    return {
        "frames_beyond": int(sum((values > limit).sum() for values in to_rest)),
        "people_beyond": len(
            {
                e.clip.person
                for e, values in zip(clips, to_rest, strict=True)
                if (values > limit).any()
            }
        ),
        "steps": len(windows),
        "steps_with_one_beyond": sum(bool(beyond.any()) for _, beyond in windows),
        "steps_with_two_beyond": sum(int(beyond.sum()) >= 2 for _, beyond in windows),
        "next_frames_beyond": int(sum((values > limit).sum() for values in steps)),
        "strangers_within": int((finite <= limit).sum()),
        "strangers": len(finite),
    }


def _left_out(
    clips: Sequence[Observed], to_rest: Sequence[Numbers], near: Sequence[tuple[int, int, Numbers]]
) -> Figures:
    """For each person the middle between the others' farthest frame and nearest stranger, and
    its errors on them.
    """
    figures: Figures = {}
    for person in sorted({film.clip.person for film in clips}):
        mine = [film.clip.person == person for film in clips]
        training = np.concatenate(
            [values for values, is_mine in zip(to_rest, mine, strict=True) if not is_mine]
        )
        strangers = np.concatenate(
            [values for first, second, values in near if not mine[first] and not mine[second]]
        )
        limit = float(np.nanmax(training) + np.nanmin(strangers)) / 2
        tested = np.concatenate(
            [values for values, is_mine in zip(to_rest, mine, strict=True) if is_mine]
        )
        with_me = np.concatenate(
            [values for first, second, values in near if mine[first] or mine[second]]
        )
        figures[person] = {
            "limit": round(limit, 3),
            "frames": int(np.isfinite(tested).sum()),
            "refused": int((tested > limit).sum()),
            "strangers": int(np.isfinite(with_me).sum()),
            "let_through": int((with_me <= limit).sum()),
        }
    return figures


def _faces(stream: Sequence[Seen]) -> Numbers:
    return _rows([frame.face for frame in stream])


def _rows(faces: Sequence[Embedding | None]) -> Numbers:
    """One row per frame; NaN without a face."""
    size = next(len(face.numbers) for face in faces if face is not None)
    return np.stack([np.full(size, np.nan) if face is None else face.numbers for face in faces])


def _apart(rows: Numbers, columns: Numbers) -> Numbers:
    return np.asarray(
        np.sqrt(np.maximum(2 - 2 * rows @ columns.T, 0)), dtype=np.float64
    )  # of length 1, all
