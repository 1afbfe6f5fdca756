"""Columns that are changed, acted on by honest workers, and then put back: what the workers signed
must show it.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from django.db.utils import Error

from tests.tampering import changes, hands
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change, Hand, Refused
from tests.verification.log.rows import order_all
from verification import clock, tasks
from verification.case import policy, steps
from verification.core.status import TERMINAL
from verification.models import AuditEntry, Verification
from verification.worker import sweep

_STEPS = (
    steps.OPEN,
    steps.JUDGE,
    steps.LAPSE,
    steps.EXPIRE,
    steps.WEIGH,
    steps.STOP,
    steps.LEAVE,
    steps.DESTROY,
)
_FAULTS = (0, policy.FAULTS_MAX, 99)
_PATIENCE = 3  # how often workers come by, each time later than any backoff

OPEN_TO_IT = {
    (
        "verification_evidenceitem",
        "seen_index",
    ): "bytes that came before are found by it; which, no entry says",
    (
        "verification_captureword",
        "word",
    ): "captures that came before are found by it; which, no entry says",
    ("verification_captureword", "attempt_id"): "captures that came before are found by it",
}
"""Columns whose change leads to another judgement that cannot be told from an honest one once it
is put back.
"""

Ends = dict[str, list[tuple[str, str]]]
"""What workers have put on record of each verification's course, by its id: the type of each entry,
and its word.
"""


def of_columns(chance: random.Random) -> Iterator[Change]:
    """Without end: a column of a row that workers read is given another value, in an order drawn by
    chance.
    """
    made = [
        changes.of_column(table, column, chance)
        for table, columns in COLUMNS.items()
        if table.startswith("verification_")
        and table not in hands.APPEND_ONLY
        and "audit" not in table
        for column in columns
        if table in changes.MODELS and changes.rows_of(table)
    ]
    chance.shuffle(made)
    while made:
        for each in list(made):
            change = next(each, None)
            if change is None:
                made.remove(each)
            elif change.hand is Hand.APPLICATION and change.word == "changed":
                yield change


def act(chance: random.Random | None = None) -> Ends:
    """The tick comes by, and workers do what is owed. `chance`: of one case somebody else wrote
    that down.
    """
    if chance is not None:
        alive = Verification.objects.exclude(status__in=TERMINAL).values_list("pk", flat=True)
        owed = {"step": chance.choice(_STEPS), "queue": "default", "faults": chance.choice(_FAULTS)}
        Verification.objects.filter(pk=chance.choice(list(alive))).update(
            due_at=clock.now(), lease_until=None, **owed
        )
    for _ in range(_PATIENCE):
        with suppress(Exception):  # a tick that cannot read a row says so, and comes again
            sweep.run_round()
        for pk in list(Verification.objects.exclude(step="").values_list("pk", flat=True)):
            with suppress(Exception):
                tasks.advance(pk)
        clock._state.offset += timedelta(seconds=policy.BACKOFF_SECONDS[-1])
    order_all()
    return _ends()


def put_back(change: Change) -> None:
    """What the column was, unless it was written since."""
    row, column = dict(change.row), changes._q(change.column)
    where, key = changes.at_key(change.table, {**row, change.column: change.new})
    statement = (
        f"UPDATE {changes._q(change.table)} SET {column} = %s WHERE {where} AND {column} = %s"  # noqa: S608
    )
    with suppress(Refused, Error):
        hands.do(
            Change(
                change.hand,
                change.table,
                change.column,
                "put back",
                ((statement, [row[change.column], *key, change.new]),),
            )
        )


def apart(honest: Ends, led: Ends) -> tuple[list[str], int]:
    """What workers have put on record otherwise; and how many cases only failed, or wait.

    That says nothing of a person. A hand on the rows can always be in a worker's way: a step owed
    for nothing is put off for an hour, and what is due comes after it.
    """
    names = sorted(name for name in honest if honest[name] != led.get(name))
    waiting = {
        name for name in names if honest[name][: len(led.get(name, ()))] == led.get(name, [])
    }
    failed = {
        name for name in names if (led.get(name) or [("", "")])[-1][0] == "verification.failed"
    } | waiting
    others = [name for name in names if name not in failed]
    return [f"{name}: {honest[name][-4:]} became {led.get(name, [])[-4:]}" for name in others], len(
        failed
    )


def _ends() -> Ends:
    found: Ends = {}
    for entry in AuditEntry.objects.filter(verification__isnull=False).order_by(
        "verification_sequence", "pk"
    ):
        if entry.type != "step.faulted":
            word = f"{entry.body.get('outcome', '')} {entry.body.get('code', '')}"
            found.setdefault(str(entry.verification_id), []).append((entry.type, word))
    return found
