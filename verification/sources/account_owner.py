"""Whether the account that the money goes to is the borrower's, as its bank or card scheme has it (law.md O-58)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.ids import Iin
from verification.core.payout_answers import Basis, parse_account
from verification.core.registry_answers import TEXT_MAX_BYTES
from verification.sources import resolve
from verification.sources.asking import PAYOUT_SECONDS, Service, check_granted, under

SOURCE: Final = "account_owner"


@runtime_checkable
class AccountOwnerSource(Protocol):
    """Whoever tells whether an account is a person's."""

    def owner(self, account: str, *, iin: Iin, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """Whether the account is this person's, raw; `payout_answers.parse_account` reads it.

        Whose it is otherwise is not told. Raises `SourceUnavailable` if no readable answer to this very question came
        in time.
        """
        ...


class HttpAccountOwner:
    """The bank's service asked by the protocol of docs/sandbox.md, source `account_owner`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = PAYOUT_SECONDS,
        max_bytes: int = TEXT_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` (at most `PAYOUT_SECONDS`) and `max_bytes` bound one answer.

        Raises `Misconfigured`.
        """
        self._service = Service.configured(
            SOURCE, url=url, token_file=token_file, seconds=seconds, most=PAYOUT_SECONDS, max_bytes=max_bytes
        )

    def owner(self, account: str, *, iin: Iin, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """See `AccountOwnerSource.owner`."""
        about = {"request_id": request_id, "iin": iin.value, "account": account}
        question = {**about, **under(basis, lender_bin=lender_bin)}
        raw = self._service.ask(question, read=parse_account, repeated=("request_id", "iin", "account"))
        return check_granted(raw, source=SOURCE, read=parse_account)


in_use: Callable[[str], AccountOwnerSource] = partial(resolve, name=SOURCE, kind=AccountOwnerSource)
"""The service configured for this mode. Raises `Misconfigured`."""
