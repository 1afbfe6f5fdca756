"""Every short message the sandbox was to carry, newest last, in memory: it shows them instead of
sending them.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final

_MAX_MESSAGES: Final = 1000  # the oldest is dropped then


@dataclass(frozen=True, kw_only=True)
class Message:
    """One short message; `sender` is a name or a short number."""

    message_id: str
    sender: str
    phone: str
    text: str
    at: datetime


class Inbox:
    """The messages of all phones. Threads may share it."""

    def __init__(self) -> None:
        """Begins empty."""
        self._lock = Lock()
        self._messages: deque[Message] = deque(maxlen=_MAX_MESSAGES)

    def put(self, *, message_id: str, sender: str, phone: str, text: str) -> None:
        """One more."""
        with self._lock:
            self._messages.append(
                Message(
                    message_id=message_id,
                    sender=sender,
                    phone=phone,
                    text=text,
                    at=datetime.now(UTC),
                )
            )

    def messages(self, phone: str | None = None) -> list[Message]:
        """Those to one phone, or all, the oldest first."""
        with self._lock:
            return [
                message for message in self._messages if phone is None or message.phone == phone
            ]
