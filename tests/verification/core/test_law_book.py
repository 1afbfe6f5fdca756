"""One book a process: which of two threads that read at once holds, and that no question is lost
meanwhile.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from verification.core import law_book
from verification.core.law_book import NOTHING, Amendments


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    state, before = law_book._state, law_book.current()
    reader = state.reader
    yield
    law_book.hold(before)
    law_book.read_by(reader)


def test_a_slow_reader_never_puts_back_what_a_later_one_has_read() -> None:
    law_book.hold(NOTHING)
    is_reading, goes_on = Event(), Event()
    taken = [1]

    def read(is_urgent: bool) -> Amendments:
        number = taken[-1]
        if number == 1:
            is_reading.set()
            assert goes_on.wait(20)
        return Amendments(number=number)

    law_book.read_by(read)
    with ThreadPoolExecutor(3) as threads:
        slow = threads.submit(law_book.look_again)
        assert is_reading.wait(20)
        taken.append(2)
        later = threads.submit(law_book.look_again)
        law_book.keep_current()  # a request that is not urgent does not wait for the slow one
        assert law_book.current() is NOTHING
        goes_on.set()
        assert (slow.result(20), later.result(20)) == (True, True)
    assert law_book.current().number == 2


def test_a_reader_that_fails_leaves_the_book_and_the_next_look_reads() -> None:
    law_book.hold(Amendments(number=1))
    answers: Iterator[Exception | Amendments] = iter([ZeroDivisionError(), Amendments(number=2)])

    def read(is_urgent: bool) -> Amendments:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    law_book.read_by(read)
    with pytest.raises(ZeroDivisionError):
        law_book.look_again()
    assert law_book.current().number == 1
    assert law_book.look_again()
    assert law_book.current().number == 2
