"""Several processes find what one finds, in its order; an error comes where it came, and no process
is left behind.
"""

import multiprocessing
import os
import signal
from collections.abc import Generator, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from io import StringIO
from typing import cast

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError

from tests.verification.log.ordered import nine_ordered
from tests.verification.log.rows import tamper
from verification.log import verify_cases, verify_tree
from verification.log.spread import spread, together
from verification.log.verify import verify_log

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = 50


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_tree, "LEAF_PAGE", 2)
    monkeypatch.setattr(verify_cases, "_PAGE", 1)


def test_several_processes_find_what_one_finds_in_its_order(small_pages):
    leaves = nine_ordered()
    tamper(
        ("UPDATE verification_auditentry SET body = '{}' WHERE id = %s", (leaves[1].entry_id,)),
        (
            "UPDATE verification_auditleaf SET lender_sequence = 7 WHERE entry_id = %s",
            (leaves[5].entry_id,),
        ),
        ("DELETE FROM verification_auditleaf WHERE entry_id = %s", (leaves[4].entry_id,)),
        (
            "UPDATE verification_verification SET status = 'verified' WHERE id = %s",
            (leaves[8].entry.verification_id,),
        ),
    )
    alone = list(verify_log("test"))
    assert {finding.code for finding in alone} >= {
        "entry_differs",
        "lender_sequence",
        "leaf_missing",
        "illegal_move",
    }
    assert [list(verify_log("test", processes=number)) for number in (2, 3)] == [alone, alone]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_an_error_comes_behind_what_was_found_before_it(processes):
    found: list[int] = []
    with pytest.raises(DatabaseError, match="damaged"):
        found.extend(spread(damaged_at_20, range(PAGES), processes=processes))
    assert found == list(range(41))


@pytest.mark.parametrize("last", [0, 1, 20])
def test_pages_that_cannot_be_read_on_are_an_error_behind_those_before(last):
    def pages() -> Iterator[int]:
        yield from range(last)
        raise DatabaseError("damaged")

    found: list[int] = []
    with pytest.raises(DatabaseError, match="damaged"):
        found.extend(spread(numbered, pages(), processes=2))
    assert found == list(range(last))


def test_who_reads_no_further_leaves_no_process_behind():
    with closing(cast(Generator[int], spread(numbered, range(PAGES), processes=2))) as found:
        assert next(found) == 0


def test_a_page_alone_is_looked_at_by_this_process():
    assert list(spread(process_of, [1], processes=2)) == [os.getpid()]
    assert os.getpid() not in set(spread(process_of, [1, 2], processes=2))


def test_what_is_spread_together_is_looked_at_by_the_same_processes():
    with together():
        processes = [set(spread(process_of, range(PAGES), processes=2)) for _ in range(3)]
        assert len(set.union(*processes)) <= 2
        assert list(spread(numbered, range(PAGES), processes=2)) == list(range(PAGES))


def test_a_process_that_was_ended_is_no_finding(small_pages, monkeypatch):
    nine_ordered()
    monkeypatch.setattr(
        verify_tree, "_verify_leaf", lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    )
    with pytest.raises(BrokenProcessPool):
        list(verify_log("test", processes=2))
    with pytest.raises(CommandError, match="one of its processes was killed") as told:
        call_command("audit_verify", "--processes", "2", stdout=StringIO())
    assert told.value.returncode == 3


def test_fewer_than_one_process_is_refused():
    with pytest.raises(CommandError, match="at least one") as told:
        call_command("audit_verify", "--processes", "0", stdout=StringIO())
    assert told.value.returncode == 3


def numbered(page: int) -> Iterator[int]:
    yield page


def process_of(page: int) -> Iterator[int]:
    yield os.getpid()


def damaged_at_20(page: int) -> Iterator[int]:
    yield 2 * page
    if page == 20:
        raise DatabaseError("damaged")
    yield 2 * page + 1
