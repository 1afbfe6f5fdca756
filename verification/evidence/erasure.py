"""Erases everything of one verification that is sealed, or found by a keyed value.

Files stay until the commit: see `store.remove_files`.
"""

from dataclasses import dataclass
from datetime import datetime

from verification.models import Access, Attempt, CaptureWord, DataKey, EvidenceItem


@dataclass(frozen=True)
class Erased:
    """What was readable until now: the originals, and the search words of captures."""

    originals: int
    words: int


def erase(verification_id: str, *, at: datetime) -> Erased:
    """Makes it unreadable for ever, and no search finds it; its row is locked. Safe to repeat.

    1. The data key, and the own key, inline bytes and search value of each original.
    2. The search words of captures, which describe a face.
    3. What the data key sealed: memories of stages, and browsers of phones with their numbers.
    """
    keys = DataKey.objects.filter(verification_id=verification_id, destroyed_at=None)
    keys.update(wrapped_key=None, destroyed_at=at)  # 1
    items = EvidenceItem.objects.filter(verification_id=verification_id)
    items.exclude(seen_index=None).update(seen_index=None)
    readable = items.filter(destroyed_at=None)
    originals = readable.update(wrapped_key=None, lent_key=None, sealed=None, destroyed_at=at)
    # By the attempts' ids: for a join SQLite would scan all words.
    attempts = Attempt.objects.filter(verification_id=verification_id)
    words, _ = CaptureWord.objects.filter(attempt__in=attempts.values("pk")).delete()  # 2
    attempts.update(sealed_memory=b"", borrower_index=None)  # 3
    Access.objects.filter(verification_id=verification_id).update(number="", sealed=None)
    return Erased(originals, words)
