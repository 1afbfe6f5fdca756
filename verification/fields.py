"""Compact columns for text. To migrations and databases they are binary.

A damaged row reads as an empty text, which is no hash and no signature: a comparison reveals it.
"""

import re
import zlib
from collections.abc import Callable
from typing import Any, Final

from django.db import models

from verification.core.stored import from_base64url, to_base64url

_HEX: Final = re.compile("(?:[0-9a-f]{2})*")
_RAW: Final = -zlib.MAX_WBITS  # without a checksum: the log has the hash of what is read back
_JWS_MAX: Final = 1_000_000
"""Maximum bytes of the three lines. Ours: a receipt has some 5 000, and forged rows must not
fill our memory.
"""


def _compact(text: str) -> str:
    """The compact form of three lines; other text stays as it is."""
    if not text.startswith("{") or text.count("\n") != 2:
        return text
    *parts, signature = text.split("\n")
    return ".".join([*(to_base64url(part.encode()) for part in parts), signature])


def _unpacked(stored: bytes) -> str:
    """The decompressed compact form; empty if not compressed, or longer than a signature."""
    reader = zlib.decompressobj(_RAW)
    try:
        text = reader.decompress(stored, _JWS_MAX).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""
    # Longer than the limit, truncated, or with trailing bytes: not a stored signature of ours.
    return _compact(text) if reader.eof and not reader.unused_data else ""


def columns_of(row: models.Model) -> dict[str, Any]:
    """The values of a row by its columns."""
    return {str(field.column): getattr(row, field.attname) for field in row._meta.concrete_fields}


# Django's own takes none when it runs
class _BinaryField(models.BinaryField):  # type: ignore[type-arg]
    # Django's own accepts no type argument at run time
    _pyi_private_get_type: str  # type: ignore[assignment]
    _read: Callable[[bytes], str]  # what Python reads, for the type checker only

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """In a migration it is Django's own."""
        name, _, positional, keywords = super().deconstruct()
        return name, "django.db.models.BinaryField", list(positional), dict(keywords)

    def from_db_value(self, value: Any, *_: object) -> Any:
        """The stored value. SQLite may hold a text in any column."""
        if value is None:
            return None
        return self._read(bytes(value)) if isinstance(value, bytes | memoryview) else ""

    def to_python(self, value: Any) -> Any:
        """The text itself, where Django's own field would decode base64."""
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """The text, for dumps."""
        return str(self.value_from_object(obj))


class HexField(_BinaryField):
    """Lower-case hex, stored as its bytes."""

    _read = staticmethod(bytes.hex)

    def get_prep_value(self, value: Any) -> Any:
        """The bytes.

        Raises: `ValueError` for text that is not lower-case hex.
        """
        if isinstance(value, str) and not _HEX.fullmatch(value):
            raise ValueError("no lower-case hex")
        return bytes.fromhex(value) if isinstance(value, str) else value


class CompactJwsField(_BinaryField):
    """A JSON Web Signature in compact form, stored decoded: a line each of header, payload and
    signature.

    They are compressed to a third of the compact form. Other text is stored as it is.
    """

    _read = staticmethod(_unpacked)

    def get_prep_value(self, value: Any) -> Any:
        """The three lines, if they give back the exact original."""
        if not isinstance(value, str):
            return value
        text = value
        try:
            header, payload, signature = value.split(".")
            lines = "\n".join(
                [*(from_base64url(part).decode() for part in (header, payload)), signature]
            )
            text = lines if _compact(lines) == value else value
        except ValueError:
            pass
        return zlib.compress(text.encode(), wbits=_RAW)
