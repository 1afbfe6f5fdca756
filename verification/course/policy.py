"""The numbers by which every entry there is was and is judged, each with unit and source.

Another number would make earlier cases unlawful. Put a new one into the release that begins with
it (`core/releases.py`), and leave the old one to those before; a test holds them.
"""

from collections.abc import Mapping
from typing import Final

from verification.core.codes import LIVENESS, REASONS

VOTES_TO_PASS: Final = 2
"""How many people must pass what checks left to them. Source: law.md O-88, four eyes."""

REVIEW_SECONDS: Final = 24 * 3600
"""How long people may take to review, seconds. Source: api.md §1."""

COURSE_SECONDS: Final = 72 * 3600
"""How long after its opening a live verification may be verified, seconds: a day for the borrower,
one for reviewers, and one for faults of ours. Ours: an opening that is put back to an earlier law
is longer ago."""

TRIES_SECONDS: Final = 24 * 3600
"""Over which time the spent attempts of a borrower are counted, seconds. Source: api.md §1."""

CLOCKS_APART_SECONDS: Final = 10
"""How far the times of entries that two processes wrote may be apart, seconds: twice what each may
be off the database's (`verification/clock.py`)."""

FAULTS_MAX: Final = 5
"""How often a step is tried before a verification ends in `failed`. Ours: with the backoff between,
two minutes."""

OBLIGATION_AHEAD_SECONDS: Final = 300
"""How far ahead of ours the clock of a lender may be that states when an obligation began, seconds.
Ours."""

TOLD_TO_SECONDS: Final = 1
"""By less than so much a time of ours may be too early when it comes back, seconds: answers cut it
to milliseconds, many a system to whole seconds."""

ASKED_STEPS: Final = frozenset({"open", "prepare", "look", "judge"})
"""Steps that the answer of a borrower leads to. The borrower waits, and learns in the end that the
step failed."""

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
"""What a clearance passes, and which fields of a profile ask for it; a gate without any is always
asked. Source: law.md O-50 to O-58."""

TEST_LOG: Final = "test"
"""The log of verifications whose clock may be advanced and whose borrower the sandbox may play.
Source: api.md §1, Mode."""

ADVANCE_SECONDS_MAX: Final = 7 * 24 * 3600
"""By how much a test clock may be advanced at once, seconds. Ours: more than the longest time that
anything of a verification has, the 72 hours for which it may lead to money."""

HINDRANCES: Final = frozenset(
    {"borrower_busy", "captures_exceeded", "consents_exceeded", "velocity_exceeded"}
)
"""Why a stage could not begin, though the borrower has an attempt left. Ours."""

FRAMES_KEPT_SECONDS: Final = 72 * 3600
"""How long the frames of a camera that no document shows are kept after the end, seconds. Ours."""

FRAMES_HELD_FOR: Final = frozenset(
    code for code, row in REASONS.items() if row.family == LIVENESS or row.holds_frames
)
"""By which codes of checks a declined verification keeps them until its retention ends: a gate of
the live capture refused, or left it to people. Ours."""

FRAMES_HELD_ENDINGS: Final = frozenset({"coercion_reported"})
"""And by which codes of its end. Ours: somebody tells the borrower what to press."""
