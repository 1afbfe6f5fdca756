"""Numbers and lists the lenders' door decides by, each with unit and source. Reviewed
2026-11-24.
"""

from typing import Final

from verification.case import policy as of_cases

# The version of the API, by which every answer and webhook is spelled: the day it came.
API_VERSION: Final = "2026-11-28"

# Keys.
KEY_BYTES: Final = 32  # 256 random bits; security.md S6
SHOWN_CHARACTERS: Final = (
    4  # of a key, after its mode: enough to tell two keys apart, of no use to a thief
)
KEY_DAYS: Final = (
    365  # life of a key unless told otherwise; our choice: rotation at least once a year
)
ROTATION_SECONDS: Final = (
    24 * 3600
)  # how long a replaced key still works; our choice: a day to deploy the new one
LAST_USED_SECONDS: Final = (
    60  # `last_used_at` is written at most this often: reading a status costs no write
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
PLACES_READ: Final = 20  # decimal places of a JSON number, zeros at its end among them; ours
SEQUENCE_MAX: Final = (
    10**18 - 1
)  # what `after` of the events may say: eighteen digits, which a bigint holds
# How a time is spelled: RFC 3339 in capitals, in the years 1000 to 2999, so that it lies in a year
# in UTC too.
MOMENT: Final = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
RATE_REQUESTS: Final = (
    600  # per key and window; our choice: ten a second, a hundred times a busy lender's need
)
RATE_SECONDS: Final = 60
PAGE_DEFAULT: Final = 20
JWKS_SECONDS: Final = (
    3600  # how long public keys may be kept; our choice: a verifier that meets a new key asks again
)
PAGE_MAX: Final = 100
LOG_SIZE_MAX: Final = 2**63 - 1  # of a log, in a question; what a column of a database holds

# Idempotency (draft-ietf-httpapi-idempotency-key-header, api.md).
IDEMPOTENCY_KEY: Final = (
    r'^([!#-~][!-~]*|"[!-~]+")$'  # visible ASCII, bare or as the draft's quoted string
)
IDEMPOTENCY_KEY_MAX: Final = 255  # characters, quotation marks among them
# A reservation older than this, seconds, is free: gunicorn's own limit for a request is
# 30 s. One whose process is gone is free at once.
RESERVATION_SECONDS: Final = 60
REPLAY_SECONDS: Final = (
    48 * 3600
)  # api.md asks for 24 h or more; twice that covers a weekend's retry of a day
PURGE_BATCH: Final = 500  # rows one purge deletes

# The test clock (api.md §1). By how much it may be advanced at once, seconds: who verifies the log
# judges by the same.
ADVANCE_MAX: Final = of_cases.CLOCK_ADVANCE_MAX

# Webhooks (api.md §1: Standard Webhooks' ladder).
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
    0.1  # up to this part of the wait is added, so that a lender that comes back is not hit at once
)
POST_SECONDS: Final = 15  # from the look-up of the name to the answer's last byte; api.md
POST_LEASE_SECONDS: Final = 30  # how long a sender holds a delivery; twice what a post may take
EXCERPT_BYTES: Final = 1024  # of the lender's answer kept for its developers
LISTEN_SECONDS: Final = (
    0.5  # how often `tulga_listen` asks for more; ours: a person waits before a screen
)
SECRET_BYTES: Final = 32  # of a webhook secret; Standard Webhooks asks for 24 to 64
SECRET_OVERLAP_SECONDS: Final = 24 * 3600  # both secrets sign after a rotation
ENDPOINTS_MAX: Final = 10  # per lender and mode
REDELIVER_MAX: Final = (
    1000  # redeliveries and test messages of a lender and mode that may wait at once
)
DELIVERY_DAYS: Final = (
    30  # deliveries are kept so long, whatever became of them; their events stay listed. Ours
)
DELIVERIES_PURGED: Final = 500  # rows of them that one purge deletes

# Who is told how much at once. Those that fail have half of everything at most: the rest is for
# those that answer.
IN_FLIGHT: Final = 4  # posts to one endpoint
IN_FLIGHT_FAILING: Final = 1  # the same, while its last answer was no success
LENDER_IN_FLIGHT: Final = 8  # posts to all endpoints of a lender and mode
SENDER_IN_FLIGHT: Final = (
    512  # posts of one process: 64 lenders may begin to hang in one quarter of a minute
)
FILES_MAX: Final = (
    8192  # that a sender may have open: its posts, and look-ups of names that were left behind
)
# An endpoint that failed so many times in a row is left alone, for these seconds at first, twice as
# long each time.
BREAKER_FAILURES: Final = 3
BREAKER_SECONDS: Final = 5
BREAKER_MAX_SECONDS: Final = (
    300  # a lender that is back waits no longer than this for the first message
)
RETRY_AFTER_MAX_SECONDS: Final = (
    3600  # of what an answer asks for (RFC 9110 §10.2.3); ours: an hour of maintenance
)
RETRY_AFTER_CHARACTERS: Final = 64  # of that header that are read; a date has 29

# The sender's rounds.
WAKE_SECONDS: Final = 0.5  # between two looks when nothing happens: no bell is needed
GATHER_SECONDS: Final = 0.02  # what has ended within this time is written in one transaction
SILENCE_SECONDS: Final = 1  # before the database is asked again after it did not answer
EVENTS_BATCH: Final = 100  # events that become deliveries of one endpoint in one transaction
PUMP_ENDPOINTS: Final = 10  # endpoints of one round that get a batch, in turn
SEEN_SECONDS: Final = 5  # how often a sender says that it lives; it also tidies up then
UNSEEN_SECONDS: Final = 20  # a sender that has said nothing for so long is taken for dead

# The documentation's search.
QUERY_MAX: Final = 100  # characters; the longest code has 34, and a question of ten words fits
# different words of a question that are looked for: each costs a pass over all texts, some 6 ms
WORDS_MAX: Final = 8
HITS_MAX: Final = 30  # results on its one page
EXCERPT_CHARACTERS: Final = 220  # of a paragraph, about two lines on a wide screen


def wait_seconds(tries: int, *, chance: float) -> float | None:
    """Seconds from this many tries to the next one, or None when the ladder is climbed. `chance`:
    from 0 up to 1.
    """
    if tries >= len(LADDER_SECONDS):
        return None
    return LADDER_SECONDS[tries] * (1 + JITTER * chance)


def pause_seconds(failures: int) -> float:
    """Seconds for which nothing is sent to an endpoint after so many failures in a row; 0 for
    few.
    """
    if failures < BREAKER_FAILURES:
        return 0
    return float(
        min(BREAKER_SECONDS * 2 ** min(failures - BREAKER_FAILURES, 16), BREAKER_MAX_SECONDS)
    )
