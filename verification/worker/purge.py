"""Erases the personal data of a case whose retention is over. Law: O-80, O-81.

The sweep schedules the step at `kept_until`. Signed entries alone decide whether it is due.
A renewed consent and the verification that it renews rest on each other: both are kept until the
later of their days.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from verification import clock
from verification.case import moving, policy, steps
from verification.case.moving import History, read
from verification.core.events import REDACTED, RENEWED
from verification.core.keeping import placed
from verification.course import retention
from verification.evidence import erasure, store
from verification.models import Verification
from verification.worker import queue
from verification.worker.destruction import QUEUE


def purge(verification: Verification) -> None:
    """Does the claimed step: first keys, indexes and entry in one transaction, and after its
    commit, in the repeated step, the files.

    Raises: `EvidenceUnreadable` (entries_unsound) for an unsound history; `OSError` of the store.
    """
    history = read(verification)
    if REDACTED in history.state.standing.times:
        # The step stays due until the files are gone, so a crash leaves nothing behind.
        _remove_files(history)
        with queue.finishing(history):
            return
    with queue.finishing(history):
        at, until = clock.now(), retention.until(history.state)
        if not history.state.end or until is None or at < until:
            # The row alone said that it is due; `moving` corrects it by the entries.
            faults = verification.faults
            queue.record_fault(
                verification, at=at, step=steps.PURGE, cause="too_early", faults=faults
            )
            return
        recheck = at + timedelta(seconds=policy.HELD_SECONDS)
        held = [later or recheck for later in _related(history) if later is None or later > at]
        if held:
            steps.schedule(verification, steps.PURGE, due_at=max(held), queue=QUEUE)
            return
        erased = erasure.erase(verification.pk, at=at)
        moving.write(
            verification,
            sealed_case=b"",
            client_reference="",
            borrower_index=None,
            frames_until=None,
        )
        body = {"originals": erased.originals, "words": erased.words}
        moving.record(verification, REDACTED, at=at, body=body)
        steps.schedule(verification, steps.PURGE, due_at=at, queue=QUEUE)


def _remove_files(history: History) -> None:
    """Deletes the files that entries name. Each is located by its first entry."""
    listed = (
        claim for entry in reversed(history.entries) for claim in placed(entry.body.get("evidence"))
    )
    hashes = {claim["id"]: claim["sealed_sha256"] for claim in listed if "id" in claim}
    store.remove_files(history.row.pk, sealed_hashes=hashes)


def _related(history: History) -> Iterator[datetime | None]:
    """Until when each renewed consent, or the verification that this one renews, must be kept.

    None while it or its obligation is open. An erased one holds nothing.

    Raises: `EvidenceUnreadable` (entries_unsound) for an unsound history.
    """
    names = {str(entry.body["renewal"]) for entry in history.typed(RENEWED)}
    names |= {str(history.opening().get("renews") or "")}
    for row in Verification.objects.select_for_update().filter(pk__in=names - {""}).order_by("pk"):
        state = read(row).state
        if REDACTED not in state.standing.times:
            yield retention.until(state) if state.end else None
