"""Numbers and lists the lenders' door decides by, each with unit and source. Reviewed 2026-11-24."""

from typing import Final

# Keys.
KEY_BYTES: Final = 32  # 256 random bits; security.md S6
SHOWN_CHARACTERS: Final = 4  # of a key, after its mode: enough to tell two keys apart, of no use to a thief
KEY_DAYS: Final = 365  # life of a key unless told otherwise; our choice: rotation at least once a year
ROTATION_SECONDS: Final = 24 * 3600  # how long a replaced key still works; our choice: a day to deploy the new one
LAST_USED_SECONDS: Final = 60  # `last_used_at` is written at most this often: reading a status costs no write
SCOPES: Final = (
    "verifications:read",
    "verifications:write",
    "documents:read",
    "webhooks:read",
    "webhooks:write",
    "events:read",
    "log:read",
)

# Requests.
BODY_MAX_BYTES: Final = 1_000_000  # ours: sixteen times the largest opening
RATE_REQUESTS: Final = 600  # per key and window; our choice: ten a second, a hundred times a busy lender's need
RATE_SECONDS: Final = 60
PAGE_DEFAULT: Final = 20
JWKS_SECONDS: Final = 3600  # how long public keys may be kept; our choice: a verifier that meets a new key asks again
PAGE_MAX: Final = 100

# Fields: characters, unless said otherwise.
PURPOSE_MAX: Final = 200
OPENED_BY_MAX: Final = 100
URL_MAX: Final = 2048
METADATA_KEYS_MAX: Final = 20
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
ROUTES_MAX: Final = 10
DOCUMENT_NUMBER_MAX: Final = 20
CURRENCIES: Final = ("KZT",)  # microcredits of individuals are given in tenge
LOCALES: Final = ("kk", "ru", "en")
AMOUNT_MAX: Final = 10**12  # tenge; a typing error, not a microcredit, lies above
AMOUNT_PLACES: Final = 2
RATE_MAX: Final = 1000  # % a year; the legal ceiling is far below and the lender's to keep
RATE_PLACES: Final = 4
TERM_MAX_DAYS: Final = 3653  # ten years

# Idempotency (draft-ietf-httpapi-idempotency-key-header, api.md).
IDEMPOTENCY_KEY_MAX: Final = 255
# A reservation older than this, seconds, belongs to a dead worker: gunicorn's own limit for a request is 30 s.
RESERVATION_SECONDS: Final = 60
RESERVATION_RETRY_SECONDS: Final = 1  # what a request in progress is told to wait
REPLAY_SECONDS: Final = 48 * 3600  # api.md asks for 24 h or more; twice that covers a weekend's retry of a day
PURGE_BATCH: Final = 500  # rows one purge deletes

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
JITTER: Final = 0.1  # up to this part of the wait is added, so that a lender that comes back is not hit at once
POST_SECONDS: Final = 15  # from the look-up of the name to the answer's last byte; api.md
POST_LEASE_SECONDS: Final = 30  # how long a worker holds a delivery; above POST_SECONDS and Celery's hard limit
CONNECT_TRIES: Final = 3  # addresses of one name tried in one post
EXCERPT_BYTES: Final = 1024  # of the lender's answer kept for its developers
SECRET_BYTES: Final = 32  # of a webhook secret; Standard Webhooks asks for 24 to 64
SECRET_OVERLAP_SECONDS: Final = 24 * 3600  # both secrets sign after a rotation
EVENTS_BATCH: Final = 100  # events one pump turns into deliveries for one endpoint in one transaction
PUMP_ROUNDS: Final = 10  # batches one ring works off for one endpoint; the next ring takes the rest
RING_BATCH: Final = 200  # deliveries rung in one round
RING_AGAIN_SECONDS: Final = 5  # the same delivery is not rung again before this: a slow queue is not flooded
IN_FLIGHT: Final = 4  # posts to one endpoint at once
IN_FLIGHT_FAILING: Final = 1  # the same, while its last answer was no success: a hanging lender holds one worker
ENDPOINTS_MAX: Final = 10  # per lender and mode
REDELIVER_MAX: Final = 1000  # deliveries of one call


def wait_seconds(tries: int, *, chance: float) -> float | None:
    """Seconds from this many tries to the next one, or None when the ladder is climbed. `chance`: from 0 up to 1."""
    if tries >= len(LADDER_SECONDS):
        return None
    return LADDER_SECONDS[tries] * (1 + JITTER * chance)
