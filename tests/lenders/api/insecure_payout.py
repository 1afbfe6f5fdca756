"""A bureau and a bank in memory, for tests of clearances: same signatures as the real ones, and
they count.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from verification import clock
from verification.core.answers import Basis
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin

ADAPTERS = ("stop_credit", "account_owner", "credit_bureau")


class InsecurePayout:
    """Plays all three. What was asked, and when, stands in `asked`; `before` runs first.

    `says` changes an answer; `lent`: tiyn of a day.
    """

    asked: list[dict[str, Any]] = []  # noqa: RUF012
    says: dict[str, Any] = {}  # noqa: RUF012
    lent: dict[date, str] = {}  # noqa: RUF012
    before: Callable[[], object] | None = None
    faults = 0

    @classmethod
    def reset(cls) -> None:
        """Nobody was asked, and everything is well."""
        cls.asked, cls.says, cls.lent, cls.before, cls.faults = [], {}, {}, None, 0

    def refusal(self, iin: Iin, *, lender_bin: str, basis: Basis, request_id: str) -> bytes:
        """See `verification.sources.stop_credit.StopCreditSource`."""
        return self._answer(
            "stop_credit",
            basis,
            {"request_id": request_id, "iin": iin.value, "status": "not_refused"},
        )

    def owner(
        self, account: str, *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """See `verification.sources.account_owner.AccountOwnerSource`."""
        said = {"request_id": request_id, "iin": iin.value, "account": account, "status": "owned"}
        return self._answer("account_owner", basis, said)

    def credits(
        self, days: Sequence[date], *, iin: Iin, lender_bin: str, basis: Basis, request_id: str
    ) -> bytes:
        """See `verification.sources.credit_bureau.CreditBureau`."""
        sums = {day.isoformat(): type(self).lent.get(day, "0") for day in days}
        said = {"request_id": request_id, "iin": iin.value, "status": "told", "credits": sums}
        return self._answer("credit_bureau", basis, said)

    def _answer(self, source: str, basis: Basis, said: dict[str, Any]) -> bytes:
        cls = type(self)
        cls.asked.append(
            {"source": source, "basis": basis, "at": clock.now(), "request_id": said["request_id"]}
        )
        if cls.before is not None:
            cls.before()
        if cls.faults:
            cls.faults -= 1
            raise SourceUnavailable(source, "scripted")
        return json.dumps(said | cls.says.get(source, {})).encode()
