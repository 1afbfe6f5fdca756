"""Facts in the borrower's words: sums, times, names of routes, and the sentence of a code, in the
page's language.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from verification.access.open_page import BorrowerPage, BorrowerState
from verification.core import spelling
from verification.core.ids import case_number
from verification.core.lender import LenderFacts
from verification.core.reasons import REASONS

_WAITED_FOR = frozenset({"borrower_busy", "consent_pending"})
_USED_UP = {
    "velocity_exceeded": _("No code can be sent today"),
    "captures_exceeded": _("Not with the camera today"),
    "consents_exceeded": _("1414 cannot be asked again today"),
}


def frame(page: BorrowerPage, *, notice: str = "") -> dict[str, Any]:
    """What every page shows: the loan, the step, and why it is asked again. `notice` overrides the
    page's own.
    """
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
        "contact": contact(page.lender, case_number=case_number(page.verification_id)),
        "notice": sentence(said),
        "waited_for": waits_for,
        "state_url": reverse("borrower:state"),
        "now_url": reverse("borrower:now"),
        "steps": [
            "current" if number == page.step else "done" if number < page.step else "ahead"
            for number in range(1, page.steps + 1)
        ],
    }


def speak(request: HttpRequest, locale: str) -> None:
    """Speaks the verification's language until the borrower has chosen one with the switch."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(locale)
        request.LANGUAGE_CODE = translation.get_language() or locale


def waited_for(page: BorrowerPage | BorrowerState) -> str:
    """What the waiting page waits for, if it is not our own work: a code; it says nothing about the
    person.
    """
    return page.notice if page.page == "wait" and page.notice in _WAITED_FOR else ""


def consent(page: BorrowerPage) -> Mapping[str, Any]:
    """The text agreed to, in the language of the page, which is sent back with the answer."""
    language = get_language() or page.locale
    return {
        "language": language,
        "text": page.data["texts"][language],
        "version": page.data["version"],
    }


def renewal(page: BorrowerPage) -> Mapping[str, Any]:
    """The text said yes to, as `consent` gives it, and the times of the contract."""
    asked = page.renewal
    times = (
        {"signed": moment(asked.signed_at), "waited_until": moment(asked.waited_until)}
        if asked
        else {}
    )
    return {**consent(page), **times}


def routes(page: BorrowerPage) -> Mapping[str, Any]:
    """The routes to choose from, each with its name and what it takes."""
    return {"routes": page.routes}


def resume(page: BorrowerPage) -> Mapping[str, Any]:
    """The same, and a heading where a day's number is used up; without it the borrower fell
    silent.
    """
    return {**routes(page), "used_up": _USED_UP.get(page.notice, "")}


def routes_without_camera(page: BorrowerPage) -> list[tuple[str, Any]]:
    """What a person whose camera fails may choose instead: routes with their names."""
    return [(route.name, route.label) for route in page.routes if not route.needs_camera]


def contact(lender: LenderFacts, *, case_number: str) -> Mapping[str, str]:
    """Whom to call, and what to read out there."""
    return {
        "lender": lender.name,
        "phone": lender.phone,
        "shown": telephone(lender.phone),
        "case_number": case_number,
    }


def sentence(code: str) -> str:
    """The borrower's sentence of a code, translated; empty for no code."""
    return gettext(REASONS[code].borrower_message) if code in REASONS else ""


def money(amount: str, currency: str) -> str:
    """A sum, as the page's language writes it."""
    return spelling.money(amount, currency, language=_language())


def telephone(number: str) -> str:
    """A number in E.164 form as people here write it: +7 727 000 00 44."""
    parts = (number[:2], number[2:5], number[5:8], number[8:10], number[10:])
    return "\N{NO-BREAK SPACE}".join(part for part in parts if part)


def percent(rate: str) -> str:
    """A yearly rate."""
    return f"{spelling.number(rate, language=_language())}\N{NO-BREAK SPACE}%"


def days(number: int) -> str:
    """A term in days."""
    return ngettext("%(number)d day", "%(number)d days", number) % {"number": number}


def moment(value: str | datetime) -> str:
    """A time in Kazakhstan, to the minute."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return gettext("%(time)s (Astana time)") % {"time": spelling.minute(at)}


def _language() -> str:
    return get_language() or "en"
