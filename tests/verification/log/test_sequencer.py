"""Every entry gets one place, in one log, under a signature; two sequencers, a crash or a backup
change nothing.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from tests.verification.log.ordered import found
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
from verification.core.events import TOLD
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


# Many write, many order, one is killed: each entry has one place, and the log is whole.


ROOT = Path(__file__).resolve().parents[3]

SEQUENCER = """
import django
django.setup()
from verification.log import sequencer
print("ready", flush=True)
while True:
    sequencer.order("test", limit=5)
"""


def in_threads(work: Callable[[int], int], number: int) -> list[int]:
    """What each of so many threads returns; each has its own connection and closes it."""
    together = threading.Barrier(number)

    def run(own: int) -> int:
        try:
            together.wait()
            return work(own)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@contextmanager
def sequencer_process() -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that orders the test log for ever."""
    with subprocess.Popen(
        [sys.executable, "-c", SEQUENCER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def assert_whole(entries: int) -> None:
    assert not AuditPending.objects.exists()
    assert sorted(AuditLeaf.objects.values_list("leaf_index", flat=True)) == list(range(entries))
    assert (
        AuditLeaf.objects.values("entry").distinct().count()
        == AuditEntry.objects.count()
        == entries
    )
    assert found() == []


@pytest.mark.embedded
def test_two_sequencers_at_once_order_each_entry_once() -> None:
    for _ in range(30):
        add_entry()
    ordered = in_threads(lambda own: order_all(limit=4), 2)
    # A sequencer that finds the log taken leaves at once, so entries may still wait. No entry is
    # lost or doubled.
    assert sum(ordered) + order_all() == 30
    assert_whole(30)


def order_in_batches() -> int:
    """Order beside writers for a while; writes no entry."""
    for _ in range(25):
        order_all(limit=7)
        time.sleep(0.005)
    return 0


@pytest.mark.embedded
@pytest.mark.service
def test_writers_and_sequencers_together_leave_a_whole_log() -> None:
    verifications = [add_verification(add_lender(f"{number:012}")) for number in range(1, 5)]

    def write_or_order(own: int) -> int:
        if own >= len(verifications):
            return order_in_batches()
        for sequence in range(1, 26):
            add_entry(verifications[own], verification_sequence=sequence)
        return 25

    assert sum(in_threads(write_or_order, 8)) == 100
    order_all()
    assert_whole(100)


@pytest.mark.embedded
@pytest.mark.service
def test_events_of_a_lender_have_no_gap_under_concurrent_writers_aborts_and_kills() -> None:
    verifications = [add_verification(add_lender(f"{number:012}")) for number in range(1, 5)]

    def write_or_order(own: int) -> int:
        if own >= len(verifications):
            return order_in_batches()
        kept = 0
        for number in range(25):
            # Two of three are told; those that are rolled back are never told, and no number
            # is spent on them.
            kind = ("verification.in_review", "link.minted", "verification.disputed")[number % 3]
            with suppress(DatabaseError), transaction.atomic():
                add_entry(verifications[own], type=kind, verification_sequence=kept + 1)
                if number % 5 == 0:
                    raise DatabaseError
                kept += 1
            time.sleep(0.002)
        return kept

    with sequencer_process() as process:
        killer = threading.Timer(0.15, process.kill)
        killer.start()
        assert sum(in_threads(write_or_order, 6)) == 80
        killer.join()
    order_all()
    assert_whole(80)
    for verification in verifications:
        own = AuditLeaf.objects.filter(entry__lender=verification.lender_id).order_by("leaf_index")
        told = own.filter(entry__type__in=TOLD).values_list("lender_sequence", flat=True)
        assert list(told) == list(range(1, len(told) + 1))
        assert 0 < len(told) < own.count()
        assert set(own.exclude(entry__type__in=TOLD).values_list("told_to", "lender_sequence")) == {
            ("", None)
        }


@pytest.mark.embedded
@pytest.mark.service
def test_a_sequencer_killed_at_any_moment_leaves_a_whole_log() -> None:
    entries = 0
    for pause in (0.0, 0.01, 0.03, 0.07):
        with sequencer_process() as process:
            for _ in range(40):
                add_entry()
                entries += 1
            time.sleep(pause)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert AuditLeaf.objects.count() + AuditPending.objects.count() == entries
    order_all()
    assert_whole(entries)


@pytest.mark.embedded
@pytest.mark.service
def test_a_sequencer_that_finds_the_log_taken_leaves_at_once() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite it waits for the database's only writer instead")
    add_entry()
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                assert sequencer._take("test", wait=False)
                taken.set()
                done.wait(10)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert taken.wait(10)
        assert sequencer.order("test") == 0
        assert sequencer.order("live") == 0
    finally:
        done.set()
        holder.join()
    assert sequencer.order("test") == 1


@pytest.mark.embedded
@pytest.mark.service
def test_a_head_is_verified_only_while_no_sequencer_orders() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite it waits for the database's only writer instead")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert sequencer._take("test", wait=False)
            verified = pool.submit(in_threads, lambda own: sequencer.verify_head("test"), 1)
            assert not wait([verified], timeout=0.5).done
        assert verified.result(timeout=10) == [0]


@pytest.mark.embedded
@pytest.mark.service
def test_entries_of_open_transactions_are_ordered_once_they_commit() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    written, commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                add_entry()
                written.set()
                commit.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    try:
        assert written.wait(10)
        add_entry()
        assert order_all() == 1
    finally:
        commit.set()
        writer.join()
    assert order_all() == 1
    assert_whole(2)
    assert AuditCheckpoint.objects.count() == 2
