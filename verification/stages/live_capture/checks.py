"""Was a living person in front of the camera, doing what was asked, and is it the borrower? All of
it, or no.

1 consent, which the errand `register` judges · 2 frames bound to the commands · 3 in time · 4 fresh
· 5 one face · 6 good enough · 7 the commands · 8 depth · 9 the same face throughout · 10 a
certified detector, or only small loans · 11 at a phone that took over: smaller ones · 12 no sign of
injection · 13 the reference. A match without all the gates before it never passes. Gates 2 to 9,
which the frames decide by themselves, are in `gates` and `same_person`.
"""

from decimal import Decimal

from verification.core.results import Detail, Failed, Passed, Result, Step, judged
from verification.engines.faces.embedding import Distance
from verification.stages.live_capture.facts import LiveCaptureFacts, Shown
from verification.stages.live_capture.gates import (
    check_binding,
    check_commands,
    check_depth,
    check_fresh,
    check_one_face,
    check_quality,
    check_timing,
    unjudged,
)
from verification.stages.live_capture.policy import LiveCapturePolicy
from verification.stages.live_capture.same_person import check_continuity, is_met_on_the_way

_BY_ZONE = {"match": "", "review": "face_review", "no_match": "face_mismatch"}


def check_passive(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """10: above a sum two people look as well, unless a certified detector of presentation attacks
    says bona fide.

    At any sum they look where a detector says attack, or could not say; none passes or refuses
    anybody.
    """
    check, most, limits = "face.passive", policy.unaided_max, policy.passive
    code = "" if _is_up_to(most, facts) else "liveness_review"
    if limits is None or isinstance(facts.shown, Step):
        told = {"passive": "none" if limits is None else limits.detector}
        return judged(check, code, score=float(facts.amount), threshold=float(most), detail=told)
    lowest = None if facts.passive is None else facts.passive.lowest(limits)
    if lowest is None or lowest < limits.threshold:
        code = "liveness_passive_review"
    elif limits.is_certified:
        code = ""
    detail: Detail = {
        "passive": limits.detector,
        "certified": int(limits.is_certified),
        "sum_most": most,
    }
    return judged(check, code, score=lowest, threshold=limits.threshold, detail=detail)


def check_hand_over(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """11: above a sum people look, too, where a phone took over by a code: a victim may have been
    talked into it.
    """
    most = policy.handed_over_max
    code = "" if not facts.handed_over or _is_up_to(most, facts) else "hand_over_review"
    return judged(
        "face.hand_over", code, score=float(facts.amount), threshold=float(most), detail={}
    )


def check_injection(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """12: neither what the browser tells of the camera nor a picture that comes back speaks of
    pictures put in.
    """
    if isinstance(found := facts.injection, Step):
        return unjudged("face.injection", facts, policy, of=found)
    raised = policy.injection.raised(found)
    code = f"liveness_injection_{raised[0]}" if raised else ""
    told: dict[str, str | int] = {
        name: value for name, value in vars(found).items() if name != "off_us"
    }
    off = {} if found.off_us is None else {"off_us": f"{found.off_us:.1f}"}
    detail = {"signals": ", ".join(raised), **told, **off}
    return judged("face.injection", code, score=len(raised), threshold=0, detail=detail)


def check_match(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """13: the face at rest and at work against the reference, in three zones; the middle one is for
    two people.

    Each is the upper median of single distances, which zones of single pictures judge. The worst of
    them counts, and no command may show a face beyond the zones. The chain is one of them: full
    frames can be painted to lie between two people, so whoever is seen to act must be the
    register's person, too: on the way to the gesture, for a head that is turned or bowed is
    farther, whoever it is. What is far where the gesture is deep is for people.
    """
    check, found, zones = "face.match", facts.match, policy.zones
    if isinstance(found, Step):
        return unjudged(check, facts, policy, of=found)
    shown = facts.shown.throughout if isinstance(facts.shown, Shown) else facts.shown
    if isinstance(shown, Step) or shown.to_reference is None or shown.way.to_reference is None:
        return unjudged(
            check, facts, policy, of=shown if isinstance(shown, Step) else Step("check_missing")
        )
    seen = {"rest": found.at_rest, "commands": found.at_work, "chain": shown.way.to_reference}
    far, deep = (
        Distance(facts.embedding, each) for each in (max(seen.values()), shown.to_reference)
    )
    sent = 0 if isinstance(facts.sent, Step) else len(facts.sent.commands)
    # Of the full frames, those at rest or the best of each command; of the chain, those that prove
    # a gesture.
    probes = len(found.rest_frames) if found.at_rest >= found.at_work else sent - 1
    # Each by itself: what is no number is not greater than another, so that the worst would not be
    # it.
    apart = (*seen.values(), found.farthest)
    is_beyond = not all(zones.review.admits(Distance(facts.embedding, each)) for each in apart)
    zone = "no_match" if is_beyond else zones.of(far)
    code = _again(facts, policy) if zone == "review" else ""
    is_met = zones.review.admits(deep) and is_met_on_the_way(shown, policy)
    is_deep_far = not zones.match.admits(deep) and not is_met
    code = "face_review" if zone == "match" and is_deep_far else code
    detail: Detail = {
        "decision": f"median-of-{probes}",
        "probes": probes,
        "rest_frames": ", ".join(map(str, found.rest_frames)),
        **{name: f"{value:.4f}" for name, value in {**seen, "gestures": deep.value}.items()},
        "zone": zone,
        "review": str(zones.review.value),
        **facts.recognition,
        "calibration": zones.match.calibration,
    }
    return judged(
        check, code or _BY_ZONE[zone], score=far.value, threshold=zones.match.value, detail=detail
    )


def _is_up_to(most: int, facts: LiveCaptureFacts) -> bool:
    return facts.currency == "KZT" and Decimal(facts.amount) <= most


def _again(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> str:
    """What to ask for once more before two people look, as a code; empty where nobody is asked.

    Only whoever has spent no attempt: the last one must end with people, never in a refusal for a
    face that may be the right one. Nor where people look whatever the second picture shows, or look
    at nothing because another gate refuses: a refusal that costs no attempt must not cost this one.
    """
    is_first = facts.left is not None and facts.left == policy.attempts > 1
    is_unaided = all(
        isinstance(check(facts, policy), Passed) for check in (check_passive, check_hand_over)
    )
    if not policy.asks_again or not is_first or isinstance(facts.shown, Step) or not is_unaided:
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
    "face.hand_over": check_hand_over,
    "face.injection": check_injection,
    "face.match": check_match,
}
