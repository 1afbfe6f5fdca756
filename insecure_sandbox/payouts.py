"""Sources `stop_credit`, `account_owner`, `credit_bureau`: answers of a bureau and banks before
payout.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from insecure_sandbox.exchange import (
    Handler,
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.people import People
from insecure_sandbox.questions import request_id
from verification.core import almaty
from verification.core.strict_json import read_day

# A source's answer to a question.
Answer = Callable[[People, Mapping[str, Any]], dict[str, object]]

_BASIS: Final = {"version", "language", "text_sha256", "at"}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NOBODY: Final = "900101900025"
_ELSEWHERE: Final = "KZ930000000000000000"


def routes(people: People) -> tuple[Route, ...]:
    """`POST /stop_credit`, `POST /account_owner`, `POST /credit_bureau`."""
    return (
        _route("stop_credit", _refusal, people=people),
        _route("account_owner", _ownership, people=people, more=("account",)),
        _route("credit_bureau", _credits, people=people, more=("days",)),
    )


def _route(source: str, answer: Answer, *, people: People, more: tuple[str, ...] = ()) -> Route:
    def handler(changed: Mapping[str, object]) -> Handler:
        def handle(request: Request) -> Response:
            fields = request.fields()
            question = _question_in(fields, about=("iin", *more))
            fields_out = {
                "request_id": request_id(fields),
                "iin": question["iin"],
                **answer(people, question),
            }
            return as_json({**fields_out, **changed})

        return handle

    wrong: dict[str, Handler] = {
        "other_request": handler({"request_id": "clr_of_another_question"}),
        "other_person": handler({"iin": _NOBODY}),
    }
    if "account" in more:
        wrong["other_account"] = handler({"account": _ELSEWHERE})
    if "days" in more:
        wrong["other_day"] = handler({"credits": {(_today() - timedelta(days=1)).isoformat(): "0"}})
    return Route(method="POST", path=f"/{source}", source=source, handle=handler({}), wrong=wrong)


def _question_in(fields: Mapping[str, Any], *, about: tuple[str, ...]) -> dict[str, Any]:
    """The subject of a question.

    Raises: `Rejected` without the asking lender and its legal basis.
    """
    only_fields(fields, {"request_id", "lender_bin", "consent", *about})
    text_field(fields, "lender_bin", limit=12)
    basis = fields.get("consent")
    if not isinstance(basis, dict):
        raise Rejected(400, "consent must be an object")
    only_fields(basis, _BASIS)
    stated = {name: text_field(basis, name) for name in _BASIS}
    if not _SHA256.fullmatch(stated["text_sha256"]):
        raise Rejected(400, "text_sha256 must be 64 hexadecimal digits")
    return {
        name: (_days if name == "days" else text_field)(fields, name, limit=64) for name in about
    }


def _days(fields: Mapping[str, Any], name: str, *, limit: int) -> list[str]:
    days = fields.get(name)
    if (
        not isinstance(days, list)
        or not 0 < len(days) <= limit
        or not all(_is_day(day) for day in days)
    ):
        raise Rejected(400, f"{name} must be a list of 1 to {limit} days such as 2026-11-24")
    return days


def _is_day(untrusted: object) -> bool:
    return isinstance(untrusted, str) and read_day(untrusted) is not None


def _refusal(people: People, question: Mapping[str, Any]) -> dict[str, object]:
    person = people.find(question["iin"])
    return {"status": "refused" if person is not None and person.refuses_credits else "not_refused"}


def _ownership(people: People, question: Mapping[str, Any]) -> dict[str, object]:
    person, account = people.find(question["iin"]), question["account"]
    if person is not None and account in person.accounts:
        return {"account": account, "status": "owned"}
    return {
        "account": account,
        "status": "owned_by_another" if people.has_account(account) else "not_found",
    }


def _credits(people: People, question: Mapping[str, Any]) -> dict[str, object]:
    person, today = people.find(question["iin"]), _today().isoformat()
    sums = {
        day: person.credits_today if person is not None and day == today else "0"
        for day in question["days"]
    }
    return {"status": "told", "credits": sums}


def _today() -> date:
    return almaty.day_of(datetime.now(UTC))
