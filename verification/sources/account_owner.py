"""Whether the payout account is the borrower's, per its bank or card scheme (law: O-58). Never
names another owner.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from verification.core.answers import AccountAnswer, Basis, parse_account
from verification.core.ids import Iin
from verification.sources.asking import PAYOUT_SECONDS, HttpAdapter, Source, spell

SOURCE: Final = "account_owner"


@dataclass(frozen=True, kw_only=True)
class AccountQuestion:
    """Whether this account is this person's; `lender_bin` asks under the borrower's agreement."""

    request_id: str
    iin: Iin
    account: str = field(repr=False)
    lender_bin: str
    basis: Basis


HttpAccountOwner = ADAPTER = partial(
    HttpAdapter[AccountQuestion, AccountAnswer],
    source=SOURCE,
    read=parse_account,
    seconds=PAYOUT_SECONDS,
    most=PAYOUT_SECONDS,
)
"""The bank's service by the protocol of docs/operator/sources.md, source `account_owner`."""

BANK: Final = Source[AccountQuestion, AccountAnswer](
    name=SOURCE,
    answer=AccountAnswer,
    read=parse_account,
    spell=spell,
    repeated=("request_id", "iin", "account"),
)
