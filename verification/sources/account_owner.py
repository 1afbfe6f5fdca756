"""Whether the account that the money goes to is the borrower's, as its bank or card scheme has it
(law.md O-58).
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import Basis, parse_account
from verification.core.ids import Iin
from verification.sources.asking import BeforePayment
from verification.sources.installed import resolve

SOURCE: Final = "account_owner"


@runtime_checkable
class AccountOwnerSource(Protocol):
    """Whoever tells whether an account is a person's."""

    def owner(
        self, account: str, *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """Whether the account is this person's, raw; `answers.parse_account` reads it.

        Whose it is otherwise is not told. Raises `SourceUnavailable` if no readable answer to this
        very question came in time.
        """
        ...


class HttpAccountOwner(BeforePayment):
    """The bank's service asked by the protocol of docs/sandbox.md, source `account_owner`."""

    source = SOURCE

    def owner(
        self, account: str, *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """See `AccountOwnerSource.owner`."""
        about = {"iin": iin.value, "account": account}
        return self._ask(
            about, read=parse_account, lender_bin=lender_bin, basis=basis, request_id=request_id
        )


in_use: Callable[[str], AccountOwnerSource] = partial(resolve, name=SOURCE, kind=AccountOwnerSource)
"""The service configured for this mode. Raises `Misconfigured`."""
