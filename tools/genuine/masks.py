"""Distinguishes masked from bare faces in frames at rest.

**The masks are drawn**: six cloths with folds over the mesh of genuine frames, because no clip of a
masked person was available. Bare faces are real.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.verification.engines.liveness import insecure_masks
from tools.genuine import Figures, spread
from tools.genuine.clips import Observed, Seen, Sender, look_at
from verification.engines.faces.embedding import distance
from verification.engines.liveness import landmarks, masks, networks, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.masks import Lower, MaskLimits

_STILL = (0.2, 0.15)  # maximum turn and mouth of a face at rest


def measure(clips: Sequence[Observed], portraits: Sequence[Image] = ()) -> Figures:
    """In full frames, reduced as in the product, and in hints, which precede a capture.

    moving: full frames of the clips in any pose. worse: some of them, degraded.
    portraits: of people outside the clips.
    """
    moving = [(film.clip.person, frame) for film in clips for frame in film.full if frame.measured]
    some = [(person, frame.image) for person, frame in moving[::6]]
    some += [(f"portrait {number // 2}", image) for number, image in enumerate(portraits)]
    return {
        **{stream: _in(stream, clips, portraits) for stream in ("full", "hint")},
        "moving": _of_bare(
            [(person, lower) for person, frame in moving if (lower := _lower(frame)) is not None]
        ),
        "worse": {
            name: {stream: _worse(some, name, stream) for stream in ("full", "hint")}
            for name in _WORSE
        },
    }


def _dark(image: Image, chance: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(image * 0.35 + chance.normal(0, 6, image.shape))


def _noisy(image: Image, chance: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(image + chance.normal(0, 15, image.shape))


def _blurred(image: Image, chance: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(image.astype(np.float64), (0, 0), max(image.shape) / 256))


def _lit_from_below(image: Image, chance: np.random.Generator) -> NDArray[np.float64]:
    down = np.linspace(0, 1, len(image))[:, None, None]
    return np.asarray(image * (1 - down + down * np.array([1.25, 1.0, 0.75])))


def _under_a_hat(image: Image, chance: np.random.Generator) -> NDArray[np.float64]:
    down = np.clip(np.linspace(-0.2, 1.2, len(image)), 0, 1)[:, None, None]
    return np.asarray(image * (down + (1 - down) * np.array([0.45, 0.5, 0.6])))


# Grey levels of noise, pixels of blur (2.5 of 640), and light that is warm below or dark and blue
# above.
_WORSE = {
    "dark": _dark,
    "noisy": _noisy,
    "blurred": _blurred,
    "lit_from_below": _lit_from_below,
    "under_a_hat": _under_a_hat,
}


def _worse(images: Sequence[tuple[str, Image]], name: str, stream: str) -> Figures:
    chance, sender, bare = np.random.default_rng(0), Sender(), []
    for person, image in images:
        worse = np.clip(_WORSE[name](image, chance), 0, 255).astype(np.uint8)
        sent = sender.sent(worse, stream)[0]
        face = landmarks.measure(sent, networks=networks.load()).face
        if face is not None and face.mesh is not None:
            lower = masks.measure(sent, face.mesh, side=policy.MASK.side)
            bare += [] if lower is None else [(person, lower)]
    return _of_bare(bare)


def _in(stream: str, clips: Sequence[Observed], portraits: Sequence[Image]) -> Figures:
    frames = [
        (film.clip.person, frame) for film in clips for frame in film.full if _is_still(film, frame)
    ]
    if stream == "hint":
        frames = [
            (person, look_at(Sender().sent(frame.image, stream)[0])) for person, frame in frames
        ]
    sent = [look_at(Sender().sent(image, stream)[0]) for image in portraits]
    looked = frames + [(f"portrait {number // 2}", frame) for number, frame in enumerate(sent)]
    bare = [
        (person, lower)
        for person, frame in looked
        if frame.measured and (lower := _lower(frame)) is not None
    ]
    chosen = [
        row
        for row in frames[:: max(1, len(frames) // 60)] + looked[len(frames) :]
        if row[1].measured
    ]
    drawn = {
        colour: [again for _, frame in chosen if (again := _masked(frame, colour, stream)).measured]
        for colour in insecure_masks.COLOURS
    }
    lowers = {
        colour: [lower for frame in masked_frames if (lower := _lower(frame)) is not None]
        for colour, masked_frames in drawn.items()
    }
    figures = _of_bare(bare)
    figures["drawn_frames"] = sum(len(rows) for rows in lowers.values())
    figures["drawn_undetected"] = sum(len(chosen) - len(rows) for rows in lowers.values())
    figures["drawn_to_own_bare_face"] = spread(
        [
            distance(frame.face, again.face).value
            for _, frame in chosen[::4]
            if (again := _masked(frame, "blue", stream)).face is not None and frame.face is not None
        ]
    )
    figures["drawn"] = {colour: _spreads(rows) for colour, rows in lowers.items()}
    figures["drawn_missed"] = {
        name: {
            colour: sum(not row.is_masked(limits) for row in rows)
            for colour, rows in lowers.items()
        }
        for name, limits in _limits().items()
    }
    figures["drawn_missed_in_all"] = sum(
        not row.is_masked(policy.MASK) for rows in lowers.values() for row in rows
    )
    return figures


def _of_bare(bare: Sequence[tuple[str, Lower]]) -> Figures:
    return {
        "bare_people": len({person for person, _ in bare}),
        "bare_frames": len(bare),
        "bare": _spreads([lower for _, lower in bare]),
        "bare_refused": {
            name: {
                "frames": sum(lower.is_masked(limits) for _, lower in bare),
                "people": len({person for person, lower in bare if lower.is_masked(limits)}),
            }
            for name, limits in _limits().items()
        },
    }


def _limits() -> dict[str, MaskLimits]:
    pairs = [(policy.MASK.rough, policy.MASK.chin)]
    pairs += [
        (rough, chin) for rough in (0.75, 0.85, 0.95, 1.05) for chin in (13.0, 16.0, 20.0, 24.0)
    ]
    return {
        f"rough_{round(100 * rough)}_chin_{chin:g}": MaskLimits(policy.MASK.side, rough, chin)
        for rough, chin in pairs
    }


def _is_still(film: Observed, frame: Seen) -> bool:
    face = frame.measured
    return (
        face is not None
        and abs(face.turn - film.rest.turn) <= _STILL[0]
        and face.mouth <= _STILL[1]
    )


def _lower(frame: Seen) -> Lower | None:
    return masks.measure(frame.image, frame.mesh, side=policy.MASK.side)


def _masked(frame: Seen, colour: str, stream: str) -> Seen:
    """The frame with a mask drawn over the mouth and the nose, sent as by a page and measured
    again.
    """
    return look_at(Sender().sent(insecure_masks.masked(frame.image, frame.mesh, colour), stream)[0])


def _spreads(lowers: Sequence[Lower]) -> Figures:
    both: dict[str, NDArray[np.float64]] = {
        "rough": np.array([lower.rough for lower in lowers]),
        "chin": np.array([lower.chin for lower in lowers]),
    }
    return {
        name: {"low": spread(values, low=True), "high": spread(values)}
        for name, values in both.items()
    }
