"""Does the borrower hold their own phone? 1 sent · 2 guessed, in time and among the first five ·
3 still theirs.
"""

from verification.core.results import Result, Step, judged, judged_step
from verification.stages.code.measure import CodeFacts
from verification.stages.code.policy import CodePolicy


def check_sent(facts: CodeFacts, policy: CodePolicy) -> Result:
    """1: the gateway accepted the message with the last code."""
    return judged_step("code.sent", facts.sent)


def check_guess(facts: CodeFacts, policy: CodePolicy) -> Result:
    """2: the last guess is the last code, for this verification and phone, in time, and within
    the limit.
    """
    check, guess = "code.guess", facts.guess
    if isinstance(guess, Step):
        return judged_step(check, guess)
    if guess.number > policy.guesses:
        return judged(
            check, "otp_attempts_exhausted", detail={"detail": "more guesses than allowed"}
        )
    is_in_time = 0 <= guess.seconds <= policy.code_seconds
    if guess.is_right and guess.is_ours and guess.is_last_code and is_in_time:
        return judged(check, detail={"guess": guess.number})
    code = "otp_wrong" if is_in_time else "otp_expired"
    code = "otp_attempts_exhausted" if guess.number == policy.guesses else code
    return judged(check, code, detail={"guess": guess.number})


def check_owner(facts: CodeFacts, policy: CodePolicy) -> Result:
    """3: when the code came back the number was still this person's. Law: O-31."""
    return judged_step("code.owner", facts.owner)


CHECKS = {"code.sent": check_sent, "code.guess": check_guess, "code.owner": check_owner}
