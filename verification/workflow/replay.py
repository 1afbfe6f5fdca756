"""Judges again what was judged: the same evidence, time and policy must give the same word.

1 an attempt's terms say by what it was judged · 2 the policy is read back from them, whatever is today's · 3 every
piece of evidence that the log says was kept must open · 4 the route's checks run on it · 5 their outcomes and codes,
the decision, and the report without the name of the arithmetic are compared with what is on record.
Nothing is collected, and nothing is written but one entry that says somebody looked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Q

from verification.audit import log
from verification.core.decision import decide
from verification.core.errors import EvidenceUnreadable, Misconfigured, NotFound, TulgaError
from verification.core.ids import is_id
from verification.core.person import Case
from verification.core.results import Passed, Result
from verification.core.route import Evidence, Stage
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, CheckRecord, Verification
from verification.routes import get
from verification.workflow import cases, dossier, stages
from verification.workflow.stored_policy import read_policy

# Which of several ways to count was taken is no part of the judgement; all of them agree.
_NOT_COMPARED = ("backend",)


class Verdict(StrEnum):
    """What judging again gave."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT = "cannot"


@dataclass(frozen=True)
class Replayed:
    """One attempt judged again. `detail`: what differs or what is missing, without personal data.

    `code`: of the error that is why it could not be judged.
    """

    attempt_id: str
    route: str
    stage: str
    verdict: Verdict
    detail: str = ""
    code: str = ""


def replay(*, verification_id: str) -> tuple[Replayed, ...]:
    """Every judged attempt, judged again in the order of the dialogue, and a `replay.read` entry; raises `NotFound`."""
    row = None
    if is_id(verification_id, prefix="ver"):
        row = Verification.objects.filter(pk=verification_id).first()
    if row is None:
        raise NotFound("there is no such verification")
    judged = AuditEntry.objects.filter(verification=row, type="attempt.judged").values_list("body__attempt", flat=True)
    attempts = Attempt.objects.filter(verification=row, pk__in=list(judged)).order_by("turn")
    found = tuple(_replay(row, attempt) for attempt in attempts)
    with transaction.atomic():
        said = {verdict.value: sum(one.verdict is verdict for one in found) for verdict in Verdict}
        log.append(log=row.mode, type="replay.read", body={"verification": row.pk, **said})
    return found


def worst(found: tuple[Replayed, ...]) -> Verdict:
    """One word for all: different if any is; cannot if any could not be judged, or there was nothing to judge."""
    said = {one.verdict for one in found}
    if Verdict.DIFFERENT in said:
        return Verdict.DIFFERENT
    return Verdict.SAME if said == {Verdict.SAME} else Verdict.CANNOT


def _replay(row: Verification, attempt: Attempt) -> Replayed:
    where = attempt.pk, attempt.route, attempt.stage
    try:
        differences = _differences(row, attempt)
    except TulgaError as error:
        return Replayed(*where, Verdict.CANNOT, error.detail or error.code, error.code)
    return Replayed(*where, Verdict.DIFFERENT if differences else Verdict.SAME, "; ".join(differences))


def _differences(row: Verification, attempt: Attempt) -> list[str]:
    stage = stages.known(attempt.route, attempt.stage)
    if stage is None:
        raise Misconfigured(f"route {attempt.route} has no stage {attempt.stage} here")
    key = cases.key_of(row)
    kept = _kept(row, attempt, key=key)
    # 1, 2
    evidence = _evidence(row, attempt, kept, key=key)
    stored = json.loads(kept[f"{stage.name}.terms"])["policy"]
    policy = read_policy(stored, into=type(get(attempt.route).policy))
    if json.loads(dossier.terms(evidence, policy))["policy"] != stored:
        raise EvidenceUnreadable("the policy is not read back as it was kept", code="policy_unreadable")
    # 4
    case = cases.read(row, key).case
    results = tuple(check(case, evidence, policy) for check in stage.checks.values())
    # 5
    told = [*_compare_checks(attempt, results), *_compare_decision(row, attempt, stage, results)]
    if stage.report is not None:
        told += _compare_report(kept[f"{stage.name}.report"], _report(stage, case, evidence, policy, results))
    return told


def _kept(row: Verification, attempt: Attempt, *, key: vault.Key) -> dict[str, bytes]:
    """3: what this attempt brought and gave. Raises `EvidenceUnreadable`."""
    items = dossier.contents([attempt], key=key)
    entries = AuditEntry.objects.filter(verification=row, type="evidence.kept", body__attempt=attempt.pk)
    logged = {one["kind"] for body in entries.values_list("body", flat=True) for one in body["evidence"]}
    stage = stages.find(attempt.route, attempt.stage)
    needed = logged | {f"{stage.name}.terms"} | ({f"{stage.name}.report"} if stage.report else set())
    if missing := sorted(needed - items.keys()):
        raise EvidenceUnreadable(f"evidence is missing: {', '.join(missing)}")
    return items


def _evidence(row: Verification, attempt: Attempt, kept: Mapping[str, bytes], *, key: vault.Key) -> Evidence:
    """What stood when it was judged: the stages passed before, and its own without what the judging itself wrote."""
    of_route = Q(route=attempt.route) | Q(stage="consent")
    passed = Attempt.objects.filter(of_route, verification=row, status="passed", turn__lt=attempt.turn)
    before: dict[str, bytes] = {}
    for one in passed.order_by("turn"):
        before |= _kept(row, one, key=key)
    terms = json.loads(kept[f"{attempt.stage}.terms"])
    written = {f"{attempt.stage}.{what}" for what in ("terms", "report", "document")}
    own = {kind: content for kind, content in kept.items() if kind not in written}
    return Evidence(
        items=before | own, at=datetime.fromisoformat(terms["at"]), seen=frozenset(str(kind) for kind in terms["seen"])
    )


def _compare_checks(attempt: Attempt, results: tuple[Result, ...]) -> list[str]:
    records = CheckRecord.objects.filter(attempt=attempt).order_by("position")
    before = list(records.values_list("name", "outcome", "code"))
    now = [(one.check, dossier.OUTCOMES[type(one)], "" if isinstance(one, Passed) else one.code) for one in results]
    told = [
        f"{is_now[0]} was {_said(was[1:])} and is {_said(is_now[1:])}"
        for was, is_now in zip(before, now, strict=False)
        if was != is_now
    ]
    return told if len(before) == len(now) else [*told, f"{len(before)} checks are on record, and {len(now)} were run"]


def _compare_decision(row: Verification, attempt: Attempt, stage: Stage, results: tuple[Result, ...]) -> list[str]:
    """What the log says became of the attempt before any reviewer looked."""
    decision = decide(results, required=tuple(stage.checks))
    entries = AuditEntry.objects.filter(verification=row, type="attempt.judged", body__attempt=attempt.pk)
    now = (decision.outcome.value, decision.code)
    return [
        f"the attempt was {_said(was)} and is {_said(now)}"
        for body in entries.values_list("body", flat=True)
        if (was := (body["outcome"], body["code"])) != now
    ]


def _said(word: tuple[str, ...]) -> str:
    return " ".join(part for part in word if part)


def _report(stage: Stage, case: Case, evidence: Evidence, policy: Any, results: tuple[Result, ...]) -> bytes:
    if stage.report is None:
        raise Misconfigured(f"stage {stage.name} writes no report")
    return stage.report(case, evidence, policy, results)


def _compare_report(before: bytes, now: bytes) -> list[str]:
    was, is_now = json.loads(before), json.loads(now)
    names = sorted((was.keys() | is_now.keys()) - set(_NOT_COMPARED))
    return [f"the report's {name} differs" for name in names if was.get(name) != is_now.get(name)]
