"""Was a living person in front of the camera, one and the same, doing what was asked? What the
frames themselves say.

2 bound to the commands · 3 in time · 4 fresh · 5 one face · 6 good enough · 7 the commands · 8
depth. The numbers are those of `checks`; 9, the same face throughout, is in `same_person`.
"""

from verification.core.codes import PICTURE, REASONS
from verification.core.results import Detail, Result, Step, judged
from verification.stages.live_capture.facts import LiveCaptureFacts, Sent, Shown
from verification.stages.live_capture.policy import LINE_LOST, TURNS, LiveCapturePolicy

_LEFT_OUT = "liveness_commands_left_out"
_OUTER = {
    "frame_": "liveness_frame_unreadable",
    "liveness_neutral": "liveness_not_at_rest",
    "liveness_face_masked": "liveness_face_masked",
}


def check_binding(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """2: every command of the order was answered, in order, by enough frames, each bound to its
    showing.
    """
    check, sent, least = "face.binding", facts.sent, policy.gates.frames_min
    if isinstance(sent, Step) or sent.by_line:
        return unjudged(check, facts, policy)
    # For a turn that was missed at the end come another command and the turn once more.
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
    # Whoever missed a command that may not be replaced is asked for no more of them; nor is who did
    # not look straight before, who is masked, or whose frames cannot be read.
    ended = facts.shown if isinstance(facts.shown, Step) else facts.shown.gestures
    if more < 0 and isinstance(ended, Step) and _outer(ended.code):
        return refused(facts, policy, check, ended)
    fewest = min(sent.chain)
    code = "liveness_command_missed" if fewest < least or more < 0 or not all(sent.stills) else ""
    detail: Detail = {"steps": len(sent.commands), "ordered": len(sent.order), "lost": sent.lost}
    return judged(check, code, score=fewest, threshold=least, detail=detail)


def check_timing(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """3: each step's frames were taken after a person could have seen the command and before its
    window closed.

    By the page's clock, which ours holds to what it can know: when each part came, and that its way
    took no longer than a line may. A chain with too few frames a second to see a cut in is for
    people.
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
    """4: nothing of it was presented before, no frame is frozen or repeated, and all have the noise
    of a sensor.

    What could not be compared enough for that is for people: a command that leaves too little to be
    known again, a capture that may be another one, and one that more others are like than were
    compared with it.
    """
    check, sent, shown, limits = "face.fresh", facts.sent, facts.shown, policy.gates
    if not isinstance(sent, Step) and sent.presented_before:
        return judged(
            check, "liveness_frame_seen_before", detail={"detail": "a frame was presented before"}
        )
    others = () if isinstance(sent, Step) else sent.compared.others
    if again := [
        one.alike for one in others if policy.again.finds(one.alike)
    ]:  # no word of whose: another case
        share, least = max(one.fitting for one in again), policy.again.fitting
        return judged(check, "liveness_capture_replayed", score=share, threshold=least, detail={})
    if isinstance(sent, Step) or isinstance(shown, Step):
        return unjudged(check, facts, policy)
    windows = windows_of(shown)
    code = "liveness_line_review" if windows is not None and windows < policy.windows_min else ""
    # Who tries again in the same light looks the same: within a verification movement alone counts.
    resembled = sum(policy.again.resembles(one.alike, by_look=not one.is_beside) for one in others)
    code = code if sent.compared.is_whole and not resembled else "liveness_replay_review"
    fresh = shown.freshness
    code = (
        "liveness_frame_noiseless" if fresh.noise is None or fresh.noise <= limits.noise else code
    )
    code = "liveness_frame_repeated" if fresh.repeated > limits.repeated else code
    code = "liveness_frame_frozen" if fresh.frozen_run > limits.frozen_run else code
    detail: Detail = {
        "frozen_run": fresh.frozen_run,
        "repeated": fresh.repeated,
        "windows": policy.windows_min if windows is None else windows,
        "resembled": resembled,
        "likeness": f"{max((one.alike.likeness for one in others), default=0.0):.2f}",
    }
    return judged(check, code, score=fresh.noise, threshold=limits.noise, detail=detail)


def windows_of(shown: Shown) -> int | None:
    """The fewest windows of any command by which it is known again; None where no command was done.

    A turn that was not seen proves nothing, and need not move.
    """
    acted = (
        ()
        if isinstance(shown.gestures, Step)
        else zip(shown.gestures, shown.numbers[1:], strict=False)
    )
    counted = (
        step.windows.moving if one.is_right and one.gesture in TURNS else step.windows.whole
        for one, step in acted
    )
    return min(counted, default=None)


def check_one_face(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """5: one face in nearly all frames, and never two."""
    check, shown, least = "face.one_face", facts.shown, policy.gates.one_face_share
    if isinstance(shown, Step):
        return unjudged(check, facts, policy)
    seen = shown.presence
    code = priced(facts, policy, "face_not_found") if seen.one_face < least else ""
    code = "multiple_faces" if seen.most > policy.gates.most_faces else code
    return judged(
        check,
        code,
        score=seen.one_face,
        threshold=least,
        detail={"most": seen.most, **facts.models},
    )


def check_quality(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """6: each step has a frame that is light, sharp and near enough to be compared.

    A face at rest that looks masked is for people: it may be a beard.
    """
    check, shown = "face.quality", facts.shown
    if isinstance(shown, Step):
        return unjudged(check, facts, policy)
    flaw = {"detail": shown.flaws[0]} if shown.flaws else {}
    is_masked = bool(shown.numbers) and shown.numbers[0].is_masked
    code = (
        priced(facts, policy, "face_quality")
        if flaw
        else "liveness_line_review"
        if is_masked
        else ""
    )
    detail: Detail = {**flaw, **shown.poorest, "masked": int(is_masked), **facts.models}
    return judged(check, code, score=len(shown.flaws), threshold=0, detail=detail)


def check_commands(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """7: the commands show, and nothing that contradicts them; no more were missed than may be
    replaced by others.

    Both turns and as many commands as the law asks for must show; of who cannot do some, all
    others, and then people look. Scored by the weakest of those that were not missed.
    """
    check, shown, sent = "face.commands", facts.shown, facts.sent
    if isinstance(shown, Step) or isinstance(sent, Step):
        return unjudged(check, facts, policy)
    if isinstance(shown.gestures, Step):
        return refused(facts, policy, check, shown.gestures)
    right = [one for one in shown.gestures if one.is_right]
    wrong = [one for one in shown.gestures if not one.is_right]
    least, must = must_show(sent, policy)
    is_whole = len(right) >= least and {one.gesture for one in right} >= set(must)
    code = _LEFT_OUT if sent.without else ""
    code = code if is_whole and len(wrong) <= sent.replaced_max else "liveness_command_missed"
    strengths = [
        one.value / one.threshold if one.value is not None else 0.0
        for one in (right if is_whole else wrong)
    ]
    said = {"wrong": ", ".join(one.gesture for one in wrong), "without": ", ".join(sent.without)}
    detail: Detail = {
        "steps": len(shown.gestures),
        **said,
        "replaced_max": sent.replaced_max,
        **facts.models,
    }
    return judged(check, code, score=min(strengths, default=0.0), threshold=1.0, detail=detail)


def must_show(sent: Sent, policy: LiveCapturePolicy) -> tuple[int, tuple[str, ...]]:
    """How many commands must show, and which of them: of who cannot do some, all that were
    asked.
    """
    least, must = (
        (len(sent.order) - 1, ()) if sent.without else (policy.commands_min, policy.must_show)
    )
    return max(1, least), must


def check_depth(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """8: the turning face is no plane, or people look; no evidence of depth is no depth.

    It refuses nobody: what it asks was measured on three people who turned, too few to know whom it
        would hit.
    """
    check, shown, limits = "face.depth", facts.shown, policy.gates
    if isinstance(shown, Step):
        return unjudged(check, facts, policy)
    found = shown.depth
    if not isinstance(facts.sent, Step) and "turn" in facts.sent.without:
        return judged(check, _LEFT_OUT, detail={"detail": "no turn was asked for", **facts.models})
    if found.ratio is None or found.residual is None:
        return judged(
            check,
            "liveness_depth_missing",
            detail={"detail": "no evidence of depth", **facts.models},
        )
    is_flat = found.ratio < limits.planarity_ratio or found.residual < limits.planarity_residual
    detail: Detail = {"pairs": found.pairs, "residual": f"{found.residual:.4f}", **facts.models}
    code = "liveness_depth_flat" if is_flat else ""
    return judged(check, code, score=found.ratio, threshold=limits.planarity_ratio, detail=detail)


def unjudged(
    check: str, facts: LiveCaptureFacts, policy: LiveCapturePolicy, *, of: Step | None = None
) -> Result:
    """What a gate says that has nothing to judge: by what could not be measured of the step `of`,
    it fails.

    Where the line ended the capture nobody is to blame: it is done again, and after a few of those
        people look.
    """
    sent, shown = facts.sent, facts.shown
    if not isinstance(sent, Step) and sent.by_line:
        is_free = sent.unburnt_before + 1 < policy.unburnt_captures_max
        is_once_more = is_free and sent.lost_before + 1 < policy.lost_captures_max
        detail: Detail = {"lost": sent.lost, "before": sent.lost_before}
        return judged(check, LINE_LOST if is_once_more else "liveness_line_review", detail=detail)
    return refused(
        facts, policy, check, next(step for step in (of, sent, shown) if isinstance(step, Step))
    )


def refused(facts: LiveCaptureFacts, policy: LiveCapturePolicy, check: str, step: Step) -> Result:
    """What cannot be measured fails. Frames and faces at rest have many codes inside, and one each
    outside.
    """
    return judged(check, priced(facts, policy, _outer(step.code) or step.code), detail=step.detail)


def priced(facts: LiveCaptureFacts, policy: LiveCapturePolicy, code: str) -> str:
    """The code; or that people look, where it costs no attempt and many captures of the day have
    cost none.

    Or each would be another round of "seen" and "not seen" for whoever blurs the last picture.
    """
    before = 0 if isinstance(facts.sent, Step) else facts.sent.unburnt_before
    is_free = code in REASONS and REASONS[code].family == PICTURE
    return "liveness_line_review" if is_free and before + 1 >= policy.unburnt_captures_max else code


def _outer(code: str) -> str:
    """The code of the table for one of an engine, which says more than anybody outside may build
    on; empty for none.
    """
    return next((outer for inner, outer in _OUTER.items() if code.startswith(inner)), "")
