"""Facts of the last code: the gateway's and the borrower's actions, and the phone's owner at the
answer.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verification.core.answers import has_run_out, parse_consent, parse_sms, require_owner
from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.results import Step, Steps
from verification.core.route import Evidence, Looked, Memory
from verification.stages.code import dialogue
from verification.stages.code.policy import POLICY, CodePolicy


@dataclass(frozen=True)
class Guess:
    """The last guess. `number`: its position, from 1. `seconds`: from the sending of the code to
    the guess.

    is_last_code, is_right, is_ours: it was for the last code sent, equals that code, and is bound
    to this verification and phone.
    """

    number: int
    seconds: float
    is_last_code: bool
    is_right: bool
    is_ours: bool


@dataclass(frozen=True)
class CodeFacts:
    """sent: whether the gateway accepted the last message. owner: whether the number is this
    person's.
    """

    sent: Step
    guess: Guess | Step
    owner: Step


def measure_code(case: Case, evidence: Evidence, policy: CodePolicy) -> CodeFacts:
    """The facts of a code. An unreadable item appears as a step that refuses."""
    steps = Steps()
    with steps.step("sent"):
        status = parse_sms(evidence.require(dialogue.latest(evidence, dialogue.SENT))).status
        if status != "accepted":
            raise Refused("sms_refused", f"the gateway says {status}")
    with steps.step("owner") as detail:
        # Without an answer ownership is unproven; but a consent that expired before the look-up is
        # not the person's refusal.
        if dialogue.OWNER not in evidence.items:
            raw = evidence.items.get(dialogue.CONSENT)
            is_over = raw is not None and has_run_out(parse_consent(raw), at=evidence.at)
            raise Refused(
                "consent_unanswered" if is_over else "phone_owner_mismatch", "nobody could be asked"
            )
        detail["owned_since"] = require_owner(evidence.items[dialogue.OWNER], case=case)
    guessed: Guess | None = None
    with steps.step("guess"):
        issued, guess, number = _last(evidence)
        last, expected = (
            dialogue.latest(evidence, dialogue.ISSUED),
            evidence.require_object(dialogue.EXPECTED),
        )
        guessed = Guess(
            number=number,
            seconds=_seconds(issued, guess),
            # A replaced code must not pass, even if it is right.
            is_last_code=last == dialogue.numbered(dialogue.ISSUED, guess["issued"]),
            is_right=hmac.compare_digest(expected["digest"], guess["digest"]),
            is_ours=hmac.compare_digest(
                issued["bound_to"], dialogue.keyed(issued["key"], dialogue.bound_to(case))
            ),
        )
    return CodeFacts(steps.done["sent"], guessed or steps.done["guess"], steps.done["owner"])


def look_code(evidence: Evidence, memory: Memory) -> Looked:
    """Whether the last guess is the last code; beyond the limit, no guess is right.

    additions: the number of guesses, and whether this one was right in time.
    """
    issued, guess, number = _last(evidence)
    code = dialogue.sent(issued, bound=memory["bound_to"], secrets=evidence.secrets)
    expected = dialogue.keyed(issued["key"], f"{memory['bound_to']}|{code}")
    is_counted = number <= POLICY.guesses
    is_right = is_counted and hmac.compare_digest(expected, guess["digest"])
    is_in_time = 0 <= _seconds(issued, guess) <= POLICY.code_seconds
    # A right guess that came too late must count, or waiting would make guesses free.
    return Looked(is_right, additions={"guesses": number, "is_proved": is_right and is_in_time})


def _last(evidence: Evidence) -> tuple[Mapping[str, Any], Mapping[str, Any], int]:
    """The last code, the last guess, and the guess's number: at least the recorded number."""
    guess = evidence.require_object(dialogue.latest(evidence, dialogue.GUESS))
    issued = evidence.require_object(dialogue.latest(evidence, dialogue.ISSUED))
    on_record = sum(kind.startswith(f"{dialogue.GUESS}.") for kind in evidence.items)
    return issued, guess, max(guess["number"], on_record)


def _seconds(issued: Mapping[str, Any], guess: Mapping[str, Any]) -> float:
    return (
        datetime.fromisoformat(guess["at"]) - datetime.fromisoformat(issued["issued_at"])
    ).total_seconds()
