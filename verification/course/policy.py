"""Numbers by which all entries are judged, past and present, each with unit and source.

Another number would make earlier cases unlawful. A new number belongs to the release that starts it
(`core/releases.py`).
The old number stays with earlier releases; a test enforces this.
"""

from collections.abc import Mapping
from typing import Final

from verification.core.codes import LIVENESS, REASONS

VOTES_TO_PASS: Final = 2
"""People who must pass an attempt in review. Law: O-88, four eyes."""

REVIEW_SECONDS: Final = 24 * 3600
"""Time for a review, seconds. Ours."""

COURSE_SECONDS: Final = 72 * 3600
"""Maximum time from opening to `verified` in live mode, seconds.

One day for the borrower, one for reviewers, one for faults. Ours: a backdated opening is older.
"""

TRIES_SECONDS: Final = 24 * 3600
"""Period over which a borrower's spent attempts count, seconds. Ours."""

CLOCKS_APART_SECONDS: Final = 10
"""Maximum difference between the clocks of two processes, seconds.

Twice the permitted deviation from the database's clock (`verification/clock.py`).
"""

FAULTS_MAX: Final = 5
"""Tries of a step before a verification ends in `failed`. Ours: with the backoff, two minutes."""

OBLIGATION_AHEAD_SECONDS: Final = 300
"""How far a lender's clock may be ahead of ours, seconds. Ours."""

TOLD_TO_SECONDS: Final = 1
"""Maximum rounding of a time that a lender returns, seconds.

Answers cut times to milliseconds, and many systems to whole seconds.
"""

ASKED_STEPS: Final = frozenset({"open", "prepare", "look", "judge"})
"""Steps that follow a borrower's answer. The borrower waits, and sees the failure at the end."""

CLEARANCE_SECONDS: Final = 15 * 60
"""Lifetime of a clearance, seconds. Ours."""

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
"""The gates of a clearance, each with the profile fields that require it; without fields, always
required.

Law: O-50 to O-58.
"""

TEST_LOG: Final = "test"
"""The log of test verifications: clocks can advance, and the sandbox can play borrowers.

Ours.
"""

ADVANCE_SECONDS_MAX: Final = 7 * 24 * 3600
"""Maximum step of a test clock, seconds. Ours: above the longest period of a verification, 72
hours.
"""

HINDRANCES: Final = frozenset(
    {"borrower_busy", "captures_exceeded", "consents_exceeded", "velocity_exceeded"}
)
"""Reasons why a stage could not begin although the borrower has an attempt left. Ours."""

FRAMES_KEPT_SECONDS: Final = 72 * 3600
"""How long camera frames outside documents are kept after the end, seconds. Ours."""

REQUEST_DAYS: Final = 15
"""Days to answer a request to erase personal data. Law: O-82."""

FRAMES_HELD_FOR: Final = frozenset(
    code for code, row in REASONS.items() if row.family == LIVENESS or row.holds_frames
)
"""Check codes for which a declined verification keeps its frames for its whole retention.

A gate of the live capture refused, or referred it to people. Ours.
"""

FRAMES_HELD_ENDINGS: Final = frozenset({"coercion_reported"})
"""The same for codes of its end. Ours: another person instructs the borrower."""
