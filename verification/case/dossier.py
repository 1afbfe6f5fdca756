"""What one attempt is judged by, and what its checks said.

It keeps and loads evidence, writes records, and shows every check of a case as the log has it.

What was presented before and comes again as other bytes is found by keyed words among all
borrowers' attempts.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from django.db.models import Exists, F, Q

from verification.case import contents as cases
from verification.case import moving, policy
from verification.case.moving import History
from verification.core import codes, stored
from verification.core.errors import EvidenceUnreadable
from verification.core.events import SIMULATED
from verification.core.identification_document import Judged
from verification.core.keeping import Claim, words_mark
from verification.core.results import Result
from verification.core.route import ONCE, Again, Evidence, Stage
from verification.evidence import store, vault
from verification.log import decided
from verification.models import Attempt, CaptureWord, EvidenceItem, SharedEvidenceUse, Verification

SHARED = "shared."

JUDGEMENT = ("terms", "report", "document", "look")
"""The last word of kinds that were written by judging an attempt, turn by turn or as a whole, or
after it: what is measured anew does without them.
"""
logger = logging.getLogger(__name__)
ENGINE = {"name": "tulga", "version": "0.1.0"}


def keep(
    attempt: Attempt,
    evidence: Mapping[str, bytes],
    *,
    key: vault.Key,
    at: datetime,
    stated: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Puts originals that neither an answer brought nor a judgement left, with an entry of their
    own.

    said: what else it says of the attempt, and then there is an entry even where nothing is put.
    """
    listed = put(attempt, evidence, key=key, at=at)
    if listed or stated:
        body = moving.place_of(attempt.pk, attempt) | {"evidence": listed, **stated}
        moving.record(attempt.verification, "evidence.kept", at=at, body=body)


def put(
    attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key, at: datetime
) -> list[Mapping[str, Any]]:
    """Seals and stores originals of an attempt; gives what an entry of this time says of each under
    `evidence`.

    What is about no person (`shared.…`) is kept once, in the clear.
    """
    shared = {kind: content for kind, content in evidence.items() if kind.startswith(SHARED)}
    personal = {kind: content for kind, content in evidence.items() if kind not in shared}
    listed = (
        store.leaf_list(store.put_all(key, personal, attempt_id=attempt.pk, at=at))
        if personal
        else []
    )
    if shared:
        rows = dict(zip(shared, store.put_all_shared(shared.values()), strict=True))
        uses = [
            SharedEvidenceUse(attempt=attempt, evidence=row, kind=kind)
            for kind, row in rows.items()
        ]
        SharedEvidenceUse.objects.bulk_create(uses)
        listed += [{"kind": kind, "sha256": row.pk, "size": row.size} for kind, row in rows.items()]
    return listed


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
    names = {name} | {
        earlier_name
        for earlier_name, earlier in history.state.attempts.items()
        if earlier.is_passed
        and earlier.stage != attempt.stage
        and (earlier.route == attempt.route or earlier.stage == "consent")
    }
    listed = [
        claim for claim in history.claims() if claim.attempt in names or claim.kind.startswith(ONCE)
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


def presented_before(
    attempt: Attempt, items: Mapping[str, bytes], *, record: OnRecord
) -> frozenset[str]:
    """Of its kinds those whose bytes were presented before, in another attempt of the mode, by
    any borrower.

    Its own are all but those that another attempt has `of` the record.
    """
    elsewhere_kinds = {claim.kind for claim in record.evidence if claim.attempt != attempt.pk}
    presented = {kind: content for kind, content in items.items() if kind not in elsewhere_kinds}
    values_by_kind = {
        kind: values
        for kind, content in presented.items()
        if (values := store.seen_values(content, kind=kind))
    }
    if not values_by_kind:
        return frozenset()
    elsewhere = EvidenceItem.objects.filter(verification__mode=attempt.mode).exclude(
        attempt=attempt
    )
    # One statement, which stops at the first row of each value.
    kinds = [kind for kind, values in values_by_kind.items() for _ in values]
    looks = [
        Exists(elsewhere.filter(seen_index=value)) for value in chain(*values_by_kind.values())
    ]
    answers = Attempt.objects.filter(pk=attempt.pk).values_list(*looks).get()
    return frozenset(kind for kind, is_there in zip(kinds, answers, strict=True) if is_there)


def proven(
    claims: Iterable[Claim], *, key: vault.Key, is_whole: bool = True
) -> list[tuple[Claim, bytes]]:
    """Each piece of evidence with its original bytes, once they are found to be what its entry
    says.

    A row that no entry lists is ignored. is_whole: raises `EvidenceUnreadable` if one is missing,
    is not what its entry says, or does not open, for a judgement on half of it would be none; else
    those are left out.
    """
    listed, files, pieces = list(claims), dict[str, bytes](), list[tuple[Claim, bytes]]()
    rows = {
        item.pk: item
        for item in EvidenceItem.objects.filter(pk__in=[claim.id for claim in listed if claim.id])
    }
    for claim in listed:
        row = rows.get(claim.id)
        try:
            if not claim.id:
                pieces.append((claim, store.read(claim.digest)))
            elif row and (str(row.attempt_id), row.kind, row.commitment) == (
                claim.attempt,
                claim.kind,
                claim.digest,
            ):
                pieces.append((claim, store.opening(key, row, files=files).plain))
            else:
                raise EvidenceUnreadable(f"{claim.id} is not there as its entry says")
        except EvidenceUnreadable:
            if is_whole:
                raise
    return pieces


def contents(
    attempts: Iterable[Attempt], *, key: vault.Key, is_whole: bool = True
) -> dict[str, bytes]:
    """The original bytes of these attempts by kind; of two of one kind the later. Raises
    `EvidenceUnreadable`.

    is_whole: also if one was destroyed, which then raises; else those are left out.
    """
    condition = Q(attempt__in=attempts)
    remaining = condition if is_whole else condition & Q(destroyed_at=None)
    rows: list[EvidenceItem | SharedEvidenceUse] = [
        *EvidenceItem.objects.filter(remaining).annotate(turn=F("attempt__turn")),
        *SharedEvidenceUse.objects.filter(condition).annotate(turn=F("attempt__turn")),
    ]
    rows.sort(key=attrgetter("turn"))
    opened, files = dict[str, bytes](), dict[str, bytes]()
    for row in rows:
        if isinstance(row, EvidenceItem):
            opened[row.kind] = store.opening(key, row, files=files).plain
        else:
            opened[row.kind] = store.read(row.evidence_id)
    return opened


def remember(attempt: Attempt, again: Again, evidence: Mapping[str, bytes]) -> Mapping[str, str]:
    """Puts the words of what is kept down, so that it is found; in the transaction that keeps it.

    Gives what its entry says of all words of this attempt: the next capture is compared by them
        alone.
    """
    if not (marks := again.marks(evidence)):
        return {}
    keyed = _keyed_words(attempt, marks)
    present = set(CaptureWord.objects.filter(attempt=attempt).values_list("word", flat=True))
    fresh = keyed[max(keyed)] - present
    CaptureWord.objects.bulk_create(
        [CaptureWord(attempt=attempt, word=word) for word in sorted(fresh)]
    )
    return {"words": words_mark(attempt.pk, present | fresh)}


def compared(attempt: Attempt, again: Again, evidence: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What this attempt is compared with, and how alike they are, as evidence of this one.

    1 who shares enough words, of whatever borrower and lender; no more rows are counted than a step
    has time for · 2 where they are more than a step can compare, the oldest, which cannot be
    brought about afterwards, and of the rest those that share the most; the evidence says that some
    were left · 3 what was kept of them, opened by their own keys; of an erased one nothing is left
    to compare, and what does not open is no evidence against a person.
    """
    sought = {
        word
        for of_key in _keyed_words(attempt, again.searched(evidence)).values()
        for word in of_key
    }
    rows_of_words = (
        CaptureWord.objects.filter(word__in=sought)
        .exclude(attempt=attempt)
        .order_by("word", "attempt_id")
    )
    counted = list(
        rows_of_words.values_list("attempt_id", flat=True)[: policy.WORDS_COUNTED + 1]
    )  # 1
    shared = Counter(counted[: policy.WORDS_COUNTED])
    similar = [pk for pk, number in shared.most_common() if number >= again.shared_min]
    is_whole = len(similar) <= again.others_max and len(counted) <= policy.WORDS_COUNTED
    if len(similar) > again.others_max:  # 2
        by_age = (
            Attempt.objects.filter(pk__in=similar)
            .order_by("opened_at", "pk")
            .values_list("pk", flat=True)
        )
        similar = list(dict.fromkeys([*by_age[: again.others_max // 2], *similar]))[
            : again.others_max
        ]
    compared_with, same_case = dict[str, Mapping[str, bytes]](), set[str]()
    if similar:
        rows = (
            Attempt.objects.filter(pk__in=similar)
            .select_related("verification__key")
            .defer("sealed_memory")
        )
        items: dict[str, list[EvidenceItem]] = {}
        for item in EvidenceItem.objects.filter(
            attempt__in=similar, kind__endswith=f".{again.ending}"
        ):
            items.setdefault(str(item.attempt_id), []).append(item)
        for row in rows:  # 3
            key, files = cases.key_beside(row.verification), dict[str, bytes]()
            with suppress(EvidenceUnreadable):
                original = {
                    item.kind: store.opening(key, item, files=files).plain
                    for item in items.get(row.pk, ())
                }
                compared_with[row.pk] = original
            if row.verification_id == attempt.verification_id:
                same_case.add(row.pk)
    return again.compare(evidence, compared_with, is_whole, same_case)


def _keyed_words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
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
    checks = [
        Judged(
            name=result.check,
            outcome=result.outcome,
            code=result.code,
            score=result.score,
            threshold=result.threshold,
            detail=dict(result.detail),
        )
        for result in results
    ]
    of_rows: dict[str, object] = {
        "seen": sorted(evidence.presented),
        "left": evidence.attempts_left,
    }
    of_rows["handed_over"] = evidence.handed_over
    terms = {"at": evidence.at.isoformat(), "policy": stored.as_record(numbers), **of_rows}
    terms |= {
        "facts": stored.as_record(facts),
        "checks": stored.as_record(Checks(tuple(checks)))["checks"],
    }
    written = {f"{stage.name}.terms": stored.canonical_json({"v": stored.VERSION, **terms})}
    if (report := stage.report_of(facts, numbers, results)) is not None:
        written[f"{stage.name}.report"] = report
    return written


def checks_in(evidence: Mapping[str, bytes], *, stage: str) -> tuple[Judged, ...]:
    """What the checks of an attempt said, by its evidence; nothing if unjudged. Raises
    `EvidenceUnreadable`.
    """
    content = evidence.get(f"{stage}.terms")
    if content is None:
        return ()
    checks = stored.fields_of(json.loads(content), what="terms").get("checks")
    return stored.read({"v": stored.VERSION, "checks": checks}, into=Checks, what="terms").checks


def checks_of(history: History, name: str, evidence: Mapping[str, bytes]) -> tuple[Judged, ...]:
    """What its checks came to: with scores and details where its terms can be read, else by its
    entry.
    """
    with suppress(EvidenceUnreadable):
        if checks := checks_in(evidence, stage=history.state.attempts[name].stage):
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


@dataclass(frozen=True)
class CheckView:
    """What one check said."""

    id: str
    route: str
    stage: str
    attempt: int
    name: str
    outcome: str
    code: str
    retryable: bool
    score: float | None
    threshold: float | None
    engine: Mapping[str, str]
    borrower_message: str
    lender_detail: str
    created_at: datetime


def check_views(verification: Verification, *, key: vault.Key | None) -> tuple[CheckView, ...]:
    """What every check said, as the log has it, in order of the attempts, numbered over all stages
    and routes.

    Of a judgement that has no place in the log, or that no worker signed, nothing is told. Scores
    are sealed: without the key, or once it was destroyed, there are none.
    """
    in_order = Attempt.objects.filter(verification=verification).order_by("opened_at", "turn")
    numbers = {
        pk: number for number, pk in enumerate(in_order.values_list("pk", flat=True), start=1)
    }
    scores: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    if key is not None:
        for item in EvidenceItem.objects.filter(verification=verification, kind__endswith=".terms"):
            try:
                evidence = {item.kind: store.opening(key, item).plain}
                for judged in checks_in(evidence, stage=item.kind.partition(".")[0]):
                    scores[str(item.attempt_id), judged.name] = (judged.score, judged.threshold)
            except EvidenceUnreadable as fault:
                logger.error(
                    "%s of %s: no scores can be told (%s)", item.pk, verification.pk, fault.code
                )
    table = codes.REASONS
    return tuple(
        CheckView(
            id=f"chk_{body['attempt'].partition('_')[2]}_{position}",
            route=body["route"],
            stage=body["stage"],
            attempt=numbers[body["attempt"]],
            name=check["check"],
            outcome=check["outcome"],
            code=(code := check["code"]),
            retryable=code in table and not table[code].final,
            score=scores.get((body["attempt"], check["check"]), (None, None))[0],
            threshold=scores.get((body["attempt"], check["check"]), (None, None))[1],
            engine=ENGINE | check.get("engine", {}),
            # A code that the table no longer has is shown as it stands.
            borrower_message=table[code].borrower_message if code in table else "",
            lender_detail=table[code].lender_detail if code in table else "",
            created_at=at,
        )
        for body, at in ((entry.body, entry.at) for entry in decided.judgements(verification))
        for position, check in enumerate(body["checks"], start=1)
    )
