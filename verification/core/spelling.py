"""Sums, numbers, days and times in text for people: borrowers' pages, staff's pages and SMS.

Days and times have one form in every language: day first, with dots, so it cannot be read as month
first.
Times are those of Kazakhstan (`almaty.ZONE`); the page says so beside them.

An SMS names lender and amount and has no link.
Its last line binds the code to a host, so that a browser offers it only there:
<https://wicg.github.io/sms-one-time-codes/>.
Phones do not make a link of that line.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from verification.core import almaty
from verification.core.errors import BadInput

TENGE: Final = "KZT"
SIGN: Final = "₸"
_APART: Final = "\N{NO-BREAK SPACE}"


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation; the edges translate it on display."""
    return message


def money(amount: str, currency: str, *, language: str) -> str:
    """A sum with grouped thousands: 150 000 ₸. Whole sums lose their zeros."""
    return f"{number(amount, language=language)}{_APART}{SIGN if currency == TENGE else currency}"


def number(decimal: str, *, language: str) -> str:
    """A decimal with grouped thousands: 1 234,5, in English 1,234.5. Other text is returned as
    it is.
    """
    try:
        read = Decimal(decimal)
    except InvalidOperation:
        return decimal
    text = f"{read.quantize(Decimal(1)) if read == read.to_integral_value() else read:,f}"
    return text if language == "en" else text.replace(",", _APART).replace(".", ",")


def day(at: date | datetime) -> str:
    """25.11.2026; for a time, its day in Kazakhstan."""
    return f"{_in_kazakhstan(at):%d.%m.%Y}"


def minute(at: datetime) -> str:
    """25.11.2026 14:05."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M}"


def second(at: datetime) -> str:
    """25.11.2026 14:05:07, for sequences of events."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M:%S}"


def _in_kazakhstan(at: date | datetime) -> date | datetime:
    return at.astimezone(almaty.ZONE) if isinstance(at, datetime) else at


# UTF-16 units: three parts of 67, the size of a part in Kazakh or Russian (UCS-2)
SMS_MAX: Final = 201
_LENDER_MAX: Final = 60  # UTF-16 units of the name; a longer one is cut
# The code stands first, so that a locked phone's preview shows it with the loan's
# lender.
# Kazakh and Russian have not been proof-read by a native speaker; the README says so.
_CODE_TEXTS: Final = {
    "en": (
        "Code {code}: loan of {amount}, {lender}. Do not tell it to anyone, not even the lender's"
        " staff."
    ),
    "ru": "Код {code}: заём {amount}, {lender}. Никому его не говорите, даже сотруднику МФО.",
    "kk": "Код {code}: {amount} қарыз, {lender}. Оны ешкімге, МҚҰ қызметкеріне де айтпаңыз.",
}
_CODE = re.compile(r"[0-9]{4,8}")
_HOST = re.compile(r"[a-z0-9.-]+")
# Phones may turn these into a link: a scheme, or a dot of any alphabet (RFC 3490 §3.1) before a
# letter.
_DOTS: Final = ".\u3002\uff0e\uff61"
_LINK = re.compile(rf"://|\w[{_DOTS}]+[^\W\d_]")


def code_sms(
    code: str, *, lender: str, amount: str, currency: str, language: str, host: str
) -> str:
    """The SMS with a one-time code.

    A lender's name that a phone would turn into a link gets blanks for its dots.
    A host that is too long or no plain name is left out: the borrower types the code.

    Raises: `BadInput` for a malformed code, `KeyError` for another language.
    """
    if not _CODE.fullmatch(code):
        raise BadInput("a code is 4 to 8 digits", pointer="/code")
    printable = "".join(sign if sign.isprintable() else " " for sign in lender)
    name = " ".join(re.sub(rf"[{_DOTS}/:\\]+", " ", printable).split())
    # Cut the name to its room without splitting a character.
    name = name.encode("utf-16-le")[: 2 * _LENDER_MAX].decode("utf-16-le", "ignore").strip()
    if not name:
        raise BadInput("the lender has no name", pointer="/lender")
    # An SMS has plain blanks only: phones render others differently.
    loan = money(amount, currency, language=language).replace("\N{NO-BREAK SPACE}", " ")
    text = _CODE_TEXTS[language].format(code=code, lender=name, amount=loan)
    # The form that browsers read: `@host #code`, as the last line.
    bound = f"{text}\n@{host} #{code}"
    has_host = _HOST.fullmatch(host) is not None and _units(bound) <= SMS_MAX
    return check_sms(bound if has_host else text, host=host)


def check_sms(text: str, *, host: str) -> str:
    """The same text. A last line that binds a code to this host is permitted.

    Raises: `BadInput` if empty, too long, or with a line break or a link.
    """
    words_alone = (
        re.sub(rf"\n@{re.escape(host)} #{_CODE.pattern}\Z", "", text)
        if _HOST.fullmatch(host)
        else text
    )
    if not words_alone or _units(text) > SMS_MAX or not words_alone.isprintable():
        raise BadInput(f"a message has 1 to {SMS_MAX} units of UTF-16 in one line", pointer="/text")
    if _LINK.search(words_alone):
        raise BadInput("a message carries no link", pointer="/text")
    return text


def _units(text: str) -> int:
    """Length in UTF-16 units, which an SMS counts: a character beyond 16 bits, as 😀, takes two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
