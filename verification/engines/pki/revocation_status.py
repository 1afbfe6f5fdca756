"""What an authority says of one certificate at one time: a value, the same from a responder and from a list."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from verification.core.errors import Refused

ON_HOLD: Final = 6  # reason certificateHold, RFC 5280 §5.3.1
REMOVED_FROM_LIST: Final = 8  # reason removeFromCRL: only a delta list may say it
REASONS: Final = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10})


class State(StrEnum):
    """What a verified answer says. Only `GOOD` may pass."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class RevocationStatus:
    """A verified statement of the authority.

    as_of: its thisUpdate. sha256: of the answer or list it stands in, in hex. reason, revoked_at: of a revocation.
    """

    state: State
    source: Literal["ocsp", "crl", "delta crl"]
    # The age of what was said is judged by the caller's policy; without it a status says nothing.
    as_of: datetime
    sha256: str
    reason: int | None = None
    revoked_at: datetime | None = None

    def report(self) -> dict[str, str]:
        """Where it stands, for a report."""
        return {"source": self.source, "as_of": self.as_of.isoformat(), "sha256": self.sha256}

    @property
    def is_hold(self) -> bool:
        """Whether the certificate is only suspended; that refuses too, but may end."""
        return self.state is State.REVOKED and self.reason == ON_HOLD


def unknown(detail: str) -> Refused:
    """The refusal of whatever leaves the status open: never a pass, never "revoked"."""
    return Refused("eds_revocation_unknown", detail)
