"""Judges again what was judged: the same evidence, time and policy must give the same word.

1 an attempt's terms say by what it was judged · 2 the policy is read back from them, whatever is today's · 3 every
piece of evidence that the log says was kept must open, but for what it says was destroyed · 4 the facts are measured
anew from it, while all of it is there, and those that were kept are read back · 5 by both the stage's checks run:
outcomes and codes, the decision, and the report without the name of the arithmetic are compared with what is on record.
Nothing is collected, and nothing is written but one entry that says somebody looked.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Max

from verification import transactions
from verification.audit import log
from verification.core import stored
from verification.core.errand import ONCE
from verification.core.errors import EvidenceUnreadable, Misconfigured, TulgaError
from verification.core.events import DESTROYED, KEEPING
from verification.core.identification_document import shown_frames
from verification.core.results import Result, decide
from verification.core.route import Evidence, Stage, is_frame
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import cases, stages
from verification.workflow.moving import dossier

# Which of several ways to count was taken is no part of the judgement; all of them agree.
_NOT_COMPARED = ("backend",)
EVIDENCE, FACTS = "evidence", "facts"


class Verdict(StrEnum):
    """What judging again gave."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT = "cannot"


@dataclass(frozen=True)
class Replayed:
    """One attempt judged again. `detail`: what differs or what is missing, without personal data.

    `code`: of the error that is why it could not be judged. `source`: `evidence` if it was measured anew, and judged by
    the facts that were kept as well; `facts` if by these alone; empty if it could not be judged.
    """

    attempt_id: str
    route: str
    stage: str
    verdict: Verdict
    detail: str = ""
    code: str = ""
    source: str = ""


def replay(*, verification_id: str) -> tuple[Replayed, ...]:
    """Every judged attempt, judged again in the order of the dialogue, and a `replay.read` entry; raises `NotFound`."""
    row = cases.of_any_lender(verification_id)
    judged = AuditEntry.objects.filter(verification=row, type="attempt.judged").values_list("body__attempt", flat=True)
    attempts = Attempt.objects.filter(verification=row, pk__in=list(judged)).order_by("turn")
    found = tuple(judge_again(row, attempt) for attempt in attempts)
    record(row, found)
    return found


def judge_again(row: Verification, attempt: Attempt) -> Replayed:
    """One judged attempt of a verification, judged again."""
    where = attempt.pk, attempt.route, attempt.stage
    try:
        differences, source = _differences(row, attempt)
    except TulgaError as error:
        return Replayed(*where, Verdict.CANNOT, error.detail or error.code, error.code)
    verdict = Verdict.DIFFERENT if differences else Verdict.SAME
    return Replayed(*where, verdict, "; ".join(differences), source=source)


def record(row: Verification, found: Sequence[Replayed]) -> None:
    """Puts on record that somebody had judgements of this verification made again, and what came of it."""
    with transactions.writing():
        said = {verdict.value: sum(one.verdict is verdict for one in found) for verdict in Verdict}
        said["from_facts"] = sum(one.source == FACTS for one in found)
        log.append(log=row.mode, type="replay.read", body={"verification": row.pk, **said})


def worst(found: tuple[Replayed, ...]) -> Verdict:
    """One word for all: different if any is; cannot if any could not be judged, or there was nothing to judge."""
    said = {one.verdict for one in found}
    if Verdict.DIFFERENT in said:
        return Verdict.DIFFERENT
    return Verdict.SAME if said == {Verdict.SAME} else Verdict.CANNOT


def _differences(row: Verification, attempt: Attempt) -> tuple[list[str], str]:
    """What differs, and what it was judged from."""
    stage = stages.known(attempt.route, attempt.stage, law=row.profile_sha256)
    if stage is None:
        raise Misconfigured(f"route {attempt.route} has no stage {attempt.stage} here")
    key = cases.key_of(row)
    kept, is_whole = _kept(row, attempt, key=key)  # 3
    terms = stored.fields_of(json.loads(kept[f"{stage.name}.terms"]), what="terms")  # 1
    if missing := sorted({"at", "policy", "seen", "left", "handed_over", "facts"} - terms.keys()):
        raise stored.unreadable(f"terms.{missing[0]}", "is missing, which this release needs")
    policy = stored.read(terms["policy"], into=type(stage.policy_in_use()), what="policy", is_whole=True)  # 2
    items = _before(row, attempt, key=key)
    items |= {kind: content for kind, content in kept.items() if kind.rpartition(".")[2] not in dossier.JUDGEMENT}
    seen = frozenset(str(kind) for kind in terms["seen"])
    of_rows = {name: terms[name] for name in ("left", "handed_over")}
    evidence = Evidence(items=items, at=datetime.fromisoformat(terms["at"]), seen=seen, **of_rows)
    # 4
    facts = {EVIDENCE: stage.measure(cases.read(row, key).case, evidence, policy)} if is_whole else {}
    facts[FACTS] = stored.read(terms["facts"], into=stage.facts, what="facts")
    # 5
    differences = []
    for source, found in facts.items():
        results = stage.judge(found, policy)
        differing = _compare(attempt, stage, results)
        if stage.report is not None:
            was, is_now = json.loads(kept[f"{stage.name}.report"]), json.loads(stage.report(found, policy, results))
            names = sorted((was.keys() | is_now.keys()) - set(_NOT_COMPARED))
            differing += [f"the report's {name} differs" for name in names if was.get(name) != is_now.get(name)]
        differences += [f"from {source}: {one}" for one in differing]
    if not terms["handed_over"] and _was_handed_over(attempt):
        differences.append("the log says that it was handed over, and the terms do not")
    return differences, EVIDENCE if is_whole else FACTS


def _before(row: Verification, attempt: Attempt, *, key: vault.Key) -> dict[str, bytes]:
    """What had been kept elsewhere when it was judged: of the stages passed before, and of what is asked once."""
    items: dict[str, bytes] = {}
    for before in Attempt.objects.filter(verification=row, turn__lt=attempt.turn).order_by("turn"):
        is_of_way = before.route == attempt.route or before.stage == stages.CONSENT.name
        if is_of_way and before.status == "passed" and before.stage != attempt.stage:
            items |= _kept(row, before, key=key)[0]
        else:
            items |= dossier.contents([before], key=key, is_whole=False, prefix=ONCE)
    return items


def _kept(row: Verification, attempt: Attempt, *, key: vault.Key) -> tuple[dict[str, bytes], bool]:
    """3: what is left of what this attempt brought and gave, and whether that is all. Raises `EvidenceUnreadable`."""
    items = dossier.contents([attempt], key=key, is_whole=False)
    entries = AuditEntry.objects.filter(verification=row, body__attempt=attempt.pk)
    bodies = list(entries.filter(type__in=(*KEEPING, DESTROYED)).values_list("body", flat=True))
    kinds = {one.get("id", one["kind"]): one["kind"] for body in bodies for one in body.get("evidence", ())}
    # An entry may say anything: frames alone may be gone, and not those that stand for the commands.
    said = {item_id for body in bodies for item_id in body.get("destroyed", ())}
    gone = {item_id for item_id in said if is_frame(kinds.get(item_id, ""))}
    stage = stages.of(attempt.route, law=row.profile_sha256)[attempt.stage]
    terms = json.loads(items.get(f"{stage.name}.terms", b"{}"))
    logged = {kind for item_id, kind in kinds.items() if item_id not in gone}
    needed = logged | shown_frames(kinds.values(), terms, stage=stage.name) | {f"{stage.name}.terms"}
    needed |= {f"{stage.name}.report"} if stage.report else set()
    if missing := sorted(needed - items.keys()):
        raise EvidenceUnreadable(f"evidence is missing: {', '.join(missing)}")
    return items, not gone


def _was_handed_over(attempt: Attempt) -> bool:
    """Whether a phone had taken over before the last answer that was judged, by the log."""
    entries = AuditEntry.objects.filter(verification=attempt.verification_id)
    last = entries.filter(type="attempt.answered", body__attempt=attempt.pk).aggregate(Max("verification_sequence"))
    earlier = entries.filter(verification_sequence__lt=last["verification_sequence__max"] or 0)
    return earlier.filter(type="verification.handed_over").exists()


def _compare(attempt: Attempt, stage: Stage, results: tuple[Result, ...]) -> list[str]:
    """What differs from the checks on record, and from what the log says became of the attempt before any review."""
    before = [(one["check"], one["outcome"], one["code"]) for one in dossier.logged_checks(attempt)]
    now = [(one.check, one.outcome, one.code) for one in results]
    differences = [
        f"{is_now[0]} was {' '.join(was[1:]).rstrip()} and is {' '.join(is_now[1:]).rstrip()}"
        for was, is_now in zip(before, now, strict=False)
        if was != is_now
    ]
    if len(before) != len(now):
        differences.append(f"{len(before)} checks are on record, and {len(now)} were run")
    decision = decide(results, required=tuple(stage.checks))
    ending = f"{decision.outcome} {decision.code}".rstrip()
    entries = AuditEntry.objects.filter(verification=attempt.verification_id, type="attempt.judged")
    for body in entries.filter(body__attempt=attempt.pk).values_list("body", flat=True):
        said = f"{body['outcome']} {body['code']}".rstrip()
        if said != ending:
            differences.append(f"the attempt was {said} and is {ending}")
    return differences
