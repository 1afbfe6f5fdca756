"""One POST to an address that somebody else chose: checked, then connected, bounded in time and bytes."""

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread

from lenders import addresses, policy
from lenders.addresses import LookUp, Target
from verification.core.errors import BadInput, Unavailable

_UNPRINTABLE = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_LONG_NUMBER = re.compile(r"[0-9]{9,}")
_USER_AGENT = "Tulga-Webhooks"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a POST: the other side's status, or the word for why there is none. Time in milliseconds."""

    status: int | None = None
    failure: str = ""
    excerpt: str = ""
    milliseconds: int = 0

    @property
    def is_success(self) -> bool:
        """Only 2xx is one; a redirect is not followed, for where it points was never checked."""
        return self.status is not None and 200 <= self.status <= 299


def post(
    url: str, *, mode: str, headers: Mapping[str, str], body: bytes, look_up: LookUp = socket.getaddrinfo
) -> Outcome:
    """Sends a body once; never raises for what the other side does or fails to do."""
    started = time.monotonic()
    exchange = _Exchange(url=url, mode=mode, headers=headers, body=body, look_up=look_up)
    # A thread of its own, because no timeout of a socket bounds a look-up or an answer that drips byte by byte.
    # It is left behind at the deadline and its socket shut.
    Thread(target=exchange.run, name="webhook-post", daemon=True).start()
    if exchange.done.wait(policy.POST_SECONDS):
        outcome = exchange.outcome
    else:
        exchange.abandon()
        outcome = Outcome(failure="timeout")
    return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))


@dataclass
class _Exchange:
    """One POST in a thread that may be abandoned at any moment; read `outcome` only after `done`."""

    url: str
    mode: str
    headers: Mapping[str, str]
    body: bytes
    look_up: LookUp
    done: Event = field(default_factory=Event)
    outcome: Outcome = field(default_factory=lambda: Outcome(failure="connection_failed"))
    _lock: Lock = field(default_factory=Lock)
    _socket: socket.socket | None = None
    _is_abandoned: bool = False

    def run(self) -> None:
        """Thread body: sends, and always sets `done`."""
        try:
            self.outcome = self._send()
        except (BadInput, Unavailable) as error:
            self.outcome = Outcome(failure=error.code)
        except (HTTPException, OSError, ValueError) as error:
            self.outcome = Outcome(failure=_word(error))
        finally:
            self.done.set()

    def abandon(self) -> None:
        """Nobody waits any more: shuts the socket, so that the thread ends."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                # Below TLS: the polite farewell of TLS would wait for the other side.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _send(self) -> Outcome:
        target = addresses.read(self.url, mode=self.mode)
        connected = self._connect(target, addresses.resolve(target, look_up=self.look_up))
        with connected:
            connection = HTTPConnection(target.host, target.port)
            connection.auto_open = 0  # it would connect by name, and the name may lead elsewhere by now
            connection.sock = connected
            connection.request("POST", target.path, body=self.body, headers=self._all_headers(target))
            response = connection.getresponse()
            return Outcome(status=response.status, excerpt=_excerpt(response.read(policy.EXCERPT_BYTES)))

    def _connect(self, target: Target, literals: list[str]) -> socket.socket:
        """A socket to the first checked address that answers; the name serves TLS and the Host header only."""
        failure: Exception = OSError()
        for literal in literals[: policy.CONNECT_TRIES]:
            try:
                plain = self._keep(socket.create_connection((literal, target.port), timeout=policy.POST_SECONDS))
                return self._secured(plain, target) if target.scheme == "https" else plain
            except OSError as error:
                failure = error
        raise failure

    def _secured(self, plain: socket.socket, target: Target) -> socket.socket:
        context = ssl.create_default_context()
        # The handshake comes after the socket is kept, so that an endless one can be broken off too.
        secured = context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
        self._keep(secured)
        try:
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

    def _keep(self, connected: socket.socket) -> socket.socket:
        with self._lock:
            self._socket = connected
            if self._is_abandoned:
                connected.close()
                raise TimeoutError
            return connected

    def _all_headers(self, target: Target) -> dict[str, str]:
        return {
            **self.headers,
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }


def _word(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, HTTPException):
        return "answer_malformed"
    return "connection_failed"


def _excerpt(read: bytes) -> str:
    """The beginning of the answer as harmless text: no control characters, no long numbers."""
    text = _UNPRINTABLE.sub("", read[: policy.EXCERPT_BYTES].decode("utf-8", "replace"))
    return _LONG_NUMBER.sub("[number]", text)
