"""Every entry gets one place, in one log, under a signature; two sequencers, a crash or a backup
change nothing.
"""

import json
import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import Settings

from tests.verification.log.rows import (
    NOON,
    add_case,
    add_entry,
    add_lender,
    add_verification,
    order_all,
    tamper,
)
from verification.core.errors import FenceLost, LogInconsistent, Misconfigured
from verification.log import checkpoint, head_file, keys, proofs, sequencer, signatures, tiles, tree
from verification.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditPending,
    AuditTile,
)

pytestmark = pytest.mark.django_db(transaction=True)


def leaves(log: str = "test") -> list[AuditLeaf]:
    return list(AuditLeaf.objects.filter(log=log).order_by("leaf_index"))


def test_nothing_waiting_is_nothing_ordered() -> None:
    assert sequencer.order("test") == 0
    assert proofs.latest_checkpoint("test") is None
    assert sequencer.verify_head("test") == 0


@pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="PostgreSQL plans by how many rows there are: tests/growth",
)
def test_what_waits_is_found_without_reading_every_entry() -> None:
    plan = sequencer._unordered("test").explain()
    assert "SCAN" in plan
    assert not re.search("SCAN (verification_auditentry|V0)", plan)


def test_entries_get_places_without_gaps_and_each_lender_its_own_numbers_of_what_it_is_told() -> (
    None
):
    first, second = add_lender("111111111111"), add_lender("222222222222")
    for lender in (first, second, first):
        add_case(lender, length=2)
    add_entry(type="log.heartbeat", body={})
    assert order_all(limit=3) == 7
    assert [leaf.leaf_index for leaf in leaves()] == list(range(7))
    for lender, told in ((first, [1, 2]), (second, [1])):
        assert [leaf.lender_sequence for leaf in leaves() if leaf.told_to == lender.pk] == told
    assert [leaf.lender_sequence for leaf in leaves() if not leaf.told_to] == [None] * 4
    assert not AuditPending.objects.exists()


def test_what_a_lender_is_told_is_counted_on_from_the_last_batch_and_from_no_earlier_one() -> None:
    lender = add_lender()
    for number in range(1, 4):
        add_case(lender, length=1)
        assert order_all() == 1
        assert [leaf.lender_sequence for leaf in leaves()] == list(range(1, number + 1))


def test_the_leaf_says_what_the_entry_says() -> None:
    verification = add_case(add_lender(), length=1)
    order_all()
    leaf = leaves()[0]
    said = json.loads(signatures.leaf_bytes(leaf.entry) or b"")
    assert said["body"].pop("signed").keys() == {"by", "signature"}
    assert said == {
        "schema": 1,
        "id": leaf.entry_id,
        "mode": "test",
        "type": "verification.verified",
        "at": "2026-03-01T12:00:01.000000Z",
        "verification": verification.pk,
        "verification_sequence": 1,
        "lender": verification.lender_id,
        "lender_sequence": 1,
        "body": {"v": 1, "sequence": 1, "codes": ["eds_certificate_revoked"]},
    }
    assert bytes(leaf.leaf_hash) == tree.leaf_hash(signatures.leaf_bytes(leaf.entry) or b"")


def test_entries_are_ordered_by_time() -> None:
    late = add_entry(at=NOON + timedelta(seconds=1))
    early = add_entry(at=NOON)
    order_all()
    assert [leaf.entry_id for leaf in leaves()] == [early.pk, late.pk]


@pytest.mark.parametrize("limit", [1, 2, 1024])
def test_entries_of_one_verification_keep_their_sequence_whatever_the_clocks_said(
    limit: int,
) -> None:
    verification = add_verification(add_lender())
    for sequence in (1, 2, 3):
        add_entry(
            verification, verification_sequence=sequence, at=NOON - timedelta(minutes=sequence)
        )
        add_entry(at=NOON - timedelta(minutes=sequence))
    order_all(limit=limit)
    own = [leaf.entry.verification_sequence for leaf in leaves() if leaf.entry.verification_id]
    assert own == [1, 2, 3]


def test_a_full_batch_takes_no_more_of_a_verification_than_its_order_needs() -> None:
    lender = add_lender()
    steady, behind = add_verification(lender), add_verification(lender)
    for sequence in (1, 2, 3):
        add_entry(steady, verification_sequence=sequence, at=NOON + timedelta(seconds=sequence))
    for sequence, second in ((1, 9), (2, 0), (3, 10)):
        add_entry(behind, verification_sequence=sequence, at=NOON + timedelta(seconds=second))
    # The clock of the second entry was behind: with it comes the first, and nothing else.
    assert sequencer.order("test", limit=2) == 3
    own = [(leaf.entry.verification_id, leaf.entry.verification_sequence) for leaf in leaves()]
    assert own == [(behind.pk, 1), (steady.pk, 1), (behind.pk, 2)]
    assert order_all() == 3


def test_with_a_late_entry_of_one_verification_comes_nothing_of_another() -> None:
    lender = add_lender()
    steady, behind = add_verification(lender), add_verification(lender)
    for sequence in (1, 2):
        add_entry(steady, verification_sequence=sequence, at=NOON + timedelta(seconds=sequence))
    for sequence, second in ((1, 9), (2, 8), (3, 0)):
        add_entry(behind, verification_sequence=sequence, at=NOON + timedelta(seconds=second))
    assert sequencer.order("test", limit=2) == 4
    own = [(leaf.entry.verification_id, leaf.entry.verification_sequence) for leaf in leaves()]
    assert own == [(behind.pk, 1), (steady.pk, 1), (behind.pk, 2), (behind.pk, 3)]


def test_a_full_batch_takes_none_of_its_own_entries_twice() -> None:
    add_case(add_lender(), length=3)
    assert sequencer.order("test", limit=2) == 2
    assert [leaf.entry.verification_sequence for leaf in leaves()] == [1, 2]


@pytest.mark.parametrize("limit", [3, 1024])
def test_an_entry_of_a_verification_without_a_sequence_keeps_its_place_in_time(limit: int) -> None:
    verification = add_verification(add_lender())
    for second, sequence in enumerate((2, None, 1)):
        add_entry(verification, verification_sequence=sequence, at=NOON + timedelta(seconds=second))
    order_all(limit=limit)
    assert [leaf.entry.verification_sequence for leaf in leaves()] == [1, None, 2]


def test_nothing_is_ordered_inside_a_transaction_of_somebody_else() -> None:
    add_entry()
    with pytest.raises(RuntimeError), transaction.atomic():
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()
    assert head_file.read("test", key=keys.verification_key("test")) is None


def test_every_batch_is_signed_and_every_checkpoint_is_a_prefix_of_the_next() -> None:
    for _ in range(7):
        add_entry()
    assert order_all(limit=3) == 7
    heads = [
        checkpoint.open_checkpoint(row.note, key=keys.verification_key("test"))
        for row in AuditCheckpoint.objects.order_by("size")
    ]
    assert [head.size for head in heads] == [3, 6, 7]
    for first, second in pairwise(heads):
        proof = proofs.consistency_for("test", first=first.size, second=second.size)
        tree.verify_consistency(
            first=first.size,
            first_root=first.root,
            second=second.size,
            second_root=second.root,
            proof=proof,
        )
    assert heads[-1].root == tree.root_of(bytes(leaf.leaf_hash) for leaf in leaves())


def test_the_log_grows_over_tiles() -> None:
    with transaction.atomic():
        for number in range(300):
            add_entry(body={"number": number})
    assert order_all(limit=100) == 300
    widths = {(tile.level, tile.index): len(tile.hashes) // 32 for tile in AuditTile.objects.all()}
    assert widths == {(0, 0): 256, (0, 1): 44, (1, 0): 1}
    root = tiles.edge_root(proofs.tile_loader("test"), 300)
    assert root == tree.root_of(bytes(leaf.leaf_hash) for leaf in leaves())
    # One more entry changes a single tile; the others are read.
    add_entry()
    assert order_all() == 1
    signed = checkpoint.open_checkpoint(
        AuditCheckpoint.objects.get(size=301).note, key=keys.verification_key("test")
    )
    assert signed.root == tree.root_of(bytes(leaf.leaf_hash) for leaf in leaves())


def test_the_two_logs_are_apart() -> None:
    add_entry(log="test")
    add_entry(log="live")
    assert order_all("test") == 1
    assert (len(leaves("test")), len(leaves("live"))) == (1, 0)
    assert order_all("live") == 1
    names = [
        checkpoint.Note.parse(row.note).signatures[0].name
        for row in AuditCheckpoint.objects.order_by("pk")
    ]
    assert names == [f"{settings.TULGA_LOG_ORIGIN}/test", f"{settings.TULGA_LOG_ORIGIN}/live"]


def test_a_log_without_a_key_orders_nothing(settings: Settings) -> None:
    add_entry()
    settings.TULGA_LOG_KEYS = {}
    with pytest.raises(Misconfigured):
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()


def test_a_batch_that_ends_early_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry()
    store = sequencer._store

    def store_and_break_off(log: str, *args: object, **kwargs: object) -> None:
        store(log, *args, **kwargs)  # type: ignore[arg-type]
        raise RuntimeError

    monkeypatch.setattr(sequencer, "_store", store_and_break_off)
    with pytest.raises(RuntimeError):
        sequencer.order("test")
    monkeypatch.undo()
    assert not AuditLeaf.objects.exists()
    assert not AuditTile.objects.exists()
    assert not AuditCheckpoint.objects.exists()
    begun = head_file.read("test", key=keys.verification_key("test"))
    assert begun is not None
    assert begun.size == 0
    assert AuditPending.objects.count() == 1
    assert order_all() == 1


def test_a_sequencer_whose_fence_was_taken_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry()
    store = sequencer._store

    def store_and_lose_the_fence(log: str, *args: object, **kwargs: object) -> None:
        store(log, *args, **kwargs)  # type: ignore[arg-type]
        AuditHead.objects.filter(log=log).update(fence="another")

    monkeypatch.setattr(sequencer, "_store", store_and_lose_the_fence)
    with pytest.raises(FenceLost):
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()
    assert not AuditCheckpoint.objects.exists()


def test_a_sequencer_whose_entries_another_has_ordered_writes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_entry()
    store = sequencer._store

    def store_and_lose_the_entries(log: str, *args: object, **kwargs: object) -> None:
        store(log, *args, **kwargs)  # type: ignore[arg-type]
        AuditPending.objects.all().delete()

    monkeypatch.setattr(sequencer, "_store", store_and_lose_the_entries)
    with pytest.raises(FenceLost):
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()
    assert AuditPending.objects.count() == 1


def test_entries_that_another_transaction_took_back_are_not_ordered() -> None:
    with transaction.atomic():
        add_entry()
        transaction.set_rollback(True)
    assert order_all() == 0
    assert AuditEntry.objects.count() == 0


DAMAGES = {
    "a restored backup": (
        ("DELETE FROM verification_auditleaf WHERE leaf_index > 2", ()),
        ("DELETE FROM verification_auditcheckpoint WHERE size > 3", ()),
        ("UPDATE verification_audithead SET size = 3", ()),
    ),
    "a head turned back": (("UPDATE verification_audithead SET size = 3", ()),),
    "a head moved on": (("UPDATE verification_audithead SET size = 7", ()),),
    "no head": (("DELETE FROM verification_audithead", ()),),
    "no last leaf": (("DELETE FROM verification_auditleaf WHERE leaf_index = 5", ()),),
    "no last checkpoint": (("DELETE FROM verification_auditcheckpoint WHERE size = 6", ()),),
    "no checkpoints": (("DELETE FROM verification_auditcheckpoint", ()),),
    "an unreadable checkpoint": (
        ("UPDATE verification_auditcheckpoint SET note = 'x' WHERE size = 6", ()),
    ),
    "an edited checkpoint": (
        (
            (
                "UPDATE verification_auditcheckpoint SET note = replace(note, 'log/test',"
                " 'log/tost') WHERE size = 6"
            ),
            (),
        ),
    ),
    "no tile": (("DELETE FROM verification_audittile", ()),),
    "another tile": (("UPDATE verification_audittile SET hashes = %s", (bytes(6 * 32),)),),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_signed_on_top_of_a_log_that_is_not_the_one_signed_before(damage: str) -> None:
    for _ in range(6):
        add_entry()
    order_all(limit=3)
    add_entry()
    tamper(*DAMAGES[damage])
    before = AuditCheckpoint.objects.count()
    with pytest.raises(LogInconsistent):
        sequencer.order("test")
    with pytest.raises(LogInconsistent):
        sequencer.verify_head("test")
    assert AuditCheckpoint.objects.count() == before
    assert AuditPending.objects.count() == 1
