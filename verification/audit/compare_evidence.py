"""Is the evidence of a verification, with its keys and what it is sought by, what its entries list?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from verification import clock
from verification.audit import policy
from verification.audit.held_rows import Held, Said, differs, named, reconcile
from verification.core.events import CLEARED, DECISIONS, DESTROYED, KEEPING
from verification.core.findings import Finding
from verification.core.keeping import index_mark, words_mark
from verification.core.route import is_frame

_LISTING: Final = (*KEEPING, CLEARED, "clearance.refused", "verification.handed_over", "hand_over.stopped")


def compare_evidence(log: str, held: Held) -> Iterator[Finding]:
    """Everything that evidence, its keys and words and their entries say differently."""
    yield from _compare_items(log, held)
    yield from _compare_destroyed(log, held)
    # The words by which a capture is found when it comes again: all that were written down, and no others.
    last = {str(body["attempt"]): (entry, body) for entry, body in held.said("attempt.looked_at", naming="words")}
    said: list[Said] = []
    for name, (entry, body) in last.items():
        mark = words_mark(name, held.words.get(name, ()))
        said.append((entry, name, f"words of attempt {name}", [] if held.is_erased else named(body, words=mark)))
    yield from reconcile(log, held, said, {name: f"words of attempt {name}" for name in held.words})
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


def _compare_items(log: str, held: Held) -> Iterator[Finding]:
    """What is sealed for this verification alone (`id`), then what is shared (`sha256`)."""
    items, sealed = {item.pk: item for item in held.items}, list[Said]()
    used, shared = {(use.attempt_id, use.kind): use.evidence_id for use in held.uses}, list[Said]()
    said = held.said(*_LISTING, naming="evidence")
    lists = (
        (entry, body.get("attempt"), body["evidence"]) for entry, body in said if isinstance(body["evidence"], list)
    )
    claims = ((entry, of, claim) for entry, of, listed in lists for claim in listed if isinstance(claim, dict))
    for entry, attempt, claim in claims:
        if "id" in claim:
            name, pairs = f"evidence {claim['id']}", None
            if item := items.get(str(claim["id"])):
                # The mark of what an item is sought by; of an erased verification, where that is gone, the mark it had.
                seen = str(claim["seen"]) if held.is_erased and "seen" in claim else None
                if item.seen_index is not None:
                    seen = index_mark(item.pk, bytes(item.seen_index))
                pairs = [
                    ("attempt", entry.body.get("attempt"), item.attempt_id),
                    ("kind", claim.get("kind"), item.kind),
                    ("at", entry.at, item.created_at),
                    ("seen", claim.get("seen"), seen),
                ]
            name = name if pairs else f"{name} of verification {held.verification.pk}"
            sealed.append((entry, str(claim["id"]), name, pairs))
        if "sha256" in claim:
            place = (attempt, str(claim.get("kind")))
            same = [("sha256", claim["sha256"], used[place])] if place in used else None
            shared.append((entry, place, f"shared evidence {place[1]} of attempt {attempt}", same))
    is_opened = any(held.said("verification.created", naming="case"))
    judged = {pk: item for pk, item in items.items() if is_opened or item.attempt_id is not None}
    rows = {pk: f"evidence {pk} ({item.kind}) of attempt {item.attempt_id}" for pk, item in judged.items()}
    yield from reconcile(log, held, sealed, rows)
    uses = {(attempt, kind): f"shared evidence {kind} of attempt {attempt}" for attempt, kind in used}
    yield from reconcile(log, held, shared, uses)


def _compare_destroyed(log: str, held: Held) -> Iterator[Finding]:
    """Whether all that counts as destroyed was destroyed by an entry, when that says: else somebody wanted it gone.

    And whether such an entry was lawful, by the log alone: of frames, long enough after the end, and of nothing held.
    """
    items, said = {item.pk: item for item in held.items}, list[Said]()
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
        for pk in listed:
            name, pairs = f"evidence {pk}", None
            if item := items.get(pk):
                pairs = [("attempt", body["attempt"], item.attempt_id), ("destroyed_at", entry.at, item.destroyed_at)]
            said.append((entry, pk, name if pairs else f"{name} of verification {held.verification.pk}", pairs))
    gone = {pk: item for pk, item in items.items() if item.destroyed_at is not None}
    rows = {pk: f"destroyed evidence {pk} ({item.kind}) of attempt {item.attempt_id}" for pk, item in gone.items()}
    yield from reconcile(log, held, said, rows)


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
