"""Sums, numbers, days and times in templates, in the form of `core/spelling.py`."""

from datetime import date, datetime
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
def day(of: date | str | None) -> str:
    """A day; a stored text is in ISO 8601. Empty for None."""
    return spelling.day(date.fromisoformat(of) if isinstance(of, str) else of) if of else ""


@register.filter
def minute(at: datetime | None) -> str:
    """A time, on a page that names the zone. Empty for None."""
    return spelling.minute(at) if at else ""


@register.filter
def second(at: datetime | None) -> str:
    """A time to the second, on such a page. Empty for None."""
    return spelling.second(at) if at else ""


@register.filter
def moment(at: datetime) -> str:
    """A time that names Astana's zone itself."""
    return gettext("%(time)s (Astana time)") % {"time": spelling.minute(at)}


def _language() -> str:
    return get_language() or "en"
