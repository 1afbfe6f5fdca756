"""What a credit bureau and banks answered before the money leaves, read from the original bytes.
Law: O-50, O-53, O-58.

Each reader takes the bytes as they were kept and gives a frozen value, or raises `BadInput` naming
the field, never its content. `docs/sandbox.md` writes the answers down.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from verification.core.errors import BadInput
from verification.core.ids import Iin
from verification.core.registry_answers import TEXT_MAX_BYTES
from verification.core.strict_json import MALFORMED, read_day, read_object

STOP_CREDIT_STATUSES: Final = ("refused", "not_refused", "consent_refused")
ACCOUNT_STATUSES: Final = ("owned", "owned_by_another", "not_found", "consent_refused")
CREDITS_STATUSES: Final = ("told", "consent_refused")

_ACCOUNT_MAX: Final = 40  # characters, as in an opening
_TIYN: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_TIYN_MAX: Final = 15  # digits: ten trillion tenge


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The borrower's own yes under which others are asked about them: to which text, in which
    language, and when.

    at: RFC 3339.
    """

    version: str
    language: str
    text_sha256: str
    at: str


@dataclass(frozen=True, kw_only=True)
class StopCreditAnswer:
    """`status`: whether the person has refused all credits, one of `STOP_CREDIT_STATUSES`."""

    request_id: str
    status: str
    iin: Iin


@dataclass(frozen=True, kw_only=True)
class AccountAnswer:
    """`status`: whether the account is the person's, one of `ACCOUNT_STATUSES`. Whose it is
    otherwise is not told.
    """

    request_id: str
    status: str
    iin: Iin
    account: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CreditsAnswer:
    """`status` is one of `CREDITS_STATUSES`. If `told`: tiyn that other lenders lent the person
    online, by the day.

    Days are in Almaty (2026-11-24).
    """

    request_id: str
    status: str
    iin: Iin
    tiyn: Mapping[str, int] = field(default_factory=dict, repr=False)


def parse_stop_credit(untrusted: bytes) -> StopCreditAnswer:
    """An answer of the bureau about a person's refusal of all credits. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id = (
        answer.choice("status", STOP_CREDIT_STATUSES),
        answer.reference("request_id"),
    )
    iin = Iin.parse(answer.text("iin", longest=12))
    answer.finish()
    return StopCreditAnswer(request_id=request_id, status=status, iin=iin)


def parse_account(untrusted: bytes) -> AccountAnswer:
    """An answer of whoever knows the owners of accounts. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id = answer.choice("status", ACCOUNT_STATUSES), answer.reference("request_id")
    iin, account = (
        Iin.parse(answer.text("iin", longest=12)),
        answer.text("account", longest=_ACCOUNT_MAX),
    )
    answer.finish()
    return AccountAnswer(request_id=request_id, status=status, iin=iin, account=account)


def parse_credits(untrusted: bytes) -> CreditsAnswer:
    """An answer of the bureau about the credits of some days. Raises `BadInput`."""
    answer = read_object(untrusted, max_bytes=TEXT_MAX_BYTES)
    status, request_id = answer.choice("status", CREDITS_STATUSES), answer.reference("request_id")
    iin = Iin.parse(answer.text("iin", longest=12))
    tiyn: dict[str, int] = {}
    if status == "told":
        credits = answer.object("credits")
        for day in credits.names():
            sum_of_day = credits.text(day, longest=_TIYN_MAX)
            # Digits in one spelling: no sign, no separator, no digit of another script.
            if read_day(day) is None or not _TIYN.fullmatch(sum_of_day):
                detail = "days, each with a whole number of tiyn, are expected"
                raise BadInput(detail, code=MALFORMED, pointer="/credits")
            tiyn[day] = int(sum_of_day)
        if not tiyn:
            raise BadInput("nothing is told of any day", code=MALFORMED, pointer="/credits")
    answer.finish()
    return CreditsAnswer(request_id=request_id, status=status, iin=iin, tiyn=tiyn)
