"""Was a living person in front of the camera, doing what was asked, and is it the borrower? All of it, or no.

1 consent, where this stage asked for it · 2 frames bound to the commands · 3 in time · 4 fresh · 5 one face · 6 good
enough · 7 the commands · 8 depth · 9 the same face throughout · 10 no detector: only small loans · 11 the reference. A
match without all the gates before it never passes.
"""

from decimal import Decimal

from verification.core.results import Detail, Failed, Result, Step, judged, said
from verification.engines.faces.embedding import Distance
from verification.stages.live_capture.measure import LiveCaptureFacts
from verification.stages.live_capture.policy import LiveCapturePolicy

_BY_ZONE = {"match": "", "review": "face_review", "no_match": "face_mismatch"}


def check_consent(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """1: the person consented, by the state's own service, to their photo being looked up."""
    return said("face.consent", facts.consent)


def check_binding(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """2: every command of the order was answered, in order, by enough frames, each bound to its showing."""
    check, sent, least = "face.binding", facts.sent, policy.gates.frames_min
    if isinstance(sent, Step):
        return refused(check, sent)
    if sent.commands != sent.order or not sent.order:
        return judged(check, "liveness_failed", detail={"detail": "the steps are not those of the order"})
    if not sent.is_bound:
        return judged(check, "liveness_failed", detail={"detail": "a frame is not bound to its command"})
    fewest = min(sent.frames)
    code = "liveness_command_missed" if fewest < least else ""
    return judged(check, code, score=fewest, threshold=least, detail={"steps": len(sent.commands)})


def check_timing(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """3: each step's frames came after a person could have seen the command, and before the window closed."""
    check, sent = "face.timing", facts.sent
    if isinstance(sent, Step):
        return refused(check, sent)
    least, most = policy.gates.arrival_min_seconds, policy.gates.arrival_max_seconds
    soonest, latest = min(sent.waits, default=0.0), max(sent.waits, default=0.0)
    if soonest < least:
        detail: Detail = {"detail": "frames came before the command could be seen"}
        return judged(check, "liveness_failed", score=soonest, threshold=least, detail=detail)
    code = "liveness_command_missed" if latest > most else ""
    return judged(check, code, score=latest, threshold=most, detail={"steps": len(sent.waits)})


def check_fresh(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """4: no frame was presented before, none is frozen or repeated, and all have the noise of a sensor."""
    check, sent, shown, limits = "face.fresh", facts.sent, facts.shown, policy.gates
    if isinstance(sent, Step):
        return refused(check, sent)
    if sent.presented_before:
        return judged(check, "liveness_failed", detail={"detail": "a frame was presented before"})
    if isinstance(shown, Step):
        return refused(check, shown)
    fresh = shown.freshness
    is_stale = fresh.frozen_run > limits.frozen_run or fresh.repeated > limits.repeated
    code = "liveness_failed" if is_stale or fresh.noise is None or fresh.noise <= limits.noise else ""
    detail = {"frozen_run": fresh.frozen_run, "repeated": fresh.repeated}
    return judged(check, code, score=fresh.noise, threshold=limits.noise, detail=detail)


def check_one_face(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """5: one face in nearly all frames, and never two."""
    check, shown, least = "face.one_face", facts.shown, policy.gates.one_face_share
    if isinstance(shown, Step):
        return refused(check, shown)
    seen = shown.presence
    code = "face_not_found" if seen.one_face < least else ""
    code = "multiple_faces" if seen.most > policy.gates.most_faces else code
    return judged(check, code, score=seen.one_face, threshold=least, detail={"most": seen.most, **facts.models})


def check_quality(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """6: each step has a frame that is light, sharp and near enough to be compared."""
    check, shown = "face.quality", facts.shown
    if isinstance(shown, Step):
        return refused(check, shown)
    flaw = {"detail": shown.flaws[0]} if shown.flaws else {}
    return judged(check, "face_quality" if flaw else "", detail={**flaw, **shown.poorest, **facts.models})


def check_commands(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """7: each step shows its command and nothing that contradicts it. Scored by the weakest step over its threshold."""
    check, shown = "face.commands", facts.shown
    if isinstance(shown, Step):
        return refused(check, shown)
    if isinstance(shown.gestures, Step):
        return refused(check, shown.gestures)
    strengths = [one.value / one.threshold if one.value is not None else 0.0 for one in shown.gestures]
    wrong = [one.gesture for one in shown.gestures if not one.is_right]
    code = "liveness_command_missed" if wrong or not strengths else ""
    detail: Detail = {"steps": len(strengths), "wrong": ", ".join(wrong), **facts.models}
    return judged(check, code, score=min(strengths, default=0.0), threshold=1.0, detail=detail)


def check_depth(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """8: the turning face is no plane. No evidence of depth is no depth."""
    check, shown, limits = "face.depth", facts.shown, policy.gates
    if isinstance(shown, Step):
        return refused(check, shown)
    found = shown.depth
    if found.ratio is None or found.residual is None:
        return judged(check, "liveness_failed", detail={"detail": "no evidence of depth", **facts.models})
    is_flat = found.ratio < limits.planarity_ratio or found.residual < limits.planarity_residual
    detail: Detail = {"pairs": found.pairs, "residual": f"{found.residual:.4f}", **facts.models}
    code = "liveness_failed" if is_flat else ""
    return judged(check, code, score=found.ratio, threshold=limits.planarity_ratio, detail=detail)


def check_continuity(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """9: one and the same face from first to last: it never jumps, and each step shows the one of the first."""
    check, shown, same_face = "face.continuity", facts.shown, policy.same_face
    if isinstance(shown, Step):
        return refused(check, shown)
    found = shown.continuity
    if isinstance(found, Step):
        return refused(check, found)
    if found.overlap is None or found.distance is None:
        return judged(check, "liveness_failed", detail={"detail": "nothing to compare"})
    is_same = same_face.admits(Distance(facts.embedding, found.distance)) and found.overlap >= policy.gates.overlap
    code = "" if is_same else "liveness_failed"
    detail = {"overlap": f"{found.overlap:.4f}", **facts.recognition, "calibration": same_face.calibration}
    return judged(check, code, score=found.distance, threshold=same_face.value, detail=detail)


def check_passive(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """10: no detector of presentation attacks is installed, so above a sum two people look as well."""
    amount, most = Decimal(facts.amount), policy.unaided_max
    code = "" if _is_unaided(facts, policy) else "liveness_review"
    return judged("face.passive", code, score=float(amount), threshold=float(most), detail={"passive": "none"})


def check_match(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """11: the face at rest and at work against the reference, in three zones; the middle one is for two people.

    Each is the upper median of single distances, which zones of single pictures judge. The worse of the two counts, and
    no command may show a face beyond the zones.
    """
    check, found, zones = "face.match", facts.match, policy.zones
    if isinstance(found, Step):
        return refused(check, found)
    far = Distance(facts.embedding, max(found.at_rest, found.at_work))
    sent = 0 if isinstance(facts.sent, Step) else len(facts.sent.commands)
    probes = len(found.rest_frames) if found.at_rest >= found.at_work else sent - 1  # of each command its best frame
    # Each by itself: what is no number is not greater than another, so that the worst would not be it.
    apart = (found.at_rest, found.at_work, found.farthest)
    is_beyond = not all(zones.review.admits(Distance(facts.embedding, each)) for each in apart)
    zone = "no_match" if is_beyond else zones.of(far)
    code = _again(facts, policy) if zone == "review" else ""
    detail: Detail = {
        "decision": f"median-of-{probes}",
        "probes": probes,
        "rest_frames": ", ".join(map(str, found.rest_frames)),
        "rest": f"{found.at_rest:.4f}",
        "commands": f"{found.at_work:.4f}",
        "zone": zone,
        "review": str(zones.review.value),
        **facts.recognition,
        "calibration": zones.match.calibration,
    }
    return judged(check, code or _BY_ZONE[zone], score=far.value, threshold=zones.match.value, detail=detail)


def _is_unaided(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> bool:
    """Whether the loan is so small that nobody need look."""
    return facts.currency == "KZT" and Decimal(facts.amount) <= policy.unaided_max


def _again(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> str:
    """What to ask for once more before two people look, as a code; empty where nobody is asked.

    Only whoever has spent no attempt: the last one must end with people, never in a refusal for a face that may be the
    right one. Nor where people look whatever the second picture shows, or look at nothing because another gate refuses:
    a refusal that costs no attempt must not cost this one.
    """
    is_first = facts.left is not None and facts.left == policy.attempts > 1
    if not policy.asks_again or not is_first or isinstance(facts.shown, Step) or not _is_unaided(facts, policy):
        return ""
    gates = (check for check in CHECKS.values() if check is not check_match)
    if any(isinstance(gate(facts, policy), Failed) for gate in gates):
        return ""
    found, fair = {name: float(value) for name, value in facts.shown.poorest.items()}, policy.fair
    poor = {
        "face_again_light": found["darkest"] < fair.darkest or found["brightest"] > fair.brightest,
        "face_again_near": found["interocular"] < fair.eyes,
        "face_again_still": found["sharpness"] < fair.sharpness,
    }
    return next((code for code, is_poor in poor.items() if is_poor), "face_again")


def refused(check: str, step: Step) -> Result:
    """What cannot be measured fails. Frames and faces at rest have many codes; to borrower and lender they are one."""
    is_inner = step.code.startswith(("frame_", "liveness_neutral"))
    return judged(check, "liveness_failed" if is_inner else step.code, detail=step.detail)


CHECKS = {
    "face.binding": check_binding,
    "face.timing": check_timing,
    "face.fresh": check_fresh,
    "face.one_face": check_one_face,
    "face.quality": check_quality,
    "face.commands": check_commands,
    "face.depth": check_depth,
    "face.continuity": check_continuity,
    "face.passive": check_passive,
    "face.match": check_match,
}
WITH_CONSENT = {"face.consent": check_consent, **CHECKS}
