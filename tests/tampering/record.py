"""The record of the proof, and the changes that are harmless."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.proofs import Figures
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change
from verification.core.events import DECISIONS
from verification.course import policy
from verification.course.tables import Kind
from verification.fields import CompactJwsField
from verification.log.keys import LOGS
from verification.models import Attempt, AuditEntry

# Changes of what the log leads to that change nothing: passed over, each for its reason, and
# counted apart.


_WAITING: Final = {"requires_input", "processing"}
_ALIVE: Final = {"open", "judging"}
Rule = Callable[[Mapping[str, Any], Any], bool]


def _is_open(row: Mapping[str, Any]) -> bool:
    return not AuditEntry.objects.filter(verification=row["id"], type__in=DECISIONS).exists()


def _asks_nothing(row: Mapping[str, Any]) -> bool:
    return not Attempt.objects.filter(verification=row["id"], status__in=_ALIVE).exists()


def _spells_the_same(row: Mapping[str, Any], new: Any) -> bool:
    return bool(CompactJwsField().from_db_value(new) == CompactJwsField().from_db_value(row["jws"]))


def _is_no_place(row: Mapping[str, Any], new: Any) -> bool:
    return row["sealed"] is not None or row["destroyed_at"] is not None


_ZERO: Final = "a count of nothing, whatever it is a count of"
_OLDER: Final = "an older signed head: the newest, and the head file, sign over all that it signed"
RULES: Final[Mapping[tuple[str, str], tuple[str, Rule]]] = {
    ("verification_verification", "status"): (
        "whether an open verification waits for its borrower or for us, which only stalls it",
        lambda row, new: {row["status"], new} <= _WAITING,
    ),
    ("verification_verification", "last_failure"): (
        "a word on the page of an open verification, among those that no entry says",
        lambda row, new: _is_open(row) and new in {"", *policy.HINDRANCES},
    ),
    ("verification_verification", "turn"): (
        "a turn counted on while no question is open, as when the borrower waits for a place",
        lambda row, new: (
            _is_open(row) and _asks_nothing(row) and isinstance(new, int) and new > row["turn"]
        ),
    ),
    ("verification_attempt", "status"): (
        (
            "whether an attempt that has just begun is with its borrower or with us, which only"
            " stalls it"
        ),
        lambda row, new: {row["status"], new} <= _ALIVE,
    ),
    ("verification_access", "number"): (
        "a number not shown yet, or to be shown once more: it is drawn the same",
        lambda row, new: not new and row["outcome"] not in ("done", "refused"),
    ),
    ("verification_evidenceitem", "offset"): (
        "a place in a file of what lies in no file",
        _is_no_place,
    ),
    ("verification_receipt", "jws"): ("another compression of the same receipt", _spells_the_same),
    ("verification_auditcheckpoint", "log"): (_OLDER, lambda row, new: True),
    ("verification_auditcheckpoint", ""): (_OLDER, lambda row, new: True),
    ("verification_audithead", ""): (
        "a head of a log that there is not",
        lambda row, new: row["log"] not in LOGS,
    ),
    ("verification_audittile", ""): (
        "a tile where no leaf is yet: written over when there is",
        lambda row, new: True,
    ),
    ("verification_quotause", ""): (_ZERO, lambda row, new: not row["used"]),
    **{
        (f"verification_{table}", column): (_ZERO, lambda row, new: not row["number"])
        for table in ("monthlycount", "monthlychange")
        for column in ("mode", "month", "route", "status", "code", "last_failure", "")
    },
}


def why(change: Change) -> str:
    """Why what was changed decides nothing; empty if it does."""
    reason, holds = RULES.get((change.table, change.column), ("", lambda row, new: False))
    return reason if holds(dict(change.row), change.new) else ""


# What became of each tampering, counted by whose hands, by kind of column, and by why it is no
# matter.


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
            if reason := why(change):
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
    return next(kind for kind in (*_COMPARED, Kind.OPERATIONAL) if kind in kinds)
