"""Lends documents and signed files to web, each because of a signed request, for some seconds.

The request is the entry of a reading: by a lender's API key, or by the borrower's session. The
worker asks the entries whether it may: who owns the case, and which keys and sessions count. Each
loan is an entry. The step runs again when the time is over, and takes all back.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

from verification import clock
from verification.artifacts.reading import DOCUMENT, SIGNED_FILES, is_of
from verification.case import blocks, contents, policy, steps
from verification.case.moving import History, read_sound
from verification.core.errors import EvidenceUnreadable
from verification.core.events import API_KEY, DOWNLOADED, LENT, READ
from verification.core.keeping import Claim
from verification.course.access import live_session
from verification.course.entry import moment
from verification.evidence import store
from verification.log import actors, loans, log
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.worker import queue

SCOPE: Final = "documents:read"
"""The scope of an API key that reads documents."""
_AHEAD: Final = timedelta(seconds=2)
"""How far web's clock may be ahead of a worker's. Ours."""


def lend(verification: Verification) -> None:
    """Does the claimed step: lends what was asked for in the last seconds, and nothing else."""
    at, history = clock.now(), read_sound(verification)
    since = at - timedelta(seconds=policy.LENT_SECONDS)
    looks = loans.lately(verification, since=since)
    recorded = {entry.body.get("request") for entry in looks if entry.type == LENT}
    lent = list(_lawful(history, [entry for entry in looks if entry.at <= at + _AHEAD]))
    # It begins by taking back what was lent before.
    with queue.finishing(history):
        for request, claim in lent:
            # A row without a key, or with another's, lends nothing: there is no fault to try again.
            with suppress(EvidenceUnreadable):
                item = EvidenceItem.objects.filter(pk=claim.id).defer("sealed")
                store.lend(contents.key_beside(verification), item)
            if request.pk not in recorded:
                body = {"verification": verification.pk, "attempt": claim.attempt}
                body |= {"document": claim.id, "request": request.pk}
                lender_id = verification.lender_id
                log.append(log=verification.mode, type=LENT, lender=lender_id, body=body, at=at)
        if lent:
            newest = min(at, max(request.at for request, _ in lent))
            due_at = newest + timedelta(seconds=policy.LENT_SECONDS)
            steps.schedule(verification, steps.LEND, due_at=due_at, queue=policy.AWAITED_QUEUE)


def _lawful(history: History, looks: list[AuditEntry]) -> Iterator[tuple[AuditEntry, Claim]]:
    """The requests that the entries allow, each with the evidence that it names."""
    listed = {claim.id: claim for claim in history.claims() if claim.id}
    block = blocks.of_history(history)
    opening = history.state.opening.entry
    for request in looks:
        claim = listed.get(str(request.body.get("document")))
        if block is not None and (request.type == DOWNLOADED or not block.is_readable):
            continue
        if claim is None or claim.attempt != request.body.get("attempt") or opening is None:
            continue
        file = str(request.body.get("what", DOCUMENT))
        stage = history.state.attempts[claim.attempt].stage
        # A flaw leaves open which statement is the last.
        is_named = is_of(claim.kind, file, stage=stage) and not (history.flaw and file != DOCUMENT)
        if is_named and opening.lender == request.lender_id and _may(history, request, file):
            yield request, claim


def _may(history: History, request: AuditEntry, file: str) -> bool:
    """Whether the key or session of a request may read this file."""
    if request.type == DOWNLOADED:
        session, is_shown = live_session(history.state), bool(history.state.end)
        is_theirs = bool(session) and session == request.body.get("session")
        is_late = contents.is_over(history.row)
        return is_theirs and is_shown and not is_late and file in SIGNED_FILES
    name = str(request.body.get("key"))
    key = actors.read(request.log, [name]).get(name)
    if request.type != READ or key is None or key.type != API_KEY or not key.is_active:
        return False
    fields, until = key.fields, moment(key.fields, "expires_at")
    is_lenders = (fields["lender"], fields["mode"]) == (request.lender_id, request.log)
    return is_lenders and SCOPE in fields["scopes"] and until is not None and request.at < until
