"""Whatever is changed behind the log's back is named: which leaf, which entry, which field."""

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from pytest_django import Settings

from tests.verification.audit.rows import NOON, add_case, add_entry, add_lender, add_verification, order_all, tamper
from verification.audit.log import leaf_of_entry
from verification.audit.tree import leaf_hash
from verification.audit.verify import verify_file, verify_log
from verification.core.findings import Finding
from verification.evidence import store, vault
from verification.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditLeaf,
    AuditPending,
    AuditTile,
    EvidenceItem,
    SharedEvidence,
    Verification,
)

pytestmark = pytest.mark.django_db(transaction=True)

PAGE_BYTES = 4096
ENTRY = 4
"""The leaf that most damages are done to: a case's second entry, in the second of three batches."""


@pytest.fixture
def log() -> list[AuditLeaf]:
    """A log of nine entries under checkpoints of 3, 6 and 9, with one entry waiting."""
    lender = add_lender("111111111111")
    for _ in range(2):
        add_case(lender)
        order_all()
    add_case(add_lender("222222222222"))
    order_all()
    add_entry()
    return list(AuditLeaf.objects.filter(log="test").order_by("leaf_index"))


def found(log: str = "test") -> list[Finding]:
    return list(verify_log(log))


def command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def rewrite(leaf: AuditLeaf, *, body: dict[str, Any], tile: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """An insider's edit that keeps entry, leaf and leaf hash in step, and with `tile` the tile as well."""
    entry = leaf.entry
    entry.body = body
    spelt = leaf_of_entry(entry, lender_sequence=leaf.lender_sequence).bytes
    statements: list[tuple[str, tuple[Any, ...]]] = [
        ("UPDATE verification_auditentry SET body = %s WHERE id = %s", (json.dumps(body), entry.pk)),
        (
            "UPDATE verification_auditleaf SET leaf = %s, leaf_hash = %s WHERE leaf_index = %s",
            (spelt, leaf_hash(spelt), leaf.leaf_index),
        ),
    ]
    if tile:
        row = bytearray(AuditTile.objects.get(level=0).hashes)
        row[leaf.leaf_index * 32 : leaf.leaf_index * 32 + 32] = leaf_hash(spelt)
        statements.append(("UPDATE verification_audittile SET hashes = %s", (bytes(row),)))
    return statements


def test_a_log_that_nobody_changed_has_no_findings(log: list[AuditLeaf]) -> None:
    assert found() == []
    assert found("live") == []
    assert command() == (
        0,
        "test log: 9 entries signed, 1 waiting; everything fits\n"
        "live log: 0 entries signed, 0 waiting; everything fits\n",
    )


ON_ENTRY = "UPDATE verification_auditentry SET {} WHERE id = %s"
ON_LEAF = "UPDATE verification_auditleaf SET {} WHERE leaf_index = %s"
# What is changed in entry or leaf, and the code and field by which it is named.
ENTRY_EDITS = {
    "type = 'check.recorded', body = '{\"codes\":[],\"sequence\":2}'": ("entry_differs", "body"),
    "lender_id = (SELECT max(id) FROM lenders_lender WHERE bin = '222222222222')": ("entry_differs", "lender"),
    "type = 'link.spent'": ("entry_differs", "type"),
    "at = '2026-03-01 12:00:09+00:00'": ("entry_differs", "at"),
    "verification_sequence = 7": ("entry_differs", "verification_sequence"),
    "log = 'live'": ("entry_differs", "mode"),
    "verification_id = NULL": ("entry_differs", "leaf"),
}
LEAF_EDITS = {
    "leaf = '\\x7b7d'": ("leaf_hash", "leaf"),
    "leaf_hash = '\\x00'": ("leaf_hash", "leaf_hash"),
    "lender_sequence = 9": ("lender_sequence", "lender_sequence"),
    "lender_id_copy = 'len_x'": ("lender", "lender_id_copy"),
}


@pytest.mark.parametrize("edit", ENTRY_EDITS)
def test_an_edited_entry_is_named_with_its_leaf_and_the_field(log: list[AuditLeaf], edit: str) -> None:
    code, field = ENTRY_EDITS[edit]
    tamper((ON_ENTRY.format(edit), (log[ENTRY].entry_id,)))
    [named] = [finding for finding in found() if finding.code == code and finding.field == field]
    assert (named.log, named.leaf_index, named.entry) == ("test", ENTRY, log[ENTRY].entry_id)


@pytest.mark.parametrize("edit", LEAF_EDITS)
def test_an_edited_leaf_is_named_with_the_field(log: list[AuditLeaf], edit: str) -> None:
    code, field = LEAF_EDITS[edit]
    if connection.vendor == "sqlite":
        edit = edit.replace("'\\x", "x'")
    tamper((ON_LEAF.format(edit), (ENTRY,)))
    assert (code, ENTRY, field) in [(finding.code, finding.leaf_index, finding.field) for finding in found()]


def test_an_edited_body_has_exactly_one_finding(log: list[AuditLeaf]) -> None:
    tamper((ON_ENTRY.format("body = '{}'"), (log[ENTRY].entry_id,)))
    assert [str(finding) for finding in found()] == [
        f"test log, leaf {ENTRY}, entry {log[ENTRY].entry_id}, field body: the entry's body is not what its leaf says"
    ]


def test_an_edit_that_keeps_entry_and_leaf_in_step_is_named_by_the_tile(log: list[AuditLeaf]) -> None:
    tamper(*rewrite(log[ENTRY], body={}, tile=False))
    assert [(finding.code, finding.leaf_index, finding.field) for finding in found()] == [("leaf_hash", ENTRY, "leaf")]
    assert "not those that were signed" in found()[0].detail


def test_an_edit_that_keeps_all_rows_in_step_is_placed_by_the_signatures(log: list[AuditLeaf]) -> None:
    tamper(*rewrite(log[ENTRY], body={}, tile=True))
    roots = [finding for finding in found() if finding.code == "root"]
    assert len(roots) == 1
    assert "signed at 6 entries, nor to 1 later ones: one of the entries 3 to 5" in roots[0].detail


def test_an_edited_tile_is_told_from_an_edited_leaf(log: list[AuditLeaf]) -> None:
    row = bytearray(AuditTile.objects.get(level=0).hashes)
    row[ENTRY * 32] ^= 1
    tamper(("UPDATE verification_audittile SET hashes = %s", (bytes(row),)))
    [named] = [finding for finding in found() if finding.code == "leaf_hash"]
    assert (named.leaf_index, named.field) == (ENTRY, "tile")
    assert "the tile's hash of them was changed" in named.detail


def test_a_deleted_leaf_is_named_and_so_is_its_entry(log: list[AuditLeaf]) -> None:
    tamper(("DELETE FROM verification_auditleaf WHERE leaf_index = %s", (ENTRY,)))
    named = {finding.code: finding for finding in found()}
    assert named["leaf_missing"].leaf_index == ENTRY
    assert named["entry_lost"].entry == log[ENTRY].entry_id
    assert "goes from 4 to 6" in named["lender_sequence"].detail
    assert set(named) == {"leaf_missing", "entry_lost", "lender_sequence"}


def test_a_deleted_entry_is_named_with_its_leaf(log: list[AuditLeaf]) -> None:
    verification = log[ENTRY].entry.verification_id
    tamper(("DELETE FROM verification_auditentry WHERE id = %s", (log[ENTRY].entry_id,)))
    named = {finding.code: finding for finding in found()}
    assert (named["entry_missing"].leaf_index, named["entry_missing"].entry) == (ENTRY, log[ENTRY].entry_id)
    assert str(verification) in named["verification_sequence"].detail


def test_a_leaf_deleted_with_its_entry_leaves_gaps_that_are_named(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index = %s", (ENTRY,)),
        ("DELETE FROM verification_auditentry WHERE id = %s", (log[ENTRY].entry_id,)),
    )
    codes = [finding.code for finding in found()]
    assert sorted(codes) == ["leaf_missing", "lender_sequence", "verification_sequence"]


def test_two_entries_with_swapped_places_are_named(log: list[AuditLeaf]) -> None:
    first, second = log[ENTRY].entry_id, log[ENTRY + 1].entry_id
    tamper(
        (ON_LEAF.format("entry_id = 'evt_x'"), (ENTRY,)),
        ("UPDATE verification_auditleaf SET entry_id = %s WHERE leaf_index = %s", (first, ENTRY + 1)),
        ("UPDATE verification_auditleaf SET entry_id = %s WHERE leaf_index = %s", (second, ENTRY)),
    )
    named = [finding for finding in found() if finding.field == "id"]
    assert [(finding.leaf_index, finding.entry) for finding in named] == [(ENTRY, second), (ENTRY + 1, first)]


def test_an_added_leaf_is_named(log: list[AuditLeaf]) -> None:
    waiting = AuditPending.objects.get().entry
    spelt = leaf_of_entry(waiting, lender_sequence=None).bytes
    AuditPending.objects.all().delete()
    AuditLeaf.objects.create(log="test", leaf_index=9, entry=waiting, leaf=spelt, leaf_hash=leaf_hash(spelt))
    named = {finding.code: finding for finding in found()}
    assert "the head says 9 entries, the leaves say 10" in named["head"].detail
    assert named["leaf_misplaced"].entry == waiting.pk


def test_a_log_cut_to_an_earlier_head_is_named_by_the_head_file_alone(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("DELETE FROM verification_auditpending", ()),
        ("DELETE FROM verification_auditentry WHERE id NOT IN (SELECT entry_id FROM verification_auditleaf)", ()),
        ("DELETE FROM verification_auditcheckpoint WHERE size > 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
        ("UPDATE verification_verification SET status = 'failed'", ()),
    )
    tamper(("UPDATE verification_verification SET status = 'verified' WHERE id IN (%s, %s)", _verifications(log[:6])))
    tamper(("DELETE FROM verification_verification WHERE status = 'failed'", ()))
    assert [(finding.code, finding.detail) for finding in found()] == [
        ("head_file", "the head file does not fit: it was signed up to 9 entries, the database holds 6")
    ]
    # A copy may well be older than the head file.
    assert list(verify_log("test", against_head_file=False)) == []


CUTS = {
    "UPDATE verification_audithead SET size = 6": "the head says 6 entries, the leaves say 9",
    "UPDATE verification_audithead SET size = 600000000000": "the head says 600000000000 entries, the leaves say 9",
    "DELETE FROM verification_audithead": "the head says 0 entries, the leaves say 9",
    "DELETE FROM verification_auditcheckpoint WHERE size = 9": "the head says 9 entries, the last checkpoint says 6",
    "DELETE FROM verification_auditleaf WHERE leaf_index = 8": "the head says 9 entries, the leaves say 8",
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_head_is_named(log: list[AuditLeaf], cut: str) -> None:
    tamper((cut, ()))
    assert CUTS[cut] in [finding.detail for finding in found() if finding.code == "head"]


def test_every_stored_checkpoint_is_verified(log: list[AuditLeaf]) -> None:
    note = AuditCheckpoint.objects.get(size=6).note
    root = note.split("\n")[2]
    changed = note.replace(root, ("B" if root[0] == "A" else "A") + root[1:])
    tamper(("UPDATE verification_auditcheckpoint SET note = %s WHERE size = 6", (changed,)))
    named = [finding for finding in found() if finding.code == "checkpoint"]
    assert ["of 6 entries is not good" in finding.detail for finding in named] == [True]
    tamper(("UPDATE verification_auditcheckpoint SET size = 7 WHERE size = 9", ()))
    assert any("it is of 9 entries" in finding.detail for finding in found())


def test_checkpoints_under_another_key_are_named(log: list[AuditLeaf], settings: Settings) -> None:
    settings.TULGA_LOG_KEYS = settings.TULGA_LOG_KEYS | {"test": bytes(32)}
    assert [finding.code for finding in found()].count("checkpoint") == 3


def test_a_missing_or_cut_tile_is_named(log: list[AuditLeaf]) -> None:
    tamper(("UPDATE verification_audittile SET hashes = %s", (bytes(AuditTile.objects.get().hashes)[:-5],)))
    assert ("tile", "tile 0/0 holds 283 bytes, not 288") in [(finding.code, finding.detail) for finding in found()]
    tamper(("DELETE FROM verification_audittile", ()))
    assert ("tile", "tile 0/0 holds 0 bytes, not 288") in [(finding.code, finding.detail) for finding in found()]


def test_an_entry_that_no_longer_waits_is_named(log: list[AuditLeaf]) -> None:
    waiting = AuditPending.objects.get().entry_id
    tamper(("DELETE FROM verification_auditpending", ()))
    assert [(finding.code, finding.entry) for finding in found()] == [("entry_lost", waiting)]


def test_an_entry_that_is_ordered_and_waits_is_named(log: list[AuditLeaf]) -> None:
    AuditPending.objects.create(entry_id=log[0].entry_id)
    assert [(finding.code, finding.entry) for finding in found()] == [("entry_waits", log[0].entry_id)]


def test_a_status_that_the_log_did_not_decide_is_named(log: list[AuditLeaf]) -> None:
    decision = log[5].entry
    tamper(("UPDATE verification_verification SET status = 'declined' WHERE id = %s", (decision.verification_id,)))
    assert [(finding.code, finding.entry, finding.field) for finding in found()] == [("status", decision.pk, "status")]
    undecided = add_verification(decision.lender, status="verified")
    assert [finding.detail for finding in found() if finding.code == "undecided"] == [
        f"verification {undecided.pk} stands as verified, but the log decided nothing"
    ]


def test_two_decisions_are_named(log: list[AuditLeaf]) -> None:
    drop = {"sqlite": "DROP INDEX", "postgresql": "DROP INDEX"}[connection.vendor]
    tamper(
        (f"{drop} one_decision_per_verification", ()),
        (ON_ENTRY.format("type = 'verification.verified'"), (log[ENTRY].entry_id,)),
    )
    named = {finding.code: finding for finding in found()}
    assert named["decisions"].detail == f"verification {log[ENTRY].entry.verification_id} has 2 decisions"
    assert named["entry_differs"].entry == log[ENTRY].entry_id


def test_sequences_that_run_backwards_in_the_log_are_named() -> None:
    verification = add_verification(add_lender())
    second = add_entry(verification, verification_sequence=2)
    order_all()
    first = add_entry(verification, verification_sequence=1)
    order_all()
    assert [(finding.code, finding.entry) for finding in found()] == [("verification_order", first.pk)]
    assert second.pk != first.pk


def test_sequences_begin_at_one_and_have_no_gaps() -> None:
    lender = add_lender()
    for numbers in ((1, 3), (2, 3), (1, 2)):
        verification = add_verification(lender)
        for number in numbers:
            add_entry(verification, verification_sequence=number)
    order_all()
    assert [finding.code for finding in found()] == ["verification_sequence"] * 2


def test_evidence_that_leaves_list_must_stand_unchanged() -> None:
    verification = add_verification(add_lender())
    key = vault.make(verification_id=verification.pk, lender_id=verification.lender_id)
    vault.keep(key)
    items = [store.put(key, b"original", kind="statement.signed"), store.put(key, b"other", kind="x.y")]
    add_entry(verification, body={"evidence": [store.leaf_fields(item) for item in items]})
    order_all()
    assert found() == []
    EvidenceItem.objects.filter(pk=items[0].pk).update(commitment="0" * 64)
    EvidenceItem.objects.filter(pk=items[1].pk).delete()
    assert sorted((finding.code, finding.field) for finding in found()) == [
        ("evidence_differs", "commitment"),
        ("evidence_missing", ""),
    ]


def test_shared_evidence_that_leaves_list_must_stand_unchanged() -> None:
    first, second = store.put_shared(b"a revocation list"), store.put_shared(b"an anchor")
    listed = [{"kind": "shared.crl", "sha256": row.pk, "size": row.size} for row in (first, second)]
    add_entry(body={"evidence": listed})
    order_all()
    assert found() == []
    SharedEvidence.objects.filter(pk=first.pk).update(size=1)
    SharedEvidence.objects.filter(pk=second.pk).delete()
    assert [(finding.code, finding.field) for finding in found()] == [
        ("evidence_differs", "size"),
        ("evidence_missing", ""),
    ]


@pytest.mark.parametrize("evidence", ["x", 1, [1], [{}], [{"id": 1}], [{"sha256": [1]}], {"id": "x"}])
def test_a_body_may_use_the_word_evidence_for_something_else(evidence: object) -> None:
    add_entry(body={"evidence": evidence})
    order_all()
    assert found() == []


def test_a_larger_log_is_verified_over_pages_and_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.audit.verify_leaves.PAGE", 70)
    for number in range(600):
        add_entry(body={"number": number}, at=NOON)
    order_all(limit=150)
    assert found() == []
    tile = AuditTile.objects.get(level=1)
    tamper(("UPDATE verification_audittile SET hashes = %s WHERE level = 1", (bytes(len(tile.hashes)),)))
    assert [finding.detail for finding in found() if finding.code == "tile"] == [
        "tile 1/0 and tile 0/0 below it do not agree",
        "tile 1/0 and tile 0/1 below it do not agree",
    ]


def test_the_command_names_what_is_wrong_and_exits_with_1(log: list[AuditLeaf]) -> None:
    entry = log[ENTRY].entry_id
    tamper((ON_ENTRY.format("body = '{}'"), (entry,)))
    code, out = command("--log", "test")
    assert code == 1
    assert f"leaf {ENTRY}, entry {entry}, field body" in out
    code, out = command("--json")
    told = json.loads(out[: out.rindex("}") + 1])
    assert (code, told["ok"]) == (1, False)
    assert told["findings"][0]["entry"] == entry
    assert told["findings"][0]["leaf_index"] == ENTRY
    assert command("--log", "live")[0] == 0


def test_the_command_says_as_json_that_all_is_well(log: list[AuditLeaf]) -> None:
    code, out = command("--json")
    assert (code, json.loads(out)["ok"], json.loads(out)["findings"]) == (0, True, [])


def test_the_command_exits_with_3_where_it_cannot_look(log: list[AuditLeaf], settings: Settings) -> None:
    settings.TULGA_LOG_KEYS = {}
    code, out = command()
    assert (code, "TULGA_LOG_KEYS" in out) == (3, True)


def test_the_command_reports_evidence_too() -> None:
    verification = add_verification(add_lender())
    key = vault.make(verification_id=verification.pk, lender_id=verification.lender_id)
    vault.keep(key)
    item = store.put(key, b"original", kind="statement.signed")
    assert command()[0] == 0
    (Path(settings.TULGA_EVIDENCE_DIR) / item.sealed_sha256[:2] / item.sealed_sha256).write_bytes(b"x")
    code, out = command()
    assert code == 1
    assert item.pk in out


# What follows damages an SQLite file, as somebody with an editor for bytes would -------------------------------------


@pytest.fixture
def copied(log: list[AuditLeaf], tmp_path: Path) -> "Callable[[], Path]":
    """Makes the configured database a file that may be damaged; puts the whole one back each time."""
    if connection.vendor != "sqlite":
        pytest.skip("bytes of a file are flipped on SQLite only")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    database = Path(settings.DATABASES["default"]["NAME"])
    whole = tmp_path / "whole.sqlite3"
    shutil.copyfile(database, whole)

    def put_back() -> Path:
        connections.close_all()
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(whole, database)
        return database

    return put_back


def test_a_byte_of_an_entry_flipped_in_the_file_names_the_entry(
    log: list[AuditLeaf], copied: Callable[[], Path]
) -> None:
    database = copied()
    content = bytearray(database.read_bytes())
    at = content.index(b"eds_certificate_revoked", content.index(log[ENTRY].entry_id.encode() + b"testcheck"))
    content[at] ^= 1
    database.write_bytes(content)
    code, out = command("--copy")
    assert code == 1
    assert f"leaf {ENTRY}, entry {log[ENTRY].entry_id}, field body" in out


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
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name LIKE 'verification_audit%%' AND rootpage > 0")
        return sorted(number for (number,) in cursor.fetchall())


def _verifications(leaves: list[AuditLeaf]) -> tuple[str, ...]:
    entries = AuditEntry.objects.filter(pk__in=[leaf.entry_id for leaf in leaves])
    return tuple(Verification.objects.filter(entries__in=entries).distinct().values_list("pk", flat=True))


def test_a_whole_file_has_no_findings() -> None:
    assert list(verify_file()) == []
