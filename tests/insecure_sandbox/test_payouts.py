"""What the sandbox's bureau and bank say before the money leaves, asked through the product's own
adapters.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.insecure_sandbox.asked import new_id, new_iin, register
from tests.insecure_sandbox_process import SandboxProcess
from verification.case import policy
from verification.core import almaty
from verification.core.answers import Basis
from verification.core.errors import Misconfigured
from verification.core.ids import Iin
from verification.sources import account_owner, credit_bureau, stop_credit
from verification.sources.account_owner import HttpAccountOwner
from verification.sources.asking import PAYOUT_SECONDS
from verification.sources.credit_bureau import HttpCreditBureau
from verification.sources.stop_credit import HttpStopCredit
from verification.stages.confirmation.policy import CONSENT

BASIS = Basis(
    version=CONSENT.current,
    language="kk",
    text_sha256=CONSENT.sha256(CONSENT.current, "kk"),
    at="2026-11-28T10:00:00+00:00",
)
BIN = "990240000008"
THEIRS, ANOTHERS, NOBODYS = "KZ75125KZT1001300335", "KZ86125KZT5004100100", "KZ930000000000000000"
SECONDS = PAYOUT_SECONDS


def about(iin: str) -> dict[str, Any]:
    return {"request_id": new_id(), "iin": Iin(iin), "lender_bin": BIN, "basis": BASIS}


def refusal(sandbox: SandboxProcess, iin: str, seconds: float = SECONDS) -> str:
    bureau = HttpStopCredit(f"{sandbox.url}/stop_credit", seconds=seconds)
    question = stop_credit.RefusalQuestion(**about(iin))
    return stop_credit.BUREAU.ask(bureau, question).parsed.status


def owner(
    sandbox: SandboxProcess, iin: str, account: str = THEIRS, seconds: float = SECONDS
) -> str:
    bank = HttpAccountOwner(f"{sandbox.url}/account_owner", seconds=seconds)
    question = account_owner.AccountQuestion(account=account, **about(iin))
    return account_owner.BANK.ask(bank, question).parsed.status


def lent(sandbox: SandboxProcess, iin: str, *days: date, seconds: float = SECONDS) -> list[int]:
    bureau = HttpCreditBureau(f"{sandbox.url}/credit_bureau", seconds=seconds)
    of = days or (almaty.day_of(datetime.now(UTC)),)
    question = credit_bureau.CreditsQuestion(days=tuple(of), **about(iin))
    answer = credit_bureau.BUREAU.ask(bureau, question)
    credit_bureau.most_lent(question, answer)
    return [answer.parsed.tiyn[day.isoformat()] for day in of]


def test_they_say_what_the_sandbox_was_told(sandbox: SandboxProcess) -> None:
    iin = register(sandbox, refuses_credits=True, accounts=[THEIRS], credits_today="12345600")
    other = register(sandbox, accounts=[ANOTHERS])
    assert (refusal(sandbox, iin), refusal(sandbox, other)) == ("refused", "not_refused")
    assert (owner(sandbox, iin), owner(sandbox, other)) == ("owned", "owned_by_another")
    assert owner(sandbox, iin, NOBODYS) == "not_found"
    assert (lent(sandbox, iin), lent(sandbox, other)) == ([12_345_600], [0])
    today = almaty.day_of(datetime.now(UTC))
    assert lent(sandbox, iin, today - timedelta(days=1)) == [0]
    assert lent(sandbox, iin, today - timedelta(days=1), today) == [0, 12_345_600]


def test_an_unknown_person_has_refused_nothing_and_owns_nothing(sandbox: SandboxProcess) -> None:
    iin = new_iin()
    assert refusal(sandbox, iin) == "not_refused"
    assert owner(sandbox, iin, NOBODYS) == "not_found"
    assert lent(sandbox, iin) == [0]


@pytest.mark.parametrize("adapter", [HttpStopCredit, HttpAccountOwner, HttpCreditBureau])
def test_no_question_may_take_longer_than_three_have_time_for(
    adapter: Callable[..., object],
) -> None:
    adapter("http://127.0.0.1:1/x", seconds=PAYOUT_SECONDS)
    with pytest.raises(Misconfigured, match="5 s at most"):
        adapter("http://127.0.0.1:1/x", seconds=PAYOUT_SECONDS + 0.1)
    assert 2 * PAYOUT_SECONDS < policy.INQUIRIES_SECONDS
    assert policy.INQUIRIES_SECONDS + PAYOUT_SECONDS < policy.STEP_SOFT_LIMIT_SECONDS
