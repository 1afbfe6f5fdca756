"""Both doors of the client, so that whatever is true of one is true of the other."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from verification.outbound import Answer, Request, send, send_async

Door = Callable[[Request], Answer]


def send_in_a_loop(request: Request) -> Answer:
    """The answer that a loop gets."""
    return asyncio.run(send_async(request))


@pytest.fixture(params=[send, send_in_a_loop], ids=["thread", "loop"])
def door(request: pytest.FixtureRequest) -> Door:
    """`send`, and `send_async` in a loop of its own."""
    chosen: Door = request.param
    return chosen


@pytest.fixture(autouse=True)
def nothing_is_left_open(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """No test leaves a connection for the collector to close."""
    yield
    assert [
        str(warning.message) for warning in recwarn if warning.category is ResourceWarning
    ] == []
