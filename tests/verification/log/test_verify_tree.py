"""Changes that keep rows in step are named by the tiles, and those that keep the tiles in step by
the signatures.
"""

import json
from typing import Any

import pytest
from pytest_django import Settings

from tests.verification.log import root
from tests.verification.log.ordered import ENTRY, found
from tests.verification.log.rows import NOON, add_entry, order_all, tamper
from verification.log import checkpoint, keys
from verification.log.checkpoint import Checkpoint
from verification.log.signatures import spell_leaf
from verification.log.tree import leaf_hash
from verification.models import (
    AuditCheckpoint,
    AuditLeaf,
    AuditTile,
)

pytestmark = pytest.mark.django_db(transaction=True)


def rewrite(
    leaf: AuditLeaf, *, body: dict[str, Any], tile: bool
) -> list[tuple[str, tuple[Any, ...]]]:
    """An insider's edit that keeps entry and leaf in step, and with `tile` the tile as well."""
    entry = leaf.entry
    entry.body = body
    spelt = spell_leaf(entry, lender_sequence=leaf.lender_sequence)
    statements: list[tuple[str, tuple[Any, ...]]] = [
        (
            "UPDATE verification_auditentry SET body = %s WHERE id = %s",
            (json.dumps(body), entry.pk),
        ),
        (
            "UPDATE verification_auditleaf SET leaf_hash = %s WHERE leaf_index = %s",
            (leaf_hash(spelt), leaf.leaf_index),
        ),
    ]
    if tile:
        row = bytearray(AuditTile.objects.get(level=0).hashes)
        row[leaf.leaf_index * 32 : leaf.leaf_index * 32 + 32] = leaf_hash(spelt)
        statements.append(("UPDATE verification_audittile SET hashes = %s", (bytes(row),)))
    return statements


def test_an_edit_that_keeps_entry_and_leaf_in_step_is_named_by_the_tile(
    log: list[AuditLeaf],
) -> None:
    tamper(*rewrite(log[ENTRY], body={}, tile=False))
    assert [(finding.code, finding.leaf_index, finding.field) for finding in found()] == [
        ("leaf_hash", ENTRY, "leaf"),
        ("entry_unsigned", ENTRY, ""),
    ]
    assert "not the one that was signed" in found()[0].detail


def test_an_edit_that_keeps_all_rows_in_step_is_placed_by_the_signatures(
    log: list[AuditLeaf],
) -> None:
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
    assert "the tile's copy of it was changed" in named.detail


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
    others = [one for one in settings.TULGA_CERTIFIED if (one.kind, one.mode) != ("log", "test")]
    settings.TULGA_CERTIFIED = (*others, root.certified("log", 0, bytes(32)))
    assert [finding.code for finding in found()].count("checkpoint") == 3


def test_a_missing_or_cut_tile_is_named(log: list[AuditLeaf]) -> None:
    tamper(
        (
            "UPDATE verification_audittile SET hashes = %s",
            (bytes(AuditTile.objects.get().hashes)[:-5],),
        )
    )
    assert ("tile", "tile 0/0 holds 283 bytes, not 288") in [
        (finding.code, finding.detail) for finding in found()
    ]
    tamper(("DELETE FROM verification_audittile", ()))
    assert ("tile", "tile 0/0 holds 0 bytes, not 288") in [
        (finding.code, finding.detail) for finding in found()
    ]


def test_a_larger_log_is_verified_over_pages_and_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.log.verify_tree.LEAF_PAGE", 70)
    for number in range(600):
        add_entry(body={"number": number}, at=NOON)
    order_all(limit=150)
    assert found() == []
    tile = AuditTile.objects.get(level=1)
    tamper(
        (
            "UPDATE verification_audittile SET hashes = %s WHERE level = 1",
            (bytes(len(tile.hashes)),),
        )
    )
    assert [finding.detail for finding in found() if finding.code == "tile"] == [
        "tile 1/0 and tile 0/0 below it do not agree",
        "tile 1/0 and tile 0/1 below it do not agree",
    ]


def test_checkpoints_beyond_the_leaves_say_that_the_log_was_cut(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
        ("UPDATE verification_auditcheckpoint SET size = 2000 WHERE size = 9", ()),
    )
    named = [(finding.code, finding.log, finding.detail) for finding in found()]
    assert ("head", "test", "the head says 6 entries, the last checkpoint says 2000") in named
    assert (
        "checkpoint",
        "test",
        "the stored checkpoint of 2000 entries is not good: it is of 9 entries",
    ) in named


def test_a_signed_checkpoint_beyond_the_leaves_says_that_the_log_was_cut(
    log: list[AuditLeaf],
) -> None:
    key = keys.signing_key("test")
    ahead = checkpoint.sign(Checkpoint(origin=key.name, size=5000, root=bytes(32)), key=key)
    AuditCheckpoint.objects.create(log="test", size=5000, note=ahead, created_at=NOON)
    [cut] = [finding for finding in found() if finding.code == "truncated"]
    assert (cut.log, cut.detail) == (
        "test",
        "checkpoints were signed up to 5000 entries, the log holds 9: it was cut",
    )


def test_without_signatures_an_edit_is_named_but_not_judged(log: list[AuditLeaf]) -> None:
    tamper(
        *rewrite(log[ENTRY], body={}, tile=False), ("DELETE FROM verification_auditcheckpoint", ())
    )
    [named] = [finding for finding in found() if finding.code == "leaf_hash"]
    assert (named.log, named.leaf_index) == ("test", ENTRY)
    assert "no signed root says which was changed" in named.detail


def test_edits_of_leaf_and_tile_in_different_places_are_both_named(log: list[AuditLeaf]) -> None:
    row = bytearray(AuditTile.objects.get(level=0).hashes)
    row[3 * 32] ^= 1
    tamper(
        *rewrite(log[ENTRY], body={}, tile=False),
        ("UPDATE verification_audittile SET hashes = %s", (bytes(row),)),
    )
    named = [finding for finding in found() if finding.code == "leaf_hash"]
    assert [finding.leaf_index for finding in named] == [3, ENTRY]
    assert all("neither leads to the signed root" in finding.detail for finding in named)
    assert [
        "one of the entries 3 to 5 is" in finding.detail
        for finding in found()
        if finding.code == "root"
    ] == [True]


def test_an_edit_in_the_first_batch_is_placed_from_the_beginning(log: list[AuditLeaf]) -> None:
    tamper(*rewrite(log[1], body={}, tile=True))
    assert [
        "one of the entries 0 to 2 is" in finding.detail
        for finding in found()
        if finding.code == "root"
    ] == [True]


def test_an_edit_beyond_the_first_tile_is_named_with_its_leaf() -> None:
    for number in range(300):
        add_entry(body={"number": number}, at=NOON)
    order_all()
    leaf = AuditLeaf.objects.get(leaf_index=270)
    tamper(*rewrite(leaf, body={}, tile=False))
    assert [(finding.code, finding.leaf_index) for finding in found()] == [
        ("leaf_hash", 270),
        ("entry_unsigned", 270),
    ]
