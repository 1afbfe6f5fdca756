"""Checks of a live capture: was a living person at the camera, following the commands, and is it
the borrower?

1 consent, which the errand `register` judges · 2 frames bound to the commands · 3 in time · 4 fresh
· 5 one face · 6 quality · 7 the commands · 8 depth · 9 the same face throughout · 10 a certified
detector, or only small loans · 11 on a phone that took over: smaller loans · 12 no sign of
injection · 13 the reference.

A match never passes without all gates before it. The frames alone decide gates 2 to 9.

Gate 9: identity is clear where faces are distinguishable, at rest, and between rest and a gesture.
Another person there is refused. Findings in deep gestures, and between frames, only lead to review.
Their limits rest on few people, and a turned face can be far from its own rest:
docs/security/liveness.md.
"""

from decimal import Decimal

from verification.core.codes import PICTURE, REASONS
from verification.core.results import Detail, Failed, Passed, Result, Step, judged
from verification.engines.faces.embedding import Distance
from verification.stages.live_capture.measure import (
    Continuity,
    LiveCaptureFacts,
    Sent,
    Shown,
    Throughout,
)
from verification.stages.live_capture.policy import LINE_LOST, TURNS, LiveCapturePolicy

_LEFT_OUT = "liveness_commands_left_out"
_OUTER = {
    "frame_": "liveness_frame_unreadable",
    "liveness_neutral": "liveness_not_at_rest",
    "liveness_face_masked": "liveness_face_masked",
}
_CHAIN = (
    "second",
    "acting",
    "acting_median",
    "next",
    "corners",
    "surroundings",
    "common",
    "resting",
)
_WAY = ("frames", "median", "second", "farthest", "acting", "to_reference", "deep_median", "deep")
_BY_ZONE = {"match": "", "review": "face_review", "no_match": "face_mismatch"}


def check_binding(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """2: every command was answered, in order, by enough frames, each bound to its showing."""
    check, sent, least = "face.binding", facts.sent, policy.gates.frames_min
    if isinstance(sent, Step) or sent.by_line:
        return unjudged(check, facts, policy)
    # A turn missed at the end adds another command and the turn once more.
    more, asked_again = len(sent.commands) - len(sent.order), sent.missed + sent.lost
    is_drawn = asked_again > 0 or sent.commands == sent.order[: len(sent.commands)]
    if not sent.order or not is_drawn or more > 2 * asked_again:
        return judged(
            check,
            "liveness_order_differs",
            detail={"detail": "the steps are not those of the order"},
        )
    if not sent.is_bound:
        return judged(
            check,
            "liveness_frame_unbound",
            detail={"detail": "a frame is not bound to its command"},
        )
    # A missed command that must not be replaced ends the capture. So does a face that does not look
    # straight before, a mask, or unreadable frames.
    ended = facts.shown if isinstance(facts.shown, Step) else facts.shown.gestures
    if more < 0 and isinstance(ended, Step) and _outer(ended.code):
        return refusal(facts, policy, check, ended)
    fewest = min(sent.chain)
    code = "liveness_command_missed" if fewest < least or more < 0 or not all(sent.stills) else ""
    detail: Detail = {"steps": len(sent.commands), "ordered": len(sent.order), "lost": sent.lost}
    return judged(check, code, score=fewest, threshold=least, detail=detail)


def check_timing(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """3: each step's frames were taken after a person could see the command and before its window
    closed.

    The page's clock counts, bounded by ours: the arrival of each part, and the longest transfer of
    a line.
    A chain with too few frames a second to reveal a cut goes to review.
    """
    check, sent, limits = "face.timing", facts.sent, policy.capture
    if isinstance(sent, Step) or sent.by_line:
        return unjudged(check, facts, policy)
    least = policy.gates.arrival_min_seconds
    detail: Detail = {
        "steps": len(sent.commands),
        "latest": f"{sent.latest:.2f}",
        "transfer": f"{sent.transfer:.2f}",
        "rate": f"{sent.rate:.1f}",
        "gap": f"{sent.gap:.2f}",
    }
    if min(sent.soonest, sent.earliest) < least or sent.ahead < -policy.clocks_apart_seconds:
        early: Detail = {
            **detail,
            "detail": "frames came before the command could be seen, or before they were taken",
        }
        soonest = min(sent.soonest, sent.earliest)
        return judged(check, "liveness_frame_early", score=soonest, threshold=least, detail=early)
    most = (limits.window_ms + limits.late_ms + limits.transfer_ms) / 1000
    is_late = (
        sent.latest * 1000 > limits.window_ms + limits.late_ms
        or sent.transfer * 1000 > limits.transfer_ms
    )
    is_dense = sent.rate >= policy.chain_rate_min and sent.gap <= policy.chain_gap_max
    code = "liveness_command_missed" if is_late else "" if is_dense else "liveness_line_review"
    return judged(check, code, score=sent.latest + sent.transfer, threshold=most, detail=detail)


def check_fresh(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """4: no item was presented before, no frame is frozen or repeated, and all have the noise of a
    sensor.

    Review decides if the comparison is insufficient: a command with too few features, a capture
    that may be another one, or more similar captures than were compared.
    """
    check, sent, view, limits = "face.fresh", facts.sent, facts.shown, policy.gates
    if not isinstance(sent, Step) and sent.presented_before:
        return judged(
            check, "liveness_frame_seen_before", detail={"detail": "a frame was presented before"}
        )
    compared = () if isinstance(sent, Step) else sent.compared.others
    if again := [
        comparison.alike for comparison in compared if policy.again.finds(comparison.alike)
    ]:  # an unknown origin counts as another case
        share, least = max(comparison.fitting for comparison in again), policy.again.fitting
        return judged(check, "liveness_capture_replayed", score=share, threshold=least, detail={})
    if isinstance(sent, Step) or isinstance(view, Step):
        return unjudged(check, facts, policy)
    windows = windows_of(view)
    code = "liveness_line_review" if windows is not None and windows < policy.windows_min else ""
    # A retry in the same light looks similar: within a verification only movement counts.
    resembled = sum(
        policy.again.resembles(comparison.alike, by_look=not comparison.is_beside)
        for comparison in compared
    )
    code = code if sent.compared.is_whole and not resembled else "liveness_replay_review"
    fresh = view.freshness
    code = (
        "liveness_frame_noiseless" if fresh.noise is None or fresh.noise <= limits.noise else code
    )
    code = "liveness_frame_repeated" if fresh.repeated > limits.repeated else code
    code = "liveness_frame_frozen" if fresh.frozen_run > limits.frozen_run else code
    likeness = max((comparison.alike.likeness for comparison in compared), default=0.0)
    detail: Detail = {
        "frozen_run": fresh.frozen_run,
        "repeated": fresh.repeated,
        "windows": policy.windows_min if windows is None else windows,
        "resembled": resembled,
        "likeness": f"{likeness:.2f}",
    }
    return judged(check, code, score=fresh.noise, threshold=limits.noise, detail=detail)


def windows_of(view: Shown) -> int | None:
    """The smallest number of comparable windows of any command; None if no command was done.

    A turn that was not seen proves nothing, and need not move.
    """
    acted = (
        ()
        if isinstance(view.gestures, Step)
        else zip(view.gestures, view.numbers[1:], strict=False)
    )
    counted = (
        step.windows.moving if gesture.is_right and gesture.gesture in TURNS else step.windows.whole
        for gesture, step in acted
    )
    return min(counted, default=None)


def check_one_face(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """5: one face in nearly all frames, and never two."""
    check, view, least = "face.one_face", facts.shown, policy.gates.one_face_share
    if isinstance(view, Step):
        return unjudged(check, facts, policy)
    presence = view.presence
    code = priced(facts, policy, "face_not_found") if presence.one_face < least else ""
    code = "multiple_faces" if presence.most > policy.gates.most_faces else code
    return judged(
        check,
        code,
        score=presence.one_face,
        threshold=least,
        detail={"most": presence.most, **facts.models},
    )


def check_quality(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """6: each step has a frame that is light, sharp and close enough to be compared.

    A face at rest that seems masked goes to review: it may have a beard.
    """
    check, view = "face.quality", facts.shown
    if isinstance(view, Step):
        return unjudged(check, facts, policy)
    flaw = {"detail": view.flaws[0]} if view.flaws else {}
    is_masked = bool(view.numbers) and view.numbers[0].is_masked
    code = (
        priced(facts, policy, "face_quality")
        if flaw
        else "liveness_line_review"
        if is_masked
        else ""
    )
    detail: Detail = {**flaw, **view.poorest, "masked": int(is_masked), **facts.models}
    return judged(check, code, score=len(view.flaws), threshold=0, detail=detail)


def check_commands(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """7: the commands are visible without contradiction; at most the permitted number was replaced.

    Both turns and as many commands as the law requires must be visible.
    If the borrower cannot do some, all others must be visible, and review follows.
    The score is the weakest of the visible ones.
    """
    check, view, sent = "face.commands", facts.shown, facts.sent
    if isinstance(view, Step) or isinstance(sent, Step):
        return unjudged(check, facts, policy)
    if isinstance(view.gestures, Step):
        return refusal(facts, policy, check, view.gestures)
    right = [gesture for gesture in view.gestures if gesture.is_right]
    wrong = [gesture for gesture in view.gestures if not gesture.is_right]
    least, must = must_show(sent, policy)
    is_whole = len(right) >= least and {gesture.gesture for gesture in right} >= set(must)
    code = _LEFT_OUT if sent.without else ""
    code = code if is_whole and len(wrong) <= sent.replaced_max else "liveness_command_missed"
    strengths = [
        gesture.value / gesture.threshold if gesture.value is not None else 0.0
        for gesture in (right if is_whole else wrong)
    ]
    names = {
        "wrong": ", ".join(gesture.gesture for gesture in wrong),
        "without": ", ".join(sent.without),
    }
    detail: Detail = {
        "steps": len(view.gestures),
        **names,
        "replaced_max": sent.replaced_max,
        **facts.models,
    }
    return judged(check, code, score=min(strengths, default=0.0), threshold=1.0, detail=detail)


def must_show(sent: Sent, policy: LiveCapturePolicy) -> tuple[int, tuple[str, ...]]:
    """How many commands must be visible, and which; if the borrower cannot do some, all that
    were asked.
    """
    least, must = (
        (len(sent.order) - 1, ()) if sent.without else (policy.commands_min, policy.must_show)
    )
    return max(1, least), must


def check_depth(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """8: the turning face is not flat; otherwise, or without evidence of depth, review follows.

    It never refuses: its threshold comes from three people who turned, too few to know its errors.
    """
    check, view, limits = "face.depth", facts.shown, policy.gates
    if isinstance(view, Step):
        return unjudged(check, facts, policy)
    depth = view.depth
    if not isinstance(facts.sent, Step) and "turn" in facts.sent.without:
        return judged(check, _LEFT_OUT, detail={"detail": "no turn was asked for", **facts.models})
    if depth.ratio is None or depth.residual is None:
        return judged(
            check,
            "liveness_depth_missing",
            detail={"detail": "no evidence of depth", **facts.models},
        )
    is_flat = depth.ratio < limits.planarity_ratio or depth.residual < limits.planarity_residual
    detail: Detail = {"pairs": depth.pairs, "residual": f"{depth.residual:.4f}", **facts.models}
    code = "liveness_depth_flat" if is_flat else ""
    return judged(check, code, score=depth.ratio, threshold=limits.planarity_ratio, detail=detail)


def check_continuity(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """9: the face never leaves its place, and each step shows the first step's face, in full frames
    and between.

    If a deep gesture, corners, the place, or the means of many frames differ, review follows.
    """
    check, view, same_face = "face.continuity", facts.shown, policy.same_face
    if isinstance(view, Step):
        return unjudged(check, facts, policy)
    full, chain = view.continuity, view.throughout
    for part in (full, chain):
        if isinstance(part, Step):
            return refusal(facts, policy, check, part)
    if (
        isinstance(full, Step)
        or isinstance(chain, Step)
        or full.overlap is None
        or full.distance is None
    ):
        return judged(check, "liveness_face_missing", detail={"detail": "nothing to compare"})
    gates = policy.gates
    is_one_place = chain.surroundings is None or chain.surroundings >= gates.surroundings
    is_continuous = is_joined(chain, policy) and (
        is_near(chain, policy) or is_met_on_the_way(chain, policy)
    )
    code = "" if is_actor(view, policy) and is_continuous else "liveness_actor_review"
    code = code if is_one_place else "liveness_surroundings_jumped"
    code = code if full.overlap >= gates.overlap else "liveness_face_jumped"
    code = code if is_one(full, chain, policy) else "liveness_face_changed"
    detail: Detail = {
        "overlap": f"{full.overlap:.4f}",
        **_spelled_out(chain, _CHAIN, ""),
        **_spelled_out(chain.way, _WAY, "way_"),
        "jumps": len(chain.jumps),
        "frames": chain.frames,
        **facts.recognition,
        "calibration": same_face.calibration,
    }
    score = max(full.distance, chain.way.farthest)
    return judged(check, code, score=score, threshold=same_face.value, detail=detail)


def is_one(full: Continuity, chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether the best full frames, and the chain between rest and gesture, show the face at rest;
    else refused.

    The chain uses medians, and two frames of a step: a single one may be half covered.
    """
    same_face, actor, units = policy.same_face, policy.same_actor, policy.same_face.embedding
    distances = (full.distance, chain.way.second)
    is_same = all(
        value is not None and same_face.admits(Distance(units, value)) for value in distances
    )
    return is_same and chain.way.median <= policy.gates.way * actor.value


def is_near(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether every compared frame is near to the face at rest, also in a deep gesture."""
    gates, actor, face = policy.gates, policy.same_actor.value, policy.same_face.value
    most = (
        (chain.farthest, face),
        (chain.second, actor),
        (chain.acting, actor),
        (chain.acting_median, gates.acting_median * actor),
        (chain.next, gates.next_face * actor),
    )
    return all(value is None or value <= limit for value, limit in most)


def is_met_on_the_way(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether rest and register prove the person between rest and deep gestures, and no deep
    frame is a stranger's.
    """
    gates, actor, face, way = (
        policy.gates,
        policy.same_actor.value,
        policy.same_face.value,
        chain.way,
    )
    if way.frames is None or way.frames < gates.way_frames:
        return False
    if way.acting is not None and not way.acting <= gates.acting_median * actor:
        return False
    most = (
        (way.median, gates.way_near * actor),
        (way.second, actor),
        (way.farthest, face),
        (way.to_reference, gates.way_reference * actor),
        (way.deep_median, gates.deep_median * actor),
        (way.deep, gates.deep * actor),
        (chain.next, gates.deep_next * actor),
    )
    return all(value is not None and value <= limit for value, limit in most)


def is_joined(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether each frame continues the one before: by corners, or by the faces on both sides of
    a fast turn.
    """
    gates = policy.gates
    if chain.corners is None or chain.corners >= gates.corners:
        return True
    most = gates.next_face * policy.same_actor.value
    return bool(chain.jumps) and all(apart <= most for _, apart in chain.jumps)


def is_actor(view: Shown, policy: LiveCapturePolicy) -> bool:
    """Whether the means of many frames show one actor: the register's face, or means close
    together.
    """
    chain, gates = view.throughout, policy.gates
    if isinstance(chain, Step):
        return False
    means = ((chain.common, gates.common), (chain.resting, gates.resting))
    is_together = all(
        mean is None or mean <= share * policy.same_actor.value for mean, share in means
    )
    return is_together or is_known(view, policy)


def is_known(view: Shown, policy: LiveCapturePolicy) -> bool:
    """Whether the gestures are so near to the register's face that no question of the actor
    remains.
    """
    far = None if isinstance(view.throughout, Step) else view.throughout.to_reference
    return far is not None and far <= policy.gates.known * policy.same_actor.value


def _spelled_out(record: object, names: tuple[str, ...], prefix: str) -> dict[str, str | int]:
    values = {f"{prefix}{name}": getattr(record, name) for name in names}
    return {
        name: value if isinstance(value, int) else "none" if value is None else f"{value:.4f}"
        for name, value in values.items()
    }


def check_passive(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """10: above a sum two people also review, unless a certified attack detector says bona fide.

    At any sum they review if a detector says attack or is undecided; a detector alone never passes
    or refuses.
    """
    check, most, limits = "face.passive", policy.unaided_max, policy.passive
    code = "" if _is_up_to(most, facts) else "liveness_review"
    if limits is None or isinstance(facts.shown, Step):
        detector = {"passive": "none" if limits is None else limits.detector}
        return judged(
            check, code, score=float(facts.amount), threshold=float(most), detail=detector
        )
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
    """11: above a sum people also review if a phone took over by a code: a victim may have been
    persuaded.
    """
    most = policy.handed_over_max
    code = "" if not facts.handed_over or _is_up_to(most, facts) else "hand_over_review"
    return judged(
        "face.hand_over", code, score=float(facts.amount), threshold=float(most), detail={}
    )


def check_injection(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """12: neither the browser's data on the camera nor a repeated picture indicates injection."""
    if isinstance(signals := facts.injection, Step):
        return unjudged("face.injection", facts, policy, preferred=signals)
    raised = policy.injection.raised(signals)
    code = f"liveness_injection_{raised[0]}" if raised else ""
    values: dict[str, str | int] = {
        name: value for name, value in vars(signals).items() if name != "off_us"
    }
    off = {} if signals.off_us is None else {"off_us": f"{signals.off_us:.1f}"}
    detail = {"signals": ", ".join(raised), **values, **off}
    return judged("face.injection", code, score=len(raised), threshold=0, detail=detail)


def check_match(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """13: the face at rest and in gestures against the reference, in three zones; the middle one
    goes to two people.

    Each value is the upper median of single distances, which zones of single pictures judge.
    The worst value counts, and no command may show a face beyond the zones.
    The chain counts too, because full frames can be painted between two people.
    So the acting face must be the register's person on the way to each gesture; turned or bowed
    heads are farther for everyone.
    A large distance in a deep gesture goes to review.
    """
    check, match, zones = "face.match", facts.match, policy.zones
    if isinstance(match, Step):
        return unjudged(check, facts, policy, preferred=match)
    chain = facts.shown.throughout if isinstance(facts.shown, Shown) else facts.shown
    if isinstance(chain, Step) or chain.to_reference is None or chain.way.to_reference is None:
        return unjudged(
            check,
            facts,
            policy,
            preferred=chain if isinstance(chain, Step) else Step("check_missing"),
        )
    medians = {"rest": match.at_rest, "commands": match.at_work, "chain": chain.way.to_reference}
    far, deep = (
        Distance(facts.embedding, distance)
        for distance in (max(medians.values()), chain.to_reference)
    )
    sent = 0 if isinstance(facts.sent, Step) else len(facts.sent.commands)
    # Of the full frames, those at rest or the best of each command; of the chain, those that prove
    # a gesture.
    probes = len(match.rest_frames) if match.at_rest >= match.at_work else sent - 1
    # Compare each separately: NaN is not greater than another number, so max() would miss it.
    apart = (*medians.values(), match.farthest)
    is_beyond = not all(
        zones.review.admits(Distance(facts.embedding, distance)) for distance in apart
    )
    zone = "no_match" if is_beyond else zones.of(far)
    code = _again(facts, policy) if zone == "review" else ""
    is_met = zones.review.admits(deep) and is_met_on_the_way(chain, policy)
    is_deep_far = not zones.match.admits(deep) and not is_met
    code = "face_review" if zone == "match" and is_deep_far else code
    detail: Detail = {
        "decision": f"median-of-{probes}",
        "probes": probes,
        "rest_frames": ", ".join(map(str, match.rest_frames)),
        **{name: f"{value:.4f}" for name, value in {**medians, "gestures": deep.value}.items()},
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
    """The code of a second request before review; empty without one.

    Only a borrower without a spent attempt gets it: the last attempt must end with people, never in
    a refusal of a face that may be right. It is also left out if people review in any case, or if
    another gate refuses without review: a free refusal must not cost an attempt.
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
    poorest, fair = {name: float(value) for name, value in facts.shown.poorest.items()}, policy.fair
    poor = {
        "face_again_light": poorest["darkest"] < fair.darkest
        or poorest["brightest"] > fair.brightest,
        "face_again_near": poorest["interocular"] < fair.eyes,
        "face_again_still": poorest["sharpness"] < fair.sharpness,
    }
    return next((code for code, is_poor in poor.items() if is_poor), "face_again")


def unjudged(
    check: str, facts: LiveCaptureFacts, policy: LiveCapturePolicy, *, preferred: Step | None = None
) -> Result:
    """The result of a gate without input: it fails with the code of the step that could not be
    measured.

    preferred: that step, if the gate knows it.
    If the line ended the capture, it is repeated without cost; after a few of those, people review.
    """
    sent, view = facts.sent, facts.shown
    if not isinstance(sent, Step) and sent.by_line:
        is_free = sent.unburnt_before + 1 < policy.unburnt_captures_max
        is_once_more = is_free and sent.lost_before + 1 < policy.lost_captures_max
        detail: Detail = {"lost": sent.lost, "before": sent.lost_before}
        return judged(check, LINE_LOST if is_once_more else "liveness_line_review", detail=detail)
    return refusal(
        facts,
        policy,
        check,
        next(step for step in (preferred, sent, view) if isinstance(step, Step)),
    )


def refusal(facts: LiveCaptureFacts, policy: LiveCapturePolicy, check: str, step: Step) -> Result:
    """The failure of a step. Frames and faces at rest have many codes inside, and one code each
    outside.
    """
    return judged(check, priced(facts, policy, _outer(step.code) or step.code), detail=step.detail)


def priced(facts: LiveCaptureFacts, policy: LiveCapturePolicy, code: str) -> str:
    """The code; or review, if the failure costs no attempt and many captures of the day were free.

    Otherwise an attacker who blurs the last picture gets unlimited rounds of "seen" and "not seen".
    """
    earlier = 0 if isinstance(facts.sent, Step) else facts.sent.unburnt_before
    is_free = code in REASONS and REASONS[code].family == PICTURE
    return (
        "liveness_line_review" if is_free and earlier + 1 >= policy.unburnt_captures_max else code
    )


def _outer(code: str) -> str:
    """The public code for an engine's code, which says more than outsiders may learn; empty
    without one.
    """
    return next((outer for inner, outer in _OUTER.items() if code.startswith(inner)), "")


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
