"""The numbers of the log, each with unit and source."""

from collections.abc import Mapping
from typing import Final

from verification.core.reasons import LIVENESS, REASONS

BATCH: Final = 1024
"""Entries ordered in one transaction and under one checkpoint. Source: the design of the log, write path."""

LEAF_BYTES: Final = 65_535
"""Largest leaf, bytes. Source: C2SP tlog-tiles, entry bundles carry a two-byte length."""

SIZE: Final = 2**63 - 1
"""Largest tree size we read. Source: the largest number of a PostgreSQL `bigint`; RFC 9162 allows 2⁶⁴."""

PROOF_HASHES: Final = 63
"""Longest inclusion proof, hashes: the height of a tree of `SIZE` leaves. Source: RFC 9162, 2.1.3."""

NOTE_BYTES: Final = 131_072
"""Largest signed note we read, bytes: `NOTE_SIGNATURES` post-quantum signatures of 3 300 characters and room."""

NOTE_SIGNATURES: Final = 32
"""Most signature lines we read. Source: C2SP signed-note, verifiers must accept at least 16."""

EXTRA_BYTES: Final = 65_536
"""Most extra data in a proof, bytes; it is not authenticated, so there is no reason for more."""

# What follows is read of every log there is. Another number would make earlier cases unlawful: put it into the release
# that it begins with (`core/releases.py`), and leave the old one to those before. A test holds them.

VOTES_TO_PASS: Final = 2
"""How many people must have passed what checks left to them. Source: law.md O-88, four eyes."""

REVIEW_SECONDS: Final = 24 * 3600
"""How long people may take to review, seconds. Source: api.md §1."""

COURSE_SECONDS: Final = 72 * 3600
"""How long after its opening a live verification may be verified, seconds: a day for the borrower, one for reviewers,
and one for faults of ours. Ours: an opening that is put back to an earlier law is longer ago."""

TRIES_SECONDS: Final = 24 * 3600
"""Over which time the attempts of a borrower that were spent are counted, seconds. Source: api.md §1, a day."""

CLOCKS_APART_SECONDS: Final = 10
"""How far the times of entries that two processes wrote may be apart, seconds: twice what each may be off the
database's (`verification/clock.py`)."""

FAULTS_MAX: Final = 5
"""How often a step is tried before a verification ends in `failed`. Ours: with the backoff between, two minutes."""

OBLIGATION_AHEAD_SECONDS: Final = 300
"""How far ahead of ours a lender's clock may be that says when an obligation began, seconds. Ours."""

TOLD_TO_SECONDS: Final = 1
"""By less than so much a time of ours may be too early when it is told back, seconds: answers cut it to milliseconds,
many a system to whole seconds."""

ASKED_STEPS: Final = frozenset({"open", "prepare", "look", "judge"})
"""Steps that a borrower's answer leads to: whoever waits for one is told in the end that it failed."""

CLEARANCE_SECONDS: Final = 15 * 60
"""How long a clearance may be presented, seconds. Source: api.md §1."""

GATES: Final[Mapping[str, tuple[str, ...]]] = {
    "amount": (),
    "verification_age": (),
    "profile": (),
    "age": ("confirmed_below_years", "confirmed_from_years"),
    "first_credit": ("visit_over_mci",),
    "cooling_off": ("cooling_off_over_mci",),
    "stop_credit": ("stop_credit_max_age_seconds",),
    "account_owner": ("account_owner_max_age_seconds",),
}
"""What a clearance passes, and which fields of a profile ask for it: with none it is always asked. O-50 to O-58."""

TEST_LOG: Final = "test"
"""The log in whose verifications a clock may be advanced and borrowers be played. Source: api.md §1, Mode."""

ADVANCE_SECONDS_MAX: Final = 7 * 24 * 3600
"""By how much a test clock may be advanced at once, seconds. Ours: more than the longest time that anything of a
verification is given, the 72 hours for which it may lead to money."""

HEARTBEAT_SECONDS: Final = 3600
"""A log that is alive has one heartbeat in every such span, seconds. Source: design of the log, read path."""

FRAMES_KEPT_SECONDS: Final = 72 * 3600
"""How long a camera's frames that no document shows are kept after a verification's end. Source: liveness.md §4."""

FRAMES_HELD_FOR: Final = frozenset(
    {
        *("liveness_review", "liveness_passive_review", "liveness_commands_left_out"),
        *("liveness_line_review", "hand_over_review", "liveness_depth_flat", "liveness_depth_missing"),
        *("liveness_surroundings_jumped", "liveness_actor_review", "liveness_replay_review"),
        *(code for code, one in REASONS.items() if one.family == LIVENESS or code.startswith("liveness_injection_")),
    }
)
"""By which codes of checks a declined verification keeps them until its retention ends: a gate of the live capture had
refused, or had left it to people. Source: liveness.md §4; which codes is ours."""

FRAMES_HELD_ENDINGS: Final = frozenset({"coercion_reported"})
"""And by which codes of its end. Ours: somebody had told the borrower what to press."""

HINDRANCES: Final = frozenset({"borrower_busy", "captures_exceeded", "consents_exceeded", "velocity_exceeded"})
"""Why a stage could not begin: words of a row that no entry says, for nothing has happened. Ours."""
