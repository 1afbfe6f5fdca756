"""Destroys the camera frames of an ended verification, except those that its documents show.

The sweep schedules the step 72 hours after the end.
Frames stay during a review, which is no end, during a dispute, and after a decline for liveness.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from verification import clock
from verification.case import contents, dossier, moving, policy, steps
from verification.case.moving import UNSOUND, History, read_sound
from verification.core import stored
from verification.core.errors import EvidenceUnreadable, FenceLost
from verification.core.events import DESTROYED, DISPUTED, KEEPING, REDACTED
from verification.core.identification_document import shown_frames
from verification.core.keeping import placed
from verification.core.route import is_frame
from verification.core.status import Status
from verification.evidence import store
from verification.log import entries
from verification.models import Attempt, EvidenceItem, Verification
from verification.worker import queue

QUEUE = "storage"
Doomed = Sequence[tuple[Attempt, Sequence[EvidenceItem]]]


def destroy_frames(verification: Verification) -> None:
    """Does the claimed step: first the keys, and after their commit, in the repeated step, the
    files.
    """
    # 0. Only when the signed end permits it: a row may say otherwise. Else the step is dropped.
    history = read_sound(verification)
    if history.flaw and not history.state.end:
        raise EvidenceUnreadable(history.flaw, code=UNSOUND)
    ended_at = history.state.ended_at
    until = ended_at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS) if ended_at else None
    if until is None or until > clock.now():
        with queue.finishing(history):
            # Correct the row, or the sweep would find it again at once.
            if until is not None:
                moving.write(verification, frames_until=until)
            queue.record_fault(
                verification,
                at=clock.now(),
                step=steps.DESTROY,
                cause="too_early",
                faults=verification.faults,
            )
        return
    # 1. Files without keys, each located by its first entry. The step stays due until keys and
    #    files are gone, so a crash leaves nothing behind.
    keeping = reversed(list(history.typed(*KEEPING)))
    listed = (claim for entry in keeping for claim in placed(entry.body.get("evidence")))
    store.remove_files(
        verification.pk,
        sealed_hashes={claim["id"]: claim["sealed_sha256"] for claim in listed if "id" in claim},
    )
    # 2. Terms that do not open are a fault: the choice is not made again.
    doomed = _doomed(history)
    at = clock.now()
    # 3. In one transaction the keys and an entry per attempt; the step is scheduled again, or
    #    dropped if done.
    with queue.finishing(history):
        # A dispute since the read holds them.
        if doomed and _is_disputed(history):
            moving.write(verification, frames_until=at + timedelta(seconds=policy.DISPUTED_SECONDS))
        elif doomed:
            _destroy(verification, doomed, at=at)
            steps.schedule(verification, steps.DESTROY, due_at=at, queue=QUEUE)
        else:
            moving.write(verification, frames_until=None)


def _destroy(verification: Verification, doomed: Doomed, *, at: datetime) -> None:
    items = [item for _, of_attempt in doomed for item in of_attempt]
    if store.destroy(items, at=at) != len(items):
        raise FenceLost(f"{verification.pk}: some frames were destroyed meanwhile")
    for attempt, of_attempt in doomed:
        gone = [item.pk for item in of_attempt]
        body = moving.place_of(attempt.pk, attempt) | {"number": len(gone), "destroyed": gone}
        moving.record(verification, DESTROYED, at=at, body=body)


def _is_disputed(history: History) -> bool:
    """Whether the borrower disputes it. An invalid entry also holds frames."""
    if not history.flaw:
        return history.state.credit.is_disputed
    return bool(entries.of_cases([history.row.pk], types=(DISPUTED,), skips_damaged=True))


def _doomed(history: History) -> Doomed:
    """The frames of each attempt outside its document; of erased verifications, which do not open,
    all.

    Empty after a decline whose ending, or whose checks' codes, hold frames.

    Raises: `EvidenceUnreadable` if an attempt's terms do not open.
    """
    verification = history.row
    if verification.status == Status.DECLINED:
        # An invalid entry also holds frames.
        judged = entries.of_cases([verification.pk], types=("attempt.judged",), skips_damaged=True)
        codes = {check["code"] for entry in judged for check in entry.body["checks"]}
        if verification.code in policy.FRAMES_HELD_ENDINGS or codes & policy.FRAMES_HELD_FOR:
            return []
    is_erased = REDACTED in history.state.standing.times
    key, doomed = None if is_erased else contents.key_beside(verification), []
    listed = {claim.id: claim for claim in history.claims()}
    of_case = (
        Attempt.objects.filter(verification=verification).defer("sealed_memory").order_by("turn")
    )
    for attempt in of_case.prefetch_related("evidence"):
        # The entry defines an original; an original without an entry is not a frame.
        claims = [claim for claim in listed.values() if claim.attempt == attempt.pk]
        items = sorted(attempt.evidence.all(), key=lambda item: item.pk)
        kinds = {item: listed[item.pk].kind for item in items if item.pk in listed}
        shown_kinds = frozenset[str]()
        if key is not None:
            stage = history.state.attempts[attempt.pk].stage
            of_terms = [claim for claim in claims if claim.kind == f"{stage}.terms"]
            terms = [json.loads(content) for _, content in dossier.proven(of_terms, key=key)]
            fields = stored.fields_of(terms[0], what="terms") if terms else {}
            shown_kinds = shown_frames({claim.kind for claim in claims}, fields, stage=stage)
        there = [item for item in kinds if is_frame(kinds[item]) and item.destroyed_at is None]
        if of_attempt := [item for item in there if kinds[item] not in shown_kinds]:
            doomed.append((attempt, of_attempt))
    return doomed
