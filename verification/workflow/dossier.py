"""What one attempt is judged by, and what its checks said: keeps and loads evidence, writes records."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Q

from verification.core import reasons
from verification.core.canonical import canonical_json
from verification.core.document_facts import Judged
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence
from verification.evidence import store, vault
from verification.models import Attempt, CheckRecord, EvidenceItem, SharedEvidenceUse, Verification
from verification.workflow import transition

TABLE = "verification_checkrecord"
OUTCOMES = {Passed: "pass", Failed: "fail", Inconclusive: "inconclusive"}


SHARED = "shared."


def keep(attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key, at: datetime) -> None:
    """Seals and stores originals of an attempt; what is about nobody (`shared.…`) is kept once, in the clear."""
    kept = []
    for kind, content in evidence.items():
        if kind.startswith(SHARED):
            shared = store.put_shared(content)
            SharedEvidenceUse.objects.create(attempt=attempt, evidence=shared, kind=kind)
            kept.append({"kind": kind, "sha256": shared.pk, "size": shared.size})
        else:
            kept.append(store.leaf_fields(store.put(key, content, kind=kind, attempt_id=attempt.pk)))
    if kept:
        body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "evidence": kept}
        transition.record(attempt.verification, "evidence.kept", at=at, body=body)


def load(verification: Verification, attempt: Attempt | None, *, key: vault.Key, at: datetime) -> Evidence:
    """The evidence of the passed stages of the current route, of the consent given, and of this attempt, opened.

    Raises `EvidenceUnreadable` if one item does not open: a judgement on half of it would be none.
    """
    # Consent is asked for once a verification, before its first route.
    of_route = Q(route=verification.route) | Q(stage="consent")
    judged = Attempt.objects.filter(of_route, verification=verification, status="passed")
    chosen = [*judged.order_by("turn"), *([attempt] if attempt else [])]
    items = contents(chosen, key=key)
    seen = _presented_before(attempt, items) if attempt else frozenset()
    return Evidence(items=items, at=at, seen=seen)


def contents(of: Iterable[Attempt], *, key: vault.Key) -> dict[str, bytes]:
    """The original bytes of these attempts by kind; of two of one kind the later. Raises `EvidenceUnreadable`."""
    items: dict[str, bytes] = {}
    for one in of:
        for item in EvidenceItem.objects.filter(attempt=one):
            items[item.kind] = store.get(key, item)
        for use in SharedEvidenceUse.objects.filter(attempt=one):
            items[use.kind] = store.get_shared(use.evidence_id)
    return items


def _presented_before(attempt: Attempt, items: Mapping[str, bytes]) -> frozenset[str]:
    """The kinds of this attempt whose very bytes an earlier attempt, of anybody in this mode, had brought."""
    own = EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True)
    earlier = EvidenceItem.objects.filter(verification__mode=attempt.mode).exclude(attempt=attempt)
    seen = (kind for kind in own if earlier.filter(seen_index__in=store.seen_values(items[kind])).exists())
    return frozenset(seen)


def terms(evidence: Evidence, numbers: Any) -> bytes:
    """On what terms an attempt was judged: the time, the whole policy, and what only the rows know."""
    stated = {"at": evidence.at.isoformat(), "policy": asdict(numbers), "seen": sorted(evidence.seen)}
    return _canonical(stated)


def record_checks(attempt: Attempt, results: Iterable[Result], *, key: vault.Key, at: datetime) -> None:
    """One row and one log entry for each check; details are sealed, only codes and outcomes enter the log."""
    for position, result in enumerate(results):
        record = CheckRecord(
            attempt=attempt,
            position=position,
            name=result.check,
            outcome=OUTCOMES[type(result)],
            code="" if isinstance(result, Passed) else result.code,
            score=result.score,
            threshold=result.threshold,
            created_at=at,
        )
        detail = _canonical(dict(result.detail))
        record.sealed_detail = key.seal(detail, table=TABLE, field=_detail_field(record)).data
        record.save(force_insert=True)
        body = {"check": record.name, "outcome": record.outcome, "code": record.code, "attempt": attempt.pk}
        transition.record(attempt.verification, "check.recorded", at=at, body=body | {"route": attempt.route})


def detail_of(record: CheckRecord, *, key: vault.Key) -> bytes:
    """What else a check wrote down, as JSON; raises `EvidenceUnreadable`."""
    return key.unseal(bytes(record.sealed_detail), table=TABLE, field=_detail_field(record))


def judged(record: CheckRecord, *, key: vault.Key) -> Judged:
    """One check as it stands on record; raises `EvidenceUnreadable`."""
    return Judged(
        name=record.name,
        outcome=record.outcome,
        code=record.code,
        score=record.score,
        threshold=record.threshold,
        detail=json.loads(detail_of(record, key=key)),
    )


def _detail_field(record: CheckRecord) -> str:
    return f"sealed_detail:{record.pk}"


def retryable(code: str) -> bool:
    """Whether the borrower may try again after this code."""
    return bool(code) and not reasons.require(code).final


def _canonical(value: Any) -> bytes:
    """The canonical bytes of measured values: fractions are spelled as Python's shortest exact decimals."""
    return canonical_json(json.loads(json.dumps(value, default=_spell, sort_keys=True), parse_float=str))


def _spell(value: Any) -> Any:
    if isinstance(value, frozenset | set | tuple):
        return sorted(value)
    return str(value)
