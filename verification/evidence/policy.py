"""What decides where sealed originals lie, each with unit and source."""

from typing import Final

APART: Final = ".frame."
"""In the kind of what is a file of its own: a camera's frame, which is large and looked at by itself. Ours."""

INLINE_BYTES: Final = 4096
"""Up to so many sealed bytes of one step stay in its rows. Ours: a file takes a block of a disk, which is as much, and
three flushes, where the row is flushed anyway."""
