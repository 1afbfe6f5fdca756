"""`manage.py tick` as a process: it waits for a database that is away, and says in one line that it
cannot.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from verification.models import AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)


class InsecureAbsence:
    """A database that refuses its first statements; once it has answered some, the process is told
    to stop.
    """

    def __init__(self, *, refused: int, answered: int) -> None:
        """Counts of statements."""
        self._refused, self._answered = refused, answered

    def __call__(self, execute: Callable[..., Any], *said: Any) -> Any:
        """Stands before each statement."""
        self._refused -= 1
        if self._refused >= 0:
            raise OperationalError("the server is away")
        self._answered -= 1
        if self._answered == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return execute(*said)


@pytest.fixture
def _signals() -> Iterator[None]:
    before = {asked: signal.getsignal(asked) for asked in (signal.SIGTERM, signal.SIGINT)}
    yield
    for asked, handler in before.items():
        signal.signal(asked, handler)


@pytest.mark.usefixtures("_signals")
def test_a_tick_that_starts_without_its_database_waits_for_it_and_then_works() -> None:
    with connection.execute_wrapper(InsecureAbsence(refused=3, answered=60)):
        call_command("tick")
    assert AuditLeaf.objects.exists()


def test_a_single_round_without_a_database_says_so_and_ends() -> None:
    absence = InsecureAbsence(refused=1000, answered=1000)
    with connection.execute_wrapper(absence), pytest.raises(OperationalError):
        call_command("tick", "--once")
