"""One clock: what a process reads is corrected by the database's, and a machine whose clock is
wrong takes no work.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import MagicMock

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from config import starting
from verification import clock, transactions
from verification.core.errors import Misconfigured
from verification.worker import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _clock_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_state", clock._State())
    monkeypatch.setattr(clock, "LEAP_SECONDS", 1)


def set_ahead(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """This machine's clock, not the database's."""
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-4, -1, 1, 4])
def test_a_clock_that_is_a_little_off_is_corrected(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    set_ahead(monkeypatch, seconds)
    clock.require_right()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=0.5)
    assert clock.is_right()


def test_a_difference_that_asking_may_have_made_is_none() -> None:
    clock.measure_offset()
    assert clock._state.offset == timedelta(0)


@pytest.mark.parametrize("seconds", [-600, -5.5, 5.5, 600])
def test_a_clock_that_is_wrong_lets_no_process_start(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    set_ahead(monkeypatch, seconds)
    with pytest.raises(Misconfigured, match=r"s (behind|ahead of) the database's\.\nSet it right"):
        clock.require_right()
    assert not clock.is_right()
    with pytest.raises(CommandError, match="clock"):
        call_command("tick", "--once")


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_clock_that_is_set_wrong_is_told_at_once_and_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seconds: int
) -> None:
    monkeypatch.setattr(clock, "MEASURE_SECONDS", 60)
    with transactions.running(scope=transactions.ALL):
        assert clock.is_right()
    set_ahead(monkeypatch, seconds)
    with caplog.at_level(logging.ERROR), transactions.running(scope=transactions.ALL):
        assert not clock.is_right()
    assert "No step is claimed until it is." in caplog.text
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=0.5)


def test_a_clock_that_drifts_is_measured_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MEASURE_SECONDS", 60)
    clock.require_right()
    first = clock._state.measured_at
    assert first is not None
    set_ahead(monkeypatch, 0.5)
    with transactions.running(scope=transactions.ALL):
        assert clock._state.measured_at == first, "it was measured less than a minute ago"
    clock._state.measured_at = first - 60
    with transactions.running(scope=transactions.ALL):
        assert clock._state.measured_at >= first
    assert abs(clock._state.offset + timedelta(seconds=0.5)) < timedelta(seconds=0.2)


def test_a_database_that_is_away_leaves_the_clock_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.require_right()
    clock._state.measured_at = None

    def is_away(*_: object) -> None:
        raise OperationalError("the server is away")

    with connection.execute_wrapper(is_away):
        clock.keep_right()
    assert clock.is_right()


def test_a_database_that_did_not_answer_is_not_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def measure_offset() -> None:
        asked.append("the time")
        raise OperationalError

    monkeypatch.setattr(clock, "measure_offset", measure_offset)
    for _ in range(3):
        clock.keep_right()
    assert len(asked) == 1
    monkeypatch.setattr(clock._state, "again_at", 0)
    clock.keep_right()
    assert len(asked) == 2


@pytest.mark.parametrize(
    "start",
    [starting.refuse_wrong_setup, lambda: call_command("deliver", "--once")],
    ids=["web or worker", "deliver"],
)
def test_no_process_starts_on_a_wrong_clock(
    monkeypatch: pytest.MonkeyPatch, start: Callable[[], None]
) -> None:
    set_ahead(monkeypatch, 600)
    with pytest.raises((SystemExit, CommandError), match="machine's clock is 600 s ahead"):
        start()


def test_a_tick_on_a_wrong_clock_lets_nothing_lapse(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(sweep, "run_round", lambda **_: done.append("a round"))
    for name in ("refuse_forked_log", "put_keys_on_record"):
        monkeypatch.setattr(sweep, name, lambda: None)
    clock.measure_offset()
    # It began on a right one.
    monkeypatch.setattr(clock, "require_right", lambda: None)
    for is_right in (False, True):
        monkeypatch.setattr(clock._state, "is_right", is_right)
        call_command("tick", "--once")
    assert done == ["a round"]


def test_a_clock_that_is_set_in_the_middle_of_a_step_moves_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.require_right()
    set_ahead(monkeypatch, 600)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=0.5)


def test_a_question_during_which_the_clock_was_set_back_counts_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = iter([timedelta(0), *[timedelta(seconds=-8)] * 10])
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + next(said))
    assert abs(clock.measure_offset() - timedelta(seconds=8)) < timedelta(seconds=0.5)
    assert not clock.is_right()


def test_a_process_that_is_put_aside_between_both_clocks_does_not_go_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    asked, database = [noon] * 2 * clock.SAMPLES, MagicMock(vendor="sqlite")
    database.cursor().__enter__().fetchone.return_value = [noon.timestamp()]
    monkeypatch.setattr(clock, "connection", database)
    read = [noon + timedelta(seconds=seconds) for seconds in (5, 5, 9)]
    monkeypatch.setattr(
        "verification.clock.time.monotonic", iter([0.0, 5.0, 5.0, 5.001, 6.0, 9.0]).__next__
    )
    monkeypatch.setattr("verification.clock.timezone.now", iter([*asked, *read]).__next__)
    clock.measure_offset()
    assert (clock._state.measured_at, clock._state.read_at) == (5.0, read[1])
