"""What the gateway and the borrower did with the last code, and whose the phone was when it came back."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.registry_answers import has_run_out, parse_consent, parse_ownership
from verification.core.results import Step, Steps, measured
from verification.core.route import Evidence
from verification.core.sms import parse_sms
from verification.stages.code import dialogue
from verification.stages.code.policy import CodePolicy


@dataclass(frozen=True)
class Guess:
    """The last guess. `number`: the how manieth. `seconds`: from the sending of the code to it.

    `is_last_code`, `is_right`, `is_ours`: it was for the last code sent, is that code, and the code was for this
    verification and phone.
    """

    number: int
    seconds: float
    is_last_code: bool
    is_right: bool
    is_ours: bool


@dataclass(frozen=True)
class CodeFacts:
    """`sent`: whether the gateway took the last message. `owner`: whether the number is this person's."""

    sent: Step
    guess: Guess | Step
    owner: Step


def measure_code(case: Case, evidence: Evidence, policy: CodePolicy) -> CodeFacts:
    """The facts of a code. What could not be read stands in them as the step that refuses."""
    steps = Steps()
    with steps.step("sent"):
        status = parse_sms(evidence.require(dialogue.latest(evidence, dialogue.SENT))).status
        if status != "accepted":
            raise Refused("sms_refused", f"the gateway says {status}")
    with steps.step("owner") as found:
        # No answer is no ownership; but a consent that ran out before anybody could be asked is nobody's refusal.
        if dialogue.OWNER not in evidence.items:
            raw = evidence.items.get(dialogue.CONSENT)
            is_over = raw is not None and has_run_out(parse_consent(raw), at=evidence.at)
            raise Refused("consent_unanswered" if is_over else "phone_owner_mismatch", "nobody could be asked")
        said = parse_ownership(evidence.items[dialogue.OWNER])
        if (said.status, said.iin, said.phone) != ("owned", case.person.iin, case.person.phone):
            raise Refused("phone_owner_mismatch", f"the register of phones says {said.status}")
        found["owned_since"] = said.owned_since.isoformat() if said.owned_since else ""
    return CodeFacts(**steps.done, guess=measured(_guess, case, evidence))


def _guess(case: Case, evidence: Evidence) -> Guess:
    last = dialogue.latest(evidence, dialogue.ISSUED)
    issued = evidence.require_object(last)
    guess = evidence.require_object(dialogue.latest(evidence, dialogue.GUESS))
    return Guess(
        number=guess["number"],
        seconds=(datetime.fromisoformat(guess["at"]) - datetime.fromisoformat(issued["issued_at"])).total_seconds(),
        # A code that was replaced by another must not open, however right it is.
        is_last_code=last == dialogue.numbered(dialogue.ISSUED, guess["issued"]),
        is_right=hmac.compare_digest(issued["digest"], guess["digest"]),
        is_ours=hmac.compare_digest(issued["bound_to"], dialogue.keyed(issued["key"], dialogue.bound_to(case))),
    )
