"""Which of all changes are made, in turn, and how each is tried."""

import random
from collections.abc import Iterator
from itertools import cycle

from tests.tampering import changes, hands, reader
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change, Refused
from tests.tampering.record import Record
from verification.models import Attempt


def all_columns(chance: random.Random, *, ours: bool) -> Iterator[Change]:
    """One change of each column and of each table's rows in turn, in an order drawn by chance,
    again and again.
    """
    made = []
    for table, columns in COLUMNS.items():
        if (
            table.startswith("verification_") is ours
            and table in changes.MODELS
            and changes.rows_of(table)
        ):
            made += [changes.of_column(table, column, chance) for column in columns]
            made += [changes.of_table(table, chance)] * 4
    chance.shuffle(made)
    for each in cycle(made):
        change = next(each, None)
        if change is not None:
            yield change


def is_found(change: Change, record: Record) -> None:
    """Makes one, has everything read, takes it back, and counts."""
    with hands.taken_back():
        try:
            hands.do(change)
        except Refused:
            record.refused += 1
            return
        record.count(change, is_found=reader.first(touched=_touched(change)) is not None)


def _touched(change: Change) -> list[str]:
    """The verification whose row it is, if it is one of a verification and not of the log."""
    row = dict(change.row)
    attempts = {"pk": row.get("attempt_id")}
    if change.table == "verification_verification":
        return [row["id"]]
    if "_audit" in change.table:
        return []
    owner = (
        row.get("verification_id")
        or Attempt.objects.filter(**attempts).values_list("verification", flat=True).first()
    )
    return [owner] if owner else []
