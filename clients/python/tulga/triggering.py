"""Brings about events of a test lender, by the API alone, for a receiver under development.

Only the real steps write: the sandbox plays the borrower, and the test clock advances time.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from secrets import randbelow, token_hex
from typing import Any

from tulga import calls
from tulga import resources as of
from tulga.calls import Call
from tulga.clients import Client
from tulga.errors import BadAnswer, Invalid, TulgaError
from tulga.fields import parse
from tulga.listening import newest
from tulga.narrowing import members

POLL_SECONDS = 0.5
STEP_SECONDS = 300.0  # for the borrower of a scenario, whose face may have to be painted thrice
FACES = 3  # a face is painted by chance: of four more than three come to `in_review`
DAY_SECONDS = 24 * 3600 + 60
ENDPOINT = "https://lender.example/tulga"  # an address without a receiver: it is disabled at once
NOT_BY_A_LENDER: Mapping[str, str] = {
    "verification.redacted": "it comes when retention is over, five years later",
    "consent.withdrawn": "only the borrower can, on the page of the check",
    "verification.disputed": "no person can dispute a verification yet",
    "verification.key_revoked": (
        "only the operator can, by revoking a key: manage.py revoke_signing_key"
    ),
    "clearance.frozen": (
        "only a borrower can, by declining the renewed consent or withdrawing it, or the operator,"
        " by revoking a key"
    ),
}
"""Events that no key of a lender brings about, and who does."""


class TriggerFailed(TulgaError): ...  # The event did not come; the text says why


@dataclass
class Trigger:
    """Calls of a lender for one event. say: gets each id. opening: of the newest verification."""

    client: Client
    say: Callable[[str], object]
    opening: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def opened(self, route: str = "eds") -> str:
        """A fresh verification on a route, or on those that the law asks for; its id."""
        self.opening = self.client.send(_EXAMPLE)
        subject = self.opening["subject"]
        self.opening |= {
            "subject": subject | {"iin": invented_iin(subject["iin"][:7])},
            "client_reference": f"trigger-{token_hex(8)}",
            "routes": [route],
        }
        try:
            opened = self.client.send(_open(self.opening))
        except Invalid as refusal:
            if refusal.code != "routes_insufficient" and "routes_insufficient" not in {
                fault.code for fault in refusal.errors
            }:
                raise
            del self.opening["routes"]
            opened = self.client.send(_open(self.opening))
        self.say(opened.id)
        return opened.id

    def played(self, scenario: str, route: str = "eds") -> str:
        """A verification on which the sandbox has begun this scenario."""
        opened = self.opened(route)
        self.client.send(calls.simulate(opened, scenario=scenario, route=route))
        return opened

    def outcome(self, verification: str) -> of.Verification:
        """The verification, once the borrower has no open question."""
        moving = ("requires_input", "processing")
        return self.until(
            lambda: self.client.send(calls.get_verification(verification)),
            lambda state: state.status not in moving,
            subject="an end",
        )

    def cleared(self) -> str:
        """A clearance that was issued."""
        verification, contract = self.played("verified"), token_hex(32)
        if (state := self.outcome(verification)).status != "verified":
            raise TriggerFailed(f"the verification is {state.status} {state.code or ''}")
        self.opening["loan"]["contract_sha256"] = contract
        self.client.send(
            calls.report_contract(verification, datetime.now(UTC), contract_sha256=contract)
        )
        clearance = self.client.send(
            calls.ask_for_clearance(verification, contract_sha256=contract)
        )
        self.say(clearance.id)
        clearance = self.until(
            lambda: self.client.send(calls.get_clearance(clearance.id)),
            lambda state: state.status != "processing",
            subject="the gates",
        )
        if clearance.status != "issued":
            raise TriggerFailed(f"the clearance is {clearance.status} {clearance.code or ''}")
        return clearance.id

    def until(
        self,
        look: Callable[[], calls.T],
        is_reached: Callable[[calls.T], bool],
        *,
        subject: str,
        seconds: float = STEP_SECONDS,
    ) -> calls.T:
        """What a look gives, once it is as wanted.

        Raises: `TriggerFailed` after the time.
        """
        deadline = time.monotonic() + seconds
        while not is_reached(state := look()):
            if time.monotonic() > deadline:
                raise TriggerFailed(f"{subject} did not come within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        return state


def bring_about(trigger: Trigger, event: str, *, seconds: float) -> of.Event:
    """The event, once the list of events has it.

    seconds: to wait for it after its cause.

    Raises: `TriggerFailed`; for one of `NOT_BY_A_LENDER` it says who brings it about.
    """
    if event in NOT_BY_A_LENDER:
        raise TriggerFailed(f"{event}: {NOT_BY_A_LENDER[event]}")
    if event not in TRIGGERS:
        names = ", ".join((*TRIGGERS, *NOT_BY_A_LENDER))
        raise TriggerFailed(f"there is no event {event}; there are {names}")
    cursor = newest(trigger.client)
    TRIGGERS[event](trigger)

    def look() -> of.Event | None:
        later = trigger.client.pages(calls.list_events(after=cursor))
        return next((each for each in later if each.type == event), None)

    reached = trigger.until(look, lambda match: match is not None, subject=event, seconds=seconds)
    if reached is None:
        raise TriggerFailed(f"{event} did not come")
    return reached


def invented_iin(seven: str) -> str:
    """An IIN that begins so, of a person with all attempts left today.

    Its next digits begin with 1 to 9; those of the sandbox's own people begin with 0.
    Source: the state's rule of the check digit.
    """
    first, second = (*range(1, 12),), (*range(3, 12), 1, 2)
    while True:
        eleven = f"{seven}{1000 + randbelow(9000)}"
        for weights in (first, second):
            pairs = zip(map(int, eleven), weights, strict=True)
            remainder = sum(digit * weight for digit, weight in pairs) % 11
            if remainder < 10:
                return f"{eleven}{remainder}"


def _example(content: bytes) -> dict[str, Any]:
    """The example of an opening in the server's own openapi.json."""
    try:
        place = members(json.loads(content))
    except (ValueError, RecursionError):
        place = None
    names = ("paths", "/v1/verifications", "post", "requestBody", "content", "application/json")
    for name in (*names, "example"):
        place = members((place or {}).get(name))
    subject = members((place or {}).get("subject"))
    if place is None or subject is None or not isinstance(subject.get("iin"), str):
        raise BadAnswer("openapi.json has no example of an opening")
    return place


_EXAMPLE = Call("GET", "/openapi.json", _example)


def _open(opening: Mapping[str, Any]) -> Call[of.Opened]:
    return Call("POST", "/v1/verifications", partial(parse, of.Opened), body=opening)


def _in_review(trigger: Trigger) -> None:
    for _ in range(FACES):
        state = trigger.outcome(trigger.played("review", route="biometric"))
        if state.status == "in_review":
            return
        if state.code == "review_unavailable":
            raise TriggerFailed(f"{state.code}: two of your people must have a vote")


def _expired(trigger: Trigger) -> None:
    verification = trigger.opened()
    trigger.client.send(calls.advance_test_clock(DAY_SECONDS, verification=verification))


def _canceled(trigger: Trigger) -> None:
    trigger.client.send(calls.cancel_verification(trigger.opened()))


def _redaction_requested(trigger: Trigger) -> None:
    verification = trigger.opened()
    trigger.client.send(calls.cancel_verification(verification))
    trigger.outcome(verification)
    trigger.client.send(calls.redact_verification(verification))


def _consumed(trigger: Trigger) -> None:
    clearance, opening = trigger.cleared(), trigger.opening
    payment = of.Payment(
        amount=Decimal(opening["loan"]["amount"]),
        iin=opening["subject"]["iin"],
        contract_sha256=opening["loan"]["contract_sha256"],
        payout_account=opening["loan"]["payout_account"],
    )
    trigger.client.send(calls.consume_clearance(clearance, payment))


def _disabled(trigger: Trigger) -> None:
    endpoint = trigger.client.send(calls.create_webhook_endpoint(ENDPOINT))
    trigger.say(endpoint.id)
    trigger.client.send(calls.change_webhook_endpoint(endpoint.id, enabled=False))
    trigger.client.send(calls.delete_webhook_endpoint(endpoint.id))


def _by(scenario: str) -> Callable[[Trigger], object]:
    return lambda trigger: trigger.played(scenario)


TRIGGERS: Mapping[str, Callable[[Trigger], object]] = {
    "verification.created": Trigger.opened,
    "verification.in_review": _in_review,
    "verification.verified": _by("verified"),
    "verification.declined": _by("consent_declined"),
    "verification.expired": _expired,
    "verification.canceled": _canceled,
    "verification.redaction_requested": _redaction_requested,
    "verification.failed": _by("ocsp_silent"),
    "verification.handed_over": _by("handed_over"),
    "clearance.issued": Trigger.cleared,
    "clearance.consumed": _consumed,
    "endpoint.disabled": _disabled,
}
"""All other events, each with its cause."""
