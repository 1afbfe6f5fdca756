"""What a verification that has ended does not keep: of its camera's frames all but those that its documents show.

They go 72 hours after the end, by a step of the queue that the sweep writes down (liveness.md §4). They stay while the
case waits in review, which is no end, while it is disputed, and where it was declined for liveness.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from verification import clock, transactions
from verification.audit import entries, signatures
from verification.core import stored
from verification.core.errors import FenceLost, Unavailable
from verification.core.events import DECISIONS, DESTROYED, KEEPING
from verification.core.identification_document import shown_frames
from verification.core.keeping import placed
from verification.core.route import is_frame
from verification.core.status import Status
from verification.evidence import store
from verification.models import Attempt, EvidenceItem, Verification
from verification.workflow import cases, policy
from verification.workflow.moving import queue, transition

QUEUE = "storage"
Doomed = Sequence[tuple[Attempt, Sequence[EvidenceItem]]]


def destroy_frames(verification: Verification) -> None:
    """Does the claimed step: the keys first, and once that is committed the files, as the same step is done again."""
    # 0. Only once it may be, by the entry of its end that a worker or its lender signed: whoever can write rows may
    # have made the step due earlier. Then nothing is owed any more.
    ends = entries.of_cases([verification.pk], types=DECISIONS)
    signed = signatures.sound(ends)
    if ends and not signed:
        raise Unavailable("no worker whose key is known here signed its end")
    until = signed[0].at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS) if signed else None
    if until is None or until > clock.now():
        with transactions.writing():
            queue.require_fence(verification)
            # Put right, or the sweep would find it again at once.
            if until is not None:
                transition.write(verification, frames_until=until)
            body = {"step": queue.DESTROY, "cause": "too_early", "faults": verification.faults}
            transition.record(verification, "step.faulted", at=clock.now(), body=body)
        return
    # 1. Files whose keys have gone, each as it was put on record first. Whatever a crash leaves undone is found here:
    # the step is owed until both have gone.
    kept = entries.of_cases([verification.pk], types=KEEPING)
    listed = (one for entry in reversed(kept) for one in placed(entry.body.get("evidence")))
    store.remove_files(verification.pk, said={one["id"]: one["sealed_sha256"] for one in listed if "id" in one})
    doomed = _doomed(verification)  # 2. Terms that do not open are a fault: nothing is chosen anew.
    at = clock.now()
    # 3. In one transaction the keys and an entry of each attempt, and the step is owed again; or nothing is any more.
    with transactions.writing():
        queue.require_fence(verification)
        with transition.holding(verification):
            # Read again now that the row is locked: a dispute that came meanwhile holds.
            disputed = Verification.objects.filter(pk=verification.pk, disputed_at__isnull=False)
            if doomed and disputed.exists():
                transition.write(verification, frames_until=at + timedelta(seconds=policy.DISPUTED_SECONDS))
            elif doomed:
                _destroy(verification, doomed, at=at)
                queue.schedule(verification, queue.DESTROY, due_at=at, queue=QUEUE)
            else:
                transition.write(verification, frames_until=None)


def put_off(verification: Verification, *, cause: str) -> None:
    """Gives a step that nobody asked for back after a fault, due later: it is owed until it is done.

    Each cause is on record once, however often it comes.
    """
    at = clock.now()
    is_last = verification.faults >= policy.FAULTS_MAX
    # A lender waits for a clearance: told too late it is worth nothing.
    is_patient = is_last and verification.step != queue.CLEAR
    wait = policy.DESTRUCTION_SECONDS if is_patient else policy.backoff(verification.faults)
    # The next fault is the last again: whoever claims with more than that finds a worker that died without a word.
    faults = min(verification.faults, policy.FAULTS_MAX - 1)
    with transactions.writing():
        if not queue.release(verification, due_at=at + timedelta(seconds=wait), faults=faults):
            return
        same = {"step": verification.step, "cause": cause}
        if not entries.of_cases([verification.pk], types=("step.faulted",), saying=same):
            body = {**same, "faults": verification.faults}
            transition.record(verification, "step.faulted", at=at, body=body)


def _destroy(verification: Verification, doomed: Doomed, *, at: datetime) -> None:
    items = [item for _, of_attempt in doomed for item in of_attempt]
    if store.destroy(items, at=at) != len(items):
        raise FenceLost(f"{verification.pk}: some of it was destroyed meanwhile")
    for attempt, of_attempt in doomed:
        gone = [item.pk for item in of_attempt]
        body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "number": len(gone)}
        transition.record(verification, DESTROYED, at=at, body={**body, "destroyed": gone})


def _doomed(verification: Verification) -> Doomed:
    """The frames of each attempt that its document does not show; of erased verifications, which open no more, all.

    None of one that was declined by an ending that holds them, or after a check had said a code that does. Raises
    `EvidenceUnreadable` if an attempt's terms do not open.
    """
    if verification.status == Status.DECLINED:
        judged = entries.of_cases([verification.pk], types=("attempt.judged",))
        codes = {check["code"] for entry in judged for check in entry.body["checks"]}
        if verification.code in policy.FRAMES_HELD_ENDINGS or codes & policy.FRAMES_HELD_FOR:
            return []
    key = None if verification.key.destroyed_at else cases.key_beside(verification)
    found = []
    of_case = Attempt.objects.filter(verification=verification).defer("sealed_memory").order_by("turn")
    for attempt in of_case.prefetch_related("evidence"):
        items = sorted(attempt.evidence.all(), key=lambda item: item.pk)
        shown = frozenset[str]()
        if key is not None:
            terms = [
                json.loads(store.opening(key, item).plain) for item in items if item.kind == f"{attempt.stage}.terms"
            ]
            said = stored.fields_of(terms[0], what="terms") if terms else {}
            shown = shown_frames({item.kind for item in items}, said, stage=attempt.stage)
        there = [item for item in items if is_frame(item.kind) and item.destroyed_at is None]
        if of_attempt := [item for item in there if item.kind not in shown]:
            found.append((attempt, of_attempt))
    return found
