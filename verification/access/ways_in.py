"""The accesses of a verification by its signed entries: links, sessions, codes.

A row serves only to look up a secret; a forged row admits to nothing.
For each access, entries know the hash of its secret, its successor and its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from verification import clock
from verification.access.tokens import is_in_time
from verification.case import blocks, policy
from verification.core.events import BLOCKING
from verification.core.ids import LINK, SESSION
from verification.course import access, fold
from verification.course.state import State
from verification.log import signatures
from verification.log.signatures import course_entry
from verification.models import Access, Verification


@dataclass(frozen=True)
class WaysIn:
    """The accesses of one verification. A test clock moves their expiry as it moves the rows'."""

    state: State

    @classmethod
    def of_codes(cls, verification: Verification) -> Self:
        """Its sessions and codes, and all links but the first, in one statement.

        Raises: `Conflict` (processing_blocked).
        """
        entries = signatures.access_of(verification)
        if any(entry.type in BLOCKING for entry in entries):
            raise blocks.refusal()
        return cls(fold.reach(map(course_entry, entries)))

    @property
    def session(self) -> str:
        """The hash of the session that may answer; empty before the first link is spent."""
        return access.live_session(self.state)

    def has_begun(self, session: str) -> bool:
        """Whether an entry started this session, whatever became of it."""
        return (SESSION, session) in self.state.ways

    def is_old(self, session: str) -> bool:
        """Whether a session started longer ago than any case and its last page can last,
        whatever its row says.
        """
        way = self.state.ways.get((SESSION, session))
        seconds = (
            policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS + policy.SESSION_AFTER_END_SECONDS
        )
        return (
            way is not None and way.values["created_at"] + timedelta(seconds=seconds) <= clock.now()
        )

    def is_unspent(self, link: bytes, *, at: datetime) -> bool:
        """Whether the link of this hash is valid now."""
        way = self._way(LINK, link.hex())
        return bool(way) and way["spent_at"] is None and self._is_in_time(way, at=at)

    def has_code(self, row: Access) -> bool:
        """Whether entries made this code, and gave it the reader in the row, if any."""
        return bool(self._code(row))

    def is_open(self, row: Access, *, at: datetime) -> bool:
        """Whether a code is in use now, by its row and its entries.

        The living session made it, its time is not over, and it has not ended.
        """
        way = self._code(row)
        is_unused = not row.outcome and row.parent is not None and row.parent.spent_at is None
        if not way or not is_unused or not is_in_time(row, at=at) or way["outcome"]:
            return False
        is_of_session = way["parent_id"] == self.session and way["turn"] == row.turn
        return is_of_session and self._is_in_time(way, at=at)

    def _code(self, row: Access) -> Mapping[str, Any]:
        """A code's values by entries; empty if they did not make it, or gave it another reader."""
        way = self._way(row.kind, bytes(row.digest).hex())
        is_same = (
            bool(way) and (way["second_digest"] or "") == bytes(row.second_digest or b"").hex()
        )
        return way if is_same else {}

    def _way(self, kind: str, digest: str) -> Mapping[str, Any]:
        way = self.state.ways.get((kind, digest))
        # Entries may use an access that they have not made.
        return way.values if way is not None and "expires_at" in way.values else {}

    def _is_in_time(self, way: Mapping[str, Any], *, at: datetime) -> bool:
        expires_at = way["expires_at"]
        return expires_at is not None and expires_at > at + self.state.advanced
