"""What a lender's programme, or its people, can do about a code. Every code has a remedy, by its
kind or of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lenders.codes import Problem
from verification.core.reasons import LIVENESS, Reason

YES, SOON, LATER, NO = "yes", "soon", "later", "no"
"""May the same request be sent again: at once by the header, after some minutes, once something
else has happened, or never as it is?
"""
SAME, FRESH, NONE = "the same", "a fresh one", "none: nothing is sent again"
"""Which Idempotency-Key the next request bears."""


@dataclass(frozen=True)
class Remedy:
    """What to do, whether to send again, by which key, and who has to act."""

    text: str
    again: str = NO
    key: str = NONE
    who: str = "you"


_WAIT: Final = Remedy("To repeat it is safe: by the same key nothing is done twice.", YES, SAME)
_CORRECT: Final = Remedy(
    "Do not repeat it as it is: it will be refused again. Correct it and send it.", NO, FRESH
)
_KEY: Final = Remedy(
    "Do not repeat it by this key. Take a valid one, or ask the operator for it.",
    LATER,
    SAME,
    "operator",
)
_READ: Final = Remedy("Do not repeat it as it is: go on by what you read then.", NO, FRESH)
_INSTEAD: Final = Remedy(
    "Do not repeat it: send what the sentence before names instead.", NO, FRESH
)
_FIRST: Final = Remedy("Do first what the sentence names, then send the same request.", LATER, SAME)
_STOP: Final = Remedy("Do not pay, and do not repeat it.", NO, NONE)
_DONE: Final = Remedy("It is done, or decided, already: do not repeat it.", NO, NONE)
_OPERATOR: Final = Remedy(
    "Tell the operator the `request_id`. Nothing was done.", SOON, SAME, "operator"
)
_ANEW: Final = Remedy("Open a new verification under another `client_reference`.", NO, FRESH)
_ASK_AGAIN: Final = Remedy(
    "Ask for another clearance, right before you pay, and consume that.", NO, FRESH
)
_ATTEST: Final = Remedy(
    "One of your employees attests it at the desk; then ask for another clearance.", NO, FRESH
)
_DATA: Final = Remedy(
    "Compare what you sent with the borrower's document. What was opened cannot be changed: cancel"
    " it, and open another with the right data.",
    NO,
    FRESH,
    "you and the borrower",
)
_DOCUMENT: Final = Remedy(
    "Compare what you sent with the borrower's document. If you sent it right, the borrower needs a"
    " valid one. What was opened cannot be changed: open another with the data of the valid"
    " document.",
    NO,
    FRESH,
    "you and the borrower",
)

ADD_REVIEWERS: Final = Remedy(
    "Two of your people must have a vote who neither opened the case nor sent its link. Ask the "
    "operator to add them, then open a new one; or open it for another way.",
    LATER,
    FRESH,
    "you and the operator",
)
_REMARK: Final = Remedy("Nothing: the check has passed, and this decides nothing.", NO, NONE)

_BY_STATUS: Final[Mapping[int, Remedy]] = {
    401: _KEY,
    403: _KEY,
    409: _READ,
    429: _WAIT,
    500: _OPERATOR,
    503: _WAIT,
}
_OF_PROBLEMS: Final[Mapping[str, Remedy]] = {
    "address_not_allowed": Remedy(
        "Call from a listed network, or ask the operator to list yours.", LATER, SAME, "operator"
    ),
    "attempts_exhausted": _FIRST,
    "borrower_at_it": _INSTEAD,
    "clearance_consumed": _DONE,
    "clearance_expired": _ASK_AGAIN,
    "clearance_frozen": _STOP,
    "clearance_mismatch": _STOP,
    "clearance_refused": _STOP,
    "clearance_stale": _ASK_AGAIN,
    "clearance_superseded": _INSTEAD,
    "client_reference_in_use": Remedy(
        "Cancel the open verification and send the same request, or send another reference.",
        LATER,
        FRESH,
    ),
    "consent_declined": _STOP,
    "consent_given": _INSTEAD,
    "contract_reported": _DONE,
    "contract_required": _FIRST,
    "cooling_off": Remedy("The law makes this money wait.", LATER, SAME),
    "document_erased": _DONE,
    "document_not_ready": _FIRST,
    "endpoint_disabled": _FIRST,
    "endpoint_limit": _FIRST,
    "idempotency_key_reused": Remedy(
        "Your programme gave one key to two requests: send this one by a key of its own.", NO, FRESH
    ),
    "is_renewal": _INSTEAD,
    "link_unusable": Remedy("Make a fresh link and give it to the borrower.", NO, FRESH),
    "not_verified": Remedy(
        "Wait for the webhook `verification.verified`, then send the same request.", LATER, SAME
    ),
    "obligation_closed": _DONE,
    "obligation_not_opened": _FIRST,
    "obligation_opened": _DONE,
    "profile_not_held": Remedy(
        "Ask the operator for a calendar that has begun.", LATER, SAME, "operator"
    ),
    "redelivery_limit": _FIRST,
    "renewal_not_due": _INSTEAD,
    "test_clock_limit": _CORRECT,
    "verification_erased": _ANEW,
    "verification_too_old": _ANEW,
}
_OF_FIELDS: Final[Mapping[str, Remedy]] = {
    "subject_under_age": Remedy("Do not lend: nobody under 18 may be the borrower."),
    "birth_date_mismatch": Remedy(
        "Compare IIN and birth date with the borrower's document.", NO, FRESH
    ),
    "document_expired": Remedy(
        "Ask the borrower for a document that is valid.", NO, FRESH, "borrower"
    ),
    "return_url_unregistered": Remedy(
        "Ask the operator to register the address.", LATER, SAME, "operator"
    ),
    "webhook_url_refused": Remedy(
        "Give an https address that anybody can reach, or ask the operator to list your test host.",
        NO,
        FRESH,
    ),
    "routes_insufficient": Remedy(
        "Name more routes, or leave `routes` out: your legal profile asks for more.", NO, FRESH
    ),
    "profile_unknown": Remedy(
        "Tell the operator: it is a fault of your calendar.", LATER, SAME, "operator"
    ),
}
_OF_REFUSALS: Final[Mapping[str, Remedy]] = {
    "verification_too_old": _ANEW,
    "profile_insufficient": _ANEW,
    "payout_consent_missing": _ANEW,
    "verification_erased": _ANEW,
    "age_confirmation_required": _ATTEST,
    "in_person_required": _ATTEST,
    "contract_required": Remedy("Report the contract, then ask for another clearance.", NO, FRESH),
    "cooling_off": Remedy("Wait until `release_not_before`, then make a link.", LATER, FRESH),
    "consent_renewal_required": Remedy(
        "Make a link and send it to the borrower; once they have consented anew, ask for another"
        " clearance.",
        LATER,
        FRESH,
        "you and the borrower",
    ),
    "stop_credit_unavailable": Remedy(
        "Tell the operator, who has to connect such a source.", LATER, FRESH, "operator"
    ),
    "account_owner_unavailable": Remedy(
        "Tell the operator, who has to connect such a source.", LATER, FRESH, "operator"
    ),
    "mci_unknown": Remedy(
        "Tell the operator, who takes the MCI of this year by `manage.py take_law`.",
        LATER,
        FRESH,
        "operator",
    ),
    "gates_unavailable": _ASK_AGAIN,
    "account_owner_mismatch": Remedy(
        "Do not pay into this account. Ask the borrower for one of their own, and open a new"
        " verification with it.",
        NO,
        FRESH,
        "you and the borrower",
    ),
}
_FREE: Final = Remedy(
    "Nothing to do for you: the page asks the borrower again. It cost no attempt.",
    NO,
    NONE,
    "borrower",
)
_COSTLY: Final = Remedy(
    "Nothing to do for you: the page asks the borrower again while attempts are left. It cost one"
    " of three; the last ends in `declined`.",
    NO,
    NONE,
    "borrower",
)
_GATE: Final = Remedy(
    "Tell the borrower no more than the sentence below: it would teach whoever tries what passes."
    " The page asks again while attempts are left; it cost one of three, and all of a day count.",
    NO,
    NONE,
    "borrower",
)
_PEOPLE: Final = Remedy(
    "Two of your reviewers look at the case at the desk, within 24 hours. Until then nothing is"
    " decided: do not pay.",
    NO,
    NONE,
    "your reviewers",
)
_TRIED: Final = Remedy(
    "Nothing to do for you: a worker asks again by itself. If it stays for minutes, tell the"
    " operator.",
    NO,
    NONE,
    "nobody",
)
_FINAL: Final = Remedy(
    "It is declined. Do not pay, and do not open another for the same request.", NO, NONE
)
_STILL_WANTED: Final = Remedy(
    "It says nothing about the person. If the loan is still wanted, open a new verification.",
    NO,
    FRESH,
)
_TOMORROW: Final = Remedy(
    "Not before tomorrow, or by another route if the page offers one.", NO, NONE, "borrower"
)
_NO_PICTURE: Final = Remedy(
    "The register has no picture that can be used, and nobody here can bring one. Take another"
    " route, where your profile allows one.",
    NO,
    NONE,
    "you and the borrower",
)
_OF_REASONS: Final[Mapping[str, Remedy]] = {
    "coercion_reported": Remedy(
        "Do not pay. Call the borrower by a number that you know yourself: somebody may be robbing"
        " them.",
        NO,
        NONE,
    ),
    "person_deceased": Remedy(
        "Do not pay. Somebody uses the data of a dead person: treat it as a fraud.", NO, NONE
    ),
    "attempts_exhausted": Remedy(
        "It is declined: do not pay. Failed attempts of a day count over all verifications of a"
        " person with you, so another one passes tomorrow at the earliest.",
        LATER,
        FRESH,
    ),
    "registry_mismatch": _DATA,
    "person_unknown": _DATA,
    "name_mismatch": _DATA,
    "birth_date_differs": _DATA,
    "document_invalid": _DOCUMENT,
    "document_expired": _DOCUMENT,
    "phone_owner_mismatch": _DATA,
    "sms_refused": _DATA,
    "otp_wrong": Remedy(
        "Nothing to do for you: the borrower types the newest code. Five wrong ones use up an"
        " attempt.",
        NO,
        NONE,
        "borrower",
    ),
    "velocity_exceeded": _TOMORROW,
    "captures_exceeded": _TOMORROW,
    "consents_exceeded": _TOMORROW,
    "otp_resends_exhausted": _FREE,
    "borrower_busy": Remedy(
        "Wait until the other verification of this borrower ends, or cancel it.",
        LATER,
        SAME,
        "you and the borrower",
    ),
    "verification_expired": _STILL_WANTED,
    "canceled_by_lender": _STILL_WANTED,
    "review_timeout": Remedy(
        "Nobody of yours looked in 24 hours; it says nothing about the person. Open a new one, and"
        " have it reviewed.",
        NO,
        FRESH,
        "your reviewers",
    ),
    "review_unavailable": ADD_REVIEWERS,
    "retries_exhausted": Remedy(
        "No decision: the fault is on our side. Tell the operator the verification's id, then open"
        " a new one.",
        NO,
        FRESH,
        "operator",
    ),
    "check_missing": Remedy(
        "The fault is on our side. Tell the operator the verification's id, then open a new one.",
        NO,
        FRESH,
        "operator",
    ),
    "face_reference_unavailable": _NO_PICTURE,
    "face_image_malformed": _NO_PICTURE,
    "face_image_too_large": _NO_PICTURE,
    "consent_phone_stated": _REMARK,
    "eds_surname_differs": _REMARK,
    "consent_pending": Remedy(
        "The borrower answers the state's message, SMS from 1414.", NO, NONE, "borrower"
    ),
}


def of_problem(problem: Problem) -> Remedy:
    """What to do about a problem: by its code, or by its status."""
    by_status = (
        _WAIT if problem.retry_after is not None else _BY_STATUS.get(problem.status, _CORRECT)
    )
    return _OF_PROBLEMS.get(problem.code, by_status)


def of_field(code: str) -> Remedy:
    """What to do about a field that cannot be used."""
    return _OF_FIELDS.get(code, _CORRECT)


def of_refusal(code: str) -> Remedy:
    """What to do about a clearance that was refused."""
    return _OF_REFUSALS.get(code, _STOP)


def of_reason(reason: Reason) -> Remedy:
    """What to do about an end: by its code, or by what the table says of it."""
    if reason.code in _OF_REASONS:
        return _OF_REASONS[reason.code]
    if reason.final:
        return _FINAL
    if reason.review:
        return _PEOPLE
    if reason.retry:
        return _TRIED
    if reason.family == LIVENESS:
        return _GATE
    return _COSTLY if reason.burns else _FREE
