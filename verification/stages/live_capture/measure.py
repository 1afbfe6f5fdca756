"""Everything that one live capture and the register's photo say, measured once: numbers, distances, hashes.

1 the consent under which the photo was asked for · 2 what came for each command, and when · 3 pixels and points of
every frame · 4 freshness, faces, quality, gestures, depth · 5 the face of each step, compared with the first · 6 the
reference, compared with the face at rest and at work, and with that of every frame. Pixels and embeddings end with the
call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.registry_answers import has_run_out, parse_consent, parse_photo, require_consent
from verification.core.results import Step, Steps, measured
from verification.core.route import Evidence
from verification.engines import weights
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding, distance, median_distance
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.liveness import capture
from verification.engines.liveness.capture import FrameIdentity, Looks, StepMeasurement
from verification.engines.liveness.continuity import Continuity, Freshness, Presence
from verification.engines.liveness.gestures import StepJudgement
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.engines.liveness.planarity import Planarity
from verification.stages.live_capture.dialogue import (
    EARLIER_CONSENT,
    OWN_CONSENT,
    PHOTO,
    SHOWN,
    STAGE,
    captured,
    ordered,
)
from verification.stages.live_capture.policy import EARLIER_SERVICES, OWN_SERVICES, LiveCapturePolicy


@dataclass(frozen=True)
class Sent:
    """What came for the order. One command, wait (seconds) and number of frames a step.

    `is_bound`: every frame carried the code of its showing. `presented_before`: one had come before, from anybody.
    """

    order: tuple[str, ...]
    commands: tuple[str, ...]
    waits: tuple[float, ...]
    frames: tuple[int, ...]
    is_bound: bool
    presented_before: bool


@dataclass(frozen=True)
class Shown:
    """What the frames show. `flaws`: the first of each step without a frame fit to be compared.

    `poorest`: pixels between the eyes, light and sharpness, each the poorest of the steps' best frames. `frames`: the
    numbers of every frame, step by step, without the mesh, which shows a face.
    """

    freshness: Freshness
    presence: Presence
    flaws: tuple[str, ...]
    poorest: Mapping[str, str]
    gestures: tuple[StepJudgement, ...] | Step
    depth: Planarity
    continuity: Continuity | Step
    frames: tuple[tuple[FrameMeasurement, ...], ...]


@dataclass(frozen=True)
class Match:
    """Distances to the reference, in the units of the embedding: the upper median over the best frames at rest, that
    over the best frame of each command, and of the one farthest away. `rest_frames`: places of the frames of the first
    step that were compared, best first."""

    at_rest: float
    at_work: float
    farthest: float
    rest_frames: tuple[int, ...]


@dataclass(frozen=True)
class LiveCaptureFacts:
    """All that a live capture is judged by.

    `consent`: whether the photo may be looked up. `identity`: whom each frame shows, in which pose. `left`: how
    many attempts the borrower has, with this one. `amount`,
    `currency`: of the loan. `models`: SHA-256 of those that find and measure faces. `embedding` and `recognition`:
    whose units the distances have, and which net measured.
    """

    consent: Step
    sent: Sent | Step
    shown: Shown | Step
    match: Match | Step
    identity: tuple[FrameIdentity, ...]
    left: int | None
    amount: str
    currency: str
    models: Mapping[str, str]
    embedding: str
    recognition: Mapping[str, str]


def measure_live_capture(case: Case, evidence: Evidence, policy: LiveCapturePolicy) -> LiveCaptureFacts:
    """The facts of a capture. What could not be measured stands in them as the step that refuses."""
    steps, is_own = Steps(), OWN_CONSENT in evidence.items
    # 1: asked for by this stage, or by the stage `person` before it; in both cases to the very text that was shown.
    with steps.step("consent"):
        answer = parse_consent(evidence.require(OWN_CONSENT if is_own else EARLIER_CONSENT))
        text, services = evidence.require_object(SHOWN).get("text_sha256"), OWN_SERVICES if is_own else EARLIER_SERVICES
        require_consent(answer, services=services, case=case, text_sha256=text, at=evidence.at)
    # 2: without an order, or without the frames that belong to it, there is nothing to look at.
    sent = measured(_sent, evidence)
    # 3: the pixels are decoded once, here; `seen`, `looks` and `faces` end with this call, and only numbers leave it.
    seen = sent if isinstance(sent, Step) else measured(capture.measure, sent[1])
    looks = () if isinstance(seen, Step) else capture.looks(seen)
    # 5: the best frame of each step; what needs them refuses by the code of the step that has none.
    faces = seen if isinstance(seen, Step) else measured(capture.embeddings, seen, looks)
    known = measured(_reference, case, evidence, policy.reference)
    # 4, 5 and 6 stand side by side: that one of them cannot be measured hides none of the others from a replay.
    return LiveCaptureFacts(
        consent=steps.done["consent"],
        sent=sent if isinstance(sent, Step) else sent[0],
        shown=seen if isinstance(seen, Step) else measured(_shown, seen, faces),
        match=measured(_match, seen, looks, faces, known, policy.match_frames),
        identity=()  # 6, of every frame, also where no verdict can be made
        if isinstance(seen, Step)
        else capture.identities(
            seen,
            looks,
            neutral=None if isinstance(faces, Step) else faces[0],
            known=None if isinstance(known, Step) else known,
        ),
        left=evidence.left,
        amount=case.loan.amount,
        currency=case.loan.currency,
        models=LANDMARKS,
        embedding=backends.in_use().recogniser.embedding,
        recognition=backends.in_use().report(),
    )


LANDMARKS: Mapping[str, str] = {
    "detection_sha256": weights.FACE_DETECTION.sha256,
    "mesh_sha256": weights.FACE_MESH.sha256,
    "eyes_sha256": weights.IRIS.sha256,
}
"""The models that find faces and measure them, as a result names them."""


def ready() -> Mapping[str, object]:
    """The models of a live capture: each is the pinned file, and the one that compares faces passes its self-test.

    Raises `Misconfigured`. Nothing stays loaded: the process that asks may yet fork.
    """
    for pinned in weights.LIVENESS:
        weights.read(pinned)
    backends.zones_in_use()
    return {**backends.tested(), **LANDMARKS}


def problem_of(case: Case, photo: bytes, *, limits: ImageLimits) -> str:
    """Why nobody can be compared with what the register gave, as a code; empty if somebody can."""
    known = measured(_known, case, photo, limits=limits)
    return known.code if isinstance(known, Step) else ""


def _sent(evidence: Evidence) -> tuple[Sent, capture.Steps]:
    # The order is ours, drawn before the capture; the commands are what came back. Whether they agree is for a check.
    order = ordered(evidence)
    steps = [captured(evidence, number) for number in range(len(order))]
    sent = Sent(
        order=order,
        commands=tuple(step.command for step in steps),
        waits=tuple(step.wait for step in steps),
        frames=tuple(len(step.frames) for step in steps),
        is_bound=all(step.is_bound for step in steps),
        presented_before=any(kind.startswith(f"{STAGE}.") and ".frame." in kind for kind in evidence.seen),
    )
    return sent, tuple((step.command, step.frames) for step in steps)


def _shown(steps: tuple[StepMeasurement, ...], faces: tuple[Embedding, ...] | Step) -> Shown:
    """4 and 5. Where one of the numbers cannot be had for what the pixels are, none of them is."""
    return Shown(
        freshness=capture.freshness_of(steps),
        presence=capture.presence_of(steps),
        flaws=capture.quality_flaws(steps),
        poorest=capture.poorest(steps),
        # A face that is never at rest refuses the gestures alone: quality and depth are still worth knowing.
        gestures=measured(capture.gesture_judgements, steps),
        depth=capture.depth(steps),
        continuity=faces if isinstance(faces, Step) else measured(capture.continuity_of, steps, faces),
        frames=tuple(
            tuple(replace(each, face=each.face and replace(each.face, mesh=None), others=()) for each in step.frames)
            for step in steps
        ),
    )


def _match(
    steps: tuple[StepMeasurement, ...] | Step,
    looks: Looks,
    faces: tuple[Embedding, ...] | Step,
    known: Embedding | Step,
    most: int,
) -> Match | Step:
    """6: looking straight alone proves nobody, for a photograph can; so the face that does the commands counts too."""
    if isinstance(known, Step):
        return known
    if isinstance(steps, Step):
        return steps
    # Several frames at rest, for the best of one step may still be a blink.
    rest = capture.probes(steps[0], looks[0], most=most)
    if isinstance(faces, Step):
        return faces
    if not (acting := faces[1:]):
        raise Refused("liveness_failed", "no command was done")
    return Match(
        # Of single distances, which the zones are calibrated for; the farthest alone shows one put in between.
        at_rest=median_distance(known, [face for _, face in rest]).value,
        at_work=median_distance(known, acting).value,
        farthest=max(distance(known, each).value for each in acting),
        rest_frames=tuple(place for place, _ in rest),
    )


def _reference(case: Case, evidence: Evidence, limits: ImageLimits) -> Embedding:
    """The register's face. Raises `Refused` where nobody could be asked for it, or nobody be compared with it."""
    # No photo because the consent ran out first is nobody's refusal; it is told apart before a photo is missed.
    earlier = None if PHOTO in evidence.items else evidence.get(EARLIER_CONSENT)
    if earlier is not None and has_run_out(parse_consent(earlier), at=evidence.at):
        raise Refused("consent_unanswered", "nobody could be asked")
    return _known(case, evidence.require(PHOTO), limits=limits)


def _known(case: Case, photo: bytes, *, limits: ImageLimits) -> Embedding:
    """The face to compare with. Raises `Refused` for a picture that nobody can be compared with, whatever is wrong."""
    # A photo of another number than the borrower's would compare them with a stranger.
    answer = parse_photo(photo)
    if answer.status != "found" or answer.iin != case.person.iin:
        raise Refused("face_reference_unavailable", answer.status)
    try:
        return backends.in_use().embed_file(answer.jpeg, limits=limits)
    except Refused as unusable:
        raise Refused("face_reference_unavailable", unusable.code) from unusable
