"""Where a verification goes after an attempt: the next stage, another try, the next route, people, or the verdict.

The only place that verifies or declines for what an attempt showed. All of it runs inside a worker's transaction, whose
fence was checked before.

It ends with its receipt: a JSON Web Signature of a worker's, whose hash stands in the log. It is made in the
transaction that decides, and the decision's entry names it. What the lender ended is no worker's decision: its receipt
follows by the step `document`, with an entry of its own. A receipt never changes; what opens its commitments is drawn
from the verification's key and goes with it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.conf import settings

from verification import clock
from verification.audit import log, signatures
from verification.audit.compare_rows import Held
from verification.core import decision_receipt, law_of_day, profiles, reasons
from verification.core.clearance import UNWANTED
from verification.core.decision_receipt import COMMITTED, Facts
from verification.core.errors import Conflict, EvidenceUnreadable, FenceLost
from verification.core.events import CLOSINGS, DECISIONS, KEEPING, RECEIPT
from verification.core.keeping import claims
from verification.core.results import Decision, Outcome
from verification.core.route import Stage
from verification.core.statement_text import is_text
from verification.core.status import MOVES, Move, Status
from verification.course import policy as course_policy
from verification.evidence import document_signing, store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Receipt, Verification
from verification.workflow import cases, stages
from verification.workflow.moving import attempts, clearances, documents, transition, voters

_OF_ATTEMPTS: Final = {"attempt.opened", *KEEPING, *CLOSINGS}
_JUDGED: Final = ("attempt.judged", "attempt.reviewed")
UNAVAILABLE: Final = "review_unavailable"


def go_on(
    verification: Verification,
    attempt: Attempt,
    stage: Stage,
    decision: Decision,
    *,
    said: Mapping[str, Any],
    evidence: Mapping[str, bytes],
    key: vault.Key,
    at: datetime,
) -> None:
    """Closes the judged attempt and moves the verification; what too few could vote on fails.

    said: what its entry says beside its outcome. evidence: what it was judged by, and its traces.
    """
    # What people look at is a try spent until they pass it, or another verification beside it would have as many again.
    is_unsure = decision.outcome is Outcome.REVIEW
    is_for_people = is_unsure and not voters.are_too_few(verification, key=key)
    burns = (decision.burns or is_for_people) and stage.attempts is not None
    if not attempts.close(attempt, outcome=decision.outcome, code=decision.code, burns=burns, at=at):
        raise FenceLost(f"{attempt.pk} ended meanwhile")
    word = {"outcome": decision.outcome, "code": decision.code, "burnt": attempt.burnt}
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, **word}
    body["release"] = stages.release(attempt.route, law=verification.profile_sha256).id
    transition.record(verification, "attempt.judged", at=at, body={**body, **said})
    if not is_unsure and stage.has_frames:
        documents.produce(attempt, key=key, at=at, known=evidence)
    if decision.outcome is Outcome.PASSED:
        after_pass(verification, stage, key=key, at=at)
    elif decision.outcome is Outcome.RETRY:
        # The last try could not tell either. What it found stands as evidence; about the person it says nothing.
        cause = {"cause": decision.code}
        end(verification, Move.FAIL, at=at, code="retries_exhausted", body=cause, key=key)
    elif is_for_people:
        transition.move(verification, Move.REVIEW, at=at, code=decision.code)
    elif is_unsure:
        _fail_unreviewed(verification, attempt, known=evidence, key=key, at=at)
    else:
        after_failure(verification, stage, decision.code, key=key, at=at)


def _fail_unreviewed(
    verification: Verification,
    attempt: Attempt,
    *,
    known: Mapping[str, bytes],
    key: vault.Key,
    at: datetime,
) -> None:
    """Ends what was left to people of whom too few could vote; its document names that code."""
    end(verification, Move.FAIL, at=at, code=UNAVAILABLE, body={"cause": attempt.code}, key=key)
    documents.produce(attempt, key=key, at=at, known=known)


def after_failure(verification: Verification, stage: Stage, code: str, *, key: vault.Key, at: datetime) -> None:
    """After a failed attempt: declined at once, declined because none is left, or asked again."""
    transition.write(verification, last_failure=code)
    if reasons.require(code).final:
        end(verification, Move.DECLINE, at=at, code=code, key=key)
    elif (had := attempts.count_tries(verification, stage, at=at)).is_exhausted:
        exhaust(verification, had, key=key, at=at)
    else:
        ask(verification, at=at)
        attempts.enter(verification, stage, key=key, at=at, notice=code)


def exhaust(verification: Verification, had: attempts.Tries, *, key: vault.Key, at: datetime) -> None:
    """Declined because no attempt is left; its entry names those that were spent."""
    release = stages.release(verification.route, law=verification.profile_sha256)
    body = {"spent": had.named(verification), "release": release.id}
    end(verification, Move.DECLINE, at=at, code=attempts.NONE_LEFT, body=body, key=key)


def after_pass(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime) -> None:
    """After a passed attempt: the next stage, the next route of the combination, or verified when that suffices.

    A route has passed by a worker's signed word on every stage of it. No column of the row is believed.
    """
    transition.write(verification, last_failure="")
    law = verification.profile_sha256
    way = stages.of(verification.route, law=law)
    ahead = list(way)
    if following := ahead[ahead.index(stage.name) + 1 :]:
        ask(verification, at=at)
        attempts.enter(verification, way[following[0]], key=key, at=at)
        return
    judged = AuditEntry.objects.filter(verification=verification, log=verification.mode, type__in=_JUDGED)
    found = list(judged.filter(body__outcome=Outcome.PASSED))
    passed = {(str(each.body["route"]), str(each.body["stage"])) for each in signatures.sound(found)}
    given, done = {name for _, name in passed}, list[str]()
    for route in dict.fromkeys((*verification.passed_routes, verification.route)):  # the present one last
        consent, *others = stages.of(route, law=law)
        # Consent is given once a verification; what the last stage of the present route says is of this transaction.
        due = others[: -1 if route == verification.route else None]
        if (consent in given or not others) and all((route, one) in passed for one in due):
            done.append(route)
    transition.write(verification, passed_routes=done)
    lawful = combinations(verification)
    if done[-1:] == [verification.route] and profiles.suffices(lawful, passed=done):
        body = {"routes": done, "releases": [stages.release(route, law=law).id for route in done]}
        end(verification, Move.VERIFY, at=at, body=body, key=key)
        return
    chosen = tuple(verification.combination)
    following_route = profiles.next_route(chosen, passed=done) if chosen in lawful else None
    if following_route is None:
        # A chosen combination whose routes have all passed suffices by definition; anything else is refused.
        end(verification, Move.DECLINE, at=at, code="check_missing", body={"routes": done}, key=key)
        return
    ask(verification, at=at)
    attempts.enter_route(verification, following_route, key=key, at=at)


def require_due(stage: Stage, held: Held) -> None:
    """Raises `Conflict` if the stage that is to begin is over by the entries: no row says that it is its turn."""
    judged = held.said("attempt.judged", "attempt.reviewed", naming="outcome")
    passed = {(body["route"], body["stage"]) for _, body in judged if body["outcome"] == Outcome.PASSED}
    if (held.verification.route, stage.name) in passed:
        raise Conflict(f"{stage.name} is over", code="row_differs")


def combinations(verification: Verification) -> list[profiles.Combination]:
    """What suffices: of the profile it was opened under, by its hash from code, what the lender allowed then.

    Both as its first entry says, which does not change; the row says it too, for the pages. An attacker in web opens
    what he likes: by the law of a new consent nothing suffices but for one that renews another, and in live mode by a
    law that is laxer than that of the day, or by an opening that is put back to an earlier one.
    """
    opened = AuditEntry.objects.get(verification=verification, verification_sequence=1)
    allowed = {tuple(combination) for combination in opened.body["combinations"]}
    law = profiles.pinned(opened.body["profile_sha256"])
    if (law is profiles.RENEWAL) is not bool(opened.body.get("renews")):
        return []
    is_put_back = clock.now() - opened.at > timedelta(seconds=course_policy.COURSE_SECONDS)
    if not law_of_day.is_lawful(law, mode=opened.log, at=opened.at) or (opened.log == "live" and is_put_back):
        return []
    return [one for one in law.combinations if one in allowed]


def ask(verification: Verification, *, at: datetime) -> None:
    """It waits for the borrower from now on."""
    if verification.status != Status.REQUIRES_INPUT:
        transition.move(verification, Move.ASK, at=at)


def end(
    verification: Verification,
    how: Move,
    *,
    at: datetime,
    code: str = "",
    body: Mapping[str, Any] | None = None,
    key: vault.Key | None = None,
) -> None:
    """Moves a verification to its end, as `transition.move` does, with its receipt; within `transition.holding`. A new
    consent that is declined freezes what was issued.

    key: of the verification, where the caller has opened it. Raises `Misconfigured` without a key to sign by, and for
    a verification that passed `EvidenceUnreadable` if its case does not open: its receipt would be about nobody.
    """
    if (to := MOVES.get((Status(verification.status), how))) is not None:
        body = {**(body or {}), "receipt": _issue(verification, to, code=code, at=at, key=key)}
    transition.move(verification, how, at=at, code=code, body=body)
    if verification.renews_id and code in UNWANTED:
        clearances.freeze(Verification.objects.select_for_update().get(pk=verification.renews_id), at=at)


def issue_late(verification: Verification, *, at: datetime) -> None:
    """Makes the receipt of what its lender ended, with an entry of its own; does nothing where there is one."""
    if Receipt.objects.filter(verification=verification).exists():
        return
    ended = AuditEntry.objects.get(verification=verification, type__in=DECISIONS)
    status, code = Status(ended.type.removeprefix("verification.")), str(ended.body["code"])
    said = _issue(verification, status, code=code, at=ended.at)
    transition.record(verification, RECEIPT, at=at, body={"decision": ended.pk, "receipt": said})


def salts(key: vault.Key) -> dict[str, bytes]:
    """What opens the commitments of a receipt, by what they commit to."""
    return {name: key.salt(f"receipt {name}") for name in COMMITTED}


def _issue(verification: Verification, status: Status, *, code: str, at: datetime, key: vault.Key | None = None) -> str:
    """Signs and keeps the receipt; gives its SHA-256 in hex."""
    # What nobody may have said is no part of it; what this transaction says is not read in the database yet.
    entries = signatures.sound_of(verification)
    entries += [one for one in log.gathered() if one.verification_id == verification.pk]
    commitments, statement = None, None
    try:
        key = key or cases.key_of(verification)
        # The case that it was opened with: whoever could seal another must not have the receipt be about that one.
        opened = next((str(one.body.get("case")) for one in entries if one.type == "verification.created"), "")
        case = cases.read(verification, key, commitment=opened).case
        plain = {"iin": case.person.iin.value, "payout_account": case.loan.payout_account}
        commitments = {name: vault.commitment(salt, plain[name].encode()) for name, salt in salts(key).items()}
        statement = _statement(entries, key)
    except EvidenceUnreadable:
        if status is Status.VERIFIED:
            raise
    facts = Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        mode=verification.mode,
        verification=verification.pk,
        lender=verification.lender_id,
        profile_id=verification.profile_id,
        profile_sha256=verification.profile_sha256,
        routes=tuple(verification.passed_routes),
        route=verification.route,
        renews=verification.renews_id or "",
        status=status,
        code=code,
        decided_at=at,
        entries=tuple((one.type, one.at, one.body) for one in entries if one.type in _OF_ATTEMPTS),
        commitments=commitments,
        statement_sha256=statement,
    )
    said = decision_receipt.build(facts)
    jws = document_signing.sign_compact(said, mode=verification.mode, type_=document_signing.RECEIPT_TYPE)
    Receipt.objects.create(verification=verification, jws=jws)
    return sha256(jws.encode()).hexdigest()


def _statement(entries: list[AuditEntry], key: vault.Key) -> str | None:
    """SHA-256 of the statement that was made last, as its entry lists it; None where none was."""
    made = [one for entry in entries if entry.type in KEEPING for one in claims(entry.body) if is_text(one.kind)]
    if not made:
        return None
    item = EvidenceItem.objects.filter(pk=made[-1].id).first()
    if item is None or item.commitment != made[-1].digest:
        raise EvidenceUnreadable(f"{made[-1].id} is not there as its entry says")
    return sha256(store.opening(key, item).plain).hexdigest()
