"""Numbers that the rooms of a case decide by, each with unit and source. Reviewed 2026-11-24."""

from datetime import timedelta
from typing import Final

from verification.course import policy as of_course

# How long a borrower may take in all, seconds. Our choice: a working day to find one's key.
VERIFICATION_SECONDS = 24 * 3600
# Life of a link, seconds. api.md §1.
LINK_SECONDS = 30 * 60
# How long a borrower's session opens the last page, seconds after the end; where none comes, after
# the longest review. Ours: as long as an honest browser keeps its cookie, so that only a copy of it
# is refused.
SESSION_AFTER_END_SECONDS = 24 * 3600
# How long the holder of a used link or session is told whose it was, seconds after the end; then as
# of any text. Ours: until who was cheated notices it on a bill, and no longer.
LINK_TOLD_SECONDS = 30 * 24 * 3600
# How long a code for eGov Mobile may be read, seconds. Our choice: unlock the phone, sign in to the
# app, scan.
MOBILE_CODE_SECONDS = 5 * 60
# How long the app may take from then on, seconds; never longer than the statement may be signed.
# Our choice.
MOBILE_SIGNING_SECONDS = 10 * 60
# How many codes one open turn gives. Our choice: more than a person needs, few enough that rows do
# not pile up.
MOBILE_CODES_A_TURN = 20
# How long a code for a phone may be scanned, seconds. api.md §1.
HAND_OVER_CODE_SECONDS = 2 * 60
# How long the phone may take from then on to the matched number, seconds. Ours: read the loan and
# think about it.
HAND_OVER_SECONDS = 5 * 60
# How many codes a verification gives. Ours: with one guess each, a stranger's phone gets in with at
# most 10 in 9 000.
HAND_OVERS_MAX = 10
# How much of what a browser says of itself is kept, characters. Ours: real ones have about 200.
AGENT_MAX_CHARACTERS = 500
# Over which time failed attempts of one borrower are counted. api.md §1: a day.
ATTEMPTS_COUNTED = timedelta(seconds=of_course.TRIES_SECONDS)
# How long a clearance may be presented, and how long it may wait for its gates, seconds. api.md §1;
# the second is ours: who has waited so long asks again.
CLEARANCE_SECONDS = of_course.CLEARANCE_SECONDS
CLEARANCE_ASKED_SECONDS = 5 * 60
# After so many seconds of asking outside a clearance asks nothing more, and is tried again. Ours:
# of three questions each may take 5, so that the last is begun by then, and the step is stopped
# after 20.
INQUIRIES_SECONDS = 14
# How far ahead of ours a lender's clock may be, seconds; a verifier of the log judges by it too.
OBLIGATION_AHEAD_SECONDS = of_course.OBLIGATION_AHEAD_SECONDS
# By less than so much what happened may be told to be before the decision: it may be the decision's
# own time, cut.
TOLD_TO = timedelta(seconds=of_course.TOLD_TO_SECONDS)
# Who may be played and whose clock may be put forward, by how much at once and altogether, seconds,
# and how many verifications at once. The first two are the log's own, for a verifier
# judges by them; the last are ours: what has not ended within a month of its own time has run out,
# and a hundred verifications are 300 statements, a quarter of a second.
TEST_MODE, CLOCK_ADVANCE_MAX = of_course.TEST_LOG, of_course.ADVANCE_SECONDS_MAX
CLOCK_SECONDS_MAX = 30 * 24 * 3600
CLOCK_VERIFICATIONS_MAX = 100
# How far in the future a contract may be signed, seconds. Ours: clocks of lenders that are set by
# hand.
SIGNED_AHEAD_SECONDS = 5 * 60
# How long two people may take to review, seconds. api.md §1.
REVIEW_SECONDS = of_course.REVIEW_SECONDS
# How many different people must say so for a case in review to pass. law.md §5 (four eyes on
# overrides).
REVIEWERS_TO_PASS = of_course.VOTES_TO_PASS
# How many cases a page of the review desk lists. Our choice: more than a shift leaves open.
DESK_ROWS = 100
# How long their reason is, characters. Our choice: more than "ok", less than a letter.
REVIEW_REASON_MIN, REVIEW_REASON_MAX = 10, 500

# How long ago a visit that is attested may be, and how long its place is, days and characters.
# Ours: an older one was for another credit, and is on record with it; a place is more than a word.
VISIT_BEFORE = timedelta(days=365)
VISIT_PLACE_MIN = 3
# How many earlier cases of a person are opened to find a visit or a credit that was paid. Ours: the
# newest tell.
EARLIER_OPENED = 10

# How often a process tells the others what it has counted, seconds. reliability.md §6.
RATES_TOLD_SECONDS = 1
# How many counts of a window it keeps to itself at most. Our choice: a 24th of the strictest limit
# that is shared.
RATES_UNTOLD = 25
# How many windows a process counts in at most. Our choice: 10 MB of keys and borrowers at once.
RATES_KEPT = 50_000
RATES_FORGOTTEN_AFTER = timedelta(days=1)

# How many rows of words that a capture shares with others are counted, at most; beyond it people
# look. Ours: a quarter of a second. Captures of two people share 0.03 to 0.17 words: with a million
# kept, 170 000 rows at most.
WORDS_COUNTED = 200_000

# How long frames are kept, and what holds them. The course's own numbers: who verifies a log judges
# by them too.
FRAMES_KEPT_SECONDS = of_course.FRAMES_KEPT_SECONDS
FRAMES_HELD_FOR, FRAMES_HELD_ENDINGS = of_course.FRAMES_HELD_FOR, of_course.FRAMES_HELD_ENDINGS
# How long until a disputed verification is asked again whether its frames may go, seconds. Ours: a
# day.
DISPUTED_SECONDS = 24 * 3600
# How long a destruction that faulted `FAULTS_MAX` times in a row waits for its next try, seconds.
# Ours: a store that is away for long is asked now and then; the step is never given up.
DESTRUCTION_SECONDS = 3600

# The queue of steps whose answer a person before the camera waits for. It is asked first, and what
# it has is begun before what else is in hand: such a step has about 0.3 s, and the
# judgement of a capture takes longer. Ours.
AWAITED_QUEUE = "looks"
# How many of those a worker begins in a row while other steps are in hand. Ours: a crowd before the
# camera leaves the others a fourth of the worker.
AWAITED_IN_A_ROW = 3
# By what a step costs; a stage names its own. What is destroyed has one to itself, so that however
# much of it is due no other step waits longer than a batch. A worker may serve some of them only.
QUEUES = (AWAITED_QUEUE, "default", "eds", "faces", "storage")
# Of what ends by time or by people's word: no person before a camera waits for it.
ENDING_QUEUE = "default"
# A claim holds a step this long, seconds; Celery's hard limit is below it, so two workers never
# overlap.
LEASE_SECONDS = 30
STEP_SOFT_LIMIT_SECONDS = 20
STEP_HARD_LIMIT_SECONDS = 25
# What a worker's child may hold in memory, bytes: above it after a step it is replaced. Ours: a
# child that judged a live capture holds 264 MB (docs/evidence/load.json), 110 of them its parent's,
# and the largest picture adds 150.
CHILD_MEMORY_BYTES = 600 * 2**20
# How often a worker's child gives back what it has done with, at most; 76 MB after a capture. Ours:
# a capture has nine steps, and when they take each page from the system anew they cost 50 ms more.
# Its peak, by which memory is planned, is the same.
MEMORY_BACK_SECONDS = 10.0
# And the address space it never gets more of, bytes: whatever asks for it faults, and the machine's
# other processes live. Ours: a child reserves about 1 GB, most of which it never touches.
CHILD_ADDRESS_BYTES = 4 * 2**30
# Faults in a row after which a verification ends in `failed`. With the backoff below: about two
# minutes.
FAULTS_MAX = of_course.FAULTS_MAX
# Seconds before the next try, by the number of faults so far.
BACKOFF_SECONDS = (2, 5, 15, 45, 60)
# How long a worker has due rows in hand before it starts them, seconds; then others may.
# reliability.md §6.
RESERVED_SECONDS = 10
# Rows in hand for each child of a worker's pool. Ours: enough that a look at the database is rare
# beside the steps, few enough that another worker finds some too.
RESERVED_A_CHILD = 4
# Every how many seconds a worker looks for work without being rung. reliability.md: found within 2
# s, broker or not.
LOOK_SECONDS = 1.0
# How long a second verification of the same borrower waits before it asks again, seconds.
BUSY_SECONDS = 10
# How long a step waits before it looks again whether the person answered the state's message,
# seconds.
PENDING_SECONDS = 3
# Rows one sweep looks at per kind; the next sweep takes the rest.
SWEEP_BATCH = 500
# Changes of monthly counts that one round adds up. Ours: five a verification, so a hundred
# verifications a second.
COUNT_BATCH = 1000
# Pause between two rounds of `manage.py tick`, seconds: a decision's entry is ordered, and told,
# within it.
TICK_SECONDS = 0.5
# Pause between two rounds that look for what lapses, expires or is to be counted, too: it may be so
# late, seconds.
SWEEP_SECONDS = 2

BELL_SECONDS: Final = 60
"""After this time an unheard message is void, seconds: a worker has looked for work by then."""
RING_SECONDS: Final = 1
"""How long a broker may take for a message, seconds. Ours: a broker at hand takes 0.01."""
SILENT_SECONDS: Final = 10
"""How long no message is sent after a broker was silent, seconds. Ours."""


def backoff(faults: int) -> int:
    """Seconds to wait after this many faults (1 or more)."""
    return BACKOFF_SECONDS[min(faults, len(BACKOFF_SECONDS)) - 1]
