"""How often something was done, over several processes that tell each other once a second."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from verification import clock, transactions
from verification.access import rates
from verification.case import policy
from verification.models import RateCount

LIMIT, MINUTE = 600, 60
START = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


class Processes:
    """Several that count, and the time that passes for all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.seconds = 0.0
        self._patch = monkeypatch
        self._windows: list[dict[str, Any]] = [{} for _ in range(number)]
        monkeypatch.setattr(rates, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(clock, "now", lambda: START + timedelta(seconds=self.seconds))

    def count(self, process: int, *, seconds: int = MINUTE) -> int:
        self._patch.setattr(rates, "_windows", self._windows[process])
        return rates.count("key", seconds=seconds)


class Database:
    """One that is told numbers, and says what `tell` makes of each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tell: Callable[[int], int]) -> None:
        self.ops, self._tell, self._said = connection.ops, tell, threading.local()
        monkeypatch.setattr(rates, "connection", self)
        monkeypatch.setattr(transactions, "writing", nullcontext)

    def cursor(self) -> AbstractContextManager[Self]:
        return nullcontext(self)

    def execute(self, _statement: str, values: Sequence[Any]) -> None:
        self._said.number = self._tell(values[-1])

    def fetchone(self) -> tuple[int]:
        return (self._said.number,)


@pytest.mark.django_db
def test_what_one_process_counted_is_known_to_another_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Processes(monkeypatch, 2)
    assert [both.count(0) for _ in range(5)] == [1, 2, 3, 4, 5]
    # The first told at once; what came after it is told with the next of another second.
    assert [both.count(1) for _ in range(2)] == [2, 3]
    both.seconds = 1.0
    assert (both.count(0), both.count(1), both.count(1)) == (7, 9, 10)
    both.seconds = 2.0
    assert (both.count(0), both.count(1)) == (10, 12)


@pytest.mark.django_db
def test_no_more_get_through_than_the_limit_and_what_the_others_took_in_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = random.Random(20261126)
    for rate in (5, 15, 40):
        RateCount.objects.all().delete()
        four = Processes(monkeypatch, 4)
        admitted: list[tuple[float, int]] = []
        while four.seconds < MINUTE - 1:
            four.seconds += drawn.expovariate(4 * rate)
            process = drawn.randrange(4)
            if four.count(process) <= LIMIT:
                admitted.append((four.seconds, process))
        # What one does not know of another: up to a second not told yet, and a second since it was
        # asked last.
        unknown = max(
            sum(at - 2.05 < then <= at and process != own for then, process in admitted)
            for at, own in admitted
        )
        assert LIMIT <= len(admitted) <= LIMIT + unknown


@pytest.mark.django_db
def test_a_process_that_falls_silent_keeps_few_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Processes(monkeypatch, 2)
    assert [two.count(0) for _ in range(500)] == [*range(1, 501)]
    two.seconds = 30.0
    assert 500 - policy.RATES_UNTOLD < two.count(1) <= 501


@pytest.mark.django_db
def test_a_process_asks_the_database_once_a_second_and_for_a_short_window_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Processes(monkeypatch, 1)
    with CaptureQueriesContext(connection) as sent:
        for _ in range(45):
            one.seconds += 0.07
            one.count(0)
    assert 3 <= sum("ratecount" in each["sql"] for each in sent.captured_queries) <= 4
    with CaptureQueriesContext(connection) as sent:
        assert [one.count(0, seconds=1) for _ in range(3)] == [1, 2, 3]
        one.seconds += 1.5
        assert one.count(0, seconds=1) == 1
    assert not sent.captured_queries


@pytest.mark.django_db
def test_a_new_window_begins_anew_and_one_of_yesterday_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Processes(monkeypatch, 1)
    one.count(0)
    one.seconds = 5.0
    assert one.count(0) == 2
    one.seconds = 61.0
    assert one.count(0) == 1
    rates.forget(at=START + timedelta(hours=23))
    kept = RateCount.objects.order_by("starts_at").values_list("number", flat=True)
    assert list(kept) == [2, 1]
    rates.forget(at=START + timedelta(days=1, seconds=1))
    assert list(kept.all()) == [1]


def test_threads_lose_no_count_while_one_of_them_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    one, asked, answered = Processes(monkeypatch, 1), threading.Event(), threading.Event()
    told: list[int] = []

    def tell(number: int) -> int:
        told.append(number)
        asked.set()
        assert answered.wait(10)
        return sum(told)

    Database(monkeypatch, tell)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(one.count, 0)
        assert asked.wait(10)
        beside = [one.count(0) for _ in range(20)]
        answered.set()
    assert beside == list(range(2, 22))
    assert slow.result() == 21
    one.seconds = 1.0
    assert (one.count(0), told) == (22, [1, 21])


def test_a_count_that_could_not_be_told_is_told_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, told, is_away = Processes(monkeypatch, 1), list[int](), [True]

    def tell(number: int) -> int:
        if is_away.pop():
            raise OperationalError
        told.append(number)
        return number

    Database(monkeypatch, tell)
    with pytest.raises(OperationalError):
        one.count(0)
    is_away.append(False)
    one.seconds = 1.0
    assert (one.count(0), told) == (2, [2])


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_windows", {})
    monkeypatch.setattr(policy, "RATES_KEPT", 10)
    for number in range(100):
        rates.count(f"hint:{number}", seconds=1)
        assert len(rates._windows) <= 10
