"""`python -m tests.growth COPIES TIMES`: fills the migrated database that the environment names,
asks it, and prints.

The last line is JSON: for each question its milliseconds (the best of so many runs without an
explanation, 0 without any) and the plan of each of its statements, and which functions of the
rooms ran.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import django

django.setup()  # rows and models are named by what follows

from django.db import transaction  # noqa: E402

from tests.growth import asked, database  # noqa: E402

_ROOMS = (
    "lenders.resources",
    "verification.access",
    "verification.artifacts",
    "verification.oversight",
    "verification.payout",
    "verification.case",
    "verification.worker",
)


def main() -> None:
    """Fill, ask, print."""
    copies, times, began = int(sys.argv[1]), int(sys.argv[2]), time.monotonic()
    world = asked.play()
    owner = os.environ["TULGA_TEST_MIGRATION_DATABASE_URL"]
    database.fill(owner, case=world.judged, copies=copies)
    filled = time.monotonic() - began
    asked.play_on(world)
    database.analyze(owner)
    with asked.noting_functions(*_ROOMS) as ran:
        explained = {
            name: [asdict(one) for one in _explained(question)]
            for name, question in asked.hot(world).items()
        }
    # Afterwards, for each time leaves dead rows behind, which a plan would have to walk over.
    found = {
        name: {"milliseconds": _timed(question, times), "plans": explained[name]}
        for name, question in asked.hot(world).items()
    }
    controls = {
        name: [asdict(one) for one in _explained(control)]
        for name, control in asked.controls().items()
    }
    told = {
        "questions": found,
        "controls": controls,
        "functions": sorted(ran),
        "fill_seconds": round(filled),
        "sizes": database.sizes(owner),
    }
    print(json.dumps(told))


def _timed(question: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        with _taken_back():
            began = time.perf_counter()
            question()
            found.append(1000 * (time.perf_counter() - began))
    return min(found, default=0.0)


def _explained(question: Callable[[], object]) -> list[asked.Plan]:
    with _taken_back(), asked.explaining() as found:
        question()
    return found


@contextmanager
def _taken_back() -> Iterator[None]:
    """A transaction that leaves nothing. As in a test of Django's, one that must be the outermost
    may be inside it.
    """
    block = transaction.atomic()
    setattr(block, "_from_testcase", True)  # as `django.test.TestCase` marks its own  # noqa: B010
    with block:
        yield
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
