"""Sums, numbers, days and times in templates, written as `core/spelling.py` writes them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import get_language, gettext

from verification.core import spelling

register = template.Library()


@register.simple_tag
def money(loan: Any) -> str:
    """The sum of a loan: `{% money case.loan %}`."""
    return spelling.money(str(loan.amount), loan.currency, language=_language())


@register.filter
def measured(value: float) -> str:
    """What was measured, to three places."""
    return spelling.number(str(Decimal(str(round(value, 3))).normalize()), language=_language())


@register.filter
def day(of: date | str | None) -> str:
    """A day; one that is kept as a text is written as in ISO 8601. Nothing for none."""
    return spelling.day(date.fromisoformat(of) if isinstance(of, str) else of) if of else ""


@register.filter
def minute(at: datetime | None) -> str:
    """A time, on a page that says whose times it shows. Nothing for none."""
    return spelling.minute(at) if at else ""


@register.filter
def second(at: datetime | None) -> str:
    """A time to the second, on such a page. Nothing for none."""
    return spelling.second(at) if at else ""


@register.filter
def moment(at: datetime) -> str:
    """A time that says itself that it is Astana's."""
    return gettext("%(time)s (Astana time)") % {"time": spelling.minute(at)}


def _language() -> str:
    return get_language() or "en"
