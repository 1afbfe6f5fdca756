"""How much of a request has come."""

import pytest

from config.web_reading import BODY_MAX_BYTES, HEAD_MAX_BYTES, find_end, without_expectation

_GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("untrusted", [b"", b"G", _GET[:-1], _POST, b"GET / HTTP/1.1\n\n"])
def test_a_head_without_its_end_is_awaited(untrusted: bytes) -> None:
    assert find_end(untrusted) is None


def test_an_endless_head_is_too_long() -> None:
    framing = find_end(b"a" * (HEAD_MAX_BYTES + 1))
    assert framing is not None
    assert (framing.is_too_long, framing.is_readable) == (True, False)


@pytest.mark.parametrize(
    "header", [b"Content-Length: 5", b"content-length:5", b"CONTENT-LENGTH:\t5 "]
)
def test_a_body_is_as_long_as_the_head_says(header: bytes) -> None:
    found = find_end(_POST + header + b"\r\n\r\n12345GET")
    assert found is not None
    assert (found.size - found.head, found.is_readable) == (5, True)


def test_the_first_of_two_requests_ends_where_the_second_begins() -> None:
    found = find_end(_GET + _POST)
    assert found is not None
    assert (found.size, found.is_readable) == (len(_GET), True)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 5x",
        b"Content-Length: ",
        b"Content-Length: 9999999999",
        b"Content-Length: %d" % (BODY_MAX_BYTES + 1),
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    ],
)
def test_a_body_that_is_not_awaited_ends_its_connection(headers: bytes) -> None:
    found = find_end(_POST + headers + b"\r\n\r\n12345")
    assert found is not None
    assert (found.size, found.is_readable) == (found.head, False)


@pytest.mark.parametrize("header", [b"Expect: 100-continue", b"expect:100-Continue"])
def test_an_expectation_is_seen_and_taken_out(header: bytes) -> None:
    request = _POST + header + b"\r\nContent-Length: 2\r\n\r\n{}"
    found = find_end(request)
    assert found is not None
    assert found.is_expecting
    assert without_expectation(request) == _POST + b"Content-Length: 2\r\n\r\n{}"
    last = _POST + b"Content-Length: 2\r\n" + header + b"\r\n\r\n{}"
    assert without_expectation(last) == _POST + b"Content-Length: 2\r\n\r\n{}"


def test_a_request_without_an_expectation_stays_as_it_is() -> None:
    assert without_expectation(_GET) == _GET
