"""The clock of a story is turned, and a worker's looks come one by one: what is left of its frames
after each.
"""

from datetime import timedelta

from django.conf import settings as django_settings

from verification import clock, transactions
from verification.case import moving
from verification.case.moving import read_unverified
from verification.core.route import is_frame
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.worker import queue, sweep
from verification.worker import run as advance


def turn(hours):
    clock._state.offset += timedelta(hours=hours)


def claim(story):
    claimed = queue.claim(story.id)
    assert claimed is not None
    return claimed


def step(story, *, dies=False):
    """What a worker does with the step that is due, if one is; whether there was one."""
    claimed = queue.claim(story.id)
    if claimed is None:
        return False
    if not dies:
        try:
            advance.run(claimed)
        except Exception as fault:  # as the edge does it
            advance.release(claimed, fault)
    return True


def frames(story):
    """The camera's frames by kind, as the rows have them."""
    items = EvidenceItem.objects.filter(verification_id=story.id).order_by("attempt__turn", "kind")
    return [item for item in items if is_frame(item.kind)]


def gone(story):
    return [item for item in frames(story) if item.destroyed_at is not None]


def kept(story):
    return [item.kind for item in frames(story) if item.destroyed_at is None]


def file_of(item):
    return django_settings.TULGA_EVIDENCE_DIR / item.sealed_sha256[:2] / item.sealed_sha256


def entries(story, entry_type="evidence.destroyed"):
    found = AuditEntry.objects.filter(verification_id=story.id, type=entry_type)
    return list(found.order_by("verification_sequence"))


def dispute(story):
    """The borrower says that it was not them."""
    with transactions.writing():
        history = read_unverified(Verification.objects.select_for_update().get(pk=story.id))
        with moving.moving(history):
            moving.record(history.row, "verification.disputed", at=clock.now())


def destroyed(story):
    """As after 72 hours and a worker's two looks."""
    turn(72.1)
    sweep.run_round()
    assert (step(story), step(story), step(story)) == (True, True, False)
    return story
