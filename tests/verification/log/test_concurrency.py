"""Many write, many order, one is killed: each entry has one place, and the log is whole."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from tests.verification.log.ordered import found
from tests.verification.log.rows import add_entry, add_lender, add_verification, order_all
from verification.core.events import TOLD
from verification.log import sequencer
from verification.models import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]

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


def test_two_sequencers_at_once_order_each_entry_once() -> None:
    for _ in range(30):
        add_entry()
    ordered = in_threads(lambda own: order_all(limit=4), 2)
    # Whoever found the log taken left at once, so entries may still wait: nobody lost or doubled
    # one.
    assert sum(ordered) + order_all() == 30
    assert_whole(30)


@pytest.mark.service
def test_writers_and_sequencers_together_leave_a_whole_log() -> None:
    verifications = [add_verification(add_lender(f"{number:012}")) for number in range(1, 5)]

    def write_or_order(own: int) -> int:
        if own >= len(verifications):
            for _ in range(25):
                order_all(limit=7)
                time.sleep(0.005)
            return 0
        for sequence in range(1, 26):
            add_entry(verifications[own], verification_sequence=sequence)
        return 25

    assert sum(in_threads(write_or_order, 8)) == 100
    order_all()
    assert_whole(100)


@pytest.mark.service
def test_what_each_lender_is_told_has_no_gap_whoever_writes_orders_breaks_off_or_is_killed() -> (
    None
):
    verifications = [add_verification(add_lender(f"{number:012}")) for number in range(1, 5)]

    def write_or_order(own: int) -> int:
        if own >= len(verifications):
            for _ in range(25):
                order_all(limit=7)
                time.sleep(0.005)
            return 0
        kept = 0
        for number in range(25):
            # Two of three are told; of those that are rolled back nobody ever hears, and no number
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


@pytest.mark.service
def test_a_head_is_verified_only_while_nobody_orders() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite it waits for the database's only writer instead")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert sequencer._take("test", wait=False)
            verified = pool.submit(in_threads, lambda own: sequencer.verify_head("test"), 1)
            assert not wait([verified], timeout=0.5).done
        assert verified.result(timeout=10) == [0]


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
