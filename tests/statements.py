"""Counts what a request asks of the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

# What begins and ends a transaction, what says whose rows it sees, and what a process tells of its
# rates once a second.
APART = re.compile(
    r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|SELECT set_config|INSERT INTO"
    r" verification_ratecount)\b",
    re.IGNORECASE,
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements sent within, known at its end."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as asked:
        yield sent
    sent += [one["sql"] for one in asked.captured_queries if not APART.match(one["sql"])]
