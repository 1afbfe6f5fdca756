"""Was a living person in front of the camera, doing what was asked, and is it the borrower? All of it, or no.

1 consent · 2 frames bound to the commands · 3 in time · 4 fresh · 5 one face · 6 good enough · 7 the commands ·
8 depth · 9 the same face throughout · 10 the reference. A match without all the gates before it never passes.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from verification.core import reasons
from verification.core.consent_answers import consent_id_for, parse_consent
from verification.core.errors import BadInput, ConsentMissing, Refused
from verification.core.person import Case
from verification.core.registry_answers import parse_photo
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence
from verification.engines.faces import image_gate, recognition
from verification.engines.liveness import capture
from verification.routes.biometric.dialogue import CONSENT, ORDER, PHOTO, STAGE
from verification.routes.biometric.policy import BiometricPolicy

SERVICE = "photo"


def check_consent(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """1: the person consented, by the state's own service, to their photo being looked up."""

    def measure() -> Result:
        try:
            answer = parse_consent(_stored(evidence, CONSENT))
            consent_id_for(answer, service=SERVICE, iin=case.person.iin, at=evidence.at)
        except ConsentMissing as missing:
            raise Refused("consent_declined", missing.detail) from missing
        return Passed("face.consent")

    return _judged("face.consent", measure)


def check_binding(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """2: every step of the order was answered, by enough frames, each bound to its step."""

    def measure() -> Result:
        order = json.loads(_stored(evidence, ORDER))["order"]
        for step, command in enumerate(order):
            facts = _facts(evidence, step)
            if facts["command"] != command or facts["bound"] != facts["sent"]:
                raise Refused("liveness_failed", "a frame is not bound to its command")
            if len(facts["sent"]) < policy.frames_min:
                raise Refused("liveness_command_missed", "too few frames of a command")
        return Passed("face.binding", detail={"steps": len(order)})

    return _judged("face.binding", measure)


def check_timing(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """3: each step's frames came after a person could have seen the command, and before the window closed."""

    def measure() -> Result:
        waits = [_wait(_facts(evidence, step)) for step in range(_steps(evidence))]
        if min(waits) < policy.arrival_min_seconds:
            raise Refused("liveness_failed", "frames came before the command could be seen")
        if max(waits) > policy.arrival_max_seconds:
            raise Refused("liveness_command_missed", "frames came after the window")
        return Passed("face.timing", score=max(waits), threshold=policy.arrival_max_seconds)

    return _judged("face.timing", measure)


def check_fresh(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """4: no frame was presented before, none is frozen or repeated, and all have the noise of a sensor."""

    def measure() -> Result:
        if any(".frame." in kind for kind in evidence.seen):
            raise Refused("liveness_failed", "a frame was presented before")
        found = capture.freshness_of(capture.measure(_capture(evidence)))
        stale = found.frozen_run > policy.frozen_run or found.repeated > policy.repeated
        if stale or found.noise is None or found.noise <= policy.noise:
            raise Refused("liveness_failed", "frozen or repeated frames")
        return Passed("face.fresh", score=found.noise, threshold=policy.noise)

    return _judged("face.fresh", measure)


def check_one_face(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """5: one face in nearly all frames, and never two."""

    def measure() -> Result:
        found = capture.presence_of(capture.measure(_capture(evidence)))
        if found.most > policy.most_faces:
            raise Refused("multiple_faces")
        if found.one_face < policy.one_face_share:
            raise Refused("face_not_found", "too many frames without a face")
        return Passed("face.one_face", score=found.one_face, threshold=policy.one_face_share)

    return _judged("face.one_face", measure)


def check_quality(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """6: each step has a frame that is light, sharp and near enough to be compared."""

    def measure() -> Result:
        found = capture.quality_flaws(capture.measure(_capture(evidence)))
        if found:
            raise Refused("face_quality", found[0])
        return Passed("face.quality")

    return _judged("face.quality", measure)


def check_commands(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """7: each step shows its command and nothing that contradicts it."""

    def measure() -> Result:
        judged = capture.gesture_judgements(capture.measure(_capture(evidence)))
        wrong = [one.gesture for one in judged if not one.is_right]
        if wrong or not judged:
            raise Refused("liveness_command_missed", ", ".join(wrong))
        return Passed("face.commands", detail={"steps": len(judged)})

    return _judged("face.commands", measure)


def check_depth(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """8: the turning face is no plane. No evidence of depth is no depth."""

    def measure() -> Result:
        found = capture.depth(capture.measure(_capture(evidence)))
        if found.ratio is None or found.residual is None:
            raise Refused("liveness_failed", "no evidence of depth")
        if found.ratio < policy.planarity_ratio or found.residual < policy.planarity_residual:
            raise Refused("liveness_failed", "a flat face")
        return Passed("face.depth", score=found.ratio, threshold=policy.planarity_ratio)

    return _judged("face.depth", measure)


def check_continuity(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """9: one and the same face from the first frame to the last."""

    def measure() -> Result:
        found = capture.continuity_of(_capture(evidence))
        if found.overlap is None or found.distance is None:
            raise Refused("liveness_failed", "nothing to compare")
        if found.overlap < policy.overlap or found.distance > policy.same_face.value:
            raise Refused("liveness_failed", "the face changed in between")
        return Passed("face.continuity", score=found.distance, threshold=policy.same_face.value)

    return _judged("face.continuity", measure)


def check_match(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """10: the mean face of the capture against the reference, in three zones; the middle one is for two people."""

    def measure() -> Result:
        answer = parse_photo(_stored(evidence, PHOTO))
        if answer.status != "found" or answer.iin != case.person.iin:
            raise Refused("face_reference_unavailable", answer.status)
        reference = recognition.embed(image_gate.open_image(answer.jpeg, limits=policy.reference))
        far = recognition.distance(reference, capture.embeddings(_capture(evidence)))
        numbers: dict[str, Any] = {"score": far.value, "threshold": policy.match.value}
        detail = {"embedding": far.embedding, "model": recognition.MODEL, "calibration": policy.match.calibration}
        if policy.match.admits(far):
            return Passed("face.match", detail=detail, **numbers)
        if policy.review.admits(far):
            return Inconclusive("face.match", "face_review", detail=detail, **numbers)
        return Failed("face.match", "face_mismatch", detail=detail, **numbers)

    return _judged("face.match", measure)


COMMANDS = {
    "face.consent": check_consent,
    "face.binding": check_binding,
    "face.timing": check_timing,
    "face.fresh": check_fresh,
    "face.one_face": check_one_face,
    "face.quality": check_quality,
    "face.commands": check_commands,
    "face.depth": check_depth,
    "face.continuity": check_continuity,
    "face.match": check_match,
}


def _judged(check: str, measure: Callable[[], Result]) -> Result:
    try:
        return measure()
    except BadInput as fault:
        return Failed(check, "check_missing", detail={"detail": fault.code})
    except Refused as refusal:
        # The gate of a frame has many codes; to a borrower and a lender they are one.
        code = "liveness_failed" if refusal.code.startswith(("frame_", "liveness_neutral")) else refusal.code
        reasons.require(code)
        return Failed(check, code, detail={"detail": refusal.detail or refusal.code})


def _capture(evidence: Evidence) -> capture.Steps:
    return tuple(
        (_facts(evidence, step)["command"], tuple(_frames(evidence, step))) for step in range(_steps(evidence))
    )


def _steps(evidence: Evidence) -> int:
    return len(json.loads(_stored(evidence, ORDER))["order"])


def _frames(evidence: Evidence, step: int) -> list[bytes]:
    return [_stored(evidence, f"{STAGE}.{step}.frame.{seq}") for seq in _facts(evidence, step)["sent"]]


def _facts(evidence: Evidence, step: int) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(_stored(evidence, f"{STAGE}.{step}.facts"))
    return facts


def _wait(facts: dict[str, Any]) -> float:
    arrived, revealed = (datetime.fromisoformat(facts[name]) for name in ("arrived", "revealed"))
    return (arrived - revealed).total_seconds()


def _stored(evidence: Evidence, kind: str) -> bytes:
    content = evidence.get(kind)
    if content is None:
        raise Refused("check_missing", f"no evidence {kind}")
    return content
