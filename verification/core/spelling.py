"""How sums, numbers, days and times are written for people: one way for borrowers' pages, for staff
and in an SMS; and the SMS itself.

Days and times are the same in every language: the day first, with dots, which nobody reads as a
month. Times are those of Kazakhstan (`almaty.ZONE`); the page that shows one says so beside it.

A message names lender and amount and has no link. Its last line says for which host's pages the
code is, so that a browser offers it there and nowhere else:
<https://wicg.github.io/sms-one-time-codes/>. No phone makes a link of that line.
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
    """Marks a sentence for translation; the edges translate it when they show it."""
    return message


def money(amount: str, currency: str, *, language: str) -> str:
    """A sum with grouped thousands: 150 000 ₸. Whole sums lose their zeros."""
    return f"{number(amount, language=language)}{_APART}{SIGN if currency == TENGE else currency}"


def number(decimal: str, *, language: str) -> str:
    """A decimal with its thousands apart: 1 234,5, in English 1,234.5. What is no number is shown
    as it came.
    """
    try:
        read = Decimal(decimal)
    except InvalidOperation:
        return decimal
    text = f"{read.quantize(Decimal(1)) if read == read.to_integral_value() else read:,f}"
    return text if language == "en" else text.replace(",", _APART).replace(".", ",")


def day(at: date | datetime) -> str:
    """25.11.2026; of a moment, the day it is in Kazakhstan."""
    return f"{_in_kazakhstan(at):%d.%m.%Y}"


def minute(at: datetime) -> str:
    """25.11.2026 14:05."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M}"


def second(at: datetime) -> str:
    """25.11.2026 14:05:07, where the order of what happened counts."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M:%S}"


def _in_kazakhstan(at: date | datetime) -> date | datetime:
    return at.astimezone(almaty.ZONE) if isinstance(at, datetime) else at


# units of UTF-16: three parts of 67, which is what a part of Kazakh or Russian holds (UCS-2)
SMS_MAX: Final = 201
_LENDER_MAX: Final = 60  # units of UTF-16 of the name; a longer one is cut
# The code stands first, so that a locked phone's preview shows it and a careless
# glance does not miss whose loan it is. Kazakh and Russian have not been proof-read by a native
# speaker; the README says so.
_CODE_TEXTS: Final = {
    "en": (
        "Code {code}. Loan of {amount} from {lender}. If you did not ask for it, tell nobody this"
        " code."
    ),
    "ru": (
        "Код {code}. Заём {amount}, кредитор {lender}. Если вы его не просили, никому не называйте"
        " код."
    ),
    "kk": "Код {code}. {lender} беретін {amount} қарыз. Сұрамасаңыз, кодты ешкімге айтпаңыз.",
}
_CODE = re.compile(r"[0-9]{4,8}")
_HOST = re.compile(r"[a-z0-9.-]+")
# What a phone may turn into a link: a scheme, or a dot of any alphabet (RFC 3490 §3.1) with a
# letter behind it.
_DOTS: Final = ".\u3002\uff0e\uff61"
_LINK = re.compile(rf"://|\w[{_DOTS}]+[^\W\d_]")


def code_sms(
    code: str, *, lender: str, amount: str, currency: str, language: str, host: str
) -> str:
    """The message with a one-time code. Raises `BadInput` for what is no code and `KeyError` for
    another language.

    A lender whose name a phone would turn into a link is written with blanks for its dots. A host
    that is too long for the message, or is no plain name, is left out: then the code is typed in.
    """
    if not _CODE.fullmatch(code):
        raise BadInput("a code is 4 to 8 digits", pointer="/code")
    printable = "".join(sign if sign.isprintable() else " " for sign in lender)
    name = " ".join(re.sub(rf"[{_DOTS}/:\\]+", " ", printable).split())
    # Its beginning that has room in the message; no sign is halved.
    name = name.encode("utf-16-le")[: 2 * _LENDER_MAX].decode("utf-16-le", "ignore").strip()
    if not name:
        raise BadInput("the lender has no name", pointer="/lender")
    # A message has plain blanks only: phones differ in what they make of others.
    loan = money(amount, currency, language=language).replace("\N{NO-BREAK SPACE}", " ")
    text = _CODE_TEXTS[language].format(code=code, lender=name, amount=loan)
    # The form that browsers read: `@host #code`, as the last line.
    bound = f"{text}\n@{host} #{code}"
    has_host = _HOST.fullmatch(host) is not None and _units(bound) <= SMS_MAX
    return check_sms(bound if has_host else text, host=host)


def check_sms(text: str, *, host: str) -> str:
    """The same text. Raises `BadInput` for an empty or long one, for a line break, and for anything
    like a link.

    A last line that gives a code to this host is neither.
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
    """How long a text is in UTF-16, of which a phone's message is made: a sign beyond 16 bits, as
    😀, takes two.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
