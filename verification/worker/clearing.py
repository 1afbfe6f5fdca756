"""A worker's part of a clearance: evaluates the gates, and signs the clearance or its refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.moving import History, read_sound
from verification.core import almaty, profiles
from verification.core.clearance import ISSUED, PROCESSING, REFUSED, Contract, Facts, Gate, evaluate
from verification.core.errors import Conflict, EvidenceUnreadable, Misconfigured, SourceUnavailable
from verification.core.events import CLEARED
from verification.core.person import Case
from verification.log.advanced import advanced_since
from verification.models import AuditEntry, Clearance, Verification
from verification.payout import clearances, gates, renewals
from verification.payout.gates import Answers
from verification.worker import queue

_VERIFIED = "verification.verified"
_UNAVAILABLE = "gates_unavailable"


@dataclass(frozen=True)
class _Weighed:
    """Every gate, the answers, and the decision of the renewed consent, if any. `code`: the
    refusal; empty if none.
    """

    gates: Sequence[Gate] = ()
    answers: Answers = field(default_factory=Answers)
    renewal: str = ""
    code: str = ""


@dataclass(frozen=True)
class _OnRecord:
    """The case of its opening, the door's signed request, the deciding entry, and all valid
    entries.

    The decision is None if its signature is invalid.
    """

    case: Case
    request: Mapping[str, Any]
    decision: AuditEntry | None
    sound: Sequence[AuditEntry]


def clear(verification: Verification) -> None:
    """Does the claimed step for the waiting clearance. A silent source is asked again, for some
    minutes.
    """
    clearance = Clearance.objects.filter(verification=verification, status=PROCESSING).first()
    if clearance is None:  # void meanwhile
        with transactions.writing():
            queue.require_fence(verification)
        return
    # A flawed history issues nothing. An erasure waits for this step, so an erased case is flawed.
    history, weighed, record = read_sound(verification), _Weighed(code="clearance_frozen"), None
    if not history.flaw and verification.key.destroyed_at is None:
        record, weighed = _weigh(history, clearance)
    code, advanced = weighed.code, history.state.advanced
    with queue.finishing(history):
        if record is not None:
            # Meanwhile a test clock may have advanced, which moves the gates' times, and the
            # borrower may have disputed it.
            if history.state.advanced != advanced:
                code = code or _UNAVAILABLE
            code = code or clearances.barred(verification, history.entries)
        if record is not None and record.decision is not None and not code:
            _issue(verification, record, weighed, decision=record.decision)
            return
        at, gates_spelled = clock.now(), [gate.as_record() for gate in weighed.gates]
        Clearance.objects.filter(pk=clearance.pk).update(
            status=REFUSED, code=code, gates=gates_spelled
        )
        evidence = gates.keep_answers(verification, weighed.answers, at=at)
        body = {"clearance": clearance.pk, "code": code, "gates": gates_spelled, **evidence}
        moving.record(verification, "clearance.refused", at=at, body=body)


def _weigh(history: History, clearance: Clearance) -> tuple[_OnRecord, _Weighed]:
    """The record of a request, and its gates' results.

    Raises: errors of a source that may still answer.
    Raises: `EvidenceUnreadable` for an unsigned request, or one for another contract than the
    verification's.
    """
    verification, sound = history.row, history.entries
    requests = [
        entry
        for entry in sound
        if entry.type == "clearance.requested" and entry.body["clearance"] == clearance.pk
    ]
    bodies = [{**entry.body, "at": entry.at} for entry in requests]
    if not bodies:
        raise EvidenceUnreadable(f"the request of {clearance.pk} has no signature")
    key = contents.key_beside(verification)
    case = contents.read(verification, key, commitment=str(history.opening()["case"])).case
    # The door names the contract; it must match the contract that the borrower saw, if any.
    if case.loan.contract_sha256 not in ("", bodies[0]["contract"]):
        raise EvidenceUnreadable(f"the contract of {clearance.pk} is not the loan's")
    decision = next((entry for entry in sound if entry.type == _VERIFIED), None)
    record = _OnRecord(case, bodies[0], decision, sound)
    if barred := clearances.barred(verification, sound):
        return record, _Weighed(code=barred)
    if decision is None:
        return record, _Weighed(code="clearance_frozen")
    try:
        return record, _evaluated(verification, record, decision)
    except (SourceUnavailable, Misconfigured, Conflict) as error:
        until = clearance.created_at + timedelta(seconds=policy.CLEARANCE_ASKED_SECONDS)
        if clock.now() < until and not isinstance(error, Conflict):
            raise
        return record, _Weighed(code=_UNAVAILABLE)


def _evaluated(verification: Verification, record: _OnRecord, decision: AuditEntry) -> _Weighed:
    case, request, sound = record.case, record.request, record.sound
    at, iin = clock.now(), case.person.iin.value
    # Another day may bring another profile of the lender: a new request uses that one.
    if (today := almaty.day_of(at)) != almaty.day_of(request["at"]):
        raise Conflict("it was requested on another day", code=_UNAVAILABLE)
    binding = profiles.binding(request["profile"], mode=verification.mode, at=at)
    laws = (profiles.pinned(str(decision.body["profile_sha256"])), binding)
    age_confirmation, visit = gates.attested_answers(verification, laws, sound=sound, iin=iin)
    contract, consent, days, reported = None, None, {today}, clearances.reported(sound)
    # A report of another contract does not apply.
    if reported is not None and reported.contract == request["contract"]:
        consent = renewals.find_consent(verification, case, sound, reported)
        contract = Contract(
            reported.signed_at, reported.release_from, consent.begun_at if consent else None
        )
        days |= {almaty.day_of(moment) for moment in (reported.signed_at, reported.told_at)}
    answers = gates.ask_outside(
        verification, case, laws, sound=sound, clearance_id=str(request["clearance"]), days=days
    )
    facts = Facts(
        verified_at=decision.at,
        aged=advanced_since(decision, sound),
        routes=tuple(decision.body["routes"]),
        born=case.person.birth_date,
        cap_tiyn=clearances.tiyn(case.loan.amount),
        day_tiyn=gates.most_credit_of_days(verification, iin, days=days, at=at) if contract else 0,
        contract=contract,
        age_confirmation=age_confirmation,
        visit=visit,
        stop_credit=answers.stop_credit,
        account_owner=answers.account_owner,
        others_tiyn=answers.others_tiyn,
        lacks_consent=answers.lacks_consent,
    )
    evaluated, renewal = evaluate(facts, laws, at=at), consent.decision if consent else ""
    # The log judges an issue by the law of its request, which may have changed since.
    code = next(
        (gate.status for gate in evaluated if gate.refuses),
        "" if binding.id == request["profile"] else _UNAVAILABLE,
    )
    return _Weighed(evaluated, answers, renewal, code)


def _issue(
    verification: Verification, record: _OnRecord, weighed: _Weighed, *, decision: AuditEntry
) -> None:
    case, request = record.case, record.request
    at, name = clock.now(), str(request["clearance"])
    expires_at = at + timedelta(seconds=policy.CLEARANCE_SECONDS)
    fresh_until = min(gate.until for gate in weighed.gates if gate.until is not None)
    iin = clearances.index(name, "iin", case.person.iin.value)[0]
    account = clearances.index(name, "account", case.loan.payout_account)[0]
    cap, gates_spelled = (
        clearances.tiyn(case.loan.amount),
        [gate.as_record() for gate in weighed.gates],
    )
    Clearance.objects.filter(pk=name).update(
        status=ISSUED,
        issued_at=at,
        expires_at=expires_at,
        fresh_until=fresh_until,
        cap_tiyn=cap,
        iin_index=iin,
        account_index=account,
        gates=gates_spelled,
    )
    body = {"clearance": name, "decision": decision.pk, "profile": request["profile"], "cap": cap}
    body |= {"contract": request["contract"], "iin": iin.hex(), "account": account.hex()}
    body |= {
        "expires_at": expires_at.isoformat(),
        "fresh_until": fresh_until.isoformat(),
        "gates": gates_spelled,
    }
    body |= gates.keep_answers(verification, weighed.answers, at=at)
    body |= {"renewal": weighed.renewal} if weighed.renewal else {}
    moving.record(verification, CLEARED, at=at, body=body)
