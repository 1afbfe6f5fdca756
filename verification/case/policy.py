"""Numbers of the rooms that handle cases, each with unit and source. Reviewed 2026-11-24."""

from datetime import timedelta
from typing import Final

from verification.course import policy as of_course

# The borrower's total time, seconds. Our choice: a working day to find one's key.
VERIFICATION_SECONDS = 24 * 3600
# Life of a link, seconds. Ours.
LINK_SECONDS = 30 * 60
# How long a borrower's session shows the last page, seconds after the end, or after the longest
# review. Ours:
# the lifetime of the cookie in an honest browser, so that only a copied cookie is refused.
SESSION_AFTER_END_SECONDS = 24 * 3600
# How long the holder of a used link or session learns the lender, seconds after the end. Ours: long
# enough for a victim to notice it on a bill.
LINK_TOLD_SECONDS = 30 * 24 * 3600
# How long a code for eGov Mobile may be read, seconds. Our choice: unlock the phone, sign in to the
# app, scan.
MOBILE_CODE_SECONDS = 5 * 60
# How long the app may then take, seconds; never beyond the statement's signing time. Our choice.
MOBILE_SIGNING_SECONDS = 10 * 60
# Codes per open turn. Our choice: more than a person needs, few enough to bound the rows.
MOBILE_CODES_A_TURN = 20
# How long a code for a phone may be scanned, seconds. Ours.
HAND_OVER_CODE_SECONDS = 2 * 60
# Time from the scan to the matched number, seconds. Ours: read the loan and think about it.
HAND_OVER_SECONDS = 5 * 60
# Codes per verification. Ours: with one guess each, a stranger's phone succeeds at most 10 times in
# 9 000.
HAND_OVERS_MAX = 10
# Kept length of a user agent, characters. Ours: real ones have about 200.
AGENT_MAX_CHARACTERS = 500
# Period over which a borrower's failed attempts count. Ours: a day.
ATTEMPTS_COUNTED = timedelta(seconds=of_course.TRIES_SECONDS)
# Lifetime of a clearance, and its longest wait for its gates, seconds. Ours: after that the lender
# asks again.
CLEARANCE_SECONDS = of_course.CLEARANCE_SECONDS
CLEARANCE_ASKED_SECONDS = 5 * 60
# After so many seconds of outside questions a clearance stops asking and is retried. Ours: each of
# three questions may take 5, so the last has begun by then, and the step is stopped after 20.
INQUIRIES_SECONDS = 14
# How far a lender's clock may be ahead of ours, seconds; a verifier of the log uses it too.
OBLIGATION_AHEAD_SECONDS = of_course.OBLIGATION_AHEAD_SECONDS
# How far a reported time may precede the decision: the lender may return the decision's time cut.
TOLD_TO = timedelta(seconds=of_course.TOLD_TO_SECONDS)
# Test clocks: the mode, the largest step and total, in seconds, and how many verifications advance
# at once.
# Mode and step are the course's, because a verifier of the log uses them. The others are ours:
# after a month of its own time everything has ended, and a hundred verifications need 300
# statements, a quarter of a second.
TEST_MODE, CLOCK_ADVANCE_MAX = of_course.TEST_LOG, of_course.ADVANCE_SECONDS_MAX
CLOCK_SECONDS_MAX = 30 * 24 * 3600
CLOCK_VERIFICATIONS_MAX = 100
# How far in the future a contract's signature may lie, seconds. Ours: some lenders set clocks by
# hand.
SIGNED_AHEAD_SECONDS = 5 * 60
# How long two people may take to review, seconds. Ours.
REVIEW_SECONDS = of_course.REVIEW_SECONDS
# Different people who must pass a case in review. Law: O-88, four eyes.
REVIEWERS_TO_PASS = of_course.VOTES_TO_PASS
# Cases per page of the review desk. Our choice: more than a shift leaves open.
DESK_ROWS = 100
# Length of a reviewer's or operator's reason, characters. Our choice: more than "ok", less than a
# letter.
REASON_MIN, REASON_MAX = 10, 500

# Maximum age of an attested visit, days, and length of its place, characters. Ours: an older visit
# belonged to an earlier credit and is on record there.
VISIT_BEFORE = timedelta(days=365)
VISIT_PLACE_MIN = 3
# How many earlier cases of a person are opened to find a visit or a paid credit. Ours: the newest
# suffice.
EARLIER_OPENED = 10

# How often a process shares its counts, seconds. Ours.
RATES_TOLD_SECONDS = 1
# Maximum unshared counts of a window. Our choice: a 24th of the strictest shared limit.
RATES_UNTOLD = 25
# Maximum windows in a process. Our choice: 10 MB of keys and borrowers at once.
RATES_KEPT = 50_000
RATES_FORGOTTEN_AFTER = timedelta(days=1)

# Maximum counted rows of words that a capture shares with others; beyond it people decide. Ours: a
# quarter of a second. Captures of two people share 0.03 to 0.17 words: of a million rows, at most
# 170 000.
WORDS_COUNTED = 200_000

# How long frames are kept, and what holds them. The course's numbers, because a verifier of a log
# uses them.
FRAMES_KEPT_SECONDS = of_course.FRAMES_KEPT_SECONDS
FRAMES_HELD_FOR, FRAMES_HELD_ENDINGS = of_course.FRAMES_HELD_FOR, of_course.FRAMES_HELD_ENDINGS
# Interval at which a disputed verification's frames are checked for release, seconds. Ours: a day.
DISPUTED_SECONDS = 24 * 3600
# How long after its request a document is lent; how long a request waits for that, and looks again;
# seconds. Ours: a worker takes a tenth of a second.
LENT_SECONDS = 10
LENT_WAIT_SECONDS, LENT_LOOK_SECONDS = 2.5, 0.05
# Interval at which a case that a related one holds beyond its retention is checked again, seconds.
# Ours: 30 days.
HELD_SECONDS = 30 * 24 * 3600
# Days to answer a request to erase personal data.
REQUEST_DAYS = of_course.REQUEST_DAYS
# Wait of a destruction step after `FAULTS_MAX` faults in a row, seconds. Ours: an absent store is
# retried regularly; the step is never dropped.
DESTRUCTION_SECONDS = 3600

# How long a person's request to read their data is kept, how long its text may be signed, and how
# long the answer may be read; seconds. Ours: to find a key, and to read and print some pages.
SUBJECT_KEPT_SECONDS = 3600
SUBJECT_SIGN_SECONDS = 15 * 60
SUBJECT_READ_SECONDS = 30 * 60
# How long the acts of two operators for a person without a key may lie apart, and how long such a
# request is kept; seconds. Ours: the second operator comes within the hour, and the page is read.
SUBJECT_VOUCH_SECONDS = 3600
SUBJECT_IN_PERSON_SECONDS = SUBJECT_VOUCH_SECONDS + SUBJECT_READ_SECONDS
# Cases on a page of the answer. Ours: each is an entry of its own, and a transaction signs 32.
SUBJECT_CASES = 30
# Requests of a network per 10 minutes, signatures of a key per hour, pages of an answer. Ours: an
# office shares a network; a person signs once or twice.
SUBJECT_REQUESTS, SUBJECT_REQUESTS_SECONDS = 60, 600
SUBJECT_SIGNATURES, SUBJECT_SIGNATURES_SECONDS = 10, 3600
SUBJECT_PAGES, SUBJECT_PAGES_SECONDS = 60, 3600
# How often the text of a request is written in another language. Ours.
SUBJECT_REWRITES = 5

# The queue of steps for which a person waits at the camera. Workers serve it first. Such a step
# has about 0.3 s, and the judgement of a capture takes longer. Ours.
AWAITED_QUEUE = "looks"
# Awaited steps that a worker starts in a row while others wait. Ours: others keep a fourth of the
# worker.
AWAITED_IN_A_ROW = 3
# Queues by cost; a stage names its own. Destruction has its own queue, so that other steps wait for
# at most one batch of it. A worker may serve a subset.
QUEUES = (AWAITED_QUEUE, "default", "eds", "faces", "storage")
# For ends by time or by people: no person waits at a camera.
ENDING_QUEUE = "default"
# A claim on a step lasts this long, seconds. Celery's hard limit is below it, so two workers never
# overlap.
LEASE_SECONDS = 30
STEP_SOFT_LIMIT_SECONDS = 20
STEP_HARD_LIMIT_SECONDS = 25
# Memory limit of a worker's child, bytes: above it the child is replaced after the step. Ours: a
# child after a live capture holds 264 MB (docs/evidence/load.json), 110 of them its parent's; the
# largest picture adds 150.
CHILD_MEMORY_BYTES = 600 * 2**20
# Minimum interval between returns of freed memory to the system; 76 MB after a capture. Ours: a
# capture has nine steps, and fetching each page again costs 50 ms more. The peak, which plans
# memory, stays the same.
MEMORY_BACK_SECONDS = 10.0
# Limit of a child's address space, bytes: a larger request faults, and other processes live on.
# Ours: a child reserves about 1 GB, most of it untouched.
CHILD_ADDRESS_BYTES = 4 * 2**30
# Faults in a row after which a verification ends in `failed`. With the backoff below: about two
# minutes.
FAULTS_MAX = of_course.FAULTS_MAX
# Seconds before the next try, by the number of faults so far.
BACKOFF_SECONDS = (2, 5, 15, 45, 60)
# How long a worker reserves due rows before it starts them, seconds; then others may take them.
# Ours.
RESERVED_SECONDS = 10
# Reserved rows per child of a worker's pool. Ours: rare database look-ups, and rows left for other
# workers.
RESERVED_A_CHILD = 4
# Interval at which a worker looks for work without a message, seconds. Ours: found within
# 2 s, with or without a broker.
LOOK_SECONDS = 1.0
# Wait of a borrower's second verification before it tries again, seconds.
BUSY_SECONDS = 10
# Wait before a step checks again for the person's answer to the state's message, seconds.
PENDING_SECONDS = 3
# Rows per kind in one sweep; the next sweep takes the rest.
SWEEP_BATCH = 500
# Changes of monthly counts summed per round. Ours: five per verification, so a hundred
# verifications a second.
COUNT_BATCH = 1000
# Pause between two rounds of `manage.py tick`, seconds: a decision's entry is ordered and delivered
# within it.
TICK_SECONDS = 0.5
# Pause between two rounds for lapses, expiries and counts, seconds: their maximum delay.
SWEEP_SECONDS = 2

# Interval of a tick's and worker's reports, and the age after which one counts as dead, seconds.
# Ours: as the sender's.
PULSE_SECONDS = 5
PULSE_LATE_SECONDS = 20
# Age of the oldest unordered entry after which tick is late, seconds. Ours: a round takes half a
# second.
ORDER_LATE_SECONDS = 60

BELL_SECONDS: Final = 60
"""Lifetime of an unread message, seconds: workers look for work within that time."""
RING_SECONDS: Final = 1
"""Maximum wait for a broker to take a message, seconds. Ours: a nearby broker takes 0.01."""
SILENT_SECONDS: Final = 10
"""Pause of all messages after a broker was silent, seconds. Ours."""


def backoff(faults: int) -> int:
    """Seconds to wait after this many faults (1 or more)."""
    return BACKOFF_SECONDS[min(faults, len(BACKOFF_SECONDS)) - 1]
