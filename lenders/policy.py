"""Numbers and lists of the lenders' door, each with unit and source. Reviewed 2026-11-24."""

from typing import Final

from verification.case import policy as of_cases

# The version of the API for every answer and webhook: its first day.
API_VERSION: Final = "2026-11-28"

# Keys.
KEY_BYTES: Final = 32  # 256 random bits
SHOWN_CHARACTERS: Final = (
    4  # of a key, after its mode: enough to distinguish two keys, useless to a thief
)
KEY_DAYS: Final = 365  # default life of a key; our choice: rotation at least once a year
ROTATION_SECONDS: Final = (
    24 * 3600
)  # how long a replaced key still works; our choice: a day to deploy the new one
LAST_USED_SECONDS: Final = (
    60  # minimum interval of writes to `last_used_at`: reading a status costs no write
)
SCOPES: Final = (
    "verifications:read",
    "verifications:write",
    "clearances:write",
    "documents:read",
    "webhooks:read",
    "webhooks:write",
    "events:read",
    "log:read",
)

# Requests.
BODY_MAX_BYTES: Final = 1_000_000  # ours: sixteen times the largest opening
# of a request, at most; ours: more than an opening has fields, and an answer of some kilobytes
FAULTS_TOLD: Final = 50
FAULT_NAME_MAX: Final = 100  # characters of an unknown name; ours
PLACES_READ: Final = 20  # decimal places of a JSON number, including trailing zeros; ours
SEQUENCE_MAX: Final = (
    10**18 - 1
)  # maximum of the events' `after`: eighteen digits, which a bigint holds
# The form of a time: RFC 3339 in capitals, in the years 1000 to 2999, so that its UTC year is valid
# too.
MOMENT: Final = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
RATE_REQUESTS: Final = (
    600  # per key and window; our choice: ten a second, a hundred times a busy lender's need
)
RATE_SECONDS: Final = 60
UNKNOWN_KEYS: Final = 20  # per network and window; ours: enough to find a typing error
PAGE_DEFAULT: Final = 20
TABLE_DAYS: Final = 31  # of payouts in one CSV; ours: a month is compared at most
JWKS_SECONDS: Final = (
    # how long public keys may be cached; our choice: a verifier that meets a new key asks again
    3600
)
PAGE_MAX: Final = 100
LOG_SIZE_MAX: Final = 2**63 - 1  # of a log, in a query; the maximum of a database column

# Idempotency (draft-ietf-httpapi-idempotency-key-header).
IDEMPOTENCY_KEY: Final = (
    r'^([!#-~][!-~]*|"[!-~]+")$'  # visible ASCII, bare or as the draft's quoted string
)
IDEMPOTENCY_KEY_MAX: Final = 255  # characters, including quotation marks
# A reservation older than this, seconds, is free: gunicorn's limit for a request is 30 s. One whose
# process has ended is free at once.
RESERVATION_SECONDS: Final = 60
REPLAY_SECONDS: Final = 48 * 3600  # two days cover a weekend's retry of a day
PURGE_BATCH: Final = 500  # rows one purge deletes

# The test clock (docs/lender/sandbox.md): its maximum step, seconds. Verifiers of the log use it.
ADVANCE_MAX: Final = of_cases.CLOCK_ADVANCE_MAX

# Webhooks (the ladder of Standard Webhooks).
# Seconds to wait before each try, counted from the try before it.
LADDER_SECONDS: Final = (
    0,
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
JITTER: Final = (
    0.1  # up to this part of the wait is added, so that a returning lender is not hit at once
)
POST_SECONDS: Final = 15  # from the look-up of the name to the answer's last byte
POST_LEASE_SECONDS: Final = 30  # how long a sender holds a delivery; twice the maximum of a post
EXCERPT_BYTES: Final = 1024  # of the lender's answer kept for its developers
SECRET_BYTES: Final = 32  # of a webhook secret; Standard Webhooks asks for 24 to 64
SECRET_OVERLAP_SECONDS: Final = 24 * 3600  # both secrets sign after a rotation
ENDPOINTS_MAX: Final = 10  # per lender and mode
REDELIVER_MAX: Final = (
    1000  # redeliveries and test messages of a lender and mode that may wait at once
)
DELIVERY_DAYS: Final = (
    30  # deliveries are kept this long, whatever their result; their events stay listed. Ours
)
DELIVERIES_PURGED: Final = 500  # rows of them that one purge deletes

# Shares of sending. Failing endpoints get at most half of everything: the rest is for responsive
# ones.
IN_FLIGHT: Final = 4  # posts to one endpoint
IN_FLIGHT_FAILING: Final = 1  # the same, while its last answer was no success
LENDER_IN_FLIGHT: Final = 8  # posts to all endpoints of a lender and mode
SENDER_IN_FLIGHT: Final = (
    512  # posts of one process: 64 lenders may start to hang in one quarter of a minute
)
FILES_MAX: Final = 8192  # open files of a sender: its posts, and abandoned look-ups of names
# An endpoint with so many failures in a row is paused, for these seconds at first, doubled each
# time.
BREAKER_FAILURES: Final = 3
BREAKER_SECONDS: Final = 5
BREAKER_MAX_SECONDS: Final = 300  # the longest wait of a returning lender for its first message
RETRY_AFTER_MAX_SECONDS: Final = (
    3600  # maximum of a requested pause (RFC 9110 §10.2.3); ours: an hour of maintenance
)
RETRY_AFTER_CHARACTERS: Final = 64  # of that header that are read; a date has 29

# The sender's rounds.
WAKE_SECONDS: Final = 0.5  # between two looks without events: no wake-up is needed
GATHER_SECONDS: Final = 0.02  # results within this time are written in one transaction
SILENCE_SECONDS: Final = 1  # pause after the database did not answer
EVENT_PAGES: Final = 5  # pages of events that a list of some types looks at, of 100 each
EVENTS_BATCH: Final = 100  # events that become deliveries of one endpoint in one transaction
PUMP_ENDPOINTS: Final = 10  # endpoints per round that get a batch, in turn
SEEN_SECONDS: Final = 5  # interval of a sender's reports; it also purges then
UNSEEN_SECONDS: Final = 20  # a sender without a report for this long counts as dead

# The documentation's search.
QUERY_MAX: Final = 100  # characters; the longest code has 34, and a question of ten words fits
WORDS_MAX: Final = 8  # different words of a question that are looked for
HITS_MAX: Final = 30  # results on its one page
EXCERPT_WORDS: Final = 32  # of a section, about two lines on a wide screen


def wait_seconds(tries: int, *, chance: float) -> float | None:
    """Seconds from this many tries to the next one, or None at the end of the ladder. `chance`:
    from 0 up to 1.
    """
    if tries >= len(LADDER_SECONDS):
        return None
    return LADDER_SECONDS[tries] * (1 + JITTER * chance)


def pause_seconds(failures: int) -> float:
    """Seconds of an endpoint's pause after so many failures in a row; 0 for few."""
    if failures < BREAKER_FAILURES:
        return 0
    return float(
        min(BREAKER_SECONDS * 2 ** min(failures - BREAKER_FAILURES, 16), BREAKER_MAX_SECONDS)
    )
