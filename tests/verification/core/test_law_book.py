"""One book a process: which of two threads that read at once holds, and that no question is lost
meanwhile.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from verification.core import profiles
from verification.core.profiles import NO_AMENDMENTS, Amendments


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    state, before = profiles._book, profiles.current_amendments()
    reader = state.reader
    yield
    profiles.hold_amendments(before)
    profiles.read_amendments_by(reader)


def test_a_slow_reader_never_puts_back_what_a_later_one_has_read() -> None:
    profiles.hold_amendments(NO_AMENDMENTS)
    is_reading, goes_on = Event(), Event()
    taken = [1]

    def read(is_urgent: bool) -> Amendments:
        number = taken[-1]
        if number == 1:
            is_reading.set()
            assert goes_on.wait(20)
        return Amendments(number=number)

    profiles.read_amendments_by(read)
    with ThreadPoolExecutor(3) as threads:
        slow = threads.submit(profiles.look_again)
        assert is_reading.wait(20)
        taken.append(2)
        later = threads.submit(profiles.look_again)
        profiles.keep_current()  # a request that is not urgent does not wait for the slow one
        assert profiles.current_amendments() is NO_AMENDMENTS
        goes_on.set()
        assert (slow.result(20), later.result(20)) == (True, True)
    assert profiles.current_amendments().number == 2


def test_a_reader_that_fails_leaves_the_book_and_the_next_look_reads() -> None:
    profiles.hold_amendments(Amendments(number=1))
    answers: Iterator[Exception | Amendments] = iter([ZeroDivisionError(), Amendments(number=2)])

    def read(is_urgent: bool) -> Amendments:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    profiles.read_amendments_by(read)
    with pytest.raises(ZeroDivisionError):
        profiles.look_again()
    assert profiles.current_amendments().number == 1
    assert profiles.look_again()
    assert profiles.current_amendments().number == 2
