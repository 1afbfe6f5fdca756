"""Every number that a gate compares, by name, with its limit: more than the gate's score and
threshold.

`checks` judges, not this module. A number without a measurement is None.
For a sign of injection with several conditions the last one is listed; the gate's score is the sign
itself.
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
    """A measured value and its limit: at least, at most, more or less than so much."""

    value: float | None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


Limits = Mapping[str, Limit]


def limits(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> dict[str, Limits]:
    """The limits of each gate, by its name; empty for a gate without input or comparison."""
    by_gate: dict[str, Limits] = {"face.passive": _passive(facts, policy)}
    if facts.handed_over:
        by_gate["face.hand_over"] = {"sum": Limit(float(facts.amount), most=policy.handed_over_max)}
    if not isinstance(facts.sent, Step):
        by_gate |= {
            "face.binding": _binding(facts.sent, policy),
            "face.timing": _timing(facts.sent, policy),
        }
    if not isinstance(facts.shown, Step):
        by_gate |= {
            name: limits_of(facts, facts.shown, policy) for name, limits_of in _SHOWN.items()
        }
    if not isinstance(facts.injection, Step):
        injection, most = facts.injection, policy.injection
        by_gate["face.injection"] = {
            "cameras": Limit(injection.cameras, most=1),
            "off_us": Limit(injection.off_us, above=most.off_us),
            "shaken": Limit(injection.shaken, below=most.shaken),
            "returned": Limit(injection.returned, below=most.returned),
        }
    if not isinstance(facts.match, Step):
        by_gate["face.match"] = _match(facts.match, facts.shown, policy)
    return by_gate


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


def _fresh(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    fresh, gates, again = show.freshness, policy.gates, policy.again
    values = {
        "noise": Limit(fresh.noise, above=gates.noise),
        "frozen_run": Limit(fresh.frozen_run, most=gates.frozen_run),
        "repeated": Limit(fresh.repeated, most=gates.repeated),
        "windows": Limit(windows_of(show), least=policy.windows_min),
    }
    if isinstance(facts.sent, Step):
        return values
    # The captures that meet all other conditions of a repetition.
    captures = [likeness.alike for likeness in facts.sent.compared.others]
    like = [likeness for likeness in captures if likeness.marked >= again.marked]
    values["presented_before"] = Limit(int(facts.sent.presented_before), most=0)
    values["replayed"] = Limit(
        max((likeness.fitting for likeness in like), default=0.0), below=again.fitting
    )
    values["fits"] = Limit(max((likeness.fits for likeness in like), default=0), below=again.many)
    values["likeness"] = Limit(
        max((likeness.likeness for likeness in captures), default=0.0), below=again.looks.likeness
    )
    return values


def _one_face(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    presence, gates = show.presence, policy.gates
    return {
        "one_face": Limit(presence.one_face, least=gates.one_face_share),
        "most": Limit(presence.most, most=gates.most_faces),
    }


def _quality(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    poorest, most = (
        {name: float(value) for name, value in show.poorest.items()},
        engine_policy.QUALITY,
    )
    return {
        "interocular": Limit(poorest.get("interocular"), least=most.least_interocular),
        "darkest": Limit(poorest.get("darkest"), least=most.least_luminance),
        "brightest": Limit(poorest.get("brightest"), most=most.most_luminance),
        "sharpness": Limit(poorest.get("sharpness"), least=most.sharpness),
    }


def _commands(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    sent, gestures = facts.sent, show.gestures
    if isinstance(sent, Step) or isinstance(gestures, Step):
        return {}
    right = [gesture for gesture in gestures if gesture.is_right]
    least, must = must_show(sent, policy)
    return {
        "shown": Limit(len(right), least=least),
        "must_show": Limit(len({gesture.gesture for gesture in right} & {*must}), least=len(must)),
        "missed": Limit(len(gestures) - len(right), most=sent.replaced_max),
        **{gesture.gesture: Limit(gesture.value, least=gesture.threshold) for gesture in gestures},
    }


def _depth(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    depth, gates = show.depth, policy.gates
    return {
        "ratio": Limit(depth.ratio, least=gates.planarity_ratio),
        "residual": Limit(depth.residual, least=gates.planarity_residual),
    }


def _continuity(facts: LiveCaptureFacts, show: Shown, policy: LiveCapturePolicy) -> Limits:
    gates, values = policy.gates, dict[str, Limit]()
    same_face, actor = policy.same_face.value, policy.same_actor.value
    if not isinstance(continuity := show.continuity, Step):
        values["full_frames"] = Limit(continuity.distance, most=same_face)
        values["overlap"] = Limit(continuity.overlap, least=gates.overlap)
    if not isinstance(chain := show.throughout, Step):
        values |= {
            "way": Limit(chain.way.median, most=gates.way * actor),
            "way_second": Limit(chain.way.second, most=same_face),
            "surroundings": Limit(chain.surroundings, least=gates.surroundings),
        }
        if is_near(chain, policy) or not is_met_on_the_way(chain, policy):
            values |= {
                "farthest": Limit(chain.farthest, most=same_face),
                "second": Limit(chain.second, most=actor),
                "acting": Limit(chain.acting, most=actor),
                "acting_median": Limit(chain.acting_median, most=gates.acting_median * actor),
                "next": Limit(chain.next, most=gates.next_face * actor),
            }
        if not (chain.jumps and is_joined(chain, policy)):
            values["corners"] = Limit(chain.corners, least=gates.corners)
        if not is_known(show, policy):
            values["common"] = Limit(chain.common, most=gates.common * actor)
            values["resting"] = Limit(chain.resting, most=gates.resting * actor)
    return values


def _passive(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Limits:
    values = {"sum": Limit(float(facts.amount), most=policy.unaided_max)}
    if (detector := policy.passive) is not None and facts.passive is not None:
        values["lowest"] = Limit(facts.passive.lowest(detector), least=detector.threshold)
    return values


def _match(match: Match, show: Shown | Step, policy: LiveCapturePolicy) -> Limits:
    throughout = (
        None if isinstance(show, Step) or isinstance(show.throughout, Step) else show.throughout
    )
    near, far = policy.zones.match.value, policy.zones.review.value
    distances = {"rest": match.at_rest, "commands": match.at_work, "chain": None}
    if throughout is not None:
        distances["chain"] = throughout.way.to_reference
    # Within the first it matches, within the second people review; beyond it is refused.
    every = [distance for distance in (*distances.values(), match.farthest) if distance is not None]
    if throughout is not None and not is_met_on_the_way(throughout, policy):
        distances["gestures"] = throughout.to_reference
    return {name: Limit(value, most=near) for name, value in distances.items()} | {
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
