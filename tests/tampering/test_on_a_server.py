"""A sample of the proof on PostgreSQL, as the application's own role: what it may change is
found.
"""

import os
import random

import pytest
from pytest_django import Settings

from tests.tampering import reader
from tests.tampering import world as worlds
from tests.tampering.hands import APPEND_ONLY, Change, Hand, Refused, do, taken_back
from tests.tampering.record import Record
from tests.tampering.sampling import all_columns, is_found
from tests.verification import lawful
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]
SAMPLE = 20
"""Changes, all by the application's role."""


@pytest.mark.skipif(
    "postgresql" not in os.environ.get("TULGA_TEST_DATABASE_URL", ""), reason="SQLite has no roles"
)
def test_what_the_applications_role_can_change_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    issued: Issued,  # noqa: F811
) -> None:
    worlds.play(tmp_path_factory.mktemp("world"), settings, issued)
    lawful.know_routes(monkeypatch)
    assert list(reader.findings()) == []
    chance, record = random.Random(1), Record()
    for change in all_columns(chance, ours=True):
        if change.hand is Hand.APPLICATION:
            is_found(change, record)
        if sum(record.tried.values()) >= SAMPLE:
            break
    print(record.figures())
    assert not record.missed, "\n".join(record.missed)
    for table in APPEND_ONLY:
        for statement in (
            f"UPDATE {table} SET log = 'live'",  # noqa: S608
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table}",
        ):
            with taken_back(), pytest.raises(Refused):
                do(Change(Hand.APPLICATION, table, "", "refused", ((statement, ()),)))
