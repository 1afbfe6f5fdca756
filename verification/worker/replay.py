"""Repeats judgements: the same evidence, time and policy must give the same result.

1. Read the verification's entries once, with their signatures. An invalid entry stops the replay,
   because the rest is incomplete.
2. The judgement's entry names its release; its terms state its input.
3. Read the policy from the terms, whatever today's is. A missing field was added later and takes
   the value that earlier releases imply (`core/stored.py`).
4. Every listed piece of evidence must open, except those destroyed by rule.
5. Measure the facts again if all evidence exists, and read the stored facts.
6. Run the checks of that release on both (`Stage.as_released`): later checks do not run, and
   changed checks run in their earlier form.
7. Compare outcomes, codes, decision and report with the record. Fields that the record lacks, such
   as a report's new field, are not compared.

A replay collects nothing and writes only an entry of the reading.

`manage.py audit_verify --replay` repeats a random sample of a log's judgements. The same seed and
log give the same sample.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from verification import transactions
from verification.case import contents, dossier, stages
from verification.case.moving import History
from verification.core import releases, stored
from verification.core.errors import EvidenceUnreadable, Misconfigured, NotFound, TulgaError
from verification.core.events import DESTROYED, REDACTED
from verification.core.findings import Finding
from verification.core.identification_document import shown_frames
from verification.core.keeping import Claim
from verification.core.person import Case
from verification.core.results import Result, decide
from verification.core.route import Evidence, Stage, is_frame
from verification.course import fold
from verification.evidence import vault
from verification.log import entries, log, signatures
from verification.log.signatures import course_entry
from verification.models import AuditEntry, Verification

# The counting backend is no part of the judgement; all backends agree.
_NOT_COMPARED: Final = ("backend",)
_TERMS: Final = ("at", "policy", "seen", "left", "handed_over", "facts")
_JUDGED: Final = "attempt.judged"
EVIDENCE, FACTS = "evidence", "facts"
ERASED: Final = "verification_erased"


class Verdict(StrEnum):
    """The result of a repeated judgement."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT = "cannot"


@dataclass(frozen=True)
class Replayed:
    """One repeated attempt.

    detail: what differs or is missing, without personal data.
    code: of the error that prevented the judgement.
    source: `evidence` if measured again and also judged by stored facts; `facts` if by those alone;
    empty if impossible.
    """

    attempt_id: str
    route: str
    stage: str
    verdict: Verdict
    detail: str = ""
    code: str = ""
    source: str = ""


@dataclass(frozen=True)
class Judgement:
    """One judgement on record.

    body: of its entry.
    terms: its input, as JSON.
    report: its report; None if that release wrote none.
    items: the original bytes; None if some were destroyed by rule.
    """

    body: Mapping[str, Any]
    terms: Mapping[str, Any]
    report: bytes | None
    case: Case
    items: Mapping[str, bytes] | None


def replay(*, verification_id: str) -> tuple[Replayed, ...]:
    """Every judged attempt, repeated in log order, and a `replay.read` entry.

    Raises: `NotFound`; `EvidenceUnreadable` for an invalid entry; `Misconfigured` without a known
    log key.
    """
    row = contents.of_any_lender(verification_id)
    record_of_case = _Record(row, signatures.sound_of(row, is_whole=True))
    replays = tuple(record_of_case.judge_again(entry) for entry in record_of_case.judged)
    record(row, replays)
    return replays


def judge_again(row: Verification, entry_id: str) -> Replayed:
    """The repeated judgement of this entry.

    Raises: as `replay`.
    """
    record_of_case = _Record(row, signatures.sound_of(row, is_whole=True))
    for entry in record_of_case.judged:
        if entry.pk == entry_id:
            return record_of_case.judge_again(entry)
    raise EvidenceUnreadable(f"entry {entry_id} is not a judgement of {row.pk}")


def record(row: Verification, replays: Sequence[Replayed]) -> None:
    """Records that judgements of this verification were repeated, and the results."""
    with transactions.writing():
        counts = {
            word.value: sum(replayed.verdict is word for replayed in replays) for word in Verdict
        }
        counts["from_facts"] = sum(replayed.source == FACTS for replayed in replays)
        log.append(log=row.mode, type="replay.read", body={"verification": row.pk, **counts})


def worst(replays: Iterable[Replayed]) -> Verdict:
    """One result for all: different if any is; cannot if any was impossible, or there was no
    judgement.
    """
    verdicts = {replayed.verdict for replayed in replays}
    if Verdict.DIFFERENT in verdicts:
        return Verdict.DIFFERENT
    return Verdict.SAME if verdicts == {Verdict.SAME} else Verdict.CANNOT


def differences(stage: Stage, judgement: Judgement) -> list[str]:
    """Differences of a new judgement by today's stage.

    Raises: `EvidenceUnreadable` (stored_unreadable) for terms or a release of a later software.
    Raises: `Misconfigured` if a check of the release is missing here.
    """
    body, terms = judgement.body, stored.fields_of(judgement.terms, what="terms")
    if missing := sorted(set(_TERMS) - terms.keys()):
        raise stored.unreadable(f"terms.{missing[0]}", "is missing, which this release needs")
    release = releases.RELEASES.get(str(body.get("release")))
    if release is None:  # 2
        raise stored.unreadable("release", f"{body.get('release')} is unknown to this release")
    stage = stage.as_released(release)  # 6
    policy_type = type(stage.policy_in_use())
    policy = stored.read(terms["policy"], into=policy_type, what="policy", is_whole=True)  # 3
    sources: dict[str, Any] = {}
    if judgement.items is not None:
        evidence = Evidence(
            items=judgement.items,
            at=datetime.fromisoformat(terms["at"]),
            presented=frozenset(str(kind) for kind in terms["seen"]),
            attempts_left=terms["left"],
            handed_over=terms["handed_over"],
        )
        sources[EVIDENCE] = stage.measure(judgement.case, evidence, policy)  # 5
    sources[FACTS] = stored.read(terms["facts"], into=stage.facts, what="facts")
    return [
        f"from {source}: {difference}"
        for source, facts in sources.items()
        for difference in _compare(stage, judgement, facts, policy)
    ]


def _compare(stage: Stage, judgement: Judgement, facts: Any, policy: Any) -> list[str]:
    """7: the differences by these facts."""
    results = stage.judge(facts, policy)
    differing = _compare_checks(judgement.body, results)
    decision = decide(results, required=tuple(stage.checks))
    was = f"{judgement.body['outcome']} {judgement.body['code']}".rstrip()
    is_now = f"{decision.outcome} {decision.code}".rstrip()
    if was != is_now:
        differing.append(f"the attempt was {was} and is {is_now}")
    if judgement.report is not None:
        earlier = json.loads(judgement.report)
        now = json.loads(stage.report_of(facts, policy, results) or b"{}")
        names = sorted(earlier.keys() - set(_NOT_COMPARED))
        differing += [
            f"the report's {name} differs"
            for name in names
            if name not in now or not stored.agrees(now[name], earlier[name])
        ]
    return differing


def _compare_checks(body: Mapping[str, Any], results: tuple[Result, ...]) -> list[str]:
    """Differences of the checks from the judgement's entry."""
    recorded = [(check["check"], check["outcome"], check["code"]) for check in body["checks"]]
    now = [(result.check, result.outcome, result.code) for result in results]
    differing = [
        f"{is_now[0]} was {' '.join(was[1:]).rstrip()} and is {' '.join(is_now[1:]).rstrip()}"
        for was, is_now in zip(recorded, now, strict=False)
        if was != is_now
    ]
    if len(recorded) != len(now):
        differing.append(f"{len(recorded)} checks are on record, and {len(now)} were run")
    return differing


@dataclass(frozen=True)
class _Record:
    """A verification and its entries in order, the only source of the replay."""

    row: Verification
    entries: list[AuditEntry]

    @property
    def judged(self) -> list[AuditEntry]:
        """The entries of its judgements."""
        return [entry for entry in self.entries if entry.type == _JUDGED]

    @cached_property
    def key(self) -> vault.Key:
        return contents.key_of(self.row)

    @cached_property
    def listed(self) -> Sequence[Claim]:
        """All evidence that its entries list."""
        return tuple(History(self.row, self.entries).claims())

    @cached_property
    def opened(self) -> Mapping[str, Any]:
        """The body of the opening entry."""
        bodies: list[Mapping[str, Any]] = [
            entry.body for entry in self.entries if entry.type == "verification.created"
        ]
        if not bodies:
            raise EvidenceUnreadable(f"no entry opened {self.row.pk}")
        return bodies[0]

    def judge_again(self, entry: AuditEntry) -> Replayed:
        """The repeated judgement of one of its entries."""
        where = str(entry.body["attempt"]), str(entry.body["route"]), str(entry.body["stage"])
        if any(later.type == REDACTED for later in self.entries):
            return Replayed(*where, Verdict.CANNOT, "its personal data were erased", ERASED)
        try:
            _, route, stage_name = where
            stage = stages.find(route, stage_name, law=str(self.opened["profile_sha256"]))
            if stage is None:
                raise Misconfigured(f"route {route} has no stage {stage_name} here")
            judgement = self._judgement(entry, stage)
            differing = differences(stage, judgement)
        except TulgaError as error:
            return Replayed(*where, Verdict.CANNOT, error.detail or error.code, error.code)
        if not judgement.terms["handed_over"] and self._is_handed_over(where[0]):
            differing.append("the log has a hand-over, and the terms do not")
        verdict = Verdict.DIFFERENT if differing else Verdict.SAME
        source = FACTS if judgement.items is None else EVIDENCE
        return Replayed(*where, verdict, "; ".join(differing), source=source)

    def _judgement(self, judged: AuditEntry, stage: Stage) -> Judgement:
        """The input of a judgement.

        Raises: `EvidenceUnreadable` if some of it is missing.
        """
        name = judged.body["attempt"]
        of_attempt = [claim for claim in self.listed if claim.attempt == name]
        items = self._open(of_attempt)
        terms = json.loads(items.get(f"{stage.name}.terms", b"{}"))
        # The frames that represent the commands must exist, too.
        needed = shown_frames({claim.kind for claim in of_attempt}, terms, stage=stage.name)
        _require({*needed, f"{stage.name}.terms"}, items)
        case = contents.read(self.row, self.key, commitment=str(self.opened.get("case", ""))).case
        rested_on: dict[str, bytes] | None = None
        if not any(claim.id in self.destroyed for claim in of_attempt):
            # Evidence that entries had listed by then, as the judgement chose it.
            until = self.entries[: self.entries.index(judged) + 1]
            history = History(self.row, until, fold.reach(map(course_entry, until)))
            if name not in history.state.attempts:
                raise EvidenceUnreadable(f"no lawful entry opened {name}")
            listed = dossier.on_record(history, name).evidence
            rested_on = self._open(claim for claim in listed if claim.attempt != name)
            rested_on |= {
                claim.kind: items[claim.kind]
                for claim in listed
                if claim.attempt == name and claim.kind.rpartition(".")[2] not in dossier.JUDGEMENT
            }
        return Judgement(
            body=judged.body,
            terms=terms,
            report=items.get(f"{stage.name}.report"),
            case=case,
            items=rested_on,
        )

    def _open(self, listed: Iterable[Claim]) -> dict[str, bytes]:
        """4: the original bytes by kind, of two of a kind the later, without destroyed ones.

        Raises: `EvidenceUnreadable` if another item is missing or does not open.
        """
        remaining = [claim for claim in listed if claim.id not in self.destroyed]
        opened = dossier.proven(remaining, key=self.key, is_whole=False)
        items = {claim.kind: content for claim, content in opened}
        _require({claim.kind for claim in remaining}, items)
        return items

    @cached_property
    def destroyed(self) -> frozenset[str]:
        """The ids of items destroyed by rule. Only frames may be, whatever an entry says."""
        frames = {claim.id for claim in self.listed if is_frame(claim.kind)}
        bodies = (entry.body for entry in self.entries if entry.type == DESTROYED)
        return frozenset(str(item_id) for body in bodies for item_id in body["destroyed"]) & frames

    def _is_handed_over(self, attempt_id: str) -> bool:
        """Whether a phone had taken over before the last judged answer, by the log."""
        answers = [
            place
            for place, entry in enumerate(self.entries)
            if entry.type == "attempt.answered" and entry.body["attempt"] == attempt_id
        ]
        entries = self.entries[: max(answers, default=0)]
        return any(entry.type == "verification.handed_over" for entry in entries)


def _require(kinds: Iterable[str], items: Mapping[str, bytes]) -> None:
    """Raises `EvidenceUnreadable` unless there is evidence of each kind."""
    if missing := sorted(set(kinds) - items.keys()):
        raise EvidenceUnreadable(f"evidence is missing: {', '.join(missing)}")


@dataclass
class Sample:
    """The size of a sample, its seed, and its results.

    of: the judgements to draw from.
    from_facts: those of `same` by stored measurements alone.
    cannot: how many were impossible, by the code of the reason.
    """

    wanted: int
    seed: int
    of: int = 0
    drawn: int = 0
    same: int = 0
    from_facts: int = 0
    different: int = 0
    cannot: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """One line in words."""
        summary = (
            f"{self.drawn} of {self.of} judgements drawn (seed {self.seed}): {self.same} come out"
            " the same"
        )
        summary += f" ({self.from_facts} from facts alone)" if self.from_facts else ""
        summary += f", {self.different} otherwise" if self.different else ""
        why = ", ".join(f"{code} {number}" for code, number in sorted(self.cannot.items()))
        return summary + (
            f"; {self.cannot.total()} could not be judged again: {why}" if why else ""
        )

    @property
    def is_blind(self) -> bool:
        """Whether there were judgements, not erased ones, and none of them could be repeated."""
        erased = self.cannot[ERASED]
        return 0 < self.drawn - erased == self.cannot.total() - erased

    def as_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return vars(self) | {"cannot": dict(self.cannot)}


def replay_sample(log: str, sample: Sample) -> Iterator[Finding]:
    """Each drawn judgement with a different result; the others are counted. Each is recorded, as
    in any replay.
    """

    def ids() -> Iterator[str]:
        for pk in entries.ids_of_type(log, "attempt.judged", are_ordered=True):
            sample.of += 1
            yield pk

    # Draw the smallest hashes of id and seed: without the seed they are unpredictable.
    for pk in heapq.nsmallest(
        sample.wanted, ids(), key=lambda pk: sha256(f"{sample.seed} {pk}".encode()).digest()
    ):
        [entry] = entries.by_ids([pk])
        replayed = _judged_again(entry)
        sample.drawn += 1
        if replayed.verdict is Verdict.CANNOT:
            sample.cannot[replayed.code] += 1
        elif replayed.verdict is Verdict.SAME:
            sample.same += 1
            sample.from_facts += replayed.source == FACTS
        else:
            sample.different += 1
            detail = f"{replayed.stage} of {replayed.route} gives another result: {replayed.detail}"
            index = entry.leaf.leaf_index
            yield Finding(
                code="judged_otherwise", log=log, leaf_index=index, entry=entry.pk, detail=detail
            )


def _judged_again(entry: AuditEntry) -> Replayed:
    body = entry.body
    where = str(body.get("attempt")), str(body.get("route")), str(body.get("stage"))
    failed = Replayed(*where, Verdict.CANNOT)
    try:
        row = contents.of_any_lender(entry.verification_id or "")
    except NotFound as error:
        return replace(failed, detail=error.detail, code=error.code)
    try:
        again = judge_again(row, entry.pk)
    except TulgaError as error:
        again = replace(failed, detail=error.detail, code=error.code)
    except (LookupError, ValueError, TypeError, AttributeError) as error:  # its form is unknown
        again = replace(failed, detail=type(error).__name__, code="unreadable")
    record(row, [again])
    return again
