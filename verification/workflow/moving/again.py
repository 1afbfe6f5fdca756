"""What was presented before and comes again as other bytes: found by keyed words among all borrowers' attempts."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db.models import Count, F, Lookup, QuerySet

from verification.core.errors import EvidenceUnreadable
from verification.core.route import Again, Stage
from verification.evidence import store, vault
from verification.models import Attempt, CaptureWord, EvidenceItem
from verification.workflow import cases, policy


def remember(attempt: Attempt, stage: Stage, evidence: Mapping[str, bytes]) -> None:
    """Puts the words of what is kept down, so that it is found; in the transaction that keeps it."""
    if stage.again is None or not (marks := stage.again.marks(evidence)):
        return
    found = _words(attempt, marks)
    rows = [CaptureWord(attempt=attempt, word=word) for word in sorted(found[max(found)])]
    CaptureWord.objects.bulk_create(rows, ignore_conflicts=True)


def compared(attempt: Attempt, stage: Stage, evidence: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What this attempt is compared with, and how alike they are, as evidence of this one.

    1 the attempts that share the most words, of whatever borrower and lender · 2 what was kept of them, opened by their
    own keys; of an erased one nothing is left to compare, and what does not open is no evidence against anybody.
    """
    if stage.again is None:
        return {}
    words = {word for of_key in _words(attempt, stage.again.sought(evidence)).values() for word in of_key}
    others: dict[str, Mapping[str, bytes]] = {}
    if words and (alike := list(_alike(attempt, words, of=stage.again))):  # 1
        rows = Attempt.objects.filter(pk__in=alike).select_related("verification__key").defer("sealed_memory")
        items: dict[str, list[EvidenceItem]] = {}
        for item in EvidenceItem.objects.filter(attempt__in=alike, kind__endswith=f".{stage.again.kept}"):
            items.setdefault(str(item.attempt_id), []).append(item)
        for row in rows:  # 2
            key, files = cases.key_beside(row.verification), dict[str, bytes]()
            with suppress(EvidenceUnreadable):
                own = {item.kind: store.opening(key, item, files=files).plain for item in items.get(row.pk, ())}
                others[row.pk] = own
    return stage.again.compare(evidence, others)


def _words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
    """By the version of the key. Those of the sandbox are others than those of real borrowers."""
    return vault.blind_words(purpose=f"again {attempt.stage} {attempt.mode}", values=marks)


def _alike(attempt: Attempt, words: set[int], *, of: Again) -> QuerySet[CaptureWord, str]:
    """The attempts that share the most words with this one, the most first.

    Words that thousands share tell nothing: no more rows than a step has time for are counted.
    """
    known = CaptureWord.objects.filter(_AnyOf(F("word"), sorted(words))).exclude(attempt=attempt)
    shared = known[: policy.WORDS_COUNTED]
    counted = CaptureWord.objects.filter(pk__in=shared.values("pk")).values("attempt_id")
    ranked = counted.annotate(number=Count("pk")).filter(number__gte=of.shared_min).order_by("-number")
    return ranked.values_list("attempt_id", flat=True)[: of.others_max]


class _AnyOf(Lookup):
    """Whether a column's number is among thousands: told as one value, not as so many."""

    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """PostgreSQL's array."""
        return f"{self.process_lhs(compiler, connection)[0]} = ANY(%s::bigint[])", (self.rhs,)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """SQLite has no arrays but JSON's."""
        told = json.dumps(self.rhs)
        return f"{self.process_lhs(compiler, connection)[0]} IN (SELECT value FROM json_each(%s))", (told,)  # noqa: S608 (the name of a column)
