"""What one attempt is judged by, and what its checks said: keeps and loads evidence, writes records."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from verification.core import stored
from verification.core.identification_document import Judged
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence, Stage
from verification.core.stored import canonical_json
from verification.evidence import store, vault
from verification.models import Attempt, CheckRecord, EvidenceItem, SharedEvidenceUse, Verification
from verification.workflow.moving import transition

TABLE = "verification_checkrecord"
FIELD = "sealed_detail"
OUTCOMES = {Passed: "pass", Failed: "fail", Inconclusive: "inconclusive"}
SHARED = "shared."


def keep(attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key, at: datetime) -> None:
    """Puts originals that neither an answer brought nor a judgement left, with an entry of their own."""
    if kept := put(attempt, evidence, key=key):
        body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "evidence": kept}
        transition.record(attempt.verification, "evidence.kept", at=at, body=body)


def put(attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key) -> list[dict[str, Any]]:
    """Seals and stores originals of an attempt; gives what an entry's body says of each under `evidence`.

    What is about nobody (`shared.…`) is kept once, in the clear.
    """
    kept: list[dict[str, Any]] = []
    for kind, content in evidence.items():
        if kind.startswith(SHARED):
            shared = store.put_shared(content)
            SharedEvidenceUse.objects.create(attempt=attempt, evidence=shared, kind=kind)
            kept.append({"kind": kind, "sha256": shared.pk, "size": shared.size})
        else:
            kept.append(store.leaf_fields(store.put(key, content, kind=kind, attempt_id=attempt.pk)))
    return kept


def load(verification: Verification, attempt: Attempt, *, key: vault.Key, at: datetime) -> Evidence:
    """The evidence of the passed stages of the current route, of the consent given, and of this attempt, opened.

    Raises `EvidenceUnreadable` if one item does not open: a judgement on half of it would be none.
    """
    # Consent is asked for once a verification, before its first route.
    of_route = Q(route=verification.route) | Q(stage="consent")
    judged = Attempt.objects.filter(of_route, verification=verification, status="passed")
    items = contents([*judged.order_by("turn"), attempt], key=key)
    # The very bytes may have been presented before: in another attempt, of anybody in this mode.
    others = EvidenceItem.objects.filter(verification__mode=attempt.mode).exclude(attempt=attempt)
    own = EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True)
    seen = frozenset(kind for kind in own if others.filter(seen_index__in=store.seen_values(items[kind])).exists())
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


def judgement(
    stage: Stage, evidence: Evidence, numbers: Any, facts: Any, results: tuple[Result, ...]
) -> dict[str, bytes]:
    """What judging leaves as evidence: the terms, the facts, and the stage's report if it writes one.

    The terms: the time, the whole policy, and what only the rows know. Facts: numbers and words, no pixels.
    """
    of_rows: dict[str, object] = {"seen": sorted(evidence.seen), "left": evidence.left}
    terms = {"at": evidence.at.isoformat(), "policy": stored.as_record(numbers), **of_rows}
    written = {f"{stage.name}.terms": stored.to_bytes(terms), f"{stage.name}.facts": stored.to_bytes(facts)}
    if stage.report is not None:
        written[f"{stage.name}.report"] = stage.report(facts, numbers, results)
    return written


JUDGEMENT = ("terms", "facts", "report", "document")
"""What of an attempt's evidence was written by its judgement or after it, and is no input of it."""


def put_judgement(
    attempt: Attempt, left: Mapping[str, bytes], results: Sequence[Result], *, key: vault.Key, at: datetime
) -> dict[str, Any]:
    """Stores what a judgement left and what its checks said; gives what its entry says of both.

    `facts` is the commitment of the facts: a plain hash of so few numbers could be found by trying.
    """
    evidence = put(attempt, left, key=key)
    facts = [one["commitment"] for one in evidence if one["kind"] == f"{attempt.stage}.facts"]
    return {"facts": facts[0], "checks": put_checks(attempt, results, key=key, at=at), "evidence": evidence}


def put_checks(attempt: Attempt, results: Sequence[Result], *, key: vault.Key, at: datetime) -> list[dict[str, str]]:
    """One row for each check; its details are sealed, and what is given for the log is name, outcome and code."""
    said = []
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
        detail = canonical_json(dict(result.detail))
        record.sealed_detail = key.seal(detail, table=TABLE, field=f"{FIELD}:{record.pk}").data
        record.save(force_insert=True)
        said.append({"check": record.name, "outcome": record.outcome, "code": record.code})
    return said


def judged(record: CheckRecord, *, key: vault.Key) -> Judged:
    """One check as it stands on record; raises `EvidenceUnreadable`."""
    return Judged(
        name=record.name,
        outcome=record.outcome,
        code=record.code,
        score=record.score,
        threshold=record.threshold,
        detail=json.loads(key.unseal(bytes(record.sealed_detail), table=TABLE, field=f"{FIELD}:{record.pk}")),
    )
