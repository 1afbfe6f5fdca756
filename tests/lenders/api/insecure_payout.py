"""A bureau and a bank in memory, for tests of clearances: same signature as the real ones, and
they count.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from verification import clock
from verification.core.answers import Basis, parse_account, parse_credits, parse_stop_credit
from verification.core.errors import SourceUnavailable
from verification.sources.account_owner import AccountQuestion
from verification.sources.asking import Fetched
from verification.sources.stop_credit import RefusalQuestion

ADAPTERS = ("stop_credit", "account_owner", "credit_bureau")
_READERS: dict[str, Callable[[bytes], Any]] = {
    "stop_credit": parse_stop_credit,
    "account_owner": parse_account,
    "credit_bureau": parse_credits,
}


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
        """No source was asked, and everything is well."""
        cls.asked, cls.says, cls.lent, cls.before, cls.faults = [], {}, {}, None, 0

    def __init__(self, source: str) -> None:
        """It plays this one."""
        self.source = source

    def fetch(self, question: Any) -> Fetched[Any]:
        """See `verification.sources.asking.Adapter`."""
        about = {"request_id": question.request_id, "iin": question.iin.value}
        if isinstance(question, RefusalQuestion):
            return self._answer(question.basis, about | {"status": "not_refused"})
        if isinstance(question, AccountQuestion):
            owned = {"account": question.account, "status": "owned"}
            return self._answer(question.basis, about | owned)
        sums = {day.isoformat(): type(self).lent.get(day, "0") for day in question.days}
        return self._answer(question.basis, about | {"status": "told", "credits": sums})

    def _answer(self, basis: Basis, fields: dict[str, Any]) -> Fetched[Any]:
        cls = type(self)
        cls.asked.append(
            {
                "source": self.source,
                "basis": basis,
                "at": clock.now(),
                "request_id": fields["request_id"],
            }
        )
        if cls.before is not None:
            cls.before()
        if cls.faults:
            cls.faults -= 1
            raise SourceUnavailable(self.source, "scripted")
        raw = json.dumps(fields | cls.says.get(self.source, {})).encode()
        return Fetched(raw=raw, parsed=_READERS[self.source](raw))


def in_memory() -> dict[str, dict[str, object]]:
    """All three, as entries of `TULGA_SOURCES`."""
    path = f"{InsecurePayout.__module__}.{InsecurePayout.__qualname__}"
    return {name: {"adapter": path, "options": {"source": name}} for name in ADAPTERS}
