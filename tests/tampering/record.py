"""What became of each tampering, counted by whose hands, by kind of column, and by why it is no
matter.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.proofs import Figures
from tests.tampering import harmless
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change
from verification.course.tables import Kind

_COMPARED = (Kind.STATED, Kind.SEALED, Kind.KEYED, Kind.DERIVED)


@dataclass
class Record:
    """Counts, and a line for each that was not found and should have been."""

    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(
        default_factory=lambda: {"tried": Counter(), "found": Counter()}
    )
    passed_over: Counter[str] = field(default_factory=Counter)
    columns: set[tuple[str, str]] = field(default_factory=set)
    refused: int = 0
    missed: list[str] = field(default_factory=list)

    def count(self, change: Change, *, is_found: bool) -> None:
        """One change of rows."""
        kind = (
            COLUMNS[change.table][change.column].kind if change.column else _kind_of(change.table)
        )
        self.tried[change.hand] += 1
        self.kinds["tried"][kind] += 1
        self.columns.add((change.table, change.column))
        if is_found:
            self.found[change.hand] += 1
            self.kinds["found"][kind] += 1
        elif kind in _COMPARED:
            if reason := harmless.why(change):
                self.passed_over[reason] += 1
            else:
                self.missed.append(str(change))

    def deed(self, word: str, *, is_found: bool) -> None:
        """One forgery of several rows or files."""
        self.tried[word] += 1
        self.found[word] += is_found
        if not is_found:
            self.missed.append(word)

    def figures(self) -> Figures:
        """As numbers by name."""
        kinds = {
            kind: _pair(self.kinds["tried"], self.kinds["found"], kind)
            for kind in sorted(self.kinds["tried"])
        }
        covered = sum(self.kinds["tried"][kind] for kind in _COMPARED)
        matter = covered - sum(self.passed_over.values())
        deeds = sum(
            number for word, number in self.tried.items() if word not in ("application", "owner")
        )
        return {
            "tamperings": sum(self.tried.values()),
            "that_matter": matter + deeds,
            "undetected": len(self.missed),
            "refused_by_the_database": self.refused,
            "columns_changed": len({one for one in self.columns if one[1]}),
            "by_hand": {word: _pair(self.tried, self.found, word) for word in sorted(self.tried)},
            "by_kind": kinds,
            "passed_over": dict(sorted(self.passed_over.items())),
            "passed_over_all": sum(self.passed_over.values()),
        }


def _pair(tried: Mapping[str, int], found: Mapping[str, int], word: str) -> dict[str, Any]:
    return {"tried": tried[word], "found": found[word]}


def _kind_of(table: str) -> str:
    """A whole row matters if any of its columns does."""
    kinds = {column.kind for column in COLUMNS[table].values()}
    return next(kind for kind in (*_COMPARED, Kind.NOT_COVERED, Kind.OPERATIONAL) if kind in kinds)
