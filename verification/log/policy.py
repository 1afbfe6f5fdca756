"""The numbers of the log, each with unit and source."""

from typing import Final

BATCH: Final = 1024
"""Entries per transaction and checkpoint. Source: the design of the log, write path."""

LEAF_BYTES: Final = 65_535
"""Largest leaf, bytes. Source: C2SP tlog-tiles, entry bundles carry a two-byte length."""

SIZE: Final = 2**63 - 1
"""Largest readable tree size. Source: the largest PostgreSQL `bigint`; RFC 9162 allows 2⁶⁴."""

PROOF_HASHES: Final = 63
"""Longest inclusion proof, hashes: the height of a tree of `SIZE` leaves. Source: RFC 9162,
2.1.3.
"""

NOTE_BYTES: Final = 131_072
"""Largest readable signed note, bytes: `NOTE_SIGNATURES` post-quantum signatures of 3 300
characters and room.
"""

NOTE_SIGNATURES: Final = 32
"""Most readable signature lines. Source: C2SP signed-note, verifiers must accept at least 16."""

EXTRA_BYTES: Final = 65_536
"""Most extra data in a proof, bytes; it is not authenticated, so more has no use."""

HEARTBEAT_SECONDS: Final = 3600
"""Interval of heartbeats in a live log, seconds. Source: design of the log, read path."""
