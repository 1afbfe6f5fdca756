"""The embedded broker: kombu's `filesystem` transport, with atomic messages, and equal ones once.

kombu opens a message's file under its final name and writes it afterwards.
A worker that looks in between finds an empty file and ends ("Unrecoverable error").
The same happens with a file that a killed process or a full disk left incomplete.
A message replaces an equal one that still waits.
So returning workers find one message per queue, not ten thousand that kombu would all read again
each time.
"""

from hashlib import sha256
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Reads and writes one file per message."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        """Writes under another name, then renames: readers find the whole message or none."""
        folder = Path(self.data_folder_out)
        unfinished = folder / f"{uuid4()}.unfinished"
        digest = sha256(
            dumps([payload.get("headers", {}).get("task"), payload["body"]]).encode()
        ).hexdigest()[:16]
        try:
            unfinished.write_text(dumps(payload), encoding="utf-8")
            unfinished.rename(folder / f"{digest}.{queue}.msg")
        except OSError as error:
            raise ChannelError("the message could not be written") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """One message, renamed so that no other worker takes it. An unreadable one is dropped:
        workers poll anyway.
        """
        folder = Path(self.data_folder_in)
        for path in sorted(folder.glob(f"*.{queue}.msg")):
            own_path = folder / f"{uuid4()}.taken"
            try:
                path.rename(own_path)
            except OSError:
                continue  # another worker was faster
            content = own_path.read_bytes()
            own_path.unlink()
            try:
                return loads(content.decode())
            except ValueError:
                break
        raise Empty


class Transport(filesystem.Transport):
    """The implementation of `filesystem://` in our processes."""

    Channel = Channel
