"""One step of a live capture: its files, each picture decoded and measured once, on first use.

The thin chain is measured on arrival, because it shows whether the command was done.
The full frames, which show the person, are measured at the judgement.
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
    """Measurements of one step's thin chain, as storable numbers: no pixels, no mesh.

    depth: distance of the moved object from a plane; None if the command is no turn.
    trace: for comparing its frames.
    points: of each frame, x and y of the five points of the face cut, pixels; None without a face.
    corners, surroundings: of the face and around it, from each frame to the next, per
    `corners.joints`.
    windows: how much of it can recognise the capture later.
    stills: its full frames, at rest only, where a mask was looked for. is_masked: whether most show
    a possible mask.
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
    """Measurements of one step's full frames, and whether most show a possible mask, if looked
    for.
    """

    frames: tuple[FrameMeasurement, ...] = ()
    is_masked: bool = False


@dataclass(frozen=True)
class StepNumbers:
    """All measurements of one step, as numbers: the thin chain's with depth and windows, and the
    full frames' with masks.
    """

    frames: tuple[FrameMeasurement, ...]
    stills: tuple[FrameMeasurement, ...]
    depth: planarity.Planarity | None
    windows: prints.Windows
    is_masked: bool = False


@dataclass(frozen=True)
class SentStep:
    """One command, its JPEG files, and the earlier measurement of its chain, if any.

    beside: for each still, the index of the chain's nearest frame in time.
    taken: when each frame of the chain was taken, by the page's clock, milliseconds.
    drawn: at random, after their arrival; selects the compared ones.
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
    """One step: its files, the pixels of its thin chain and full frames, and the measurements.

    fit: the comparable stills, nearest to the face at rest first.
    """

    sent: SentStep
    chain: tuple[Image, ...]
    stills: tuple[Image, ...]
    looked: ChainNumbers
    numbers: StepNumbers
    fit: tuple[int, ...]


def look(step: SentStep, full: Full | None = None) -> tuple[ChainNumbers, prints.Prints]:
    """The content of one step's chain, and the features that recognise it later.

    Full frames are only verified as frames here; they are judged with the rest. full: from
    `look_at_full`.

    Raises: `Refused` with a `frame_…` code for an invalid camera frame.
    """
    _refuse_change([step])
    chain = [frames.decode(content, limits=policy.CHAIN) for content in step.chain]
    numbers, printed = _looked(step.command, chain)
    return numbers if full is None else replace(
        numbers, stills=full.frames, is_masked=full.is_masked
    ), printed


def look_at_full(step: SentStep) -> Full:
    """The content of the full frames at rest.

    Raises: `Refused` with a `frame_…` code for an invalid camera frame.
    """
    stills = [frames.decode(content, limits=policy.FRAMES) for content in step.stills]
    with measurable():
        return _full(stills, is_rest=True)


def measure(steps: Sequence[SentStep]) -> tuple[StepMeasurement, ...]:
    """Decodes every frame, and measures the unmeasured ones; the neutral step comes first.

    1. Read all headers before decoding, and decode all before measuring, so that an invalid frame
       costs little. A camera keeps its size.
    2. Measure.
    3. Find the pose at rest; straight into the camera without a face.
    4. Order the fit frames by distance from it.

    Raises: `Refused` as `look`.
    """
    # 1: each step costs far more than the one before.
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
    # 3: people hold a phone below their face, so "straight" is the pose they took for that command.
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
    """By the headers, before decoding: all are camera frames, of one size in the chain and in
    the stills.
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
    """The content of full frames; at rest with their lids, and whether a mask covers them."""
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
    """The mesh shows a face, so it is dropped here."""
    return tuple(
        replace(measurement, face=measurement.face and replace(measurement.face, mesh=None))
        for measurement in measurements
    )
