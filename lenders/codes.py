"""The only table of what can be wrong with a request: HTTP statuses, titles, and what the caller
can do.

Why a verification or a check ended as it did is another table, `verification/core/reasons/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One code: its HTTP status, its title, and what the caller can do. `retry_after`: seconds, if
    waiting helps.
    """

    code: str
    status: int
    title: str
    advice: str
    retry_after: int | None = None


WARNINGS: Mapping[str, str] = {
    "reviewers_too_few": (
        "Fewer than two of your people can vote on this case. What is left to "
        "people ends in `failed`, `review_unavailable`."
    )
}
"""What an opening is answered beside the verification, by code. Nothing is refused by it."""
_READ_ERRORS = (
    "Read `errors`: each names the place, a code and what was expected. Correct it and send again."
)
_NEW_KEY = "Use a valid key of yours, or ask the operator for another."
_WAIT = (
    "Nothing was done. Wait for `Retry-After` and send the same request again, with the same"
    " Idempotency-Key."
)
_OURS = (
    "Nothing was done, and it is not your fault. Try again later; tell the operator the request_id"
    " if it stays."
)

_TABLE = (
    Problem(
        "malformed_json",
        400,
        "The body is not JSON",
        "Send one JSON text in UTF-8, no name twice, no NaN.",
    ),
    Problem(
        "malformed_request",
        400,
        "This is no HTTP request",
        "Send it as RFC 9112 has it: line, headers, body.",
    ),
    Problem(
        "host_unknown",
        400,
        "This host is not here",
        "Send `Host` with the name of the address you were given.",
    ),
    Problem(
        "unknown_version",
        400,
        "There is no such version",
        "Send one of /docs/changelog in `Tulga-Version`, or none.",
    ),
    Problem(
        "not_authenticated", 401, "A key is needed", "Send `Authorization: Bearer tlg_test_…`."
    ),
    Problem(
        "key_malformed",
        401,
        "This is no key",
        "Send `Authorization: Bearer tlg_test_…`, the whole key.",
    ),
    Problem("key_unknown", 401, "There is no such key", _NEW_KEY),
    Problem("key_expired", 401, "The key has run out", _NEW_KEY),
    Problem("key_revoked", 401, "The key was revoked", _NEW_KEY),
    Problem(
        "address_not_allowed",
        403,
        "The key may not be used from here",
        "Call from a network listed for the key.",
    ),
    Problem(
        "scope_missing",
        403,
        "The key may not do this",
        "Use a key with the scope named in `detail`.",
    ),
    Problem(
        "not_found",
        404,
        "Nothing there",
        "No such thing, or not yours: the two are not told apart.",
    ),
    Problem(
        "method_not_allowed", 405, "This method is not for this address", "See the header `Allow`."
    ),
    Problem(
        "conflict", 409, "The moment is wrong", "Read the resource again; it has changed meanwhile."
    ),
    Problem(
        "illegal_transition",
        409,
        "Its status does not allow this",
        "Read the verification: it may have ended.",
    ),
    Problem(
        "answer_not_judged",
        409,
        "The borrower has answered",
        "Try again in some seconds.",
        retry_after=2,
    ),
    Problem(
        "client_reference_in_use",
        409,
        "This client_reference is open for another request",
        "Cancel the open verification first, or use a new reference. The same person, loan and"
        " purpose give back the open one.",
    ),
    Problem(
        "document_not_ready",
        409,
        "The document is not made yet",
        "Ask again when the attempt has ended.",
    ),
    Problem(
        "receipt_not_ready",
        409,
        "The log has not ordered this yet",
        "Try again in a second.",
        retry_after=1,
    ),
    Problem(
        "not_verified",
        409,
        "This is not told to be verified",
        "Ask once `verification.verified` was told to you.",
    ),
    Problem(
        "contract_reported",
        409,
        "Another report was made",
        "Read the verification: a contract is reported once.",
    ),
    Problem(
        "contract_required",
        409,
        "The contract is not reported",
        "Report it first: `POST …/contract`.",
    ),
    Problem(
        "cooling_off",
        409,
        "The wait is not over",
        "Wait for `Retry-After`, or until `release_not_before`.",
    ),
    Problem(
        "verification_too_old",
        409,
        "Verified too long ago",
        "Its money could not leave in time: verify the borrower again, sign again, and report that"
        " at once.",
    ),
    Problem("consent_given", 409, "The borrower has consented anew", "Ask for a clearance."),
    Problem(
        "consent_declined",
        409,
        "The borrower does not want this money",
        "Do not pay, and do not ask again.",
    ),
    Problem(
        "attempts_exhausted",
        409,
        "The borrower has no attempt left for now",
        "Wait for `Retry-After`: the failed attempts of a day count. Then make the link.",
    ),
    Problem(
        "is_renewal",
        409,
        "It is a new consent",
        "Ask this of the verification that it renews: see `renews`.",
    ),
    Problem(
        "clearance_not_ready",
        409,
        "Its gates are being evaluated",
        "Try again in a second.",
        retry_after=1,
    ),
    Problem(
        "clearance_refused",
        409,
        "It was refused",
        "Read the clearance: its `code` says why. Do not pay.",
    ),
    Problem(
        "clearance_superseded",
        409,
        "A newer one was asked for",
        "Use the newest clearance of the verification.",
    ),
    Problem(
        "clearance_consumed", 409, "It is spent", "The money was let out once. Do not pay again."
    ),
    Problem("clearance_expired", 409, "It has run out", "Ask for another clearance."),
    Problem(
        "clearance_stale", 409, "An answer it rests on is too old", "Ask for another clearance."
    ),
    Problem(
        "verification_erased",
        409,
        "The borrower's personal data are erased",
        "Nobody can tell any more who it was: verify the borrower again.",
    ),
    Problem(
        "clearance_frozen",
        409,
        "No money may leave",
        "Do not pay: the borrower disputes it, or no signature that counts stands behind it. Talk"
        " to the operator.",
    ),
    Problem(
        "clearance_mismatch",
        409,
        "It is for something else",
        "Do not pay: amount, IIN, contract or account are not those the borrower was verified for."
        " Nothing is spent.",
    ),
    Problem(
        "obligation_opened",
        409,
        "It was opened at another time",
        "What was told stays: read `retention`.",
    ),
    Problem(
        "obligation_closed",
        409,
        "It was closed at another time",
        "What was told stays: read `retention`.",
    ),
    Problem(
        "obligation_not_opened", 409, "It was never opened", "Tell first when the obligation began."
    ),
    Problem(
        "profile_not_held",
        409,
        "No legal profile holds today",
        "Ask the operator: your calendar begins later.",
    ),
    Problem(
        "renewal_not_due",
        409,
        "Nobody has to consent anew",
        "Ask for a clearance: if the money has to wait, its gate `cooling_off` says so, and then"
        " there is a link.",
    ),
    Problem(
        "test_clock_limit", 409, "Too many, or too far", "Name one `verification`, or open it anew."
    ),
    Problem(
        "borrower_at_it",
        409,
        "Somebody has opened the link",
        "Simulate a verification that nobody is at yet.",
    ),
    Problem(
        "simulation_under_way",
        409,
        "It is being played",
        "Wait until the borrower has left.",
        retry_after=2,
    ),
    Problem(
        "idempotency_in_progress", 409, "The same request is being worked on", _WAIT, retry_after=1
    ),
    Problem(
        "endpoint_limit", 409, "Too many endpoints", "Delete an endpoint that you no longer need."
    ),
    Problem(
        "redelivery_limit",
        409,
        "Too many redeliveries wait",
        "Ask again when those that wait have been sent.",
    ),
    Problem(
        "endpoint_disabled",
        409,
        "The endpoint is disabled",
        'Enable it first: PATCH {"enabled": true}.',
    ),
    Problem("link_unusable", 410, "The link cannot be used", "Make a fresh link."),
    Problem(
        "document_erased",
        410,
        "The document was erased",
        "The log still has its commitment: see the list.",
    ),
    Problem(
        "length_required",
        411,
        "The body has no length",
        "Send `Content-Length`: a body in chunks is not read.",
    ),
    Problem("body_too_large", 413, "The body is too large", "A body has at most 1 MB."),
    Problem(
        "uri_too_long", 414, "The address is too long", "Whatever is long belongs into the body."
    ),
    Problem(
        "unsupported_media_type",
        415,
        "The body must be JSON",
        "Send `Content-Type: application/json`.",
    ),
    Problem("bad_input", 422, "The request cannot be used as it is", _READ_ERRORS),
    Problem(
        "idempotency_key_malformed",
        422,
        "The Idempotency-Key is unusable",
        "1 to 255 visible ASCII characters.",
    ),
    Problem(
        "idempotency_key_reused",
        422,
        "The Idempotency-Key belongs to another request",
        "Make a fresh key for each new request; repeat a key only with exactly the same request.",
    ),
    Problem(
        "throttled",
        429,
        "Too many requests",
        "Wait for `Retry-After`; see the headers `RateLimit-…`.",
    ),
    Problem(
        "headers_too_large", 431, "The headers are too many or too large", "Send fewer: at most 60."
    ),
    Problem("internal_error", 500, "Something went wrong here", _OURS),
    Problem("unavailable", 503, "Not available right now", _WAIT, retry_after=2),
    Problem("sandbox_unavailable", 503, "The sandbox does not answer", _WAIT, retry_after=5),
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
    "text_malformed": "Only signs that are seen, and single plain blanks, are allowed.",
    "iin_malformed": "12 digits with a birth date and a valid check digit.",
    "iin_test_only": "This IIN belongs to the sandbox: live mode refuses it.",
    "phone_malformed": "A Kazakh mobile number, +77xxxxxxxxx.",
    "name_malformed": "1 to 100 letters, hyphens, apostrophes and blanks.",
    "name_mixed_script": "Cyrillic and Latin letters in one name: usually a look-alike letter.",
    "date_malformed": "A calendar date, 2026-11-24.",
    "birth_date_mismatch": (
        "The IIN says another birth date: its first six digits, and the century in its seventh."
    ),
    "subject_under_age": "The borrower is not 18 years old yet, today in Kazakhstan.",
    "document_expired": "The document's last day has passed, today in Kazakhstan.",
    "signed_in_future": "The time lies in the future.",
    "signed_before_verified": (
        "A contract is signed after the borrower was verified: this is a second or more before."
    ),
    "time_malformed": "A time with its zone, 2026-11-24T10:00:00Z.",
    "decimal_malformed": 'A decimal such as "150000.00", with no more places than allowed.',
    "total_below_amount": "total_repayable is less than amount.",
    "iban_malformed": "A Kazakh IBAN with valid check digits.",
    "document_malformed": "Letters and digits.",
    "sha256_malformed": "64 hexadecimal digits.",
    "region_malformed": "A KATO code of 9 digits.",
    "case_number_malformed": "13 digits as the borrower's page shows them: 1796-035-123-456.",
    "reference_malformed": "1 to 64 of A-Z a-z 0-9 _ . : -",
    "personal_number": (
        "An IIN or a mobile number stands in a field that leaves the sealed part of the case."
    ),
    "metadata_key_malformed": "1 to 40 of A-Z a-z 0-9 _ . -",
    "url_malformed": "A whole https address without user and fragment.",
    "return_url_unregistered": "Ask the operator to register the address; its query may vary.",
    "webhook_url_refused": (
        "https to a public address; in test mode also the hosts that the operator lists."
    ),
    "obligation_in_future": "The time has not come yet, by our clock.",
    "obligation_before_decision": (
        "It begins after the borrower was verified: this is a second or more before."
    ),
    "obligation_before_opening": "An obligation ends after it began.",
    "scenario_not_on_route": (
        "The scenario is played on other routes: see `GET /v1/test/scenarios`."
    ),
    "routes_insufficient": "No combination of routes of your legal profile is left.",
    "profile_unknown": "The operator has set a legal profile that does not exist.",
    "id_malformed": "Not an id of this kind.",
    "cursor_malformed": "Not a value of `next`.",
    "cursor_unknown": "Not a value of `next` that you were given.",
}
