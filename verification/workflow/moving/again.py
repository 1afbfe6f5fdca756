"""What was presented before and comes again as other bytes: found by keyed words among all borrowers' attempts."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from verification.core.errors import EvidenceUnreadable
from verification.core.route import Again
from verification.evidence import store, vault
from verification.models import Attempt, CaptureWord, EvidenceItem
from verification.workflow import cases, policy


def remember(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> None:
    """Puts the words of what is kept down, so that it is found; in the transaction that keeps it."""
    if not (marks := of.marks(evidence)):
        return
    found = _words(attempt, marks)
    rows = [CaptureWord(attempt=attempt, word=word) for word in sorted(found[max(found)])]
    CaptureWord.objects.bulk_create(rows, ignore_conflicts=True)


def compared(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What this attempt is compared with, and how alike they are, as evidence of this one.

    1 the attempts that share the most words, of whatever borrower and lender; words that thousands share tell nothing,
    so that no more rows than a step has time for are counted · 2 what was kept of them, opened by their own keys; of an
    erased one nothing is left to compare, and what does not open is no evidence against anybody.
    """
    words = {word for of_key in _words(attempt, of.sought(evidence)).values() for word in of_key}
    known = CaptureWord.objects.filter(word__in=words).exclude(attempt=attempt).values_list("attempt_id", flat=True)
    shared = Counter(known[: policy.WORDS_COUNTED])  # 1
    alike = [pk for pk, number in shared.most_common(of.others_max) if number >= of.shared_min]
    others: dict[str, Mapping[str, bytes]] = {}
    if alike:
        rows = Attempt.objects.filter(pk__in=alike).select_related("verification__key").defer("sealed_memory")
        items: dict[str, list[EvidenceItem]] = {}
        for item in EvidenceItem.objects.filter(attempt__in=alike, kind__endswith=f".{of.kept}"):
            items.setdefault(str(item.attempt_id), []).append(item)
        for row in rows:  # 2
            key, files = cases.key_beside(row.verification), dict[str, bytes]()
            with suppress(EvidenceUnreadable):
                own = {item.kind: store.opening(key, item, files=files).plain for item in items.get(row.pk, ())}
                others[row.pk] = own
    return of.compare(evidence, others)


def _words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
    """By the version of the key. Those of the sandbox are others than those of real borrowers."""
    return vault.blind_words(purpose=f"again {attempt.stage} {attempt.mode}", values=marks)
