"""Whether two spellings are one name. Law: O-06; the rules of comparison: law.md §3.

NFC and case do not count, nor does which hyphen, apostrophe or blank somebody typed, nor the two dots of ё. Everything
else does: Kazakh letters are letters of their own (Қ is no К, Ұ no Ү), and nothing is transliterated, so a Latin I
never stands for a Kazakh І.
"""

import unicodedata
from typing import Final

_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_APOSTROPHES: Final = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\u0060\u00b4\uff07"
_ONE_FORM: Final = str.maketrans({**dict.fromkeys(_HYPHENS, "-"), **dict.fromkeys(_APOSTROPHES, "'"), "ё": "е"})


def is_same_name(one: str, other: str) -> bool:
    """Whether the two are one name, or both are empty."""
    return _plain(one) == _plain(other)


def is_same_patronymic(stated: str, registered: str) -> bool:
    """Whether a patronymic that was stated is the registered one; who stated none is not contradicted.

    Lenders need not ask for it (law.md O-01), so its absence says nothing. One that the register does not know does.
    """
    return not _plain(stated) or is_same_name(stated, registered)


def _plain(name: str) -> str:
    # Case first: a capital in pieces (Е and two dots) is put together before its small letter is looked for.
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(small.translate(_ONE_FORM).split())
