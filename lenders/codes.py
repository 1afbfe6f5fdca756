"""The only table of what can be wrong with a request: HTTP statuses, titles, and what the caller can do.

Why a verification or a check ended as it did is another table, `verification/core/reasons/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One code: its HTTP status, its title, and what the caller can do. `retry_after`: seconds, if waiting helps."""

    code: str
    status: int
    title: str
    advice: str
    retry_after: int | None = None


_READ_ERRORS = "Read `errors`: each names the place, a code and what was expected. Correct it and send again."
_NEW_KEY = "Use a valid key of yours, or ask the operator for another."
_WAIT = "Nothing was done. Wait for `Retry-After` and send the same request again, with the same Idempotency-Key."
_OURS = "Nothing was done, and it is not your fault. Try again later; tell the operator the request_id if it stays."

_TABLE = (
    Problem("malformed_json", 400, "The body is not JSON", "Send one JSON text in UTF-8, no name twice, no NaN."),
    Problem("not_authenticated", 401, "A key is needed", "Send `Authorization: Bearer tlg_test_…`."),
    Problem("key_malformed", 401, "This is no key", "Send `Authorization: Bearer tlg_test_…`, the whole key."),
    Problem("key_unknown", 401, "There is no such key", _NEW_KEY),
    Problem("key_expired", 401, "The key has run out", _NEW_KEY),
    Problem("key_revoked", 401, "The key was revoked", _NEW_KEY),
    Problem("address_not_allowed", 403, "The key may not be used from here", "Call from a network listed for the key."),
    Problem("scope_missing", 403, "The key may not do this", "Use a key with the scope named in `detail`."),
    Problem("permission_denied", 403, "This is not allowed", _NEW_KEY),
    Problem("not_found", 404, "Nothing there", "No such thing, or not yours: the two are not told apart."),
    Problem("method_not_allowed", 405, "This method is not for this address", "See the header `Allow`."),
    Problem("conflict", 409, "The moment is wrong", "Read the resource again; it has changed meanwhile."),
    Problem("illegal_transition", 409, "Its status does not allow this", "Read the verification: it may have ended."),
    Problem(
        "client_reference_in_use",
        409,
        "This client_reference is open for another request",
        "Cancel the open verification first, or use a new reference. The same person, loan and purpose give back the "
        "open one.",
    ),
    Problem("not_your_turn", 409, "This turn is over", "Show the current step."),
    Problem("borrower_busy", 409, "The borrower is busy elsewhere", "Wait for the other verification to end."),
    Problem("document_not_ready", 409, "The document is not made yet", "Ask again when the attempt has ended."),
    Problem("receipt_not_ready", 409, "The log has not ordered this yet", "Try again in a second.", retry_after=1),
    Problem("idempotency_in_progress", 409, "The same request is being worked on", _WAIT, retry_after=1),
    Problem("endpoint_limit", 409, "Too many endpoints", "Delete an endpoint that you no longer need."),
    Problem("redelivery_limit", 409, "Too many redeliveries wait", "Ask again when those that wait have been sent."),
    Problem("endpoint_disabled", 409, "The endpoint is disabled", 'Enable it first: PATCH {"enabled": true}.'),
    Problem("link_unusable", 410, "The link cannot be used", "Make a fresh link."),
    Problem("document_erased", 410, "The document was erased", "The log still has its commitment: see the list."),
    Problem("body_too_large", 413, "The body is too large", "A body has at most 1 MB."),
    Problem("unsupported_media_type", 415, "The body must be JSON", "Send `Content-Type: application/json`."),
    Problem("bad_input", 422, "The request cannot be used as it is", _READ_ERRORS),
    Problem("idempotency_key_malformed", 422, "The Idempotency-Key is unusable", "1 to 255 visible ASCII characters."),
    Problem(
        "idempotency_key_reused",
        422,
        "The Idempotency-Key belongs to another request",
        "Make a fresh key for each new request; repeat a key only with exactly the same request.",
    ),
    Problem("refused", 422, "This was refused", _READ_ERRORS),
    Problem("throttled", 429, "Too many requests", "Wait for `Retry-After`; see the headers `RateLimit-…`."),
    Problem("internal_error", 500, "Something went wrong here", _OURS),
    Problem("unavailable", 503, "Not available right now", _WAIT, retry_after=2),
    Problem("source_unavailable", 503, "An outside source is silent", _WAIT, retry_after=5),
    Problem("consent_pending", 503, "The person has not answered the state's message yet", _WAIT, retry_after=3),
    Problem("fence_lost", 503, "Another worker took over", _WAIT, retry_after=1),
)
PROBLEMS = {problem.code: problem for problem in _TABLE}

FIELD_CODES: Mapping[str, str] = {
    "required": "The field is missing.",
    "null": "The field must have a value; leave an optional one out.",
    "unknown_field": "There is no such field or parameter.",
    "invalid": "A JSON object is expected.",
    "type_wrong": "Another JSON type is expected.",
    "length_wrong": "Too short, too long, or too many.",
    "out_of_range": "Outside the allowed range.",
    "choice_unknown": "Not one of the allowed words.",
    "choice_repeated": "Given twice.",
    "text_malformed": "Control, invisible and direction characters are not allowed.",
    "iin_malformed": "12 digits with a birth date and a valid check digit.",
    "iin_test_only": "This IIN belongs to the sandbox: live mode refuses it.",
    "bin_malformed": "12 digits with a valid check digit.",
    "phone_malformed": "A Kazakh mobile number, +77xxxxxxxxx.",
    "name_malformed": "1 to 100 letters, hyphens, apostrophes and blanks.",
    "name_mixed_script": "Cyrillic and Latin letters in one name: usually a look-alike letter.",
    "date_malformed": "A calendar date, 2026-11-24.",
    "time_malformed": "A time with its zone, 2026-11-24T10:00:00Z.",
    "decimal_malformed": 'A decimal such as "150000.00", with no more places than allowed.',
    "total_below_amount": "total_repayable is less than amount.",
    "iban_malformed": "A Kazakh IBAN with valid check digits.",
    "document_malformed": "Letters and digits.",
    "sha256_malformed": "64 hexadecimal digits.",
    "region_malformed": "A KATO code of 9 digits.",
    "reference_malformed": "1 to 64 of A-Z a-z 0-9 _ . : -",
    "personal_number": "An IIN or a mobile number stands in a field that leaves the sealed part of the case.",
    "metadata_key_malformed": "1 to 40 of A-Z a-z 0-9 _ . -",
    "url_malformed": "A whole https address without user and fragment.",
    "return_url_unregistered": "Ask the operator to register the address; its query may vary.",
    "webhook_url_refused": "https to a public address; in test mode also the hosts that the operator lists.",
    "routes_insufficient": "No combination of routes of your legal profile is left.",
    "profile_unknown": "The operator has set a legal profile that does not exist.",
    "id_malformed": "Not an id of this kind.",
    "cursor_malformed": "Not a value of `next`.",
    "cursor_unknown": "Not a value of `next` that you were given.",
}
