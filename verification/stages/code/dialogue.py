"""The question for the code on the borrower's phone. Guesses arrive here, and a worker judges
them: web cannot read a code.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from verification.core.errors import BadInput, Refused
from verification.core.person import Case
from verification.core.route import LOOK_AT, Evidence, Looked, Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.stages.code.policy import POLICY

SHOWN = "consent.answer"
# The person's consent through the state's service, obtained before.
CONSENT = "register.consent"
ISSUED, SENT, GUESS = "code.issued", "code.sent", "code.guess"
# The stored form of a right guess, revealed when no more guesses are possible.
EXPECTED, OWNER = "code.expected", "code.owner"
CODE_PURPOSE = "tulga.code"

_DRAWN_DIGITS = 16  # hexadecimal digits per draw: far more values than codes
_TYPED_MAX = 64  # characters of a raw field: room for blanks


def bound_to(case: Case) -> str:
    """The binding of a code: our purpose, this verification, this phone."""
    return f"{CODE_PURPOSE}|{case.verification_id}|{case.person.phone.value}"


def keyed(key: str, message: str) -> str:
    """HMAC-SHA256 in hex; `key` in hex."""
    return hmac.new(bytes.fromhex(key), message.encode(), sha256).hexdigest()


def drawn(secret: str, nonce: str) -> str:
    """The code of this nonce, uniformly distributed: a biased draw is repeated."""
    codes, draws = 10**POLICY.code_digits, 16**_DRAWN_DIGITS
    draws_made = (
        int(keyed(secret, f"code|{nonce}|{draw}")[:_DRAWN_DIGITS], 16) for draw in count()
    )
    fair = next(number for number in draws_made if number < draws - draws % codes)
    return f"{fair % codes:0{POLICY.code_digits}}"


def sent(issued: Mapping[str, Any], *, bound: str, secrets: Sequence[str]) -> str:
    """The code that was sent for this, derived again.

    Raises: `Refused` if no key of this worker derives it.
    """
    for secret in secrets:
        code = drawn(secret, issued["nonce"])
        if hmac.compare_digest(keyed(secret, f"{bound}|{code}"), issued["digest"]):
            return code
    raise Refused(
        "check_missing", "the code was drawn by no key that is here, or for something else"
    )


def numbered(kind: str, number: int) -> str:
    """A kind that may occur several times in an attempt."""
    return f"{kind}.{number}"


def latest(evidence: Evidence, kind: str) -> str:
    """The highest numbered of a kind.

    Raises: `Refused` if absent.
    """
    numbers = [
        int(name.removeprefix(f"{kind}.")) for name in evidence.items if name.startswith(f"{kind}.")
    ]
    if not numbers:
        raise Refused("check_missing", f"no evidence {kind}")
    return numbered(kind, max(numbers))


def mask_phone(phone: str) -> str:
    """A number in a form its owner recognises: the last two digits. It is the lender's, never a
    register's.
    """
    return f"+7 7•• ••• •• {phone[-2:]}"


def prompt_code(memory: Memory) -> Mapping[str, Any]:
    """Part of the code's destination, and the remaining guesses, resends and time."""
    issued = datetime.fromisoformat(memory["issued_at"])
    return {
        "phone_masked": memory["phone_masked"],
        "guesses_left": max(0, POLICY.guesses - memory["guesses"]),
        "resends_left": max(0, POLICY.resends - memory["resends"]),
        "resend_from": (issued + timedelta(seconds=POLICY.resend_after_seconds)).isoformat(),
        "expires": (issued + timedelta(seconds=POLICY.code_seconds)).isoformat(),
    }


def accept_code(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes a guess, or a request for another code.

    Every guess counts, even late or for an earlier code; a worker looks at it.
    """
    since_issue = (at - datetime.fromisoformat(memory["issued_at"])).total_seconds()
    if untrusted.get("resend") is True:
        if memory["resends"] >= POLICY.resends:
            return Turn(next=Next.ASK, memory=memory, notice="otp_resends_exhausted")
        if since_issue < POLICY.resend_after_seconds:
            return Turn(next=Next.ASK, memory=memory, notice="otp_resend_early")
        return Turn(next=Next.PREPARE, memory=memory)
    untrusted_code = untrusted.get("code")
    typed = (
        "".join(untrusted_code.split())
        if isinstance(untrusted_code, str) and len(untrusted_code) <= _TYPED_MAX
        else ""
    )
    if not re.fullmatch(rf"[0-9]{{{POLICY.code_digits}}}", typed):
        raise BadInput(f"a code is {POLICY.code_digits} digits", code="bad_answer", pointer="/code")
    # Only a keyed digest of the input is stored: no evidence holds a code in clear.
    digest = keyed(memory["key"], f"{memory['bound_to']}|{typed}")
    number = memory["guesses"] + 1
    guess = {"number": number, "issued": memory["resends"], "digest": digest, "at": at.isoformat()}
    evidence = {numbered(GUESS, number): canonical_json(guess)}
    return Turn(
        next=Next.LOOK, memory={**memory, "guesses": number, LOOK_AT: "code."}, evidence=evidence
    )


def go_on_code(memory: Memory, looked: Looked, at: datetime) -> Turn:
    """Ends the dialogue on the last guess or a right one; the checks decide what it proves."""
    is_over = looked.is_right or looked.additions["guesses"] >= POLICY.guesses
    # A right guess in time restarts the count, because the borrower has proved the phone.
    remembered = {name: value for name, value in memory.items() if name != LOOK_AT}
    counted = {
        **remembered,
        "guesses": 0 if looked.additions["is_proved"] else looked.additions["guesses"],
    }
    return Turn(Next.COLLECT, counted) if is_over else Turn(Next.ASK, counted, notice="otp_wrong")
