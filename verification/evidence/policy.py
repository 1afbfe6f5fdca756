"""What decides where sealed originals lie, each with unit and source."""

from typing import Final

from verification.core.route import FRAMES

INLINE_BYTES: Final = 2000
"""Up to so many sealed bytes of one step stay in its rows. Ours: a file takes three flushes, where
the row is flushed anyway; above it PostgreSQL puts them into a table beside (TOAST_TUPLE_THRESHOLD,
2 KB).
"""

PACKED_MIN, PACKED_MAX = 100, 8_192
"""Bytes that are compressed before they are sealed. Ours: less than that is not made shorter, and
what is more is a picture or a document that is compressed as it comes.
"""

REMEMBERED: Final = (*FRAMES, ".own_value")
"""In the kinds of what is found when anybody presents it again: pictures, and the values of
signatures. Ours.
"""
SOUGHT: Final = (*REMEMBERED, ".other_value")
"""In the kinds of what is sought among all that is remembered. Ours."""

HAND_OVER_DIGITS: Final = 4
"""Digits of the number both screens of a hand-over must share. Ours: who guesses has one try a
code, 1 in 9 000.
"""
