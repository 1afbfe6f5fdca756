"""A worker's part of a clearance: it evaluates the gates, and signs that the money may leave, or
says why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.history import History, read_sound
from verification.core import almaty, profiles
from verification.core.clearance import ISSUED, PROCESSING, REFUSED, Contract, Facts, Gate, evaluate
from verification.core.errors import Conflict, EvidenceUnreadable, Misconfigured, SourceUnavailable
from verification.core.events import CLEARED
from verification.core.person import Case
from verification.log.entries import advanced_since
from verification.models import AuditEntry, Clearance, Verification
from verification.payout import attested, clearances, credits, inquiries, renewals
from verification.worker import queue

_VERIFIED = "verification.verified"
_UNAVAILABLE = "gates_unavailable"


@dataclass(frozen=True)
class _Weighed:
    """Every gate, what was answered, and what decided the new consent, if any. `code`: why no money
    leaves; empty where it may."""

    gates: Sequence[Gate] = ()
    answers: inquiries.Answers = field(default_factory=inquiries.Answers)
    renewal: str = ""
    code: str = ""


@dataclass(frozen=True)
class _OnRecord:
    """The case that it was opened with, what the door signed of the request, the decision that
    verified it, and all entries that count. None for a decision whose signature does not."""

    case: Case
    said: Mapping[str, Any]
    decision: AuditEntry | None
    sound: Sequence[AuditEntry]


def clear(verification: Verification) -> None:
    """Does the claimed step for the clearance that waits. A source that is silent is asked again,
    for some minutes."""
    asked = Clearance.objects.filter(verification=verification, status=PROCESSING).first()
    if asked is None:  # void meanwhile
        with transactions.writing():
            queue.require_fence(verification)
        return
    history, weighed, record = read_sound(verification), _Weighed(code="verification_erased"), None
    if history.flaw:  # nothing is issued by half of what was put on record
        weighed = _Weighed(code="clearance_frozen")
    elif verification.key.destroyed_at is None:
        record, weighed = _weigh(history, asked)
    code, advanced = weighed.code, history.state.advanced
    with queue.finishing(history):
        if record is not None:
            # While sources were asked a test clock may have been advanced, which moves the times of
            # its gates; and the borrower may have disputed it.
            if history.state.advanced != advanced:
                code = code or _UNAVAILABLE
            code = code or clearances.barred(verification, history.entries)
        if record is not None and record.decision is not None and not code:
            _issue(verification, record, weighed, decision=record.decision)
            return
        at, spelled = clock.now(), [gate.as_record() for gate in weighed.gates]
        Clearance.objects.filter(pk=asked.pk).update(status=REFUSED, code=code, gates=spelled)
        kept = inquiries.keep(verification, weighed.answers, at=at)
        body = {"clearance": asked.pk, "code": code, "gates": spelled, **kept}
        moving.record(verification, "clearance.refused", at=at, body=body)


def _weigh(history: History, asked: Clearance) -> tuple[_OnRecord, _Weighed]:
    """What is on record of a request, and what its gates say. Raises while a source may answer, and
    `EvidenceUnreadable` where nobody signed that request, or it is for another contract than the
    borrower was verified for."""
    verification, sound = history.row, history.entries
    requests = [
        one
        for one in sound
        if one.type == "clearance.requested" and one.body["clearance"] == asked.pk
    ]
    said = [{**one.body, "at": one.at} for one in requests]
    if not said:
        raise EvidenceUnreadable(f"nobody signed what {asked.pk} is asked for")
    key = contents.key_beside(verification)
    case = contents.read(verification, key, commitment=str(history.opening()["case"])).case
    # The door says which contract it is; where the borrower was told one, it is that.
    if case.loan.contract_sha256 not in ("", said[0]["contract"]):
        raise EvidenceUnreadable(f"{asked.pk} is asked for another contract than the loan's")
    decision = next((one for one in sound if one.type == _VERIFIED), None)
    of = _OnRecord(case, said[0], decision, sound)
    if barred := clearances.barred(verification, sound):
        return of, _Weighed(code=barred)
    if decision is None:
        return of, _Weighed(code="clearance_frozen")
    try:
        return of, _evaluated(verification, of, decision)
    except (SourceUnavailable, Misconfigured, Conflict) as error:
        until = asked.created_at + timedelta(seconds=policy.CLEARANCE_ASKED_SECONDS)
        if clock.now() < until and not isinstance(error, Conflict):
            raise
        return of, _Weighed(code=_UNAVAILABLE)


def _evaluated(verification: Verification, of: _OnRecord, decision: AuditEntry) -> _Weighed:
    case, said, sound = of.case, of.said, of.sound
    at, iin = clock.now(), case.person.iin.value
    # Another day may bring another profile of the lender's: whoever asks again is told by that one.
    if (today := almaty.day_of(at)) != almaty.day_of(said["at"]):
        raise Conflict("it was asked for on another day", code=_UNAVAILABLE)
    held = profiles.binding(said["profile"], mode=verification.mode, at=at)
    laws = (profiles.pinned(str(decision.body["profile_sha256"])), held)
    age_confirmation, visit = attested.answers(verification, laws, sound=sound, iin=iin)
    contract, given, days, reported = None, None, {today}, clearances.reported(sound)
    # A report of another contract is none of this one.
    if reported is not None and reported.contract == said["contract"]:
        given = renewals.given(verification, case, sound, reported)
        contract = Contract(
            reported.signed_at, reported.release_from, given.begun_at if given else None
        )
        days |= {almaty.day_of(one) for one in (reported.signed_at, reported.told_at)}
    answers = inquiries.ask(
        verification, case, laws, sound=sound, clearance_id=str(said["clearance"]), days=days
    )
    facts = Facts(
        verified_at=decision.at,
        aged=advanced_since(decision, sound),
        routes=tuple(decision.body["routes"]),
        born=case.person.birth_date,
        cap_tiyn=clearances.tiyn(case.loan.amount),
        day_tiyn=credits.most_of_days(verification, iin, days=days, at=at) if contract else 0,
        contract=contract,
        age_confirmation=age_confirmation,
        visit=visit,
        stop_credit=answers.stop_credit,
        account_owner=answers.account_owner,
        others_tiyn=answers.others_tiyn,
        lacks_consent=answers.lacks_consent,
    )
    gates, renewal = evaluate(facts, laws, at=at), given.decision if given else ""
    # The log judges what is issued by the law that it was asked for under: another may have been
    # taken since.
    code = next(
        (gate.status for gate in gates if gate.refuses),
        "" if held.id == said["profile"] else _UNAVAILABLE,
    )
    return _Weighed(gates, answers, renewal, code)


def _issue(
    verification: Verification, of: _OnRecord, weighed: _Weighed, *, decision: AuditEntry
) -> None:
    case, said = of.case, of.said
    at, name = clock.now(), str(said["clearance"])
    expires_at = at + timedelta(seconds=policy.CLEARANCE_SECONDS)
    fresh_until = min(gate.until for gate in weighed.gates if gate.until is not None)
    iin = clearances.index(name, "iin", case.person.iin.value)[0]
    account = clearances.index(name, "account", case.loan.payout_account)[0]
    cap, spelled = clearances.tiyn(case.loan.amount), [gate.as_record() for gate in weighed.gates]
    Clearance.objects.filter(pk=name).update(
        status=ISSUED,
        issued_at=at,
        expires_at=expires_at,
        fresh_until=fresh_until,
        cap_tiyn=cap,
        iin_index=iin,
        account_index=account,
        gates=spelled,
    )
    body = {"clearance": name, "decision": decision.pk, "profile": said["profile"], "cap": cap}
    body |= {"contract": said["contract"], "iin": iin.hex(), "account": account.hex()}
    body |= {
        "expires_at": expires_at.isoformat(),
        "fresh_until": fresh_until.isoformat(),
        "gates": spelled,
    }
    body |= inquiries.keep(verification, weighed.answers, at=at)
    body |= {"renewal": weighed.renewal} if weighed.renewal else {}
    moving.record(verification, CLEARED, at=at, body=body)
