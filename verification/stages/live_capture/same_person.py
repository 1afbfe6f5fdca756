"""9: one and the same person from first to last: the gate whose number in `checks` that is.

Who it is is told where faces can be told apart: at rest, and on the way to a gesture and back.
Whoever is another person there is refused. What is seen where a gesture is deep, and from one frame
to the next, only sends to people: the limits of that rest on few people, and a turned face is far
from its own rest for some of them. liveness.md §10a.
"""

from verification.core.results import Detail, Result, Step, judged
from verification.engines.faces.embedding import Distance
from verification.stages.live_capture.facts import Continuity, LiveCaptureFacts, Shown, Throughout
from verification.stages.live_capture.gates import refused, unjudged
from verification.stages.live_capture.policy import LiveCapturePolicy

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


def check_continuity(facts: LiveCaptureFacts, policy: LiveCapturePolicy) -> Result:
    """9: the face never leaves its place, and each step shows the one of the first, in the full
    frames and on the way.

    Where a deep gesture shows another, or corners, the place, or the means of many frames do,
    people look.
    """
    check, shown, same_face = "face.continuity", facts.shown, policy.same_face
    if isinstance(shown, Step):
        return unjudged(check, facts, policy)
    found, chain = shown.continuity, shown.throughout
    for each in (found, chain):
        if isinstance(each, Step):
            return refused(facts, policy, check, each)
    if (
        isinstance(found, Step)
        or isinstance(chain, Step)
        or found.overlap is None
        or found.distance is None
    ):
        return judged(check, "liveness_face_missing", detail={"detail": "nothing to compare"})
    gates = policy.gates
    is_one_place = chain.surroundings is None or chain.surroundings >= gates.surroundings
    is_continuous = is_joined(chain, policy) and (
        is_near(chain, policy) or is_met_on_the_way(chain, policy)
    )
    code = "" if is_actor(shown, policy) and is_continuous else "liveness_actor_review"
    code = code if is_one_place else "liveness_surroundings_jumped"
    code = code if found.overlap >= gates.overlap else "liveness_face_jumped"
    code = code if is_one(found, chain, policy) else "liveness_face_changed"
    detail: Detail = {
        "overlap": f"{found.overlap:.4f}",
        **_told(chain, _CHAIN, ""),
        **_told(chain.way, _WAY, "way_"),
        "jumps": len(chain.jumps),
        "frames": chain.frames,
        **facts.recognition,
        "calibration": same_face.calibration,
    }
    score = max(found.distance, chain.way.farthest)
    return judged(check, code, score=score, threshold=same_face.value, detail=detail)


def is_one(found: Continuity, chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether the best full frames, and the chain on the way, show the face at rest; otherwise it
    is refused.

    On the way by medians, and by two frames of a step: a single one may be half covered.
    """
    same_face, actor, units = policy.same_face, policy.same_actor, policy.same_face.embedding
    whole = (found.distance, chain.way.second)
    is_same = all(each is not None and same_face.admits(Distance(units, each)) for each in whole)
    return is_same and chain.way.median <= policy.gates.way * actor.value


def is_near(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether every compared frame is near to the face at rest, also where a gesture is deep."""
    gates, actor, whole = policy.gates, policy.same_actor.value, policy.same_face.value
    most = (
        (chain.farthest, whole),
        (chain.second, actor),
        (chain.acting, actor),
        (chain.acting_median, gates.acting_median * actor),
        (chain.next, gates.next_face * actor),
    )
    return all(value is None or value <= limit for value, limit in most)


def is_met_on_the_way(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether rest and register prove the person on the way to what is deep, and nothing deep is a
    stranger's.
    """
    gates, actor, whole, way = (
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
        (way.farthest, whole),
        (way.to_reference, gates.way_reference * actor),
        (way.deep_median, gates.deep_median * actor),
        (way.deep, gates.deep * actor),
        (chain.next, gates.deep_next * actor),
    )
    return all(value is not None and value <= limit for value, limit in most)


def is_joined(chain: Throughout, policy: LiveCapturePolicy) -> bool:
    """Whether each frame goes on from the one before: by corners, or by the faces on both sides of
    a fast turn.
    """
    gates = policy.gates
    if chain.corners is None or chain.corners >= gates.corners:
        return True
    most = gates.next_face * policy.same_actor.value
    return bool(chain.jumps) and all(apart <= most for _, apart in chain.jumps)


def is_actor(shown: Shown, policy: LiveCapturePolicy) -> bool:
    """Whether by the means of many frames nobody else acts: they are the register's face, or near
    enough together.
    """
    chain, gates = shown.throughout, policy.gates
    if isinstance(chain, Step):
        return False
    means = ((chain.common, gates.common), (chain.resting, gates.resting))
    is_together = all(
        each is None or each <= share * policy.same_actor.value for each, share in means
    )
    return is_together or is_known(shown, policy)


def is_known(shown: Shown, policy: LiveCapturePolicy) -> bool:
    """Whether the gestures are so near to the register's face that nobody asks who does them."""
    far = None if isinstance(shown.throughout, Step) else shown.throughout.to_reference
    return far is not None and far <= policy.gates.known * policy.same_actor.value


def _told(of: object, names: tuple[str, ...], before: str) -> dict[str, str | int]:
    found = {f"{before}{name}": getattr(of, name) for name in names}
    return {
        name: value if isinstance(value, int) else "none" if value is None else f"{value:.4f}"
        for name, value in found.items()
    }
