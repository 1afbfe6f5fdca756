"""What an attacker's row about the law comes to. They hold the application's role, or more, and no
key of the root.

With the application's role they insert entries and leaves; who owns the tables alters them; who
owns `tick` orders.
"""

import json
from datetime import date
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from tests.verification import law_files
from tests.verification.log.law_story import (
    DAY,
    FIRST,
    LOGS,
    SECOND,
    SEED,
    body_of,
    kinds,
    number,
    order,
    read_from_rows,  # noqa: F401
    take,
)
from tests.verification.log.rows import NOON, slip_in, tamper
from verification.core import law_file, profiles
from verification.core.certificates import public_of
from verification.log import laws, sequencer
from verification.models import AuditEntry, AuditPending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("read_from_rows")]


def altered() -> dict[str, Any]:
    """A genuine entry in which one digit of a sum is another."""
    said = FIRST | {"mci": [law_files.MCI_2027 | {"tenge": 4501}]}
    return body_of(FIRST, law=said, sha256=law_file.parse(said).sha256)


FORGED = {
    "signed by another key": body_of(FIRST, seed=SEED),
    "unsigned": body_of(FIRST, signature=""),
    "with another signature": body_of(FIRST, signature=body_of(SECOND)["signature"]),
    "altered in one digit": altered(),
    "under another hash": body_of(FIRST, sha256="0" * 64),
    "with more beside": body_of(FIRST, note="counts at once"),
    "without its document": {"v": 1, "number": 1},
    "for another installation": body_of(law_files.document(installation="elsewhere")),
    "of a number that is not next": body_of(SECOND),
    "laxer": body_of(law_files.document(profiles=[law_files.profile(cooling_off_hours=1)])),
    "with a second value": body_of(law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}])),
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED)
def test_a_row_that_an_attacker_inserts_is_not_ordered_and_counts_nowhere(body):
    for log in LOGS:
        slip_in(
            AuditEntry(log=log, type="law.taken", at=NOON, body=body), verification_sequence=None
        )
    order()
    assert AuditPending.objects.filter(refused=True).count() == 2
    assert number() == 0
    assert not profiles.is_mci_known(DAY)
    assert kinds() == kinds("live") == ["entry_refused"]
    # It stands in nobody's way: the genuine file is taken behind it.
    assert take(FIRST) == LOGS
    order()
    assert number() == 1


def test_a_genuine_file_that_is_replayed_by_a_row_is_not_ordered_again():
    take(FIRST)
    order()
    for log in LOGS:
        slip_in(AuditEntry.objects.get(log=log), verification_sequence=None)
    order()
    assert AuditPending.objects.filter(refused=True).count() == 2
    assert number() == 1
    faults = sequencer.faults(AuditEntry.objects.filter(pending__isnull=False))
    assert all(fault.startswith("law_replayed: ") for fault in faults.values())
    assert len(faults) == 2


def test_a_row_with_a_leaf_of_the_attackers_own_counts_nowhere():
    take(FIRST)
    order()
    body = body_of(law_files.document(2, mci=[law_files.MCI_2027 | {"year": 2028}]), seed=SEED)
    for log in LOGS:
        pk = slip_in(AuditEntry.objects.get(log=log), verification_sequence=None, body=body)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO verification_auditleaf (entry_id, log, leaf_index, told_to, leaf_hash)"
                " VALUES (%s, %s, %s, %s, %s)",
                [pk, log, 1, "", bytes(32)],
            )
    assert number() == 1
    assert not profiles.is_mci_known(date(2028, 1, 2))
    assert {"law_forged", "entry_differs"} <= {*kinds()}


@pytest.mark.parametrize(
    ("root", "origin", "expected"),
    [(public_of(SEED), None, "law_forged"), (None, "another.example/log", "law_elsewhere")],
    ids=["another root", "another installation"],
)
def test_what_was_ordered_by_an_owned_tick_is_named_and_counts_nowhere(
    settings: Settings, root: bytes | None, origin: str | None, expected: str
) -> None:
    own, own_origin = settings.TULGA_ROOT, settings.TULGA_LOG_ORIGIN
    settings.TULGA_ROOT = root or own
    said = law_files.document(installation=origin or own_origin)
    for log in LOGS:
        body = body_of(said, seed=SEED if root else None)
        slip_in(
            AuditEntry(log=log, type="law.taken", at=NOON, body=body), verification_sequence=None
        )
    with pytest.MonkeyPatch.context() as owned:
        owned.setattr(sequencer, "_unsigned", lambda entries, *, upto: {})
        order()
    settings.TULGA_ROOT = own
    assert number() == 0
    assert {"entry_unsigned", expected} == {*kinds()}
    # The log's own law goes on behind it.
    take(FIRST)
    order()
    assert number() == 1


def test_an_entry_that_the_owner_alters_counts_nowhere_and_is_named():
    take(FIRST)
    order()
    assert number() == 1
    for entry in AuditEntry.objects.all():
        tamper(
            (
                "UPDATE verification_auditentry SET body = %s WHERE id = %s",
                (json.dumps(altered()), entry.pk),
            )
        )
    laws.forget()
    assert number() == 0
    assert {"entry_differs", "law_forged"} <= {*kinds()}
