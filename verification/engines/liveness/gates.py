"""The gates of a live capture. Each measures one thing, compares it with limits handed in, and says what it found.

The capture passes when every gate does; a route gives each its own named check. What cannot be measured is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

from verification.core import reasons
from verification.core.capture_evidence import Captured
from verification.core.errors import BadInput, Refused
from verification.core.person import Case, Loan
from verification.core.registry_answers import parse_photo
from verification.core.results import Detail, Failed, Inconclusive, Passed, Result
from verification.engines import weights
from verification.engines.faces import backends, embedding, image_gate, recognition
from verification.engines.faces.distances import Distance, Threshold, Zones
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.liveness import capture
from verification.engines.liveness.policy import GateLimits

LANDMARKS: Detail = {
    "detection_sha256": weights.FACE_DETECTION.sha256,
    "mesh_sha256": weights.FACE_MESH.sha256,
    "eyes_sha256": weights.IRIS.sha256,
}
"""The models that find faces and measure them, as a result names them."""
_CODES = {"match": "", "review": "face_review", "no_match": "face_mismatch"}  # by the zone a distance lies in


@dataclass(frozen=True)
class Found:
    """What a gate measured, and against which number.

    `code`: of `core/reasons.py`, why it did not pass; empty if it did.
    """

    score: float | None = None
    threshold: float | None = None
    detail: Detail = field(default_factory=dict)
    code: str = ""

    def __bool__(self) -> NoReturn:
        raise TypeError("what a gate found is not true or false: ask for its code")


def ready() -> Mapping[str, object]:
    """The models of a live capture: each is the pinned file, and the one that compares faces passes its self-test.

    Raises `Misconfigured`. Nothing stays loaded: the process that asks may yet fork.
    """
    for pinned in weights.LIVENESS:
        weights.read(pinned)
    return {**backends.tested(), **LANDMARKS}


def unaided(loan: Loan, *, most: int) -> Found:
    """Whether the loan is small enough, in KZT, for a capture that no detector of presentation attacks looked at."""
    is_small = loan.currency == "KZT" and Decimal(loan.amount) <= most
    detail: Detail = {"passive": "none"}
    code = "" if is_small else "liveness_review"
    return Found(score=float(loan.amount), threshold=float(most), detail=detail, code=code)


def result(check: str, gate: Callable[[], Found]) -> Result:
    """What the check of this name says of what the gate finds. What could not be measured fails."""
    try:
        found = gate()
    except BadInput as fault:
        return Failed(check, "check_missing", detail={"detail": fault.code})
    except Refused as refusal:
        return Failed(check, _said(refusal.code), detail={"detail": refusal.detail or refusal.code, **refusal.facts})
    if not found.code:
        return Passed(check, score=found.score, threshold=found.threshold, detail=found.detail)
    negative = Inconclusive if reasons.require(found.code).review else Failed
    return negative(check, found.code, score=found.score, threshold=found.threshold, detail=found.detail)


def binding(captured: Captured, *, limits: GateLimits) -> Found:
    """Every command of the order was answered, in order, by enough frames, each bound to its showing."""
    if [step.command for step in captured.steps] != list(captured.order) or not captured.order:
        raise Refused("liveness_failed", "the steps are not those of the order")
    if not all(step.bound for step in captured.steps):
        raise Refused("liveness_failed", "a frame is not bound to its command")
    fewest = min(len(step.frames) for step in captured.steps)
    code = "liveness_command_missed" if fewest < limits.frames_min else ""
    return Found(fewest, limits.frames_min, {"steps": len(captured.steps)}, code)


def timing(captured: Captured, *, limits: GateLimits) -> Found:
    """Each step's frames came after a person could have seen the command, and before the window closed."""
    waits = [step.wait for step in captured.steps]
    soonest, latest = min(waits, default=0.0), max(waits, default=0.0)
    if soonest < limits.arrival_min_seconds:
        detail = {"detail": "frames came before the command could be seen"}
        return Found(soonest, limits.arrival_min_seconds, detail, "liveness_failed")
    code = "liveness_command_missed" if latest > limits.arrival_max_seconds else ""
    return Found(latest, limits.arrival_max_seconds, {"steps": len(waits)}, code)


def fresh(captured: Captured, *, limits: GateLimits) -> Found:
    """No frame was presented before, none is frozen or repeated, and all have the noise of a sensor."""
    if captured.presented_before:
        raise Refused("liveness_failed", "a frame was presented before")
    found = capture.freshness_of(capture.measure(captured.contents))
    detail: Detail = {"frozen_run": found.frozen_run, "repeated": found.repeated}
    stale = found.frozen_run > limits.frozen_run or found.repeated > limits.repeated
    is_fresh = not stale and found.noise is not None and found.noise > limits.noise
    return Found(found.noise, limits.noise, detail, "" if is_fresh else "liveness_failed")


def one_face(captured: Captured, *, limits: GateLimits) -> Found:
    """One face in nearly all frames, and never two."""
    found = capture.presence_of(capture.measure(captured.contents))
    detail: Detail = {"most": found.most, **LANDMARKS}
    code = "face_not_found" if found.one_face < limits.one_face_share else ""
    return Found(
        found.one_face,
        limits.one_face_share,
        detail,
        "multiple_faces" if found.most > limits.most_faces else code,
    )


def quality(captured: Captured) -> Found:
    """Each step has a frame that is light, sharp and near enough to be compared."""
    measured = capture.measure(captured.contents)
    flaws = capture.quality_flaws(measured)
    detail: Detail = {**capture.poorest(measured), **LANDMARKS}
    if flaws:
        return Found(detail={"detail": flaws[0], **detail}, code="face_quality")
    return Found(detail=detail)


def commands(captured: Captured) -> Found:
    """Each step shows its command and nothing that contradicts it. The score is the weakest step over its threshold."""
    judged = capture.gesture_judgements(capture.measure(captured.contents))
    shown = [one.value / one.threshold if one.value is not None else 0.0 for one in judged]
    wrong = [one.gesture for one in judged if not one.is_right]
    detail: Detail = {"steps": len(judged), "wrong": ", ".join(wrong), **LANDMARKS}
    code = "liveness_command_missed" if wrong or not judged else ""
    return Found(min(shown, default=0.0), 1.0, detail, code)


def depth(captured: Captured, *, limits: GateLimits) -> Found:
    """The turning face is no plane. No evidence of depth is no depth."""
    found = capture.depth(capture.measure(captured.contents))
    if found.ratio is None or found.residual is None:
        raise Refused("liveness_failed", "no evidence of depth", facts=LANDMARKS)
    is_flat = found.ratio < limits.planarity_ratio or found.residual < limits.planarity_residual
    detail: Detail = {"pairs": found.pairs, "residual": f"{found.residual:.4f}", **LANDMARKS}
    return Found(found.ratio, limits.planarity_ratio, detail, "liveness_failed" if is_flat else "")


def continuity(captured: Captured, *, limits: GateLimits, same_face: Threshold) -> Found:
    """One and the same face from the first frame to the last: it never jumps, and each step shows the first one's."""
    found = capture.continuity_of(captured.contents)
    if found.overlap is None or found.distance is None:
        raise Refused("liveness_failed", "nothing to compare")
    far = Distance(backends.in_use().embedding, found.distance)
    facts = {**recognition.facts(), "calibration": same_face.calibration}
    detail: Detail = {"overlap": f"{found.overlap:.4f}", **facts}
    code = "liveness_failed" if not same_face.admits(far) or found.overlap < limits.overlap else ""
    return Found(far.value, same_face.value, detail, code)


def match(captured: Captured, *, reference: bytes, limits: ImageLimits, zones: Zones) -> Found:
    """The face at rest, and the one that does the commands, against the reference; the worse of the two counts.

    Three zones, of which the middle one is for two people. Looking straight alone proves nobody: a photograph can. No
    command may show a face beyond the zones, and that of all commands together is judged as the face at rest is.
    """
    known = known_face(reference, limits=limits)
    probes = capture.rest_probes(captured.contents)
    acting = capture.embeddings(captured.contents)[1:]
    if not acting:
        raise Refused("liveness_failed", "no command was done")
    at_rest, at_work = embedding.distance(known, [face for _, face in probes]), embedding.distance(known, acting)
    far = max(at_rest, at_work, key=lambda each: each.value)
    is_beyond = not all(zones.review.admits(embedding.distance(known, [each])) for each in acting)
    zone = "no_match" if is_beyond else zones.of(far)
    detail: Detail = {
        "probes": len(probes),
        "rest_frames": ", ".join(str(place) for place, _ in probes),
        "commands": f"{at_work.value:.4f}",
        "zone": zone,
        "review": str(zones.review.value),
        **recognition.facts(),
        "calibration": zones.match.calibration,
    }
    return Found(far.value, zones.match.value, detail, _CODES[zone])


def known_face(reference: bytes, *, limits: ImageLimits) -> Embedding:
    """The face to compare with. Raises `Refused` for a picture that nobody can be compared with, whatever is wrong."""
    try:
        return recognition.embed(image_gate.open_image(reference, limits=limits))
    except Refused as unusable:
        raise Refused("face_reference_unavailable", unusable.code) from unusable


def unusable(case: Case, photo: bytes, *, limits: ImageLimits) -> str:
    """Why nobody can be compared with what the register gave, as a code; empty if somebody can."""
    answer = parse_photo(photo)
    if answer.status != "found" or answer.iin != case.person.iin:
        return "face_reference_unavailable"
    try:
        known_face(answer.jpeg, limits=limits)
    except Refused as refusal:
        return refusal.code
    return ""


def _said(code: str) -> str:
    """The gate of a frame and that of the face at rest have many codes; to a borrower and a lender they are one."""
    said = "liveness_failed" if code.startswith(("frame_", "liveness_neutral")) else code
    return reasons.require(said).code
