"""The input of an attempt's judgement, and the results of its checks.

This module stores and loads evidence, writes records, and shows every check of a case as the log
has it.
Keyed words find repeated material among all borrowers' attempts, even in other bytes.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from django.db.models import Exists

from verification.case import contents as cases
from verification.case import moving, policy, stages
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

JUDGEMENT = ("terms", "scores", "report", "document", "look")
"""The last word of kinds that judging wrote, per turn, as a whole or afterwards. A new
measurement ignores them.
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
    """Stores originals from neither an answer nor a judgement, with their own entry.

    said: further content of the entry; with it an entry is written even without originals.
    """
    listed = put(attempt, evidence, key=key, at=at)
    if listed or stated:
        body = moving.place_of(attempt.pk, attempt) | {"evidence": listed, **stated}
        moving.record(attempt.verification, "evidence.kept", at=at, body=body)


def put(
    attempt: Attempt, evidence: Mapping[str, bytes], *, key: vault.Key, at: datetime
) -> list[Mapping[str, Any]]:
    """Seals and stores originals of an attempt; returns the entry's items under `evidence`.

    Evidence about no person (`shared.…`) is stored once, in clear.
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
    """The input of an attempt's judgement, as the log has it.

    case: the commitment of the sealed case.
    evidence: of the attempt, of its route's other passed stages, of the consent, and shared items,
    in log order.
    combination: the borrower's routes.
    handed_over: whether a phone took over.
    simulated: the sandbox's scenario, if it plays.
    """

    case: str
    evidence: tuple[Claim, ...]
    combination: tuple[str, ...] = ()
    handed_over: bool = False
    simulated: str = ""


def on_record(history: History, name: str) -> OnRecord:
    """What entries state as the input of an attempt's judgement: rows decide neither passes nor
    evidence.
    """
    attempt = history.state.attempts[name]
    # The consent is requested once per verification, before its first route.
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
    """Kinds whose bytes were presented before, in another attempt of the mode, by any borrower.

    An attempt's bytes are its own unless the record lists them for another attempt.
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
    """Each piece of evidence with its original bytes, verified against its entry.

    A row without an entry is ignored.
    is_whole: a missing, different or sealed-shut item raises, because half the evidence allows no
    judgement.
    Otherwise such items are left out.

    Raises: `EvidenceUnreadable`; always for an item that only workers open.
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
                raise EvidenceUnreadable(f"{claim.id} is missing or differs from its entry")
        except EvidenceUnreadable as fault:
            if is_whole or fault.code == store.NOT_LENT:
                raise
    return pieces


def shown(attempt: Attempt, stage: Stage, *, key: vault.Key) -> dict[str, bytes]:
    """The originals of an attempt that reviewers see, by kind; a worker lent them.

    Raises: `EvidenceUnreadable` if one does not open, or is destroyed.
    """
    files = dict[str, bytes]()
    return {
        item.kind: store.opening(key, item, files=files).plain
        for item in EvidenceItem.objects.filter(attempt=attempt)
        if stage.is_shown(item.kind)
    }


def lend_shown(history: History, *, key: vault.Key) -> None:
    """Lends web the originals that reviewers see of the attempt in review, in a worker's
    transaction.

    Raises: `EvidenceUnreadable` if a key does not leave its box, or is destroyed.
    """
    name = history.state.newest_name
    attempt = history.state.attempts[name]
    stage = stages.of_route(attempt.route, law=history.row.profile_sha256)[attempt.stage]
    # By the entries: a changed row could pass for another attempt's.
    listed = [
        claim.id
        for claim in history.claims()
        if claim.id and claim.attempt == name and stage.is_shown(claim.kind)
    ]
    store.lend(key, EvidenceItem.objects.filter(pk__in=listed).defer("sealed"))


def remember(attempt: Attempt, again: Again, evidence: Mapping[str, bytes]) -> Mapping[str, str]:
    """Stores the words of new evidence for later searches, in the transaction that stores the
    evidence.

    Returns the entry's mark of all words of this attempt: the next capture is compared by them
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
    """What this attempt is compared with, and how similar they are, as evidence of this attempt.

    1. Find attempts with enough common words, of any borrower and lender. The count of rows is
       bounded.
    2. If they exceed a step's capacity, take the oldest, which cannot be forged later, and the most
       similar. The evidence says that some were left out.
    3. Open their evidence with its own keys. Erased evidence is skipped; unreadable evidence does
       not count against a person.
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
            with suppress(EvidenceUnreadable):
                key, files = cases.key_beside(row.verification), dict[str, bytes]()
                original = {
                    item.kind: store.opening(key, item, files=files).plain
                    for item in items.get(row.pk, ())
                }
                compared_with[row.pk] = original
            if row.verification_id == attempt.verification_id:
                same_case.add(row.pk)
    return again.compare(evidence, compared_with, is_whole, same_case)


def _keyed_words(attempt: Attempt, marks: frozenset[bytes]) -> dict[int, set[int]]:
    """Keyed words by key version. The sandbox's words differ from those of real borrowers."""
    return vault.blind_words(purpose=f"again {attempt.stage} {attempt.mode}", values=marks)


@dataclass(frozen=True)
class Checks:
    """The result of each check of a judgement, in run order; scores and details may describe a
    face.
    """

    checks: tuple[Judged, ...]


def judgement(
    stage: Stage, evidence: Evidence, numbers: Any, facts: Any, results: tuple[Result, ...]
) -> dict[str, bytes]:
    """Evidence that judging leaves: the terms, the scores, and the stage's report if it has one.

    The terms: time, whole policy, facts from rows, measured facts (numbers and words, no pixels),
    and the checks' results.
    The scores: score and threshold of each check that has one. Web may always read them.
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
    measured = {
        check.name: (check.score, check.threshold)
        for check in checks
        if (check.score, check.threshold) != (None, None)
    }
    if measured:
        written[_scores_of(stage.name)] = stored.to_bytes(Scores(measured))
    if (report := stage.report_of(facts, numbers, results)) is not None:
        written[f"{stage.name}.report"] = report
    return written


def checks_in(evidence: Mapping[str, bytes], *, stage: str) -> tuple[Judged, ...]:
    """The checks' results of an attempt from its evidence; empty if unjudged.

    Raises: `EvidenceUnreadable`.
    """
    content = evidence.get(f"{stage}.terms")
    if content is None:
        return ()
    checks = stored.fields_of(json.loads(content), what="terms").get("checks")
    return stored.read({"v": stored.VERSION, "checks": checks}, into=Checks, what="terms").checks


def checks_of(history: History, name: str, evidence: Mapping[str, bytes]) -> tuple[Judged, ...]:
    """The checks' results: with scores and details if its terms are readable, else from its
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
    """What entries state of each check of an attempt; empty if unjudged."""
    judged = (
        entry.body for entry in history.typed("attempt.judged") if entry.body["attempt"] == name
    )
    return [check for body in judged for check in body["checks"]]


@dataclass(frozen=True)
class Scores:
    """Score and threshold of each check of a judgement that has one, by the check's name."""

    scores: Mapping[str, tuple[float | None, float | None]]


def _scores_of(stage: str) -> str:
    return f"{stage}.scores"


@dataclass(frozen=True)
class CheckView:
    """The result of one check."""

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
    """Every check's result from the log, in order of the attempts, numbered over all stages and
    routes.

    A judgement without a place in the log or a worker's signature is left out.
    Scores are sealed: without the key, or after its destruction, they are absent.
    """
    in_order = Attempt.objects.filter(verification=verification).order_by("opened_at", "turn")
    numbers = {
        pk: number for number, pk in enumerate(in_order.values_list("pk", flat=True), start=1)
    }
    scores: dict[tuple[str, str], Sequence[float | None]] = {}
    if key is not None:
        kept = EvidenceItem.objects.filter(verification=verification, kind__endswith=_scores_of(""))
        for item in kept:
            try:
                read = stored.read(
                    json.loads(store.opening(key, item).plain), into=Scores, what="scores"
                )
                scores |= {(str(item.attempt_id), name): pair for name, pair in read.scores.items()}
            except EvidenceUnreadable as fault:
                logger.error(
                    "%s of %s: the scores are unreadable (%s)", item.pk, verification.pk, fault.code
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
            # A code that is no longer in the table is shown unchanged.
            borrower_message=table[code].borrower_message if code in table else "",
            lender_detail=table[code].lender_detail if code in table else "",
            created_at=at,
        )
        for body, at in ((entry.body, entry.at) for entry in decided.judgements(verification))
        for position, check in enumerate(body["checks"], start=1)
    )
