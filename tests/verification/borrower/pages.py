"""Pages of the borrower made by hand, for what needs no rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from verification.access.open_page import BorrowerPage, RouteChoice
from verification.core.lender import LenderFacts
from verification.core.person import Renewal
from verification.core.statement_text import CURRENT, FORM
from verification.routes import ROUTES
from verification.stages.confirmation import policy as texts
from verification.stages.confirmation.policy import CONSENT
from verification.stages.statement.dialogue import prompt_statement

AT = datetime(2026, 11, 24, 10, 40, tzinfo=UTC)
STATEMENT = {
    "type": FORM,
    "words": CURRENT,
    "language": "ru",
    "mode": "test",
    "verification": "ver_00000000000000000000000000",
    "lender_name": "First Credit LLP",
    "lender_bin": "120340000125",
    "iin": "990101100010",
    "purpose": "Consumer microcredit",
    "amount": "150000.00",
    "currency": "KZT",
    "term_days": 30,
    "annual_rate": "46.00",
    "total_repayable": "155700.50",
    "payout_account": "KZ86 •••• 0100",
    "payout_account_sha256": "a" * 64,
    "contract_sha256": "",
    "nonce": "0" * 32,
    "issued": AT.isoformat(),
    "expires": AT.isoformat(),
}
DATA: dict[str, dict[str, Any]] = {
    "consent": {
        "version": CONSENT.current,
        "texts": CONSENT.wordings[CONSENT.current],
    },
    "statement": dict(prompt_statement({"statement": STATEMENT})),
    "form": {
        "fields": [
            {"name": "document_number", "kind": "text", "max_length": 20},
            {"name": "birth_date", "kind": "date"},
        ]
    },
    "code": {
        "phone_masked": "+7 7•• ••• •• 67",
        "guesses_left": 5,
        "resends_left": 3,
        "resend_from": AT.isoformat(),
        "expires": (AT + timedelta(minutes=5)).isoformat(),
    },
    "commands": {"state": "ready", "missed": ""},
    "renewal": {
        "version": texts.RENEWAL.current,
        "texts": texts.RENEWAL.wordings[texts.RENEWAL.current],
    },
}
RENEWAL = Renewal(
    "ver_0",
    "c" * 64,
    signed_at="2026-11-23T06:10:00+00:00",
    waited_until="2026-11-24T06:12:00+00:00",
)


def choices(*names: str) -> tuple[RouteChoice, ...]:
    """These routes as a page offers them."""
    return tuple(
        RouteChoice(name, ROUTES[name].label, ROUTES[name].explanation, needs_camera=name != "eds")
        for name in names
    )


_PAGE = BorrowerPage(
    verification_id="ver_2al4bijgn5d4vsz6z3ls5ksh36",
    page="consent",
    turn=7,
    data={},
    notice="",
    status="requires_input",
    code="",
    last_failure="",
    lender=LenderFacts(
        id="len_0", name="First Credit LLP", bin="120340000125", phone="+77270000044"
    ),
    purpose="Consumer microcredit",
    amount="150000.00",
    currency="KZT",
    term_days=30,
    annual_rate="46.00",
    total_repayable="155700.50",
    account_masked="KZ86 •••• 0100",
    locale="ru",
    step=1,
    steps=3,
    attempt=1,
    attempts=None,
    expires_at=AT,
    return_url="",
    mode="test",
    renewal=None,
    routes=choices("eds"),
    is_looked_at=False,
)


def made(page: str = "consent", **changes: Any) -> BorrowerPage:
    """A page of this name; `changes` are its other fields."""
    return replace(_PAGE, **({"page": page, "data": DATA.get(page, {})} | changes))
