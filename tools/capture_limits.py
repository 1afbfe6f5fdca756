"""Every number that a gate compares, by name, with the limit it is held against: more than its
score and threshold say.

It judges nothing: `checks` does. None stands where there was nothing to measure. Of signs
of injection that have several conditions the last one stands here; the sign itself is the gate's
score.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verification.core.results import Step
from verification.engines.liveness import policy as engine_policy
from verification.stages.live_capture.checks import (
    is_joined,
    is_known,
    is_met_on_the_way,
    is_near,
    must_show,
    windows_of,
)
from verification.stages.live_capture.measure import LiveCaptureFacts, Match, Sent, Shown
from verification.stages.live_capture.policy import LiveCapturePolicy


@dataclass(frozen=True)
class Limit:
    """What was measured, and what it may be: at least, at most, or more or less than so much."""

    value: float | None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


Limits = Mapping[str, Limit]


def limits(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> dict[str, Limits]:
    """The limits of each gate, by its name; none for a gate that had nothing to judge, or compares
    nothing.
    """
    told: dict[str, Limits] = {"face.passive": _passive(facts, policy)}
    if facts.handed_over:
        told["face.hand_over"] = {"sum": Limit(float(facts.amount), most=policy.handed_over_max)}
    if not isinstance(facts.sent, Step):
        told |= {
            "face.binding": _binding(facts.sent, policy),
            "face.timing": _timing(facts.sent, policy),
        }
    if not isinstance(facts.shown, Step):
        told |= {name: of(facts, facts.shown, policy) for name, of in _SHOWN.items()}
    if not isinstance(facts.injection, Step):
        found, most = facts.injection, policy.injection
        told["face.injection"] = {
            "cameras": Limit(found.cameras, most=1),
            "off_us": Limit(found.off_us, above=most.off_us),
            "shaken": Limit(found.shaken, below=most.shaken),
            "returned": Limit(found.returned, below=most.returned),
        }
    if not isinstance(facts.match, Step):
        told["face.match"] = _match(facts.match, facts.shown, policy)
    return told


def _binding(sent: Sent, policy: LiveCapturePolicy) -> Limits:
    ordered = len(sent.order)
    return {
        "frames": Limit(min(sent.chain, default=0), least=policy.gates.frames_min),
        "stills": Limit(min(sent.stills, default=0), least=1),
        "steps": Limit(
            len(sent.commands), least=ordered, most=ordered + 2 * (sent.missed + sent.lost)
        ),
    }


def _timing(sent: Sent, policy: LiveCapturePolicy) -> Limits:
    limits, least = policy.capture, policy.gates.arrival_min_seconds
    return {
        "soonest": Limit(sent.soonest, least=least),
        "earliest": Limit(sent.earliest, least=least),
        "ahead": Limit(sent.ahead, least=-policy.clocks_apart_seconds),
        "latest": Limit(sent.latest, most=(limits.window_ms + limits.late_ms) / 1000),
        "transfer": Limit(sent.transfer, most=limits.transfer_ms / 1000),
        "rate": Limit(sent.rate, least=policy.chain_rate_min),
        "gap": Limit(sent.gap, most=policy.chain_gap_max),
    }


def _fresh(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    fresh, gates, again = shown.freshness, policy.gates, policy.again
    told = {
        "noise": Limit(fresh.noise, above=gates.noise),
        "frozen_run": Limit(fresh.frozen_run, most=gates.frozen_run),
        "repeated": Limit(fresh.repeated, most=gates.repeated),
        "windows": Limit(windows_of(shown), least=policy.windows_min),
    }
    if isinstance(facts.sent, Step):
        return told
    # Of those that are alike in everything else that makes one capture another.
    others = [one.alike for one in facts.sent.compared.others]
    like = [one for one in others if one.marked >= again.marked]
    told["presented_before"] = Limit(int(facts.sent.presented_before), most=0)
    told["replayed"] = Limit(max((one.fitting for one in like), default=0.0), below=again.fitting)
    told["fits"] = Limit(max((one.fits for one in like), default=0), below=again.many)
    told["likeness"] = Limit(
        max((one.likeness for one in others), default=0.0), below=again.looks.likeness
    )
    return told


def _one_face(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    seen, gates = shown.presence, policy.gates
    return {
        "one_face": Limit(seen.one_face, least=gates.one_face_share),
        "most": Limit(seen.most, most=gates.most_faces),
    }


def _quality(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    poorest, most = (
        {name: float(value) for name, value in shown.poorest.items()},
        engine_policy.QUALITY,
    )
    return {
        "interocular": Limit(poorest.get("interocular"), least=most.least_interocular),
        "darkest": Limit(poorest.get("darkest"), least=most.least_luminance),
        "brightest": Limit(poorest.get("brightest"), most=most.most_luminance),
        "sharpness": Limit(poorest.get("sharpness"), least=most.sharpness),
    }


def _commands(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    sent, found = facts.sent, shown.gestures
    if isinstance(sent, Step) or isinstance(found, Step):
        return {}
    right = [one for one in found if one.is_right]
    least, must = must_show(sent, policy)
    return {
        "shown": Limit(len(right), least=least),
        "must_show": Limit(len({one.gesture for one in right} & {*must}), least=len(must)),
        "missed": Limit(len(found) - len(right), most=sent.replaced_max),
        **{one.gesture: Limit(one.value, least=one.threshold) for one in found},
    }


def _depth(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    found, gates = shown.depth, policy.gates
    return {
        "ratio": Limit(found.ratio, least=gates.planarity_ratio),
        "residual": Limit(found.residual, least=gates.planarity_residual),
    }


def _continuity(facts: LiveCaptureFacts, shown: Shown, policy: LiveCapturePolicy) -> Limits:
    gates, told = policy.gates, dict[str, Limit]()
    whole, actor = policy.same_face.value, policy.same_actor.value
    if not isinstance(found := shown.continuity, Step):
        told["full_frames"] = Limit(found.distance, most=whole)
        told["overlap"] = Limit(found.overlap, least=gates.overlap)
    if not isinstance(chain := shown.throughout, Step):
        told |= {
            "way": Limit(chain.way.median, most=gates.way * actor),
            "way_second": Limit(chain.way.second, most=whole),
            "surroundings": Limit(chain.surroundings, least=gates.surroundings),
        }
        if is_near(chain, policy) or not is_met_on_the_way(chain, policy):
            told |= {
                "farthest": Limit(chain.farthest, most=whole),
                "second": Limit(chain.second, most=actor),
                "acting": Limit(chain.acting, most=actor),
                "acting_median": Limit(chain.acting_median, most=gates.acting_median * actor),
                "next": Limit(chain.next, most=gates.next_face * actor),
            }
        if not (chain.jumps and is_joined(chain, policy)):
            told["corners"] = Limit(chain.corners, least=gates.corners)
        if not is_known(shown, policy):
            told["common"] = Limit(chain.common, most=gates.common * actor)
            told["resting"] = Limit(chain.resting, most=gates.resting * actor)
    return told


def _passive(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Limits:
    told = {"sum": Limit(float(facts.amount), most=policy.unaided_max)}
    if (detector := policy.passive) is not None and facts.passive is not None:
        told["lowest"] = Limit(facts.passive.lowest(detector), least=detector.threshold)
    return told


def _match(match: Match, shown: Shown | Step, policy: LiveCapturePolicy) -> Limits:
    seen = (
        None if isinstance(shown, Step) or isinstance(shown.throughout, Step) else shown.throughout
    )
    near, far = policy.zones.match.value, policy.zones.review.value
    told = {"rest": match.at_rest, "commands": match.at_work, "chain": None}
    if seen is not None:
        told["chain"] = seen.way.to_reference
    # Within the one it matches, within the other people look; beyond it nobody does.
    every = [each for each in (*told.values(), match.farthest) if each is not None]
    if seen is not None and not is_met_on_the_way(seen, policy):
        told["gestures"] = seen.to_reference
    return {name: Limit(value, most=near) for name, value in told.items()} | {
        "farthest": Limit(max(every), most=far)
    }


_SHOWN: Mapping[str, Callable[[LiveCaptureFacts, Shown, LiveCapturePolicy], Limits]] = {
    "face.fresh": _fresh,
    "face.one_face": _one_face,
    "face.quality": _quality,
    "face.commands": _commands,
    "face.depth": _depth,
    "face.continuity": _continuity,
}
