"""What the last page says: its heading, its sign, and its sentences, the same for all that must not
be told apart.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from verification.access.open_page import BorrowerPage
from verification.core.codes import (
    ATTEMPTS_EXHAUSTED,
    NOT_CONFIRMED,
    UNFINISHED,
    Ending,
    ending_of,
)
from verification.core.status import Status


def ending(page: BorrowerPage) -> Mapping[str, Any]:
    """Sign, title and sentences of a verification that has ended, or waits for people, and what is
    pressed first.
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
    # Never where the ending is the one that tells nothing.
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
        none = _("None is paid out on this request. Tell the lender, so that it ends the contract.")
        return "info", _("You do not want the money"), [none]
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
    # Of what the registers did not confirm nothing more is told: by this line the dead would differ
    # from the others.
    if page.code != ATTEMPTS_EXHAUSTED or end in (UNFINISHED, NOT_CONFIRMED):
        return []
    return [
        _("All tries are used up for now. In 24 hours the lender can open a new request for you.")
    ]
