"""What an exchange may still use, to the byte; and a wire whose time is up is closed."""

import socket
import ssl

import pytest

from verification.core.errors import Unavailable
from verification.outbound.wires import Allowance, Wire


def test_no_read_asks_for_more_than_is_left() -> None:
    allowance = Allowance(seconds=5.0, read_bytes=100)
    assert allowance.cut(640) == 100
    assert allowance.spend(b"x" * 70) == b"x" * 70
    assert (allowance.cut(2), allowance.cut(640)) == (2, 30)
    allowance.spend(b"x" * 30)
    with pytest.raises(Unavailable) as caught:
        allowance.cut(1)
    assert caught.value.code == "answer_malformed"
    allowance.bytes_left += 34 + 4
    assert allowance.cut(640) == 4


def test_a_read_of_a_single_byte_counts_as_one_of_more() -> None:
    allowance = Allowance(seconds=5.0, read_bytes=64 * 1024)
    for _ in range(1024):
        allowance.cut(1)
        allowance.spend(b"x")
    with pytest.raises(Unavailable):
        allowance.cut(1)


def test_time_that_is_up_is_a_timeout_and_closes_a_wire_that_was_to_be_secured() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours, Allowance(seconds=0.0, read_bytes=10))
    with theirs, pytest.raises(TimeoutError):
        wire.read(1)
    with pytest.raises(TimeoutError):
        wire.start_tls(ssl.create_default_context(), "name.example")
    assert ours.fileno() == -1
