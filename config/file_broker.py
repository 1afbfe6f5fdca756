"""The embedded broker: kombu's `filesystem` transport, with bells that appear whole.

kombu opens a message's file under the name its readers look for and writes it afterwards. A worker that looks in
between finds an empty file, cannot read it and ends ("Unrecoverable error"); so does one that finds what a killed
process or a full disk left half-written.
"""

from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Reads and writes one file a message."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        """Writes under a name nobody looks for, then renames: a reader finds all of it or nothing."""
        folder, name = Path(self.data_folder_out), uuid4()
        unfinished = folder / f"{name}.unfinished"
        try:
            unfinished.write_text(dumps(payload), encoding="utf-8")
            unfinished.rename(folder / f"{round(monotonic() * 1000)}_{name}.{queue}.msg")
        except OSError as error:
            raise ChannelError("the bell could not be written") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message. One that cannot be read is dropped: whatever it rang for is rung for again."""
        try:
            return super()._get(queue)
        except ValueError:
            raise Empty from None


class Transport(filesystem.Transport):
    """What `filesystem://` means in our processes."""

    Channel = Channel
