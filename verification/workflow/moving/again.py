"""What was presented before and comes again as other bytes: found by keyed words among all borrowers' attempts."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from verification.core.errors import EvidenceUnreadable
from verification.core.keeping import words_mark
from verification.core.route import Again
from verification.evidence import store, vault
from verification.models import Attempt, CaptureWord, EvidenceItem
from verification.workflow import cases, policy


def remember(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> Mapping[str, str]:
    """Puts the words of what is kept down, so that it is found; in the transaction that keeps it.

    Gives what its entry says of all words of this attempt: the next capture is compared by them alone.
    """
    if not (marks := of.marks(evidence)):
        return {}
    found = _words(attempt, marks)
    known = set(CaptureWord.objects.filter(attempt=attempt).values_list("word", flat=True))
    fresh = found[max(found)] - known
    CaptureWord.objects.bulk_create([CaptureWord(attempt=attempt, word=word) for word in sorted(fresh)])
    return {"words": words_mark(attempt.pk, known | fresh)}


def compared(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What this attempt is compared with, and how alike they are, as evidence of this one.

    1 who shares enough words, of whatever borrower and lender; no more rows are counted than a step has time for ·
    2 where they are more than a step can compare, the oldest, which nobody can bring about afterwards, and of the rest
    those that share the most; the evidence says that some were left · 3 what was kept of them, opened by their own
    keys; of an erased one nothing is left to compare, and what does not open is no evidence against anybody.
    """
    words = {word for of_key in _words(attempt, of.sought(evidence)).values() for word in of_key}
    known = CaptureWord.objects.filter(word__in=words).exclude(attempt=attempt).order_by("word", "attempt_id")
    counted = list(known.values_list("attempt_id", flat=True)[: policy.WORDS_COUNTED + 1])  # 1
    shared = Counter(counted[: policy.WORDS_COUNTED])
    alike = [pk for pk, number in shared.most_common() if number >= of.shared_min]
    is_whole = len(alike) <= of.others_max and len(counted) <= policy.WORDS_COUNTED
    if len(alike) > of.others_max:  # 2
        by_age = Attempt.objects.filter(pk__in=alike).order_by("opened_at", "pk").values_list("pk", flat=True)
        alike = list(dict.fromkeys([*by_age[: of.others_max // 2], *alike]))[: of.others_max]
    others: dict[str, Mapping[str, bytes]] = {}
    if alike:
        rows = Attempt.objects.filter(pk__in=alike).select_related("verification__key").defer("sealed_memory")
        items: dict[str, list[EvidenceItem]] = {}
        for item in EvidenceItem.objects.filter(attempt__in=alike, kind__endswith=f".{of.kept}"):
            items.setdefault(str(item.attempt_id), []).append(item)
        for row in rows:  # 3
            key, files = cases.key_beside(row.verification), dict[str, bytes]()
            with suppress(EvidenceUnreadable):
                own = {item.kind: store.opening(key, item, files=files).plain for item in items.get(row.pk, ())}
                others[row.pk] = own
    return of.compare(evidence, others, is_whole)


def _words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
    """By the version of the key. Those of the sandbox are others than those of real borrowers."""
    return vault.blind_words(purpose=f"again {attempt.stage} {attempt.mode}", values=marks)
