"""Why the registers, a one-time code, the borrower's own word, or the course of things did not let
it pass.
"""

from verification.core.reasons.reason import OUR_FAULT, Reason, gettext_noop

# One sentence for whatever the state registers do not confirm: which of it was wrong, or whether
# they know the person at all, is nobody's business who only holds a link.
_NOT_CONFIRMED = gettext_noop(
    "The state registers did not confirm the data. Compare names, document and date of birth with"
    " your document; the phone must be registered to you. If all is right, ask the lender to check"
    " what it sent."
)
_NO_CODE_LEFT = gettext_noop(
    "All tries for the code are used up. If you still need the loan, call the lender."
)

TABLE = (
    # The state registers and the one-time code
    Reason(
        "consent_pending",
        gettext_noop(
            "You get an SMS from 1414. Answer it to allow the look-up; this page then goes on by"
            " itself."
        ),
        "The person has not answered the state's message yet.",
    ),
    Reason(
        "consent_unanswered",
        gettext_noop(
            "The SMS from 1414 was not answered, so nothing could be checked. Try again and"
            " answer it."
        ),
        "No consent that holds came from the state's service in time.",
    ),
    Reason(
        "registry_mismatch",
        _NOT_CONFIRMED,
        "The borrower typed what their document does not say.",
        burns=True,
    ),
    # What the lender stated and the register has cannot change by another try: each of these ends
    # it.
    Reason(
        "person_unknown",
        _NOT_CONFIRMED,
        "1414 or the register of people does not know this person.",
        burns=True,
        final=True,
    ),
    Reason(
        "name_mismatch",
        _NOT_CONFIRMED,
        "Other names than stated are registered.",
        burns=True,
        final=True,
    ),
    Reason(
        "birth_date_differs",
        _NOT_CONFIRMED,
        "Another birth date is registered.",
        burns=True,
        final=True,
    ),
    Reason(
        "person_deceased",
        _NOT_CONFIRMED,
        "The register says that the person has died.",
        burns=True,
        final=True,
    ),
    Reason(
        "document_invalid",
        _NOT_CONFIRMED,
        "The document is not registered as valid.",
        burns=True,
        final=True,
    ),
    Reason(
        "document_expired",
        _NOT_CONFIRMED,
        "The document had run out on that day.",
        burns=True,
        final=True,
    ),
    Reason(
        "consent_phone_stated",
        gettext_noop("The SMS from 1414 went to the phone that the lender named."),
        "The state's consent service was given the phone that the lender stated.",
        remark=True,
    ),
    Reason(
        "phone_owner_mismatch",
        _NOT_CONFIRMED,
        "The phone is not this IIN's, or nobody said so.",
        burns=True,
    ),
    Reason(
        "otp_wrong",
        gettext_noop(
            "That is not the code. Type the 6 digits of the newest SMS; the earlier ones no longer"
            " count."
        ),
        "The guess is not the last code sent.",
        burns=True,
    ),
    Reason(
        "otp_expired",
        gettext_noop("The time of the code had run out. Type the 6 digits of the newest SMS."),
        "The code was right, or not, but came after its time.",
    ),
    Reason(
        "otp_attempts_exhausted",
        _NO_CODE_LEFT,
        "The last allowed guess was wrong or late.",
        burns=True,
    ),
    Reason(
        "otp_resend_early",
        gettext_noop("An SMS is on its way. Wait half a minute before you ask for a new code."),
        "Another code was asked for too soon.",
    ),
    Reason(
        "otp_resends_exhausted",
        gettext_noop("No more codes can be sent now. Type the code of the newest SMS."),
        "Another code was asked for too often.",
    ),
    Reason(
        "sms_refused",
        gettext_noop(
            "We could not send an SMS to the phone number of this request. Ask the lender to"
            " check it."
        ),
        "The gateway did not take a message to this number.",
        burns=True,
    ),
    Reason(
        "velocity_exceeded",
        gettext_noop(
            "Too many codes were sent to this phone today. Try again tomorrow, or ask the lender."
        ),
        "The day's quota of this phone number is used up, over all lenders.",
    ),
    Reason(
        "consents_exceeded",
        gettext_noop(
            "Checks of this person were begun too often today. Try again tomorrow, or ask the"
            " lender."
        ),
        "The day's quota of checks that send this person an SMS from 1414 is used up, over all"
        " lenders.",
    ),
    Reason(
        "captures_exceeded",
        gettext_noop(
            "The check with the camera was begun too often today. Try again tomorrow, or choose"
            " another way."
        ),
        "So many captures of a day ended without costing an attempt that no other begins before"
        " tomorrow.",
    ),
    # The borrower's own word
    Reason(
        "consent_declined",
        gettext_noop(
            "You did not agree, so nothing was checked and no loan will be paid out on this"
            " request."
        ),
        "The borrower did not consent.",
        burns=True,
        final=True,
    ),
    Reason(
        "coercion_reported",
        OUR_FAULT,
        "The borrower says that somebody tells them what to press.",
        burns=True,
        final=True,
    ),
    # The course of things
    Reason(
        "bad_answer",
        gettext_noop("We could not read your answer. Please try again."),
        "The answer is malformed.",
    ),
    Reason(
        "not_your_turn",
        gettext_noop("This step was already answered. Here is the current one."),
        "Turn taken.",
    ),
    Reason("check_missing", OUR_FAULT, "A required check gave no result; refused."),
    Reason(
        "abandoned",
        gettext_noop("Time ran out. Press Continue when you are ready."),
        "The borrower fell silent.",
    ),
    Reason(
        "borrower_busy",
        gettext_noop(
            "You are already answering another request of this lender. Finish it, or wait a few"
            " minutes."
        ),
        "Another verification of this borrower is at the same stage.",
    ),
    Reason(
        "attempts_exhausted",
        gettext_noop(
            "The tries are used up. Ask the lender for another way, or try again in 24 hours."
        ),
        "All attempts at a stage are used up.",
    ),
    Reason(
        "verification_expired",
        gettext_noop(
            "The check was not finished in its time. If you still need the loan, ask for a new"
            " request."
        ),
        "The borrower did not finish in time.",
    ),
    Reason(
        "review_timeout",
        gettext_noop(
            "The lender's employees did not look in time. If you still need the loan, ask for a new"
            " request."
        ),
        "Nobody reviewed the case in time.",
    ),
    Reason(
        "review_unavailable",
        gettext_noop(
            "Employees of the lender had to look, and too few of them can. This is not your fault. "
            "Call the lender: it says what is next."
        ),
        "It was left to people, and fewer than two of the lender's could vote.",
    ),
    # It burns: otherwise whoever is refused by people would come back with a fresh set of tries.
    Reason(
        "review_refused",
        gettext_noop(
            "The lender's people could not confirm that it is you. If it is, speak to the lender in"
            " person."
        ),
        "A reviewer of the lender refused the case.",
        burns=True,
        final=True,
    ),
    Reason(
        "retries_exhausted",
        OUR_FAULT,
        "Technical faults on our side; no decision about the person.",
    ),
    Reason(
        "canceled_by_lender",
        gettext_noop("The lender stopped this check. Ask it why."),
        "The lender canceled.",
    ),
)
