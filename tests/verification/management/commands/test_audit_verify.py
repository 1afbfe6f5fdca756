"""The command names what is wrong, exits as it should, and never crashes over a damaged file."""

import json
import random
import shutil
from base64 import b64decode
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from pytest_django import Settings

from tests import registered
from tests.fresh_database import copies
from tests.verification.log.ordered import ENTRY, nine_ordered, without_law
from tests.verification.log.rows import add_entry, add_lender, add_verification, tamper
from verification.evidence import store, vault
from verification.log.checkpoint import VerificationKey, open_checkpoint
from verification.log.verify import verify_file
from verification.models import AuditCheckpoint, AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)

ON_ENTRY = "UPDATE verification_auditentry SET {} WHERE id = %s"


PAGE_BYTES = 4096


@pytest.fixture
def log(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[AuditLeaf]:
    without_law(monkeypatch)
    leaves = nine_ordered()
    registered.every_lender()
    return leaves


def command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_the_key_that_verifiers_pin_is_printed_and_opens_the_logs_heads(
    log: list[AuditLeaf],
) -> None:
    code, out = command("--key", "--log", "test")
    name, _, encoded = out.strip().split("+", 2)
    key = VerificationKey(name=name, public=b64decode(encoded)[1:])
    assert (code, str(key)) == (0, out.strip())
    note = AuditCheckpoint.objects.filter(log="test").latest("size").note
    assert open_checkpoint(note, key=key).size == len(log)
    assert command("--key") == (code, out)


def test_without_a_certified_key_nothing_is_printed(settings: Settings) -> None:
    settings.TULGA_CERTIFIED = ()
    code, out = command("--key")
    assert code == 3
    assert "no certified public key of the test log" in out


def test_the_command_says_that_all_is_well(log: list[AuditLeaf]) -> None:
    assert command() == (
        0,
        (
            "test log: 9 entries signed, 3 waiting; everything fits\n"
            "live log: 0 entries signed, 0 waiting; everything fits\n"
        ),
    )
    code, out = command("--json")
    assert (code, json.loads(out)["ok"], json.loads(out)["findings"]) == (0, True, [])


def test_the_command_names_what_is_wrong_and_exits_with_1(log: list[AuditLeaf]) -> None:
    entry = log[ENTRY].entry_id
    tamper((ON_ENTRY.format("body = '{}'"), (entry,)))
    code, out = command("--log", "test")
    assert code == 1
    assert f"entry_differs: test log, leaf {ENTRY}, entry {entry}: " in out
    code, out = command("--json")
    told = json.loads(out[: out.rindex("}") + 1])
    assert (code, told["ok"]) == (1, False)
    assert told["findings"][0]["entry"] == entry
    assert told["findings"][0]["leaf_index"] == ENTRY
    assert command("--log", "live")[0] == 0


def test_the_command_exits_with_3_where_it_cannot_look(
    log: list[AuditLeaf], settings: Settings
) -> None:
    settings.TULGA_CERTIFIED = ()
    code, out = command()
    assert (code, "no certified public key" in out) == (3, True)


def test_the_command_reports_evidence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    without_law(monkeypatch)
    verification = add_verification(add_lender())
    key = vault.make(verification_id=verification.pk, lender_id=verification.lender_id)
    vault.keep(key)
    item = store.put(key, random.Random(1).randbytes(8_000), kind="statement.signed")
    add_entry(verification)
    registered.every_lender()
    assert command()[0] == 0
    (Path(settings.TULGA_EVIDENCE_DIR) / item.sealed_sha256[:2] / item.sealed_sha256).write_bytes(
        b"x"
    )
    code, out = command()
    assert code == 1
    assert item.pk in out


@pytest.fixture
def copied(log: list[AuditLeaf], tmp_path: Path) -> "Callable[[], Path]":
    """Makes the configured database a file that may be damaged; puts the whole one back each
    time.
    """
    if connection.vendor != "sqlite":
        pytest.skip("bytes of a file are flipped on SQLite only")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    whole = tmp_path / "whole.sqlite3"
    shutil.copyfile(copies.sqlite_file(), whole)
    return lambda: copies.put_sqlite(whole)


@pytest.mark.embedded
def test_a_byte_of_an_entry_flipped_in_the_file_names_the_entry(
    log: list[AuditLeaf], copied: Callable[[], Path]
) -> None:
    database = copied()
    content = bytearray(database.read_bytes())
    at = content.index(
        b"eds_certificate_revoked", content.index(log[ENTRY].entry_id.encode() + b"testattempt")
    )
    content[at] ^= 1
    database.write_bytes(content)
    code, out = command("--copy")
    assert code == 1
    assert f"leaf {ENTRY}, entry {log[ENTRY].entry_id}" in out


@pytest.mark.proof
def test_a_byte_flipped_anywhere_never_crashes_the_command(
    copied: Callable[[], Path], proof_scale: float, proof_seed: int
) -> None:
    chance = Random(proof_seed)
    pages = _pages_of_the_log(copied())
    last = copied().stat().st_size // PAGE_BYTES
    for number in range(round(3000 * proof_scale)):
        database = copied()
        page = chance.choice(pages) if number % 4 else chance.randint(1, last)
        with database.open("r+b") as file:
            file.seek((page - 1) * PAGE_BYTES + chance.randrange(PAGE_BYTES))
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))
        code, out = command("--copy")
        assert code in (0, 1, 3), out
    copied()
    assert command("--copy")[0] == 0


def _pages_of_the_log(database: Path) -> list[int]:
    """Numbers of the file's pages that hold the log's tables and their indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rootpage FROM sqlite_master WHERE tbl_name LIKE 'verification_audit%%' AND"
            " rootpage > 0"
        )
        return sorted(number for (number,) in cursor.fetchall())


def test_a_whole_file_has_no_findings() -> None:
    assert list(verify_file()) == []
