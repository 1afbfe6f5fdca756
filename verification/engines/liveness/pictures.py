"""One step of a live capture: what came for a command, each picture decoded and measured once, when
it is first needed.

The thin chain is looked at as it comes, for it says whether the command was done; the full frames,
which say who did it, are measured when the whole is judged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from verification.core.errors import Refused
from verification.engines.liveness import (
    continuity,
    corners,
    frames,
    gestures,
    landmarks,
    masks,
    networks,
    planarity,
    policy,
    prints,
)
from verification.engines.liveness.frames import Image, measurable
from verification.engines.liveness.landmarks import FrameMeasurement, flaws


@dataclass(frozen=True)
class ChainNumbers:
    """What the thin chain of one step shows, as numbers that may be kept: no pixels, no mesh.

    `depth`: how far from a plane what moved is; None where the command is no turn. `trace`: to
        compare its frames by.
    `points`: of each frame x and y of the five points a face is cut out by, pixels; None where it
        shows none.
    `corners`, `surroundings`: of the face and round it, from each frame to the next, as
        `corners.joints` says.
    `windows`: by how much of it the capture can be known when it comes again. `stills`: its full
    frames, at rest alone, where a mask was looked for; `is_masked`: whether most of them show what
    may be one.
    """

    frames: tuple[FrameMeasurement, ...]
    depth: planarity.Planarity | None
    trace: continuity.Trace
    points: tuple[tuple[float, ...] | None, ...]
    corners: tuple[float | None, ...]
    surroundings: tuple[float | None, ...]
    windows: prints.Windows
    stills: tuple[FrameMeasurement, ...] = ()
    is_masked: bool = False


@dataclass(frozen=True)
class Full:
    """What the full frames of one step show, and whether most of them show what may be a mask,
    where it was looked for.
    """

    frames: tuple[FrameMeasurement, ...] = ()
    is_masked: bool = False


@dataclass(frozen=True)
class StepNumbers:
    """What all pictures of one step show, as numbers: those of the thin chain, its depth and its
    windows, and the full frames' with what may be a mask.
    """

    frames: tuple[FrameMeasurement, ...]
    stills: tuple[FrameMeasurement, ...]
    depth: planarity.Planarity | None
    windows: prints.Windows
    is_masked: bool = False


@dataclass(frozen=True)
class SentStep:
    """One command, the JPEG files that came for it, and what was measured of its chain before, if
    it was looked at.

    beside: of each still the place in the chain of the frame that was taken nearest to it. taken:
    when each frame of the chain was, by the page's clock, milliseconds. drawn: by chance, after
    they came; it chooses those to compare.
    """

    command: str
    chain: tuple[bytes, ...] = field(repr=False)
    stills: tuple[bytes, ...] = field(repr=False)
    beside: tuple[int, ...]
    taken: tuple[int, ...]
    looked: ChainNumbers | None = None
    drawn: int = 0


@dataclass(frozen=True)
class StepMeasurement:
    """One step: what was sent, the pixels of its thin chain and of its full frames, and what was
    measured, of the chain and of all of it.

    `fit`: the stills that can be compared, those nearest to the face at rest first.
    """

    sent: SentStep
    chain: tuple[Image, ...]
    stills: tuple[Image, ...]
    looked: ChainNumbers
    numbers: StepNumbers
    fit: tuple[int, ...]


def look(step: SentStep, full: Full | None = None) -> tuple[ChainNumbers, prints.Prints]:
    """What the chain of one step shows, and what it is known by when it comes again.

    Its full frames are judged with the rest, and only found to be frames here. full: what
    `look_at_full` says of them.

    Raises `Refused` with a `frame_…` code for a frame that is no camera frame.
    """
    _refuse_change([step])
    chain = [frames.decode(content, limits=policy.CHAIN) for content in step.chain]
    numbers, printed = _looked(step.command, chain)
    return numbers if full is None else replace(
        numbers, stills=full.frames, is_masked=full.is_masked
    ), printed


def look_at_full(step: SentStep) -> Full:
    """What the full frames at rest show. Raises `Refused` with a `frame_…` code for one that is no
    camera frame.
    """
    stills = [frames.decode(content, limits=policy.FRAMES) for content in step.stills]
    with measurable():
        return _full(stills, is_rest=True)


def measure(steps: Sequence[SentStep]) -> tuple[StepMeasurement, ...]:
    """Decodes every frame, and measures what nobody has looked at; the neutral step comes first.

    1 read all headers before one is decoded, and decode all before one is measured, so that a frame
    that is none costs little; a camera keeps its size · 2 measure · 3 the pose at rest, straight
    into the camera where no face shows · 4 what is fit, nearest to it first. Raises `Refused` as
    `look`.
    """
    # 1: each costs far more than what comes before it.
    _refuse_change(steps)
    decoded = [
        (
            tuple(frames.decode(content, limits=policy.CHAIN) for content in step.chain),
            tuple(frames.decode(content, limits=policy.FRAMES) for content in step.stills),
        )
        for step in steps
    ]
    # 2
    with measurable():
        full = [
            Full(step.looked.stills, step.looked.is_masked)
            if step.looked and step.looked.stills
            else _full(stills, is_rest=at == 0)
            for at, (step, (_, stills)) in enumerate(zip(steps, decoded, strict=True))
        ]
    looked = [
        step.looked or _looked(step.command, chain)[0]
        for step, (chain, _) in zip(steps, decoded, strict=True)
    ]
    # 3: people hold a phone below their face, so "straight" is what they showed when asked to look
    # straight.
    at_rest = [frame.face for frame in looked[0].frames if frame.face is not None] if looked else []
    turn = median(face.turn for face in at_rest) if at_rest else 0.0
    pitch = median(face.pitch for face in at_rest) if at_rest else 0.0
    measured = []
    for step, (chain, stills), chain_look, still_looks in zip(
        steps, decoded, looked, full, strict=True
    ):
        away = [  # 4: a turned or bowed face is a poor probe
            (gestures.away(face, turn=turn, pitch=pitch, limits=policy.NEUTRAL), at)
            for at, frame in enumerate(still_looks.frames)
            if (face := frame.face) and not flaws(frame, limits=policy.QUALITY)
        ]
        numbers = StepNumbers(
            chain_look.frames,
            still_looks.frames,
            chain_look.depth,
            chain_look.windows,
            still_looks.is_masked,
        )
        fit = tuple(at for _, at in sorted(away))
        measured.append(StepMeasurement(step, chain, stills, chain_look, numbers, fit))
    return tuple(measured)


def _refuse_change(steps: Sequence[SentStep]) -> None:
    """By the headers, before a pixel is decoded: all are camera frames, of one size in the chain
    and in the stills.
    """
    chain, stills = (
        [image for step in steps for image in step.chain],
        [image for step in steps for image in step.stills],
    )
    for stream, limits in ((chain, policy.CHAIN), (stills, policy.FRAMES)):
        headers = [frames.check(content, limits=limits) for content in stream]
        if len({(header.width, header.height) for header in headers}) > 1:
            raise Refused("frame_size_changed", "the frames of a capture differ in size")


def _looked(command: str, chain: Sequence[Image]) -> tuple[ChainNumbers, prints.Prints]:
    loaded = networks.load()
    with measurable():
        measured, depth = landmarks.measure_all(chain, networks=loaded), None
        with_mesh = [
            None if frame.face is None or frame.face.mesh is None else (image, frame.face.mesh)
            for image, frame in zip(chain, measured, strict=True)
        ]
        if command in gestures.TURNS:
            there = [pair for pair in with_mesh if pair is not None]
            images, meshes = [image for image, _ in there], [mesh for _, mesh in there]
            depth = planarity.measure(images, meshes, limits=policy.PLANARITY)
        printed = prints.prints_of(
            [
                (image, frame.face)
                for image, frame in zip(chain, measured, strict=True)
                if frame.face
            ]
        )
        five = [
            None if pair is None else landmarks.five_points(pair[1]).ravel() for pair in with_mesh
        ]
        points = tuple(
            None if pair is None else tuple(round(float(part), 2) for part in pair) for pair in five
        )
        joints = corners.joints(with_mesh)
        joined, around = (tuple(joint[part] for joint in joints) for part in range(2))
        traced, again = continuity.trace(chain), prints.windows(printed, limits=policy.AGAIN)
        return ChainNumbers(
            _without_mesh(measured), depth, traced, points, joined, around, again
        ), printed


def _full(stills: Sequence[Image], *, is_rest: bool) -> Full:
    """What full frames show; at rest with their lids, and whether a mask covers them."""
    loaded = (
        networks.load()
        if is_rest
        else networks.Networks(networks.load_detection(), networks.load_mesh())
    )
    measured = landmarks.measure_all(stills, networks=loaded)
    faces = (
        (image, frame.face)
        for image, frame in zip(stills, measured, strict=True)
        if frame.face is not None
    )
    meshed = [(image, face.mesh) for image, face in faces if face.mesh is not None]
    return Full(_without_mesh(measured), is_rest and masks.are_masked(meshed, limits=policy.MASK))


def _without_mesh(measurements: Iterable[FrameMeasurement]) -> tuple[FrameMeasurement, ...]:
    """The mesh shows a face; it ends here."""
    return tuple(
        replace(measurement, face=measurement.face and replace(measurement.face, mesh=None))
        for measurement in measurements
    )
