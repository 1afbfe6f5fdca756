"""Facts in the borrower's words, in the page's language: sums, times, routes, a code's sentence,
the last page.

Endings that must stay indistinguishable read the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from verification.access.open_page import BorrowerPage, BorrowerState
from verification.core import spelling
from verification.core.codes import (
    ATTEMPTS_EXHAUSTED,
    CODES,
    NOT_CONFIRMED,
    REASONS,
    UNFINISHED,
    Ending,
    ending_of,
)
from verification.core.ids import case_number
from verification.core.lender import LenderFacts
from verification.core.status import Status

_WAITED_FOR = frozenset({"borrower_busy", "consent_pending"})


def frame(page: BorrowerPage, *, notice: str = "") -> dict[str, Any]:
    """Content of every page: the loan, the step, and why it is asked again. `notice` overrides
    the page's own.
    """
    waits_for = waited_for(page)
    # These give their own reason; a refusal's reason stands where the question is repeated.
    code = notice or (waits_for if page.page == "wait" else page.notice)
    if page.page in ("finished", "checking"):
        code = ""
    return {
        "page": page,
        "loan": {
            "amount": money(page.amount, page.currency),
            "term": days(page.term_days),
            "rate": percent(page.annual_rate),
            "total": money(page.total_repayable, page.currency),
        },
        "contact": contact(page.lender, case_number=case_number(page.verification_id)),
        "notice": sentence(code),
        "waited_for": waits_for,
        "state_url": reverse("borrower:state"),
        "now_url": reverse("borrower:now"),
        "steps": [
            "current" if number == page.step else "done" if number < page.step else "ahead"
            for number in range(1, page.steps + 1)
        ],
    }


def speak(request: HttpRequest, locale: str) -> None:
    """Activates the verification's language until the borrower chooses one with the switch."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(locale)
        request.LANGUAGE_CODE = translation.get_language() or locale


def waited_for(page: BorrowerPage | BorrowerState) -> str:
    """What the waiting page waits for, if not our own work: a code without personal data."""
    return page.notice if page.page == "wait" and page.notice in _WAITED_FOR else ""


def consent(page: BorrowerPage) -> Mapping[str, Any]:
    """The consent text in the page's language, which is sent back with the answer."""
    language = get_language() or page.locale
    return {
        "language": language,
        "text": page.data["texts"][language],
        "version": page.data["version"],
    }


def renewal(page: BorrowerPage) -> Mapping[str, Any]:
    """The renewed consent's text, as `consent` gives it, and the times of the contract."""
    contract = page.renewal
    if contract is None:
        return consent(page)
    times = {
        "signed": moment(contract.signed_at),
        "waited_until": moment(contract.waited_until),
    }
    return {**consent(page), **times}


def routes(page: BorrowerPage) -> Mapping[str, Any]:
    """The routes on offer, each with its name and requirements."""
    return {"routes": page.routes}


def resume(page: BorrowerPage) -> Mapping[str, Any]:
    """The same, with a heading if a daily limit is reached; without it the borrower was silent."""
    row = CODES.get(page.notice)
    return {**routes(page), "used_up": _(row.heading) if row and row.heading else ""}


def routes_without_camera(page: BorrowerPage) -> list[tuple[str, Any]]:
    """Alternatives for a person whose camera fails: routes with their names."""
    return [(route.name, route.label) for route in page.routes if not route.needs_camera]


def ending(page: BorrowerPage) -> Mapping[str, Any]:
    """Symbol, title and sentences of an ended verification or one in review, and its main
    button.
    """
    end = ending_of(page.code, page.last_failure)
    if page.renewal:
        sign, title, sentences = _of_renewal(page, end)
    elif page.status == Status.VERIFIED:
        done = _(
            "%(lender)s now knows that you yourself asked for this loan. It decides next and tells"
            " you the result. You may close this page."
        )
        sign, title, sentences = "ok", _("Done: it is you"), [done % {"lender": page.lender.name}]
    elif page.status == Status.IN_REVIEW:
        waits = _(
            "Two employees of the lender look at your request, within 24 hours. You need not do"
            " anything; the lender tells you the result."
        )
        sign, title, sentences = "info", _("People are looking at it"), [waits]
    else:
        sign, title = _heading(page, end)
        money = _("No money is paid out on this request.")
        sentences = [_(end.happened), _(end.what_next), *_again(page, end), money]
    # Never for the ending that reveals nothing.
    is_told = end is not UNFINISHED
    why = page.last_failure if page.code == ATTEMPTS_EXHAUSTED else page.code
    return {
        "sign": sign,
        "title": title,
        "sentences": sentences,
        "has_to_call": page.status not in (Status.VERIFIED, Status.IN_REVIEW),
        "is_signature_refused": (
            is_told and page.status == Status.DECLINED and why.startswith("eds_")
        ),
    }


def _of_renewal(page: BorrowerPage, end: Ending) -> tuple[str, str, list[str]]:
    if page.status == Status.VERIFIED:
        done = _("%(lender)s now knows it, and goes on with your request. You may close this page.")
        return (
            "ok",
            _("Done: you agreed to receive the money"),
            [done % {"lender": page.lender.name}],
        )
    if page.code == "consent_declined":
        money = _(
            "No money is paid out on this request. Tell the lender, so that it ends the contract."
        )
        return "info", _("You do not want the money"), [money]
    stands = _("Your contract stands, and no money is paid out before you consent.")
    if end is UNFINISHED or page.status in (Status.DECLINED, Status.FAILED):
        return *_heading(page, end), [_(end.happened), _(end.what_next), *_again(page, end), stands]
    link = _("Ask the lender for another link.")
    return "warn", _("Your new consent is still missing"), [_(end.happened), stands, link]


def _heading(page: BorrowerPage, end: Ending) -> tuple[str, str]:
    if end is UNFINISHED or page.status == Status.FAILED:
        return "warn", _("This check could not be finished")
    if page.code == "consent_declined":
        return "info", _("You did not agree")
    if page.status == Status.EXPIRED:
        return "warn", _("The time for this check has run out")
    if page.status == Status.CANCELED:
        return "info", _("The lender has ended this check")
    return "bad", _("We could not confirm that it is you")


def _again(page: BorrowerPage, end: Ending) -> list[str]:
    # Never after the registers did not confirm: this line would distinguish the dead from others.
    if page.code != ATTEMPTS_EXHAUSTED or end in (UNFINISHED, NOT_CONFIRMED):
        return []
    return [
        _("All tries are used up for now. In 24 hours the lender can open a new request for you.")
    ]


def contact(lender: LenderFacts, *, case_number: str) -> Mapping[str, str]:
    """Whom to call, and what to read out there."""
    return {
        "lender": lender.name,
        "phone": lender.phone,
        "shown": telephone(lender.phone),
        "case_number": case_number,
    }


def sentence(code: str) -> str:
    """The borrower's sentence of a code, translated; empty without a code."""
    return _(REASONS[code].borrower_message) if code in REASONS else ""


def money(amount: str, currency: str) -> str:
    """A sum in the form of the page's language."""
    return spelling.money(amount, currency, language=_language())


def telephone(number: str) -> str:
    """A number in E.164 form as local people write it: +7 727 000 00 44."""
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
    return _("%(time)s (Astana time)") % {"time": spelling.minute(at)}


def _language() -> str:
    return get_language() or "en"
