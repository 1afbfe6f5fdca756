"""Names that lead where a test wants them to, and addresses of all kinds. No connection is made."""

import socket
import threading
import time
from typing import Any

import pytest

from verification.outbound.addresses import LookUp

PRIVATE = [
    "0.0.0.0",  # nothing is bound to it  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # a cloud's own agent
    "169.254.0.1",
    "169.254.169.254",  # metadata
    "169.254.170.2",  # credentials of containers
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",  # mapped too, though public inside
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4 around 127.0.0.1
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
]


def answering(*literals: str) -> LookUp:
    """A name server whose answer is fixed."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (literal, port)) for literal in literals
        ]

    return look_up


def refuse_connects(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError] = ConnectionRefusedError
) -> list[Any]:
    """Every attempt to connect from now on, refused. A thread that earlier tests left running is
    not counted.
    """
    seen: list[Any] = []
    others = set(threading.enumerate()) - {threading.current_thread()}

    def refuse(self: socket.socket, address: Any) -> None:
        if threading.current_thread() not in others:
            seen.append(address)
        raise error

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return seen


def look_ups_end() -> bool:
    """Whether no look-up is left running, in time."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(thread.name == "look-up" for thread in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False
