"""The ways in of a verification as its signed entries give them: links, sessions, codes.

A row is where a secret is looked up, and no more: whoever writes rows lets himself in nowhere.
Of each way the entries know the hash of its secret, who may go on by it, and how it ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from verification import clock
from verification.case import policy
from verification.course import access, fold, tables
from verification.course.state import State
from verification.log import signatures
from verification.log.signatures import course_entry
from verification.models import HandOver, MobileSigning, Verification

Code = MobileSigning | HandOver


@dataclass(frozen=True)
class WaysIn:
    """The ways in of one verification. A test clock moves their ends as it moves those of rows."""

    state: State

    @classmethod
    def of_codes(cls, verification: Verification) -> Self:
        """Its sessions and codes, and all links but the first; by one statement."""
        return cls(fold.reach(map(course_entry, signatures.access_of(verification))))

    @property
    def session(self) -> str:
        """The hash of the session that may answer; empty before the first link is spent."""
        return access.live_session(self.state)

    def has_begun(self, session: str) -> bool:
        """Whether an entry began this session, whatever became of it."""
        return (tables.SESSION, session) in self.state.ways

    def is_old(self, session: str) -> bool:
        """Whether a session began longer ago than any case and its last page may last, whatever its
        row says.
        """
        way = self.state.ways.get((tables.SESSION, session))
        seconds = (
            policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS + policy.SESSION_AFTER_END_SECONDS
        )
        return (
            way is not None and way.values["created_at"] + timedelta(seconds=seconds) <= clock.now()
        )

    def is_unspent(self, link: bytes, *, at: datetime) -> bool:
        """Whether the link of this hash lets somebody in now."""
        way = self._way(tables.LINK, link.hex())
        return bool(way) and way["spent_at"] is None and self._is_in_time(way, at=at)

    def has_code(self, row: Code) -> bool:
        """Whether entries made this code, and gave it the reader that the row names, if any."""
        return bool(self._code(row))

    def is_open(self, row: Code, *, at: datetime) -> bool:
        """Whether the code is in use now: made by the living session, in time, and not ended."""
        way = self._code(row)
        if not way or way["outcome"] or way["session_id"] != self.session:
            return False
        is_of_turn = not isinstance(row, MobileSigning) or way["turn"] == row.turn
        return is_of_turn and self._is_in_time(way, at=at)

    def _code(self, row: Code) -> Mapping[str, Any]:
        """What the entries say of a code; empty where they made none, or gave it another reader."""
        code = bytes(row.code_sha256).hex()
        if isinstance(row, MobileSigning):
            way = self._way(tables.SIGNING, code)
            column, reader = "access_sha256", row.access_sha256
        else:
            way = self._way(tables.HAND_OVER, code)
            column, reader = "phone_sha256", row.phone_sha256
        is_same = bool(way) and (way[column] or "") == bytes(reader or b"").hex()
        return way if is_same else {}

    def _way(self, table: str, secret: str) -> Mapping[str, Any]:
        way = self.state.ways.get((table, secret))
        return way.values if way is not None and "expires_at" in way.values else {}

    def _is_in_time(self, way: Mapping[str, Any], *, at: datetime) -> bool:
        expires_at = way["expires_at"]
        return expires_at is not None and expires_at > at + self.state.advanced
