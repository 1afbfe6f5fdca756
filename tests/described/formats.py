"""The formats that openapi.json names, told anew: what has them, and how such values are made.

Nothing here calls what reads them in the product, or the two would be wrong together.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

import schemathesis
from hypothesis import strategies as st

_Category = Literal["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]
_NOT_SHOWN: tuple[_Category, ...] = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Default_Ignorable_Code_Point where it is a letter or a mark, the empty Braille pattern, and all
# blanks but one.
_DRAWN_AS_NOTHING = "".join(
    chr(sign)
    for first, last in (
        (0x34F, 0x34F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for sign in range(first, last + 1)
)
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"  # noqa: E501
_WEIGHTS = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
_CENTURIES = {1800: "12", 1900: "34", 2000: "56"}
# Letters of one alphabet each: Kazakh and Russian, and Latin with some of the marks that names
# bear.
_ALPHABETS = (
    "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯӘҒҚҢӨҰҮҺІабвгдежзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі",
    "ABCXYZabcdefnopxyzÄäÖöéñşğ",
)
_BANKS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def check_digit(eleven: str) -> str | None:
    """The twelfth digit of an IIN; None where the rule of the state gives none."""
    for weights in _WEIGHTS:
        rest = sum(int(digit) * weight for digit, weight in zip(eleven, weights, strict=True)) % 11
        if rest < 10:
            return str(rest)
    return None


def is_iin(text: str) -> bool:
    """Twelve digits: a date with the century in the seventh, and a check digit that fits."""
    if not re.fullmatch(r"[0-9]{12}", text, re.ASCII) or text[6] not in "0123456":
        return False
    century = next((year for year, digits in _CENTURIES.items() if text[6] in digits), 2000)
    try:
        date(century + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return False
    return check_digit(text[:11]) == text[11]


def born_with(iin: str) -> date:
    """A day of birth that an IIN agrees with; of one that says no century the 1900s are taken."""
    century = next((year for year, digits in _CENTURIES.items() if iin[6] in digits), 1900)
    return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))


def checked_iban(rest: str) -> str:
    """A Kazakh IBAN over these eighteen signs (ISO 13616: what goes to the end is `KZ00`, and 98
    less the rest).
    """
    number = int("".join(str(int(sign, 36)) for sign in f"{rest}KZ00"))
    return f"KZ{98 - number % 97:02}{rest}"


def is_kz_iban(text: str) -> bool:
    """A Kazakh IBAN, in any case of letters and with any blanks."""
    bare = text.replace(" ", "").upper()
    return bool(re.fullmatch(r"KZ[0-9]{2}[0-9A-Z]{16}", bare)) and checked_iban(bare[4:]) == bare


def is_kz_mobile(text: str) -> bool:
    """Eleven digits that begin with 77 or 87, no prefix of a landline; blanks, hyphens and brackets
    aside.
    """
    bare = re.sub(r"[\s()-]", "", text)
    return bool(re.fullmatch(r"(\+?7|8)7(?!1|2)[0-9]{9}", bare)) and len(text) <= 32


def is_visible(text: str) -> bool:
    """A text whose every character is seen, or is a plain blank alone between others, and turns
    nothing.
    """
    is_seen = all(unicodedata.category(sign) not in _NOT_SHOWN for sign in text)
    return is_seen and not {*text} & {*_DRAWN_AS_NOTHING, *_BLANKS} and "  " not in text.strip(" ")


def is_person_name(text: str) -> bool:
    """Words of letters of one alphabet, a hyphen, apostrophe or blank between two, up to 100 signs;
    or empty.
    """
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in composed if sign.isalpha()}
    is_spelled = all(word.isalpha() for word in re.split("[-'’ ]", composed.removesuffix(".")))
    return not composed or (is_spelled and len(composed) <= 100 and len(scripts) == 1)


@cache
def _iins() -> st.SearchStrategy[str]:
    born = st.dates(min_value=date(1899, 1, 1), max_value=date(2007, 12, 31))
    sex = st.sampled_from((0, 1))

    def spell(day: date, at: int, place: int, has_century: bool) -> str:
        century = _CENTURIES[day.year // 100 * 100][at] if has_century else "0"
        return f"{day:%y%m%d}{century}{place:04}"

    eleven = st.builds(spell, born, sex, st.integers(0, 9999), st.integers(0, 9).map(bool))
    # Some have no check digit at all.
    return eleven.map(lambda digits: digits + (check_digit(digits) or "x")).filter(is_iin)


def _ibans() -> st.SearchStrategy[str]:
    whole = st.text(alphabet=_BANKS, min_size=16, max_size=16).map(checked_iban)
    spaced = whole.map(lambda iban: " ".join(iban[at : at + 4] for at in range(0, 20, 4)))
    return st.one_of(whole, spaced, whole.map(str.lower))


def _mobiles() -> st.SearchStrategy[str]:
    ten = st.builds(
        lambda operator, rest: operator + rest,
        st.sampled_from(("700", "701", "705", "747", "775", "778")),
        st.from_regex(r"[0-9]{7}", fullmatch=True),
    )
    spelled = ("+7{}", "7{}", "8{}", "+7 ({0:.3}) {1}", "8-{0:.3}-{1}")
    return st.builds(
        lambda form, digits: form.format(digits, digits[3:]), st.sampled_from(spelled), ten
    )


def _names() -> st.SearchStrategy[str]:
    def of(alphabet: str) -> st.SearchStrategy[str]:
        word = st.text(alphabet=alphabet, min_size=1, max_size=24)
        return st.builds(
            lambda words, mark: mark.join(words),
            st.lists(word, min_size=1, max_size=3),
            st.sampled_from("-' "),
        )

    return st.one_of(*map(of, _ALPHABETS)).filter(is_person_name)


def _days() -> st.SearchStrategy[str]:
    return st.dates(min_value=date(1899, 1, 1), max_value=date(2099, 12, 31)).map(date.isoformat)


def _moments() -> st.SearchStrategy[str]:
    """Most of a day around now, for the product asks of them whether they have come; the others
    anywhere.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    near = st.integers(-86_400, 600).map(lambda seconds: now + timedelta(seconds=seconds))
    anywhere = st.datetimes(datetime(1000, 1, 2), datetime(2999, 12, 30)).map(
        lambda at: at.replace(tzinfo=UTC)
    )
    zones = st.sampled_from(("Z", "+05:00", "-23:59", "+00:00"))

    def spell(at: datetime, zone: str, places: int) -> str:
        fraction = "." + f"{at.microsecond:06}"[:places] if places else ""
        return f"{at.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{zone}"

    return st.builds(spell, st.one_of(near, anywhere), zones, st.integers(0, 6))


def _visible() -> st.SearchStrategy[str]:
    hidden = _DRAWN_AS_NOTHING + _BLANKS
    signs = st.characters(codec="utf-8", exclude_categories=_NOT_SHOWN, exclude_characters=hidden)
    return st.text(alphabet=signs, max_size=60).filter(is_visible)


FORMATS: dict[str, Callable[[str], bool]] = {
    "iin": is_iin,
    "kz-iban": is_kz_iban,
    "kz-mobile": is_kz_mobile,
    "person-name": is_person_name,
    "visible-text": is_visible,
}
"""The formats that are ours, each with what has it."""


def register() -> None:
    """Lets generated requests have them, and days and times that the product's own rules can
    like.
    """
    made = {
        "iin": _iins(),
        "kz-iban": _ibans(),
        "kz-mobile": _mobiles(),
        "person-name": _names(),
        "visible-text": _visible(),
        "date": _days(),
        "date-time": _moments(),
    }
    for name, strategy in made.items():
        schemathesis.openapi.format(name, strategy)
