"""Facts in the borrower's words: sums, times, names of routes, and the sentence of a code, in the page's language."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext

from verification.core import almaty
from verification.core.reasons import REASONS
from verification.workflow.reading.queries import BorrowerPage, BorrowerState

_TENGE = "KZT"

_WAITED_FOR = frozenset({"borrower_busy", "consent_pending"})


def frame(page: BorrowerPage, *, notice: str = "") -> dict[str, Any]:
    """What every page shows: the loan, the step, and why it is asked again. `notice` overrides the page's own."""
    waits_for = waited_for(page)
    # These say their own reason, and why something was refused is said where it is asked again.
    is_said = page.page in ("finished", "checking")
    said = "" if is_said else notice or (waits_for if page.page == "wait" else page.notice)
    return {
        "page": page,
        "loan": {
            "amount": money(page.amount, page.currency),
            "term": days(page.term_days),
            "rate": percent(page.annual_rate),
            "total": money(page.total_repayable, page.currency),
        },
        "notice": sentence(said),
        "waited_for": waits_for,
        "state_url": reverse("borrower:state"),
        "now_url": reverse("borrower:now"),
        "steps": [
            "current" if number == page.step else "done" if number < page.step else "ahead"
            for number in range(1, page.steps + 1)
        ],
    }


def waited_for(page: BorrowerPage | BorrowerState) -> str:
    """What the waiting page waits for, if it is not our own work: a code; it says nothing about the person."""
    return page.notice if page.page == "wait" and page.notice in _WAITED_FOR else ""


def consent(page: BorrowerPage) -> Mapping[str, Any]:
    """The text agreed to, in the language of the page, which is sent back with the answer."""
    language = get_language() or page.locale
    return {"language": language, "text": page.data["texts"][language], "version": page.data["version"]}


def renewal(page: BorrowerPage) -> Mapping[str, Any]:
    """The text said yes to, as `consent` gives it, and the times of the contract."""
    asked = page.renewal
    times = {"signed": moment(asked.signed_at), "waited_until": moment(asked.waited_until)} if asked else {}
    return {**consent(page), **times}


def routes(page: BorrowerPage) -> Mapping[str, Any]:
    """The routes to choose from, each with its name and what it takes."""
    return {"routes": page.routes}


def routes_without_camera(page: BorrowerPage) -> list[tuple[str, Any]]:
    """What a person whose camera fails may choose instead: routes with their names."""
    return [(route.name, route.label) for route in page.routes if not route.needs_camera]


def ending(page: BorrowerPage) -> Mapping[str, Any]:
    """The sentence of the code a verification ended with."""
    return {"sentence": sentence(page.code)}


def sentence(code: str) -> str:
    """The borrower's sentence of a code, translated; empty for no code."""
    return gettext(REASONS[code].borrower_message) if code in REASONS else ""


def money(amount: str, currency: str) -> str:
    """A sum with grouped thousands: 150 000 ₸. Whole sums lose their zeros; what is no number is shown as it came."""
    number = _grouped(amount)
    return f"{number}\N{NO-BREAK SPACE}{'₸' if currency == _TENGE else currency}"


def percent(rate: str) -> str:
    """A yearly rate."""
    return f"{_grouped(rate)}\N{NO-BREAK SPACE}%"


def days(number: int) -> str:
    """A term in days."""
    return ngettext("%(number)d day", "%(number)d days", number) % {"number": number}


def moment(value: str | datetime) -> str:
    """A time in Kazakhstan, to the minute."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return gettext("%(time)s (Astana time)") % {"time": timezone.localtime(at, almaty.ZONE).strftime("%d.%m.%Y %H:%M")}


def _grouped(decimal: str) -> str:
    """A decimal with its thousands apart, as the page's language writes it. Django has no number format for Kazakh."""
    try:
        number = Decimal(decimal)
    except InvalidOperation:
        return decimal
    shown = f"{number.quantize(Decimal(1)) if number == number.to_integral_value() else number:,f}"
    if get_language() == "en":
        return shown
    return shown.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
