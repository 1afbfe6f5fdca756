"""Numbers on the storage of sealed originals, each with unit and source."""

from typing import Final

from verification.core.route import FRAMES

INLINE_BYTES: Final = 2000
"""Maximum sealed bytes per step that stay in rows.

Ours: a file takes three flushes, and the row is flushed anyway. Larger values leave PostgreSQL's
row (TOAST_TUPLE_THRESHOLD, 2 KB).
"""

PACKED_MIN, PACKED_MAX = 100, 8_192
"""Sizes that are compressed before sealing, bytes.

Ours: smaller ones do not shrink; larger ones are pictures or documents that arrive compressed.
"""

BOX_MAX: Final = 1_024
"""Plain bytes of a box. Ours: it holds keys and shared secrets, of 32 bytes."""

UNBOXED: Final = ("scores",)
"""The last word of kinds that web may always read. Ours: lenders and the desk see scores."""

DERIVED_SALTS: Final = ("document",)
"""The last word of kinds whose salt derives from the key of the case.

Ours: a lender reads the salt of a document in a list, without a worker who opens it.
"""

REMEMBERED: Final = (*FRAMES, ".own_value")
"""In the kinds of evidence that a repeated presentation finds: pictures, and signature values.
Ours.
"""
SOUGHT: Final = (*REMEMBERED, ".other_value")
"""In the kinds that are searched among all remembered ones. Ours."""

HAND_OVER_DIGITS: Final = 4
"""Digits of a hand-over's matching number. Ours: a guesser has one try per code, 1 in 9 000."""
