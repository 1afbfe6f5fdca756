"""A row as entries imply it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Lawful(NamedTuple):
    """The values that a column may hold where entries allow several.

    `wrong`: what is wrong with a stored row, as a sentence; empty if nothing is.
    """

    wrong: Callable[[Mapping[str, Any]], str]
    code: str = "row_differs"

    def of(self, case: str) -> "Lawful":
        """The same with sentences that name the case."""

        def wrong(row: Mapping[str, Any]) -> str:
            detail = self.wrong(row)
            return detail and f"verification {case}: {detail}"

        return Lawful(wrong, self.code)


@dataclass(frozen=True)
class Row:
    """What one entry states of one row: of several entries, a row comes in several parts.

    `values`: by column; `Lawful` where the column may hold several. Bytes are spelled in hex.
    """

    table: str
    key: tuple[str, ...]
    entry: str
    values: Mapping[str, Any]
