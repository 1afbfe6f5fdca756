"""What one attempt is judged by, and what its checks said: keeps and loads evidence, writes records."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import Exists, F, Q

from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.identification_document import Judged
from verification.core.results import Result
from verification.core.route import Evidence, Stage
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.workflow.moving import transition

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
    found = _opened(wanted & Q(attempt__verification=verification), key=key)
    items = {one.kind: content for one, content in found}
    own = [one.kind for one, _ in found if isinstance(one, EvidenceItem) and one.attempt_id == attempt.pk]
    sought = {kind: values for kind in own if (values := store.seen_values(items[kind], kind=kind))}
    seen = frozenset[str]()
    if sought:
        others = EvidenceItem.objects.filter(verification__mode=attempt.mode).exclude(attempt=attempt)
        # One statement that looks for each by itself and stops at the first: of some bytes there are many.
        looks = [Exists(others.filter(seen_index__in=values)) for values in sought.values()]
        [are_seen] = Attempt.objects.filter(pk=attempt.pk).values_list(*looks)
        seen = frozenset(kind for kind, is_seen in zip(sought, are_seen, strict=True) if is_seen)
    return Evidence(items=items, at=at, seen=seen, handed_over=verification.handed_over_at is not None)


def contents(of: Iterable[Attempt], *, key: vault.Key, is_whole: bool = True) -> dict[str, bytes]:
    """The original bytes of these attempts by kind; of two of one kind the later. Raises `EvidenceUnreadable`.

    is_whole: also if one was destroyed; else those are left out.
    """
    return {one.kind: content for one, content in _opened(Q(attempt__in=of), key=key, is_whole=is_whole)}


def beginning(attempt: Attempt, kinds: str, *, key: vault.Key) -> dict[str, bytes]:
    """The original bytes of an attempt's own kinds that begin so. Raises `EvidenceUnreadable`."""
    files = dict[str, bytes]()
    found = EvidenceItem.objects.filter(attempt=attempt, kind__startswith=kinds)
    return {one.kind: store.opening(key, one, files=files).plain for one in found}


def _opened(of: Q, *, key: vault.Key, is_whole: bool = True) -> list[tuple[EvidenceItem | SharedEvidenceUse, bytes]]:
    """What is kept of these attempts, in the order of their turns, with its original bytes.

    is_whole: also what was destroyed, which then raises.
    """
    found: list[EvidenceItem | SharedEvidenceUse] = [
        *EvidenceItem.objects.filter(of if is_whole else of & Q(destroyed_at=None)).annotate(turn=F("attempt__turn")),
        *SharedEvidenceUse.objects.filter(of).annotate(turn=F("attempt__turn")),
    ]
    found.sort(key=attrgetter("turn"))
    opened, files = list[tuple[EvidenceItem | SharedEvidenceUse, bytes]](), dict[str, bytes]()
    for one in found:
        if isinstance(one, EvidenceItem):
            opened.append((one, store.opening(key, one, files=files).plain))
        else:
            opened.append((one, store.read(one.evidence_id)))
    return opened


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
            outcome=one.outcome,
            code=one.code,
            score=one.score,
            threshold=one.threshold,
            detail=dict(one.detail),
        )
        for one in results
    ]
    of_rows: dict[str, object] = {"seen": sorted(evidence.seen), "left": evidence.left}
    of_rows["handed_over"] = evidence.handed_over
    terms = {"at": evidence.at.isoformat(), "policy": stored.as_record(numbers), **of_rows}
    terms |= {"facts": stored.as_record(facts), "checks": stored.as_record(Checks(tuple(said)))["checks"]}
    written = {f"{stage.name}.terms": stored.canonical_json({"v": stored.VERSION, **terms})}
    if stage.report is not None:
        written[f"{stage.name}.report"] = stage.report(facts, numbers, results)
    return written


JUDGEMENT = ("terms", "report", "document", "look")
"""The last word of kinds that were written by judging an attempt, turn by turn or as a whole, or after it: what is
measured anew does without them."""


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
