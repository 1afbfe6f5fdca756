"""Is the key of a verification there, was evidence destroyed lawfully, and until when are its frames kept?"""

from collections.abc import Iterator
from datetime import timedelta

from verification import clock
from verification.audit import policy
from verification.audit.held_rows import Held, differs
from verification.core.events import DECISIONS, DESTROYED
from verification.core.findings import Finding
from verification.core.route import is_frame


def compare_evidence(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the key and the frames of a verification and its entries say differently."""
    yield from _compare_destroyed(log, held)
    # A key that is gone without an entry is evidence that somebody made unreadable.
    opened = next(held.said("verification.created", naming="case"), None)
    if (key := held.key) is not None:
        redacted = max((entry.at for entry in held.entries if entry.type == "verification.redacted"), default=None)
        if key.destroyed_at != redacted:
            detail = "its key counts as destroyed when no entry destroyed it, or otherwise"
            yield differs(log, held, "destroyed_at", detail)
        if (key.wrapped_key is None) != (key.destroyed_at is not None):
            detail = "its key is gone and does not count as destroyed, or otherwise"
            yield differs(log, held, "wrapped_key", detail)
    elif opened is not None:
        detail = "the key of the verification that this entry opened is not there any more"
        yield Finding(code="row_missing", log=log, entry=opened[0].pk, detail=detail)
    yield from _compare_frames(log, held)


def _compare_destroyed(log: str, held: Held) -> Iterator[Finding]:
    """Whether what was destroyed might be: frames, long enough after the end, and nothing that is held."""
    items = {item.pk: item for item in held.items}
    for entry, body in held.said(DESTROYED, naming="attempt"):
        listed = list(map(str, body["destroyed"] if isinstance(body.get("destroyed"), list) else ()))
        unlawful, (end, ended) = "", next(iter(held.said(*DECISIONS, naming="profile")), (None, {}))
        if end is None or entry.at < end.at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS):
            unlawful = "frames were destroyed before they might be"
        else:
            judged = held.said("attempt.judged", naming="checks")
            codes = {check["code"] for _, judgement in judged for check in judgement["checks"]}
            is_held = bool(codes & policy.FRAMES_HELD_FOR) or ended.get("code") in policy.FRAMES_HELD_ENDINGS
            disputed = any(one.type == "verification.disputed" and one.at <= entry.at for one in held.entries)
            if disputed or (end.type == "verification.declined" and is_held):
                unlawful = "frames were destroyed that are held"
            elif others := [pk for pk in listed if pk not in items or not is_frame(items[pk].kind)]:
                unlawful = f"{others[0]} was destroyed, which is no frame"
        if unlawful:
            yield Finding(code="row_differs", log=log, entry=entry.pk, field="destroyed", detail=unlawful)


def _compare_frames(log: str, held: Held) -> Iterator[Finding]:
    """Until when its frames are kept: whoever moves that keeps them longer than the law, or has them go unseen."""
    until = held.verification.frames_until
    end = next((entry for entry, _ in held.said(*DECISIONS, naming="profile")), None)
    filmed = {body["attempt"] for _, body in held.said("attempt.opened", naming="has_frames")}
    of_camera = [item for item in held.items if item.attempt_id in filmed and is_frame(item.kind)]
    kept = [item for item in of_camera if item.destroyed_at is None]
    if end is None:
        if kept and until is None:
            yield differs(log, held, "frames_until", "it has frames, and nothing says when they go")
        return
    due = end.at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
    # From then on the step itself writes it: empty when all has gone that may, later while it is disputed.
    is_due = kept and clock.now() < due
    is_put_off = any(entry.type == "verification.disputed" for entry in held.entries)
    if (until is None and is_due) or (until not in (None, due) and not is_put_off):
        yield differs(log, held, "frames_until", "its frames do not go when its end says")
