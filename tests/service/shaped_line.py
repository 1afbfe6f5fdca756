"""A line between a phone and the server, on loopback: bits a second, the way, packets lost, stalls,
cuts.
"""

import asyncio
import random
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_PACKET = 1_460  # bytes, of a TCP segment on Ethernet
_AGAIN_SECONDS = (
    0.3  # what TCP takes to send a lost segment again, at least: RFC 6298 §2.4 has 1 s, Linux 0.2
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a line is like. bits: a second, each way. way: seconds, one way. loss: share of packets
    sent again.

    stall: how likely a line stands still before a piece, for `stall_seconds`.
    """

    name: str
    bits: float
    way: float
    loss: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 0.0


class ShapedLine:
    """Takes connections on a port of its own and passes them on as such a line would."""

    def __init__(self, upstream: str, line: Line, *, chance: random.Random) -> None:
        """`upstream`: the address of the server."""
        target = urlsplit(upstream)
        self._host, self._port = str(target.hostname), int(target.port or 80)
        self._line, self._chance = line, chance
        self._loop = asyncio.new_event_loop()
        self._free = [0.0, 0.0]  # when each direction is free again
        self._open: set[asyncio.StreamWriter] = set()
        self._cut_until = 0.0
        self.url = ""
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ShapedLine":
        """The line stands."""
        self._thread.start()
        self._is_ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it with all that goes over it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut(self, seconds: float) -> None:
        """Every connection breaks, and new ones are refused for so long."""
        self._loop.call_soon_threadsafe(self._cut, seconds)

    def _cut(self, seconds: float) -> None:
        self._cut_until = self._loop.time() + seconds
        for writer in list(self._open):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._pass_on, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._is_ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._loop.time() < self._cut_until:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._carry(reader, far_writer, direction=0),
                self._carry(far_reader, writer, direction=1),
            )
        finally:
            self._open -= {writer, far_writer}
            for each in (writer, far_writer):
                each.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, direction: int
    ) -> None:
        """One direction. What is on its way is in a queue, so that a long way costs time and no
        rate.
        """
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=200)

        async def deliver() -> None:
            while True:
                at, piece = await under_way.get()
                await asyncio.sleep(max(0.0, at - self._loop.time()))
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
            with suppress(OSError):
                writer.write_eof()

        with suppress(ConnectionError, OSError):
            delivering = self._loop.create_task(deliver())
            held = 0.0
            while True:
                piece = await reader.read(_PACKET)
                line, now = self._line, self._loop.time()
                self._free[direction] = max(now, self._free[direction]) + len(piece) * 8 / line.bits
                if self._chance.random() < line.stall:
                    self._free[direction] += line.stall_seconds
                if self._chance.random() < line.loss:
                    held = self._free[direction] + _AGAIN_SECONDS
                # What follows a lost piece waits for it: TCP hands on in order.
                held = max(held, self._free[direction])
                await under_way.put((held + line.way, piece))
                await asyncio.sleep(max(0.0, self._free[direction] - self._loop.time()))
                if not piece:
                    break
            await delivering
