"""What one attempt is judged by, and what its checks said: keeps and loads evidence, writes
records.

What was presented before and comes again as other bytes is found by keyed words among all
borrowers' attempts.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from django.db.models import F, Q

from verification.case import contents as cases
from verification.case import moving, policy
from verification.case.history import History
from verification.compiled import Compiled
from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.events import SIMULATED
from verification.core.identification_document import Judged
from verification.core.keeping import Claim, words_mark
from verification.core.results import Result
from verification.core.route import ONCE, Again, Evidence, Stage
from verification.evidence import store, vault
from verification.models import Attempt, CaptureWord, EvidenceItem, SharedEvidenceUse

SHARED = "shared."


def keep(
    attempt: Attempt,
    evidence: Mapping[str, bytes],
    *,
    key: vault.Key,
    at: datetime,
    said: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Puts originals that neither an answer brought nor a judgement left, with an entry of their
    own.

    said: what else it says of the attempt, and then there is an entry even where nothing is put.
    """
    kept = put(attempt, evidence, key=key, at=at)
    if kept or said:
        body = {
            "attempt": attempt.pk,
            "route": attempt.route,
            "stage": attempt.stage,
            "evidence": kept,
        }
        moving.record(attempt.verification, "evidence.kept", at=at, body={**body, **said})


def put(
    attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key, at: datetime
) -> list[Mapping[str, Any]]:
    """Seals and stores originals of an attempt; gives what an entry of this time says of each under
    `evidence`.

    What is about nobody (`shared.…`) is kept once, in the clear.
    """
    shared = {kind: content for kind, content in evidence.items() if kind.startswith(SHARED)}
    own = {kind: content for kind, content in evidence.items() if kind not in shared}
    kept = store.leaf_list(store.put_all(key, own, attempt_id=attempt.pk, at=at)) if own else []
    if shared:
        rows = dict(zip(shared, store.put_all_shared(shared.values()), strict=True))
        uses = [
            SharedEvidenceUse(attempt=attempt, evidence=row, kind=kind)
            for kind, row in rows.items()
        ]
        SharedEvidenceUse.objects.bulk_create(uses)
        kept += [{"kind": kind, "sha256": row.pk, "size": row.size} for kind, row in rows.items()]
    return kept


@dataclass(frozen=True)
class OnRecord:
    """What an attempt is judged by, as the log has it.

    case: the commitment of the sealed case. evidence: what was kept of it, of the other stages of
    its route that passed, of the consent given, and of what is asked once a verification, in the
    log's order.
    combination: the routes that the borrower goes.
    handed_over: whether a phone took over. simulated: the scenario by which the sandbox plays, if
        it does.
    """

    case: str
    evidence: tuple[Claim, ...]
    combination: tuple[str, ...] = ()
    handed_over: bool = False
    simulated: str = ""


def on_record(history: History, name: str) -> OnRecord:
    """What entries state that an attempt is judged by: no row says what passed, nor what evidence
    there is.
    """
    attempt = history.state.attempts[name]
    # Consent is asked for once a verification, before its first route.
    wanted = {name} | {
        other
        for other, earlier in history.state.attempts.items()
        if earlier.is_passed
        and earlier.stage != attempt.stage
        and (earlier.route == attempt.route or earlier.stage == "consent")
    }
    listed = [
        claim
        for claim in history.claims()
        if claim.attempt in wanted or claim.kind.startswith(ONCE)
    ]
    places = {
        name: place for place, name in enumerate(dict.fromkeys(claim.attempt for claim in listed))
    }
    in_order = tuple(sorted(listed, key=lambda claim: places[claim.attempt]))
    scenarios = [str(entry.body["scenario"]) for entry in history.typed(SIMULATED)]
    return OnRecord(
        case=str(history.opening().get("case", "")),
        evidence=in_order,
        combination=tuple(history.row.combination),
        handed_over=any(history.typed("verification.handed_over")),
        simulated="".join(scenarios[-1:]),
    )


_PRESENTED = Compiled(
    lambda value, mode, own: (
        EvidenceItem.objects.filter(seen_index=value, verification__mode=mode)
        .exclude(attempt=own)
        .values_list("pk")
    )
)


def presented_before(
    attempt: Attempt, items: Mapping[str, bytes], *, of: OnRecord
) -> frozenset[str]:
    """Of its kinds those whose bytes were presented before, in another attempt of the mode, by
    anybody.

    Its own are all but those that another attempt has `of` the record.
    """
    others = {one.kind for one in of.evidence if one.attempt != attempt.pk}
    own = {kind: content for kind, content in items.items() if kind not in others}
    sought = {
        kind: values
        for kind, content in own.items()
        if (values := store.seen_values(content, kind=kind))
    }
    if not sought:
        return frozenset()
    each = [(kind, value) for kind, values in sought.items() for value in values]
    are_seen = _PRESENTED.are_there([(value, attempt.mode, attempt.pk) for _, value in each])
    return frozenset(kind for (kind, _), is_seen in zip(each, are_seen, strict=True) if is_seen)


def proven(
    of: Iterable[Claim], *, key: vault.Key, is_whole: bool = True
) -> list[tuple[Claim, bytes]]:
    """Each piece of evidence with its original bytes, once they are found to be what its entry
    says.

    A row that no entry lists is as none. is_whole: raises `EvidenceUnreadable` if one is missing,
    is not what its entry says, or does not open, for a judgement on half of it would be none; else
    those are left out.
    """
    listed, files, found = list(of), dict[str, bytes](), list[tuple[Claim, bytes]]()
    rows = {
        item.pk: item
        for item in EvidenceItem.objects.filter(pk__in=[one.id for one in listed if one.id])
    }
    for one in listed:
        row = rows.get(one.id)
        try:
            if not one.id:
                found.append((one, store.read(one.digest)))
            elif row and (str(row.attempt_id), row.kind, row.commitment) == (
                one.attempt,
                one.kind,
                one.digest,
            ):
                found.append((one, store.opening(key, row, files=files).plain))
            else:
                raise EvidenceUnreadable(f"{one.id} is not there as its entry says")
        except EvidenceUnreadable:
            if is_whole:
                raise
    return found


def contents(of: Iterable[Attempt], *, key: vault.Key, is_whole: bool = True) -> dict[str, bytes]:
    """The original bytes of these attempts by kind; of two of one kind the later. Raises
    `EvidenceUnreadable`.

    is_whole: also if one was destroyed, which then raises; else those are left out.
    """
    wanted = Q(attempt__in=of)
    left = wanted if is_whole else wanted & Q(destroyed_at=None)
    found: list[EvidenceItem | SharedEvidenceUse] = [
        *EvidenceItem.objects.filter(left).annotate(turn=F("attempt__turn")),
        *SharedEvidenceUse.objects.filter(wanted).annotate(turn=F("attempt__turn")),
    ]
    found.sort(key=attrgetter("turn"))
    opened, files = dict[str, bytes](), dict[str, bytes]()
    for one in found:
        if isinstance(one, EvidenceItem):
            opened[one.kind] = store.opening(key, one, files=files).plain
        else:
            opened[one.kind] = store.read(one.evidence_id)
    return opened


def remember(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> Mapping[str, str]:
    """Puts the words of what is kept down, so that it is found; in the transaction that keeps it.

    Gives what its entry says of all words of this attempt: the next capture is compared by them
        alone.
    """
    if not (marks := of.marks(evidence)):
        return {}
    found = _words(attempt, marks)
    known = set(CaptureWord.objects.filter(attempt=attempt).values_list("word", flat=True))
    fresh = found[max(found)] - known
    CaptureWord.objects.bulk_create(
        [CaptureWord(attempt=attempt, word=word) for word in sorted(fresh)]
    )
    return {"words": words_mark(attempt.pk, known | fresh)}


def compared(attempt: Attempt, of: Again, evidence: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What this attempt is compared with, and how alike they are, as evidence of this one.

    1 who shares enough words, of whatever borrower and lender; no more rows are counted than a step
    has time for · 2 where they are more than a step can compare, the oldest, which nobody can bring
    about afterwards, and of the rest those that share the most; the evidence says that some were
    left · 3 what was kept of them, opened by their own keys; of an erased one nothing is left to
    compare, and what does not open is no evidence against anybody.
    """
    words = {word for of_key in _words(attempt, of.searched(evidence)).values() for word in of_key}
    known = (
        CaptureWord.objects.filter(word__in=words)
        .exclude(attempt=attempt)
        .order_by("word", "attempt_id")
    )
    counted = list(known.values_list("attempt_id", flat=True)[: policy.WORDS_COUNTED + 1])  # 1
    shared = Counter(counted[: policy.WORDS_COUNTED])
    alike = [pk for pk, number in shared.most_common() if number >= of.shared_min]
    is_whole = len(alike) <= of.others_max and len(counted) <= policy.WORDS_COUNTED
    if len(alike) > of.others_max:  # 2
        by_age = (
            Attempt.objects.filter(pk__in=alike)
            .order_by("opened_at", "pk")
            .values_list("pk", flat=True)
        )
        alike = list(dict.fromkeys([*by_age[: of.others_max // 2], *alike]))[: of.others_max]
    others, beside = dict[str, Mapping[str, bytes]](), set[str]()
    if alike:
        rows = (
            Attempt.objects.filter(pk__in=alike)
            .select_related("verification__key")
            .defer("sealed_memory")
        )
        items: dict[str, list[EvidenceItem]] = {}
        for item in EvidenceItem.objects.filter(attempt__in=alike, kind__endswith=f".{of.ending}"):
            items.setdefault(str(item.attempt_id), []).append(item)
        for row in rows:  # 3
            key, files = cases.key_beside(row.verification), dict[str, bytes]()
            with suppress(EvidenceUnreadable):
                own = {
                    item.kind: store.opening(key, item, files=files).plain
                    for item in items.get(row.pk, ())
                }
                others[row.pk] = own
            if row.verification_id == attempt.verification_id:
                beside.add(row.pk)
    return of.compare(evidence, others, is_whole, beside)


def _words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
    """By the version of the key. Those of the sandbox are others than those of real borrowers."""
    return vault.blind_words(purpose=f"again {attempt.stage} {attempt.mode}", values=marks)


@dataclass(frozen=True)
class Checks:
    """What each check of a judgement said, in the order run, with scores and details, which may
    tell of a face.
    """

    checks: tuple[Judged, ...]


def judgement(
    stage: Stage, evidence: Evidence, numbers: Any, facts: Any, results: tuple[Result, ...]
) -> dict[str, bytes]:
    """What judging leaves as evidence: the terms, and the stage's report if it writes one.

    The terms: the time, the whole policy, what only the rows know, the facts (numbers and words, no
    pixels), and what the checks said by them.
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
    of_rows: dict[str, object] = {
        "seen": sorted(evidence.presented),
        "left": evidence.attempts_left,
    }
    of_rows["handed_over"] = evidence.handed_over
    terms = {"at": evidence.at.isoformat(), "policy": stored.as_record(numbers), **of_rows}
    terms |= {
        "facts": stored.as_record(facts),
        "checks": stored.as_record(Checks(tuple(said)))["checks"],
    }
    written = {f"{stage.name}.terms": stored.canonical_json({"v": stored.VERSION, **terms})}
    if (report := stage.report_of(facts, numbers, results)) is not None:
        written[f"{stage.name}.report"] = report
    return written


JUDGEMENT = ("terms", "report", "document", "look")
"""The last word of kinds that were written by judging an attempt, turn by turn or as a whole, or
after it: what is measured anew does without them.
"""


def checks_in(kept: Mapping[str, bytes], *, stage: str) -> tuple[Judged, ...]:
    """What the checks of an attempt said, by its evidence; nothing if unjudged. Raises
    `EvidenceUnreadable`.
    """
    content = kept.get(f"{stage}.terms")
    if content is None:
        return ()
    checks = stored.fields_of(json.loads(content), what="terms").get("checks")
    return stored.read({"v": stored.VERSION, "checks": checks}, into=Checks, what="terms").checks


def checks_of(history: History, name: str, kept: Mapping[str, bytes]) -> tuple[Judged, ...]:
    """What its checks came to: with scores and details where its terms can be read, else by its
    entry.
    """
    with suppress(EvidenceUnreadable):
        if checks := checks_in(kept, stage=history.state.attempts[name].stage):
            return checks
    nothing: dict[str, Any] = {"score": None, "threshold": None, "detail": {}}
    return tuple(
        Judged(name=check["check"], outcome=check["outcome"], code=check["code"], **nothing)
        for check in stated_checks(history, name)
    )


def stated_checks(history: History, name: str) -> list[dict[str, str]]:
    """What entries state of each check of an attempt; nothing if it was not judged."""
    judged = (
        entry.body for entry in history.typed("attempt.judged") if entry.body["attempt"] == name
    )
    return [check for body in judged for check in body["checks"]]
