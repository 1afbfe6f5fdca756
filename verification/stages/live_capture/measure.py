"""All measurements of one live capture and the register's photo, made once: numbers, distances,
hashes.

Each command's chain is measured on arrival (`look_at_live_capture`); the judgement joins the
results:

2. The pictures of each command, and their times.
3. Pixels and points of every frame.
4. Freshness, faces, quality, gestures, depth.
5. The face of each step, and along the chain, compared with the first.
6. The reference, compared with the face at rest and in gestures, in full frames and in the chain.

Pixels and embeddings end with the call.
Functions that read evidence raise `Refused` (check_missing) if it is absent or unreadable.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from verification.core import stored
from verification.core.answers import has_run_out, parse_consent, parse_photo
from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import LOOK_AT, Again, Evidence, Looked, Memory
from verification.engines import weights
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding, distance, median_distance
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import (
    capture,
    continuity,
    gestures,
    injection,
    passive,
    pictures,
    planarity,
    prints,
)
from verification.engines.liveness import policy as engine_policy
from verification.engines.liveness.capture import FrameIdentity, Looks, Probes
from verification.engines.liveness.continuity import Continuity as Continuity
from verification.engines.liveness.continuity import Freshness, Presence
from verification.engines.liveness.gestures import Neutral, StepJudgement
from verification.engines.liveness.injection import Injection, Told
from verification.engines.liveness.passive import PassiveScores
from verification.engines.liveness.pictures import (
    ChainNumbers,
    SentStep,
    StepMeasurement,
    StepNumbers,
)
from verification.engines.liveness.planarity import Planarity
from verification.engines.liveness.prints import Alike, Prints
from verification.engines.liveness.throughout import Throughout as Throughout
from verification.engines.liveness.throughout import throughout
from verification.stages.live_capture.dialogue import (
    COMPARED,
    CONSENT,
    NEUTRAL,
    PHOTO,
    STAGE,
    apart,
    ordered,
)
from verification.stages.live_capture.policy import LINE_LOST, LiveCapturePolicy

_PRINTS = re.compile(rf"{STAGE}\.(\d+)\.prints")
_PICTURE = re.compile(rf"{STAGE}\.\d+\.(chain|frame)\.")


@dataclass(frozen=True)
class CapturedStep:
    """One command and its pictures: `sent`.

    place: the prefix of its evidence kinds.
    stills: the kinds of its full frames.
    is_bound: whether every picture carried the code of this attempt, step and showing.
    taken_ms: milliseconds from the showing to each frame of the chain, by the page's clock.
    soonest: seconds from the showing to the first part, by our clock.
    transfer, ahead: longest and shortest transfer of a part, from its last frame by the page's
    clock to its arrival by ours.
    cameras: each part's data on the camera.
    """

    sent: SentStep
    place: str
    stills: tuple[str, ...]
    arrived: datetime
    is_bound: bool
    taken_ms: tuple[int, ...]
    soonest: float
    transfer: float
    ahead: float
    cameras: tuple[Told, ...]


@dataclass(frozen=True)
class Captured:
    """The pictures of an order, from the last request to look straight.

    missed, lost: how often a command was not seen, or the line was lost, and another command
    followed.
    by_line: whether the line ended the capture.
    presented_before: whether the same bytes of a frame or part were in another attempt.
    """

    steps: tuple[CapturedStep, ...]
    missed: int
    lost: int
    by_line: bool
    presented_before: bool


@dataclass(frozen=True)
class Compared:
    """Similarity to another attempt's capture, of any borrower. is_beside: of the same
    verification.
    """

    attempt: str
    alike: Alike
    is_beside: bool = False


@dataclass(frozen=True)
class ComparedAll:
    """Similarity to each compared capture, most similar first; is_whole: whether all candidates
    were compared.
    """

    others: tuple[Compared, ...]
    is_whole: bool


@dataclass(frozen=True)
class Sent:
    """The pictures of the order: each step's command, and its numbers of chain frames and full
    frames.

    soonest: seconds from a showing to the first part, the least over all steps.
    earliest, latest: seconds by the page's clock to the first frame (least) and last one (most).
    transfer, ahead: longest and shortest transfer of a part; below 0 it arrived before it was
    taken.
    rate, gap: frames a second of the slowest chain, and the longest time without a frame.
    The others: see `Captured` and `Ordered`.
    """

    order: tuple[str, ...]
    without: tuple[str, ...]
    replaced_max: int
    commands: tuple[str, ...]
    chain: tuple[int, ...]
    stills: tuple[int, ...]
    soonest: float
    earliest: float
    latest: float
    transfer: float
    ahead: float
    rate: float
    gap: float
    missed: int
    lost: int
    by_line: bool
    lost_before: int
    unburnt_before: int
    is_bound: bool
    presented_before: bool
    compared: ComparedAll


@dataclass(frozen=True)
class Shown:
    """The content of the frames. `flaws`: the first flaw of each step without a comparable frame.

    continuity: of the full frames; throughout: of the thin chain.
    poorest: pixels between the eyes, light and sharpness of the steps' best stills.
    numbers: of all frames.
    """

    freshness: Freshness
    presence: Presence
    flaws: tuple[str, ...]
    poorest: Mapping[str, str]
    gestures: tuple[StepJudgement, ...] | Step
    depth: Planarity
    continuity: Continuity | Step
    throughout: Throughout | Step
    numbers: tuple[StepNumbers, ...]


@dataclass(frozen=True)
class Match:
    """Distances to the reference, in the embedding's units.

    Upper medians of the best frames at rest and of each command's best, and the farthest.
    rest_frames: positions of the compared frames in the first step, best first.
    """

    at_rest: float
    at_work: float
    farthest: float
    rest_frames: tuple[int, ...]


@dataclass(frozen=True)
class LiveCaptureFacts:
    """Input of a live capture's judgement.

    best: kinds of the full frames that represent the steps; they are kept when others are
    destroyed.
    identity: the person in each still, with the pose.
    left: attempts, with this one.
    models: SHA-256 of the models that find and measure faces.
    embedding, recognition: units and net of the distances.
    passive: the attack detector's result; None without a detector or a measurement.
    """

    sent: Sent | Step
    shown: Shown | Step
    match: Match | Step
    injection: Injection | Step
    best: tuple[str, ...]
    identity: tuple[FrameIdentity, ...]
    left: int | None
    handed_over: bool
    amount: str
    currency: str
    models: Mapping[str, str]
    embedding: str
    recognition: Mapping[str, str]
    passive: PassiveScores | None = None


def measure_live_capture(
    case: Case, evidence: Evidence, policy: LiveCapturePolicy
) -> LiveCaptureFacts:
    """The facts of a capture. An unmeasurable item appears as a step that refuses."""
    # 2: without an order, or without its frames, there is nothing to measure.
    sent = measured(_sent, evidence)
    # 3: all frames are decoded here; `steps`, `looks` and `faces` end with this call, and only
    # numbers leave it.
    is_lost = not isinstance(sent, Step) and sent[0].by_line  # a cut line leaves nothing to measure
    steps = (
        sent
        if isinstance(sent, Step)
        else Step(LINE_LOST)
        if is_lost
        else measured(pictures.measure, sent[1])
    )
    unburnt_before = 0 if isinstance(sent, Step) else sent[0].unburnt_before
    if not isinstance(steps, Step) and _ends_by_mask(steps[0].numbers.is_masked, unburnt_before):
        steps = Step("liveness_face_masked", {"detail": "the lower face looks like cloth"})
    looks = () if isinstance(steps, Step) else capture.looks(steps)
    best = () if isinstance(steps, Step) else capture.best(steps, looks)
    # 5: the best frames of each step; a step without one refuses by its own code.
    faces = (
        steps
        if isinstance(steps, Step)
        else measured(capture.probes, steps, looks, most=policy.match_frames)
    )
    photo_face = measured(_reference, case, evidence, policy.reference)
    neutral, reference = (
        None if isinstance(faces, Step) else faces[0][0][1],
        None if isinstance(photo_face, Step) else photo_face,
    )
    came, limits = () if isinstance(sent, Step) else sent[2], policy.injection
    chains, cameras = (
        () if isinstance(steps, Step) else [step.chain for step in steps],
        [step.cameras for step in came],
    )
    # 4, 5 and 6 are independent: a failed measurement of one hides none of the others from a
    # replay.
    return LiveCaptureFacts(
        sent=sent if isinstance(sent, Step) else sent[0],
        shown=(
            steps
            if isinstance(steps, Step)
            else measured(_view, evidence, steps, looks, faces, reference)
        ),
        match=measured(_match, faces, photo_face),
        injection=(
            steps
            if isinstance(steps, Step)
            else measured(injection.injection_of, chains, cameras, limits=limits)
        ),
        best=tuple(
            step.stills[at]
            for step, at in zip(came if best else (), best, strict=True)
            if at is not None
        ),
        identity=(
            ()
            if isinstance(steps, Step)
            else capture.identities(steps, looks, neutral=neutral, reference=reference)
        ),
        left=evidence.attempts_left,
        handed_over=evidence.handed_over,
        amount=case.loan.amount,
        currency=case.loan.currency,
        models=weights.LANDMARKS,
        embedding=backends.in_use().recogniser.embedding,
        recognition=backends.in_use().report(),
        passive=None if isinstance(steps, Step) else passive.scores(policy.passive, steps, best),
    )


def look_at_live_capture(evidence: Evidence, memory: Memory) -> Looked:
    """The content of one command's frames: a face at rest, or the gesture without contradiction."""
    step = captured_step(evidence, memory[LOOK_AT])
    full = (
        measured(pictures.look_at_full, step.sent)
        if step.sent.command == NEUTRAL
        else pictures.Full()
    )
    if isinstance(full, Step) or _ends_by_mask(full.is_masked, memory["unburnt_before"]):
        return Looked(None)  # the judgement gives the code
    look = measured(pictures.look, step.sent, full)
    if isinstance(look, Step):
        return Looked(None)
    numbers, step_prints = look
    evidence_left = {
        f"{step.place}look": stored.to_bytes(numbers),
        f"{step.place}prints": step_prints.to_bytes(),
    }
    if step.sent.command != NEUTRAL:
        at_rest = stored.read(memory["rest"], into=Neutral, what="memory.rest")
        gesture, thresholds = gestures.NAMED[step.sent.command], engine_policy.GESTURES
        judgement = gestures.judge(gesture, numbers.frames, at_rest=at_rest, thresholds=thresholds)
        return Looked(judgement.is_right, evidence=evidence_left)
    neutral = measured(
        gestures.neutral, numbers.frames, limits=engine_policy.NEUTRAL, full=full.frames
    )
    additions = {} if isinstance(neutral, Step) else {"rest": stored.as_record(neutral)}
    return Looked(bool(additions), additions, evidence_left)


def _ends_by_mask(is_masked: bool, unburnt_before: int) -> bool:
    """Whether the capture ends with advice to remove a mask: the day's first that ends free of
    cost.

    A later one continues and goes to review, because a beard may look like a mask.
    """
    return is_masked and unburnt_before == 0


def ready() -> Mapping[str, object]:
    """The models, each the pinned file, with the comparing model tested. All are unloaded again
    before a fork.

    Raises: `Misconfigured`.
    """
    for pinned in weights.LIVENESS:
        weights.read(pinned)
    backends.zones_in_use()
    return {**backends.tested(), **weights.LANDMARKS, **passive.tested()}


def problem_of(case: Case, photo: bytes | None, *, limits: ImageLimits) -> str:
    """Why the register's photo is unusable for a comparison, as a code; empty if usable or
    absent.
    """
    face = None if photo is None else measured(_face, case, photo, limits=limits)
    return face.code if isinstance(face, Step) else ""


def _sent(evidence: Evidence) -> tuple[Sent, tuple[SentStep, ...], tuple[CapturedStep, ...]]:
    # The order was drawn before the capture; the commands came back. A check compares them.
    came, order = captured(evidence), ordered(evidence)
    steps = came.steps
    times_of_steps = [[ms / 1000 for ms in step.taken_ms] or [0.0] for step in steps]
    # The similarity found at the judgement: the other captures may be gone.
    compared = stored.read(
        dict(evidence.require_object(COMPARED)), into=ComparedAll, what="compared"
    )
    sent = Sent(
        order=order.commands,
        without=order.without,
        replaced_max=order.replaced_max,
        commands=tuple(step.sent.command for step in steps),
        chain=tuple(len(step.sent.chain) for step in steps),
        stills=tuple(len(step.sent.stills) for step in steps),
        soonest=min((step.soonest for step in steps), default=0.0),
        earliest=min((times[0] for times in times_of_steps), default=0.0),
        latest=max((times[-1] for times in times_of_steps), default=0.0),
        transfer=max((step.transfer for step in steps), default=0.0),
        ahead=min((step.ahead for step in steps), default=0.0),
        gap=max(
            (later - earlier for times in times_of_steps for earlier, later in pairwise(times)),
            default=0.0,
        ),
        rate=min(
            ((len(times) - 1) / max(times[-1] - times[0], 0.001) for times in times_of_steps),
            default=0.0,
        ),
        missed=came.missed,
        lost=came.lost,
        by_line=came.by_line,
        lost_before=order.lost_before,
        unburnt_before=order.unburnt_before,
        is_bound=all(step.is_bound for step in steps),
        presented_before=came.presented_before,
        compared=compared,
    )
    # The measurement on arrival; a replay measures again.
    looks = [evidence.items.get(f"{step.place}look") for step in steps]
    looked = [
        look if look is None else stored.read(json.loads(look), into=ChainNumbers, what="look")
        for look in looks
    ]
    return (
        sent,
        tuple(replace(step.sent, looked=look) for step, look in zip(steps, looked, strict=True)),
        steps,
    )


def _view(
    evidence: Evidence,
    steps: tuple[StepMeasurement, ...],
    looks: Looks,
    faces: tuple[Probes, ...] | Step,
    reference: Embedding | None,
) -> Shown:
    """4, 5, and of 6 the chain's part. If the pixels prevent one of the numbers, all are absent."""
    numbers = tuple(step.numbers for step in steps)
    chain = [frame for step in numbers for frame in step.frames], engine_policy.SECOND_FACE_IN_CHAIN
    stills = [frame for step in numbers for frame in step.stills], engine_policy.SECOND_FACE
    flaws, poorest = capture.quality(steps)
    # A face that is never at rest refuses the gestures alone: quality and depth are still useful.
    first, resting = numbers[0], engine_policy.NEUTRAL
    at_rest = measured(gestures.neutral, first.frames, limits=resting, full=first.stills)
    acted = [(step.sent.command, step.numbers.frames) for step in steps[1:]]
    # Of a repeated turn the last one counts.
    turns = {
        step.sent.command: step.numbers.depth for step in steps if step.numbers.depth is not None
    }
    return Shown(
        freshness=capture.freshness_of(steps),
        presence=continuity.presence(chain, stills),
        flaws=flaws,
        poorest=poorest,
        gestures=(
            at_rest
            if isinstance(at_rest, Step)
            else tuple(
                gestures.judge(
                    gestures.NAMED[command],
                    frames,
                    at_rest=at_rest,
                    thresholds=engine_policy.GESTURES,
                )
                for command, frames in acted
            )
        ),
        depth=planarity.together(list(turns.values())),
        continuity=(
            faces
            if isinstance(faces, Step)
            else measured(capture.continuity_of, steps, looks, faces)
        ),
        throughout=(
            at_rest
            if isinstance(at_rest, Step)
            else measured(throughout, steps, at_rest=at_rest, reference=reference)
        ),
        numbers=numbers,
    )


def _match(faces: tuple[Probes, ...] | Step, reference: Embedding | Step) -> Match | Step:
    """6: looking straight proves nothing alone, because a photograph can; the acting face counts
    too.
    """
    if isinstance(reference, Step):
        return reference
    if isinstance(faces, Step):
        return faces
    # Several frames at rest, because the best of one step may still be a blink.
    at_rest, acting = faces[0], [face for (_, face), *_ in faces[1:]]
    if not acting:
        raise Refused("liveness_command_missed", "no command was done")
    return Match(
        # Single distances, for which the zones are calibrated; only the farthest reveals one
        # inserted frame.
        at_rest=median_distance(reference, [face for _, face in at_rest]).value,
        at_work=median_distance(reference, acting).value,
        farthest=max(distance(reference, face).value for face in acting),
        rest_frames=tuple(place for place, _ in at_rest),
    )


def _reference(case: Case, evidence: Evidence, limits: ImageLimits) -> Embedding:
    """The register's face.

    Raises: `Refused` without a look-up, or with an unusable photo.
    """
    # A consent that expired first is not a refusal; test it before the missing photo.
    consent = None if PHOTO in evidence.items else evidence.items.get(CONSENT)
    if consent is not None and has_run_out(parse_consent(consent), at=evidence.at):
        raise Refused("consent_unanswered", "nobody could be asked")
    return backends.in_use().embed(_face(case, evidence.require(PHOTO), limits=limits))


def _face(case: Case, photo: bytes, *, limits: ImageLimits) -> Portrait:
    """The face in the register's photo.

    Raises: `Refused` for an unusable photo, whatever the defect.
    """
    # A photo of another IIN would compare the borrower with a stranger.
    answer = parse_photo(photo)
    if answer.status != "found" or answer.iin != case.person.iin:
        raise Refused("face_reference_unavailable", answer.status)
    try:
        return backends.in_use().open(answer.jpeg, limits=limits)[0]
    except Refused as unusable:
        raise Refused("face_reference_unavailable", unusable.code) from unusable


def captured_step(evidence: Evidence, place: str) -> CapturedStep:
    """The pictures of one command."""
    turn = evidence.require_object(f"{place}turn")
    try:
        revealed, command = datetime.fromisoformat(turn["revealed"]), str(turn["command"])
        parts = [
            evidence.require_object(f"{place}part.{part}") for part in range(int(turn["parts"]))
        ]
        arrivals = [datetime.fromisoformat(part["arrived"]) for part in parts]
        times = [[int(ms) for ms in part["chain"]] for part in parts]
        ways = [
            (at - revealed).total_seconds() - max(ms, default=0) / 1000
            for at, ms in zip(arrivals, times, strict=True)
        ]
        full = [(int(seq), int(ms)) for part in parts for seq, ms in part["stills"]]
        kinds, every = (
            [f"{place}frame.{seq}" for seq, _ in full],
            [ms for chain_times in times for ms in chain_times],
        )
        stills = [evidence.require(kind) for kind in kinds]
        chain = [
            frame
            for part in range(len(parts))
            for frame in apart(evidence.require(f"{place}chain.{part}"))
        ]
        nearest = [min((abs(time - ms), at) for at, time in enumerate(every))[1] for _, ms in full]
        return CapturedStep(
            sent=SentStep(command, tuple(chain), tuple(stills), tuple(nearest), tuple(every)),
            place=place,
            stills=tuple(kinds),
            arrived=arrivals[-1],
            is_bound=all(part["is_bound"] is True for part in parts),
            taken_ms=tuple(every),
            soonest=(arrivals[0] - revealed).total_seconds(),
            transfer=max(ways),
            ahead=min(ways),
            cameras=tuple(Told(**part.get("camera", {})) for part in parts),
        )
    except (KeyError, IndexError, TypeError, ValueError) as fault:
        raise Refused("check_missing", f"{place}turn cannot be read") from fault


def captured(evidence: Evidence) -> Captured:
    """The pictures of each command. The record states each next command, so the set is complete."""
    steps: list[CapturedStep] = []
    number, missed, lost, due, is_lost = 0, 0, 0, ordered(evidence).commands[0], False
    while due:
        place = f"{STAGE}.{number}."
        number += 1
        is_lost = f"{place}lost" in evidence.items
        entry = evidence.require_object(f"{place}lost" if is_lost else f"{place}seen")
        if is_lost:
            command = entry.get("command")
            lost += 1
        else:
            step = captured_step(evidence, place)
            if type(drawn := entry.get("drawn")) is not int:
                raise Refused("check_missing", f"{place} does not say what was drawn")
            steps.append(replace(step, sent=replace(step.sent, drawn=drawn)))
            command = steps[-1].sent.command
            missed += entry.get("seen") is False and command != NEUTRAL
        if command != due or not isinstance(entry.get("then"), str):
            raise Refused("check_missing", f"{place} is not of the order")
        due = entry["then"]
    last_rest = max(
        (at for at, step in enumerate(steps) if step.sent.command == NEUTRAL), default=0
    )
    presented_before = any(_PICTURE.match(kind) for kind in evidence.presented)
    return Captured(
        tuple(steps[last_rest:]), missed, lost, by_line=is_lost, presented_before=presented_before
    )


def answered_at(evidence: Evidence) -> datetime | None:
    """The arrival of a capture's last frames; None without frames."""
    steps = captured(evidence).steps
    return steps[-1].arrived if steps else None


def marks_of_capture(items: Mapping[str, bytes]) -> frozenset[bytes]:
    """The index values of these prints for all borrowers, under a key."""
    marks = [
        prints.marks(step, kinds=engine_policy.AGAIN_KINDS)[:: engine_policy.AGAIN_EVERY]
        for step in _prints(items)
    ]
    return frozenset[bytes]().union(*(mark for step in marks for mark in step))


def sought_by_capture(items: Mapping[str, bytes]) -> frozenset[bytes]:
    """The marks, plain and mirrored, by which similar captures are searched."""
    ways = [version for step in _prints(items) for version in (step, prints.mirrored(step))]
    return frozenset[bytes]().union(
        *(
            mark
            for version in ways
            for mark in prints.marks(version, kinds=engine_policy.AGAIN_KINDS)
        )
    )


def compare_captures(
    items: Mapping[str, bytes],
    earlier: Mapping[str, Mapping[str, bytes]],
    is_whole: bool,
    same_verification: Collection[str] = (),
) -> dict[str, bytes]:
    """The similarity to each of the others, and whether those are all.

    By the visible commands: parts inserted into a film do not hide it.
    same_verification: other captures of the same verification.
    """
    seen_by_kind = {
        kind: json.loads(content)
        for kind, content in items.items()
        if kind.startswith(STAGE) and kind.endswith(".seen")
    }
    missed = {
        kind.removesuffix("seen")
        for kind, entry in seen_by_kind.items()
        if entry.get("seen") is False
    }
    prints_here = _prints(
        {
            kind: content
            for kind, content in items.items()
            if kind.removesuffix("prints") not in missed
        }
    )
    compared = [
        Compared(
            name,
            prints.compare(prints_here, _prints(content), limits=engine_policy.AGAIN),
            name in same_verification,
        )
        for name, content in earlier.items()
    ]
    compared.sort(
        key=lambda entry: (entry.alike.fitting, entry.alike.likeness, entry.attempt), reverse=True
    )
    return {COMPARED: stored.to_bytes(ComparedAll(tuple(compared), is_whole))}


def _prints(items: Mapping[str, bytes]) -> list[Prints]:
    """The prints of each step, in order."""
    kinds = sorted((int(match[1]), kind) for kind in items if (match := _PRINTS.fullmatch(kind)))
    return [prints.from_bytes(items[kind]) for _, kind in kinds]


AGAIN = Again(
    ending="prints",
    marks=marks_of_capture,
    searched=sought_by_capture,
    others_max=engine_policy.AGAIN_OTHERS,
    shared_min=engine_policy.AGAIN_SHARED,
    compare=compare_captures,
)
