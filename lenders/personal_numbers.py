"""Finds IINs and mobile numbers in texts that must hold none: they end up in webhooks, logs and other systems."""

import re

from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone

_RUN = re.compile(r"[0-9]+")
# Digits with at most one separator, or a bracket and a blank, between two of them: how people write numbers.
_WRITTEN = re.compile(r"[+]?[0-9](?:[-._:() ]{0,2}[0-9])*")
_IIN_DIGITS = 12


def holds_personal_number(text: str) -> bool:
    """Whether a text contains a valid IIN, even inside a longer number, or a whole Kazakh mobile number."""
    if any(_has_iin(run) for run in _RUN.findall(text)):
        return True
    return any(_is_number(written) for written in _WRITTEN.findall(text))


def _has_iin(digits: str) -> bool:
    return any(_is_iin(digits[at : at + _IIN_DIGITS]) for at in range(len(digits) - _IIN_DIGITS + 1))


def _is_number(written: str) -> bool:
    digits = re.sub(r"[^0-9]", "", written)
    return _is_phone(digits) or _is_iin(digits)


def _is_iin(text: str) -> bool:
    try:
        Iin.parse(text)
    except BadInput:
        return False
    return True


def _is_phone(text: str) -> bool:
    try:
        Phone.parse(text)
    except BadInput:
        return False
    return True
