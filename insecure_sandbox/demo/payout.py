"""The lender's payout: a clearance is requested, refused for another account, consumed once, and
not again.

Under a law with a bureau and a bank, no clearance is issued while the borrower refuses all credits.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from insecure_sandbox.demo.lender import opening
from insecure_sandbox.demo.processes import wait_until
from insecure_sandbox.demo.progress import say
from insecure_sandbox.demo.stage import Stage
from tulga import Client, calls
from tulga.errors import Conflict
from tulga.resources import Clearance, Payment

_ELSEWHERE = "KZ75125KZT1001300335"
_GATES_SECONDS = 30.0


def pays_once(stage: Stage) -> bool:
    """Whether a verified borrower's loan is paid once, and to their account only."""
    iin, client = stage.known(), stage.api.client
    opened, browser = stage.borrow("payout", iin)
    browser.sign(stage.credential(iin))
    browser.wait_for_judgement()
    verification = calls.get_verification(opened["id"])
    wait_until(lambda: client.send(verification).status == "verified", what="verified", seconds=30)
    clearance, payment = _clearance_of(client, opened["id"]).id, _payment(opened["id"], iin)
    elsewhere = _consumed(client, clearance, replace(payment, payout_account=_ELSEWHERE))
    first, second = (_consumed(client, clearance, payment) for _ in range(2))
    say(
        f"the money of {opened['id']}: to another account {elsewhere}; to theirs {first}; a second"
        f" time {second}"
    )
    return (elsewhere, first, second) == ("clearance_mismatch", "consumed", "clearance_consumed")


def pays_unless_refused(stage: Stage, verification_id: str, iin: str) -> bool:
    """Whether payout is impossible while the bureau reports a refusal of all credits, and
    possible afterwards.
    """
    client = stage.api.client
    contract = _contract_of(verification_id)
    client.send(calls.report_contract(verification_id, datetime.now(UTC), contract_sha256=contract))
    stage.register(iin, refuses_credits=True)
    code = _clearance_of(client, verification_id).code
    stage.register(iin)
    clearance = _clearance_of(client, verification_id).id
    paid = _consumed(client, clearance, _payment(verification_id, iin))
    say(
        f"  the money: while the bureau knows of a refusal of all credits {code}; without one"
        f" {paid}"
    )
    return (code, paid) == ("stop_credit", "consumed")


def _clearance_of(client: Client, verification_id: str) -> Clearance:
    """A clearance whose gates were evaluated."""
    contract = _contract_of(verification_id)
    requested = client.send(calls.ask_for_clearance(verification_id, contract_sha256=contract))
    clearance = calls.get_clearance(requested.id)
    wait_until(
        lambda: client.send(clearance).status != "processing",
        what="the gates",
        seconds=_GATES_SECONDS,
    )
    return client.send(clearance)


def _contract_of(verification_id: str) -> str:
    """The hash of this loan's contract."""
    return sha256(f"The contract of {verification_id}.".encode()).hexdigest()


def _payment(verification_id: str, iin: str) -> Payment:
    loan = opening("", iin=iin, routes=[])["loan"]
    amount, account = Decimal(loan["amount"]), loan["payout_account"]
    contract = _contract_of(verification_id)
    return Payment(amount=amount, iin=iin, contract_sha256=contract, payout_account=account)


def _consumed(client: Client, clearance: str, payment: Payment) -> str:
    """The status after a consume, or the code of its refusal."""
    try:
        return client.send(calls.consume_clearance(clearance, payment)).status
    except Conflict as refused:
        return refused.code
