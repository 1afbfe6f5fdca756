"""gunicorn's worker: slow senders hold no thread, and requests that the application never sees are
answered in the API's form, `application/problem+json`.

1. The main loop takes a connection, and receives a request without waiting, with all others.
2. A thread gets the request when it is whole. So a process answers however many send slowly.
3. A request that is not whole in time ends its connection by a 408, a slow reader's without a word.
4. One address has a limited number of connections; behind a proxy all have the proxy's address, so
   the proxy limits them.
5. Closing waits in the main loop too, for the sender to close first.
"""

import errno
import json
import math
import secrets
import selectors
import socket
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from gunicorn import glogging, util
from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from config import web_reading
from lenders import problems
from verification.access import addresses
from verification.core.codes import PROBLEMS

_RECEIVED: Final = 65_536  # bytes at a time
_GONE: Final = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
_FULL: Final = (errno.EMFILE, errno.ENFILE)
_FULL_SECONDS: Final = 0.05  # the connection waits in the queue of the system meanwhile
_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.InvalidResponseHeader, "internal_error"),
    (errors.InvalidResponseHeaderName, "internal_error"),
    (errors.LimitRequestLine, "uri_too_long"),
    (errors.LimitRequestHeaders, "headers_too_large"),
    (errors.ParseException, "malformed_request"),
)


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, which formats an access line only if there is a file for it.

    With a logging configuration of its own, gunicorn would format each line and drop it.
    """

    def access(self, *about: Any) -> None:
        """Logs a request, if there is a file for it."""
        if self.cfg.accesslog:
            super().access(*about)


class Connection(TConn):  # type: ignore[misc]
    """A connection, what came of its next request, and until when the rest must come."""

    def __init__(self, worker: "Worker", sock: Any, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self._worker = worker
        self.origin = _origin(client)
        self.untrusted = bytearray()
        self.request = b""  # whole, for a thread
        self.framing: web_reading.Framing | None = None
        self.began_at = self.deadline = 0.0  # by the monotonic clock

    def close(self, graceful: bool = False) -> None:
        """Closes it, or lets the sender close first."""
        self._worker.forget(self)
        if graceful:
            self._worker.linger(self.sock)
        else:
            util.close(self.sock)


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, whose threads never wait for a sender."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._by_origin: Counter[str] = Counter()
        self._receiving: set[Connection] = set()
        self._answering: set[Connection] = set()
        self._lingering: dict[Any, float] = {}
        self._unread = 0  # bytes
        self._expired_at = 0.0
        self._end_at = math.inf

    # 1 Connections

    def accept(self, listener: Any) -> None:
        """Takes a connection, unless its address has too many."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in _FULL:  # no file is left: the others go on, and some will close
                time.sleep(_FULL_SECONDS)
            elif error.errno not in _GONE:
                raise
            return
        self.nr_conns += 1
        connection = Connection(self, sock, client, listener.getsockname())
        self._by_origin[connection.origin] += 1
        self._receive_next(connection)
        is_counted = connection.origin and not _is_behind_proxy()
        if is_counted and self._by_origin[connection.origin] > web_reading.ADDRESS_CONNECTIONS:
            self._refuse(connection, "throttled")

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Receives the next request of a kept connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._receive_next(conn)

    def forget(self, connection: Connection) -> None:
        """Takes a closed connection out of all counts."""
        self._drop_unread(connection)
        self._receiving.discard(connection)
        self._answering.discard(connection)
        self._by_origin[connection.origin] -= 1
        if self._by_origin[connection.origin] < 1:
            del self._by_origin[connection.origin]

    # 2 Requests

    def _receive_next(self, connection: Connection) -> None:
        connection.framing = None
        connection.began_at = time.monotonic()
        connection.deadline = connection.began_at + web_reading.HEAD_SECONDS
        connection.sock.setblocking(False)
        self._receiving.add(connection)
        receive = partial(self._receive, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, receive)
        if connection.untrusted:
            self._hand_over(connection)

    def _receive(self, connection: Connection, sock: Any) -> None:
        came = _received(sock)
        if came is None:
            return
        if not came:
            self._leave(connection)
            return
        connection.untrusted += came
        self._unread += len(came)
        if not self._hand_over(connection) and self._unread > web_reading.UNREAD_MAX_BYTES:
            self._refuse(connection, "unavailable")

    def _hand_over(self, connection: Connection) -> bool:
        """Gives a whole request to a thread; returns whether it was whole."""
        framing = connection.framing
        if framing is None:
            framing = connection.framing = web_reading.find_end(connection.untrusted)
            if framing is None:
                return False
            if framing.is_too_long:  # a thread would wait for its end
                self._refuse(connection, "headers_too_large")
                return True
            connection.deadline = connection.began_at + web_reading.REQUEST_SECONDS
            if framing.is_expecting and len(connection.untrusted) < framing.size:
                with suppress(OSError):
                    connection.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(connection.untrusted) < framing.size:
            return False
        request = bytes(connection.untrusted[: framing.size])
        del connection.untrusted[: framing.size]
        self._unread -= framing.size
        if framing.is_expecting:
            request = web_reading.without_expectation(request)
        connection.request, connection.data_ready = request, True
        self.poller.unregister(connection.sock)
        self._receiving.discard(connection)
        self._answering.add(connection)
        connection.deadline = time.monotonic() + web_reading.ANSWER_SECONDS
        self.enqueue_req(connection)
        return True

    def handle(self, conn: Any) -> Any:
        """Answers a whole request, in a thread."""
        conn.init()
        conn.parser.unreader.unread(conn.request)
        conn.request = b""
        return super().handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        return bool(conn.framing.is_readable and super()._keepalive_after(conn, keepalive))

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Receives the next request that came with this one, keeps the connection, or closes it."""
        self._answering.discard(conn)
        is_kept = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if is_kept and conn.untrusted:
            self._receive_next(conn)
        else:
            super().finish_request(conn, fs)

    # 3 Time

    def murder_pending(self) -> None:
        """Ends what is late; gunicorn calls it in each round of its loop."""
        now = time.monotonic()
        if not self.alive:
            self._end_at = min(self._end_at, now + web_reading.LINGER_SECONDS)
        if now < self._expired_at + 1 and self.alive:
            return
        self._expired_at = now
        for connection in list(self._receiving):
            if connection.untrusted and min(connection.deadline, self._end_at) < now:
                self._refuse(connection, "request_timeout")
            elif not connection.untrusted and (connection.deadline < now or not self.alive):
                self._leave(connection)
        for connection in self._answering:
            if connection.deadline < now:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)  # its thread gets an error
        for sock in [sock for sock, until in self._lingering.items() if until < now]:
            self._let_go(sock)

    def linger(self, sock: Any) -> None:
        """Closes a socket when its sender does, or soon: else the kernel may cut the answer off."""
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
            self.poller.register(sock, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError, KeyError):
            util.close(sock)
        else:
            self._lingering[sock] = time.monotonic() + web_reading.LINGER_SECONDS

    def _drain(self, sock: Any) -> None:
        if _received(sock) == b"":
            self._let_go(sock)

    def _let_go(self, sock: Any) -> None:
        del self._lingering[sock]
        self.poller.unregister(sock)
        util.close(sock)

    # 4 Refusals

    def _leave(self, connection: Connection, *, graceful: bool = False) -> None:
        self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close(graceful=graceful)

    def _refuse(self, connection: Connection, code: str) -> None:
        self._answer(connection.sock, code, cause=code)
        self._leave(connection, graceful=True)

    def _drop_unread(self, connection: Connection) -> None:
        self._unread -= len(connection.untrusted)
        connection.untrusted.clear()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answers and logs without the received content, which may be a misplaced secret."""
        code = next((code for kind, code in _CODES if isinstance(exc, kind)), "internal_error")
        self._answer(client, code, cause=type(exc).__name__)

    def _answer(self, sock: Any, code: str, *, cause: str) -> None:
        request_id, problem = secrets.token_hex(12), PROBLEMS[code]
        self.log.warning("request %s was not read: %s", request_id, cause)
        body = problems.body_of(problem, code=code, detail="", instance="", request_id=request_id)
        content = json.dumps(body | {"errors": []}, ensure_ascii=False).encode()
        head = {
            "Connection": "close",
            "Content-Type": problems.MEDIA_TYPE,
            "Content-Length": len(content),
            "X-Request-Id": request_id,
        }
        if problem.retry_after is not None or problem.status == HTTPStatus.TOO_MANY_REQUESTS:
            head["Retry-After"] = problem.retry_after or 1
        lines = [f"{name}: {value}" for name, value in head.items()]
        first = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"
        with suppress(OSError):  # the sender may have gone
            util.write_nonblock(sock, "\r\n".join([first, *lines, "", ""]).encode() + content)


def _received(sock: Any) -> bytes | None:
    """What a socket holds; None for nothing yet, empty at its end or after a fault."""
    try:
        came: bytes = sock.recv(_RECEIVED)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return came


def _is_behind_proxy() -> bool:
    """Whether every connection comes from the operator's proxy."""
    return bool(getattr(settings, "SECURE_PROXY_SSL_HEADER", None))


def _origin(client: Any) -> str:
    """What counts as one address; empty for a proxy's, and for a Unix socket, which only a proxy
    uses.
    """
    if not isinstance(client, tuple):
        return ""
    address = addresses.read(client[0].partition("%")[0])
    if address is None or addresses.is_in(address, settings.TULGA_TRUSTED_PROXIES):
        return ""
    return addresses.subscriber(address)
