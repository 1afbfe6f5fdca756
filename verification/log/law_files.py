"""A law file that the operator's root signed is put on record, and every process reads its book
from the logs.
"""

from verification import transactions
from verification.core import events, law_file, law_rules, profiles
from verification.core.errors import BadInput
from verification.core.law_file import Signed
from verification.log import keys, laws, log


def take(untrusted: bytes) -> tuple[Signed, tuple[str, ...]]:
    """Puts a signed law file on record in each log that lacks it; gives the file, and those logs.

    It counts once both logs have ordered it. After a crash between the two logs the same call
    completes it. Raises `BadInput` with a code of `core/law_rules.py`; then nothing is written.
    """
    signed = law_file.read_signed(untrusted)
    keys.require_law(signed)
    with transactions.writing():
        _require_unsplit(signed)
        lacking = tuple(name for name in keys.LOGS if _lacks(name, signed))
        if not lacking:
            detail = (
                f"{law_rules.CODES['law_replayed']}: number {signed.law.number} stands in both logs"
            )
            raise BadInput(detail, code="law_replayed")
        for name in lacking:
            log.append(log=name, type=events.LAW_TAKEN, body=signed.body)
    return signed, lacking


def keep_read() -> None:
    """From here on this process reads its book of the law from the logs."""
    profiles.read_amendments_by(laws.look)


def _require_unsplit(signed: Signed) -> None:
    """Raises `BadInput` (law_split) where another file of this number stands in one of the logs, or
    waits for it.
    """
    for name in keys.LOGS:
        for judged in laws.judge(laws.ordered(name), laws.waiting(name)):
            law = judged.law
            if law and law.number == signed.law.number and law.sha256 != signed.law.sha256:
                raise BadInput(
                    f"the {name} log has another file of number {law.number}", code="law_split"
                )


def _lacks(name: str, signed: Signed) -> bool:
    """Whether this log lacks the file. Raises `BadInput` where it may not follow those that are
    there.
    """
    there = [
        judged.law for judged in laws.judge(laws.ordered(name), laws.waiting(name)) if judged.law
    ]
    if signed.law.sha256 in {law.sha256 for law in there}:
        return False
    law_rules.extended(law_rules.all_of(tuple(there)), signed.law)
    return True
