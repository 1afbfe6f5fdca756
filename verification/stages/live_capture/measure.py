"""Everything that one live capture and the register's photo say, measured once: numbers, distances,
hashes.

What the chain of a command shows is measured as it comes (`look_at_live_capture`), and joined by
the judgement: 2 what came for each command, and when · 3 pixels and points of every frame · 4
freshness, faces, quality, gestures, depth · 5 the face of each step, and of frames all along the
chain, compared with the first · 6 the reference, compared with the face at rest and at work, of the
full frames and of the chain in which the work is seen, and with every frame's. Pixels and
embeddings end with the call.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from verification.core import stored
from verification.core.answers import has_run_out, parse_consent, parse_photo
from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import LOOK_AT, Evidence, Looked, Memory
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
)
from verification.engines.liveness import policy as engine_policy
from verification.engines.liveness.capture import Looks, Probes
from verification.engines.liveness.gestures import Neutral
from verification.engines.liveness.pictures import ChainNumbers, SentStep, StepMeasurement
from verification.engines.liveness.throughout import throughout
from verification.stages.live_capture.facts import LiveCaptureFacts, Match, Sent, Shown
from verification.stages.live_capture.kept import (
    COMPARED,
    CONSENT,
    NEUTRAL,
    PHOTO,
    CapturedStep,
    ComparedAll,
    captured,
    captured_step,
    ordered,
)
from verification.stages.live_capture.policy import LINE_LOST, LiveCapturePolicy


def measure_live_capture(
    case: Case, evidence: Evidence, policy: LiveCapturePolicy
) -> LiveCaptureFacts:
    """The facts of a capture. What could not be measured stands in them as the step that
    refuses.
    """
    # 2: without an order, or without the frames that belong to it, there is nothing to look at.
    sent = measured(_sent, evidence)
    # 3: all frames are decoded here; `seen`, `looks` and `faces` end with this call, and only
    # numbers leave it.
    is_lost = (
        not isinstance(sent, Step) and sent[0].by_line
    )  # nothing is measured of what the line cut off
    seen = (
        sent
        if isinstance(sent, Step)
        else Step(LINE_LOST)
        if is_lost
        else measured(pictures.measure, sent[1])
    )
    unburnt_before = 0 if isinstance(sent, Step) else sent[0].unburnt_before
    if not isinstance(seen, Step) and _ends_by_mask(seen[0].numbers.is_masked, unburnt_before):
        seen = Step("liveness_face_masked", {"detail": "the lower face looks like cloth"})
    looks = () if isinstance(seen, Step) else capture.looks(seen)
    best = () if isinstance(seen, Step) else capture.best(seen, looks)
    # 5: the best frames of each step; what needs them refuses by the code of the step that has
    # none.
    faces = (
        seen
        if isinstance(seen, Step)
        else measured(capture.probes, seen, looks, most=policy.match_frames)
    )
    known = measured(_reference, case, evidence, policy.reference)
    neutral, reference = (
        None if isinstance(faces, Step) else faces[0][0][1],
        None if isinstance(known, Step) else known,
    )
    came, limits = () if isinstance(sent, Step) else sent[2], policy.injection
    chains, told = (
        () if isinstance(seen, Step) else [step.chain for step in seen],
        [step.told for step in came],
    )
    # 4, 5 and 6 stand side by side: that one of them cannot be measured hides none of the others
    # from a replay.
    return LiveCaptureFacts(
        sent=sent if isinstance(sent, Step) else sent[0],
        shown=(
            seen
            if isinstance(seen, Step)
            else measured(_shown, evidence, seen, looks, faces, reference)
        ),
        match=measured(_match, faces, known),
        injection=(
            seen
            if isinstance(seen, Step)
            else measured(injection.injection_of, chains, told, limits=limits)
        ),
        best=tuple(
            step.stills[at]
            for step, at in zip(came if best else (), best, strict=True)
            if at is not None
        ),
        identity=(
            ()
            if isinstance(seen, Step)
            else capture.identities(seen, looks, neutral=neutral, known=reference)
        ),
        left=evidence.left,
        handed_over=evidence.handed_over,
        amount=case.loan.amount,
        currency=case.loan.currency,
        models=weights.LANDMARKS,
        embedding=backends.in_use().recogniser.embedding,
        recognition=backends.in_use().report(),
        passive=None if isinstance(seen, Step) else passive.scores(policy.passive, seen, best),
    )


def look_at_live_capture(evidence: Evidence, memory: Memory) -> Looked:
    """What the frames that came for one command show: a face at rest, or the gesture and nothing
    against it.
    """
    step = captured_step(evidence, memory[LOOK_AT])
    full = (
        measured(pictures.look_at_full, step.sent)
        if step.sent.command == NEUTRAL
        else pictures.Full()
    )
    if isinstance(full, Step) or _ends_by_mask(full.is_masked, memory["unburnt_before"]):
        return Looked(None)  # the judgement says by which code
    seen = measured(pictures.look, step.sent, full)
    if isinstance(seen, Step):
        return Looked(None)
    numbers, known = seen
    kept = {f"{step.place}look": stored.to_bytes(numbers), f"{step.place}prints": known.to_bytes()}
    if step.sent.command != NEUTRAL:
        at_rest = stored.read(memory["rest"], into=Neutral, what="memory.rest")
        gesture, thresholds = gestures.NAMED[step.sent.command], engine_policy.GESTURES
        shown = gestures.judge(gesture, numbers.frames, rest=at_rest, thresholds=thresholds)
        return Looked(shown.is_right, evidence=kept)
    rest = measured(
        gestures.neutral, numbers.frames, limits=engine_policy.NEUTRAL, full=full.frames
    )
    found = {} if isinstance(rest, Step) else {"rest": stored.as_record(rest)}
    return Looked(bool(found), found, kept)


def _ends_by_mask(is_masked: bool, unburnt_before: int) -> bool:
    """Whether the capture ends with the advice to take a mask off: the first of a day that ends at
    no cost.

    A later one goes on and is for people, for a beard may look like a mask.
    """
    return is_masked and unburnt_before == 0


def ready() -> Mapping[str, object]:
    """The models, each the pinned file, the one that compares faces tested; none stays loaded: we
    may fork yet.

    Raises `Misconfigured`.
    """
    for pinned in weights.LIVENESS:
        weights.read(pinned)
    backends.zones_in_use()
    return {**backends.tested(), **weights.LANDMARKS, **passive.tested()}


def problem_of(case: Case, photo: bytes | None, *, limits: ImageLimits) -> str:
    """Why nobody can be compared with what the register gave, as a code; empty if somebody can, or
    it gave nothing.
    """
    face = None if photo is None else measured(_face, case, photo, limits=limits)
    return face.code if isinstance(face, Step) else ""


def _sent(evidence: Evidence) -> tuple[Sent, tuple[SentStep, ...], tuple[CapturedStep, ...]]:
    # The order is ours, drawn before the capture; the commands are what came back. Whether they
    # agree is for a check.
    found, asked = captured(evidence), ordered(evidence)
    steps = found.steps
    taken = [[ms / 1000 for ms in step.taken] or [0.0] for step in steps]
    # How alike it is to others, as it was found when it was judged: of those nothing may be left
    # since.
    compared = stored.read(
        dict(evidence.require_object(COMPARED)), into=ComparedAll, what="compared"
    )
    sent = Sent(
        order=asked.commands,
        without=asked.without,
        replaced_max=asked.replaced_max,
        commands=tuple(step.sent.command for step in steps),
        chain=tuple(len(step.sent.chain) for step in steps),
        stills=tuple(len(step.sent.stills) for step in steps),
        soonest=min((step.soonest for step in steps), default=0.0),
        earliest=min((times[0] for times in taken), default=0.0),
        latest=max((times[-1] for times in taken), default=0.0),
        transfer=max((step.transfer for step in steps), default=0.0),
        ahead=min((step.ahead for step in steps), default=0.0),
        gap=max(
            (after - before for times in taken for before, after in pairwise(times)), default=0.0
        ),
        rate=min(
            ((len(times) - 1) / max(times[-1] - times[0], 0.001) for times in taken), default=0.0
        ),
        missed=found.missed,
        lost=found.lost,
        by_line=found.by_line,
        lost_before=asked.lost_before,
        unburnt_before=asked.unburnt_before,
        is_bound=all(step.is_bound for step in steps),
        presented_before=found.presented_before,
        compared=compared,
    )
    # What was measured of a step when its frames came; a replay measures it anew.
    kept = [evidence.items.get(f"{step.place}look") for step in steps]
    looked = [
        each if each is None else stored.read(json.loads(each), into=ChainNumbers, what="look")
        for each in kept
    ]
    return (
        sent,
        tuple(replace(step.sent, looked=each) for step, each in zip(steps, looked, strict=True)),
        steps,
    )


def _shown(
    evidence: Evidence,
    steps: tuple[StepMeasurement, ...],
    looks: Looks,
    faces: tuple[Probes, ...] | Step,
    known: Embedding | None,
) -> Shown:
    """4, 5, and of 6 what the chain shows. Where one of the numbers cannot be had for what the
    pixels are, none is.
    """
    numbers = tuple(step.numbers for step in steps)
    chain = [frame for step in numbers for frame in step.frames], engine_policy.SECOND_FACE_IN_CHAIN
    stills = [frame for step in numbers for frame in step.stills], engine_policy.SECOND_FACE
    flaws, poorest = capture.quality(steps)
    # A face that is never at rest refuses the gestures alone: quality and depth are still worth
    # knowing.
    first, resting = numbers[0], engine_policy.NEUTRAL
    at_rest = measured(gestures.neutral, first.frames, limits=resting, full=first.stills)
    acted = [(step.sent.command, step.numbers.frames) for step in steps[1:]]
    # Of a turn that was asked for again the last one counts.
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
                    gestures.NAMED[command], frames, rest=at_rest, thresholds=engine_policy.GESTURES
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
            else measured(throughout, steps, at_rest=at_rest, known=known)
        ),
        numbers=numbers,
    )


def _match(faces: tuple[Probes, ...] | Step, known: Embedding | Step) -> Match | Step:
    """6: looking straight alone proves nobody, for a photograph can; so the face that does the
    commands counts too.
    """
    if isinstance(known, Step):
        return known
    if isinstance(faces, Step):
        return faces
    # Several frames at rest, for the best of one step may still be a blink.
    rest, acting = faces[0], [face for (_, face), *_ in faces[1:]]
    if not acting:
        raise Refused("liveness_command_missed", "no command was done")
    return Match(
        # Of single distances, which the zones are calibrated for; the farthest alone shows one put
        # in between.
        at_rest=median_distance(known, [face for _, face in rest]).value,
        at_work=median_distance(known, acting).value,
        farthest=max(distance(known, each).value for each in acting),
        rest_frames=tuple(place for place, _ in rest),
    )


def _reference(case: Case, evidence: Evidence, limits: ImageLimits) -> Embedding:
    """The register's face. Raises `Refused` where nobody could be asked for it, or nobody be
    compared with it.
    """
    # No photo because the consent ran out first is nobody's refusal; it is told apart before a
    # photo is missed.
    consent = None if PHOTO in evidence.items else evidence.items.get(CONSENT)
    if consent is not None and has_run_out(parse_consent(consent), at=evidence.at):
        raise Refused("consent_unanswered", "nobody could be asked")
    return backends.in_use().embed(_face(case, evidence.require(PHOTO), limits=limits))


def _face(case: Case, photo: bytes, *, limits: ImageLimits) -> Portrait:
    """The face in what the register gave. Raises `Refused` where nobody can be compared with it,
    whatever is wrong.
    """
    # A photo of another number than the borrower's would compare them with a stranger.
    answer = parse_photo(photo)
    if answer.status != "found" or answer.iin != case.person.iin:
        raise Refused("face_reference_unavailable", answer.status)
    try:
        return backends.in_use().open(answer.jpeg, limits=limits)[0]
    except Refused as unusable:
        raise Refused("face_reference_unavailable", unusable.code) from unusable
