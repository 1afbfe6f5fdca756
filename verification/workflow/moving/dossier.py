"""What one attempt is judged by, and what its checks said: keeps and loads evidence, writes records."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import Exists, F, Q

from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.identification_document import Judged
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Evidence, Stage
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.workflow.moving import transition

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
    shared = {kind: content for kind, content in evidence.items() if kind.startswith(SHARED)}
    own = {kind: content for kind, content in evidence.items() if kind not in shared}
    kept = [store.leaf_fields(item) for item in store.put_all(key, own, attempt_id=attempt.pk)] if own else []
    if shared:
        rows = dict(zip(shared, store.put_all_shared(shared.values()), strict=True))
        uses = [SharedEvidenceUse(attempt=attempt, evidence=row, kind=kind) for kind, row in rows.items()]
        SharedEvidenceUse.objects.bulk_create(uses)
        kept += [{"kind": kind, "sha256": row.pk, "size": row.size} for kind, row in rows.items()]
    return kept


def load(verification: Verification, attempt: Attempt, *, key: vault.Key, at: datetime) -> Evidence:
    """The evidence of the passed stages of the current route, of the consent given, and of this attempt, opened.

    Raises `EvidenceUnreadable` if one item does not open: a judgement on half of it would be none.
    """
    # Consent is asked for once a verification, before its first route.
    of_route = Q(attempt__route=verification.route) | Q(attempt__stage="consent")
    wanted = Q(attempt=attempt) | (of_route & Q(attempt__status="passed"))
    found = _items(wanted & Q(attempt__verification=verification))
    items = _open(found, key=key)
    own = [item.kind for item in found if isinstance(item, EvidenceItem) and item.attempt_id == attempt.pk]
    sought = {kind: items[kind] for kind in own if store.is_sought(kind)}
    return Evidence(items=items, at=at, seen=_seen(attempt, sought))


def contents(of: Iterable[Attempt], *, key: vault.Key) -> dict[str, bytes]:
    """The original bytes of these attempts by kind; of two of one kind the later. Raises `EvidenceUnreadable`."""
    return _open(_items(Q(attempt__in=of)), key=key)


def _items(of: Q) -> list[EvidenceItem | SharedEvidenceUse]:
    """What is kept of these attempts, in the order of their turns."""
    found: list[EvidenceItem | SharedEvidenceUse] = [
        *EvidenceItem.objects.filter(of).annotate(turn=F("attempt__turn")),
        *SharedEvidenceUse.objects.filter(of).annotate(turn=F("attempt__turn")),
    ]
    return sorted(found, key=attrgetter("turn"))


def _open(found: Iterable[EvidenceItem | SharedEvidenceUse], *, key: vault.Key) -> dict[str, bytes]:
    kept = list(found)
    sealed = [one for one in kept if isinstance(one, EvidenceItem)]
    opened = {item.pk: content for item, content in zip(sealed, store.get_all(key, sealed), strict=True)}
    return {
        one.kind: opened[one.pk] if isinstance(one, EvidenceItem) else store.get_shared(one.evidence_id) for one in kept
    }


def _seen(attempt: Attempt, sought: Mapping[str, bytes]) -> frozenset[str]:
    """The kinds whose very bytes were presented before: in another attempt, of anybody in this mode."""
    if not sought:
        return frozenset()
    others = EvidenceItem.objects.filter(verification__mode=attempt.mode).exclude(attempt=attempt)
    # One statement that looks for each by itself and stops at the first: of some bytes there are many.
    found = [Exists(others.filter(seen_index__in=store.seen_values(content))) for content in sought.values()]
    [are_seen] = Attempt.objects.filter(pk=attempt.pk).values_list(*found)
    return frozenset(kind for kind, is_seen in zip(sought, are_seen, strict=True) if is_seen)


@dataclass(frozen=True)
class Checks:
    """What each check of a judgement said, in the order run, with scores and details, which may tell of a face."""

    checks: tuple[Judged, ...]


def judgement(
    stage: Stage, evidence: Evidence, numbers: Any, facts: Any, results: tuple[Result, ...]
) -> dict[str, bytes]:
    """What judging leaves as evidence: the terms, and the stage's report if it writes one.

    The terms: the time, the whole policy, what only the rows know, the facts (numbers and words, no pixels), and what
    the checks said by them.
    """
    said = [
        Judged(
            name=one.check,
            outcome=spelled(one)[0],
            code=spelled(one)[1],
            score=one.score,
            threshold=one.threshold,
            detail=dict(one.detail),
        )
        for one in results
    ]
    of_rows: dict[str, object] = {"seen": sorted(evidence.seen), "left": evidence.left}
    terms = {"at": evidence.at.isoformat(), "policy": stored.as_record(numbers), **of_rows}
    terms |= {"facts": stored.as_record(facts), "checks": stored.as_record(Checks(tuple(said)))["checks"]}
    written = {f"{stage.name}.terms": stored.to_bytes(terms)}
    if stage.report is not None:
        written[f"{stage.name}.report"] = stage.report(facts, numbers, results)
    return written


JUDGEMENT = ("terms", "report", "document")
"""What of an attempt's evidence was written by its judgement or after it, and is no input of it."""


def put_judgement(
    attempt: Attempt, left: Mapping[str, bytes], results: Sequence[Result], *, key: vault.Key
) -> dict[str, Any]:
    """Stores what a judgement left; gives what its entry says of that and of its checks.

    `facts` is the commitment of the terms, which hold them: a plain hash of so few numbers could be found by trying.
    """
    evidence = put(attempt, left, key=key)
    facts = [one["commitment"] for one in evidence if one["kind"] == f"{attempt.stage}.terms"]
    checks = [dict(zip(("check", "outcome", "code"), (one.check, *spelled(one)), strict=True)) for one in results]
    return {"facts": facts[0], "checks": checks, "evidence": evidence}


def spelled(result: Result) -> tuple[str, str]:
    """Outcome and code of a result, as they stand on record."""
    return OUTCOMES[type(result)], "" if isinstance(result, Passed) else result.code


def checks_in(kept: Mapping[str, bytes], *, stage: str) -> tuple[Judged, ...]:
    """What the checks of an attempt said, by its evidence; nothing if unjudged. Raises `EvidenceUnreadable`."""
    content = kept.get(f"{stage}.terms")
    if content is None:
        return ()
    checks = stored.fields_of(json.loads(content), what="terms").get("checks")
    return stored.read({"v": stored.VERSION, "checks": checks}, into=Checks, what="terms").checks


def checks_of(attempt: Attempt, kept: Mapping[str, bytes]) -> tuple[Judged, ...]:
    """What its checks said: with scores and details where its terms can be read, else what the log says of them."""
    with suppress(EvidenceUnreadable):
        if found := checks_in(kept, stage=attempt.stage):
            return found
    nothing: dict[str, Any] = {"score": None, "threshold": None, "detail": {}}
    return tuple(
        Judged(name=one["check"], outcome=one["outcome"], code=one["code"], **nothing) for one in logged_checks(attempt)
    )


def logged_checks(attempt: Attempt) -> list[dict[str, str]]:
    """What the log says of each check of an attempt, whose entry nobody can change; nothing if it was not judged."""
    judged = AuditEntry.objects.filter(verification=attempt.verification_id, type="attempt.judged")
    bodies = judged.filter(body__attempt=attempt.pk).values_list("body", flat=True)
    return [check for body in bodies for check in body["checks"]]
