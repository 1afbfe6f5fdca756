"""What of a text a person sees: which signs hide in it, and which blanks could be taken for the end of a row."""

import re
import unicodedata
from typing import Final

# Controls, formats, halves of signs, what nobody assigned or means nothing, ends of lines and of paragraphs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that are drawn as nothing: Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 15.1)
# beyond those categories, and the empty Braille pattern.
_DRAWN_AS_NOTHING: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)

_MARK: Final = "\N{REPLACEMENT CHARACTER}"


def is_hidden(sign: str) -> bool:
    """Whether this sign is seen by nobody, or turns or ends a line. A blank is none of these."""
    return unicodedata.category(sign) in _UNSEEN or _DRAWN_AS_NOTHING.match(sign) is not None


def is_plain(text: str) -> bool:
    """Whether all of it is seen, and the ordinary blank is its only blank. Runs of blanks are not asked about."""
    return not any(is_hidden(sign) or (sign != " " and sign.isspace()) for sign in text)


def in_one_line(text: str) -> str:
    """The text with a mark for each sign that hides, and for each blank but an ordinary one behind another sign.

    Sign for sign: what two texts differ in can still be told, but for which sign a mark stands for.
    """
    marked = "".join(sign if is_plain(sign) else _MARK for sign in text)
    return re.sub("(?<= ) ", _MARK, marked)
