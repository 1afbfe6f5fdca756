"""What the borrower reads where a verification has ended: what happened, and what to do about it.

A family of reasons shares one ending. Three are shared so that they tell nothing. An attacker must
not learn what the state registers did not confirm. Nor may he learn what refused a capture:
identity, comparison or liveness. And a bystander must not see that the borrower reported a caller:
that page reads as any check that could not be finished. Only the words are equal: that a reported
caller's check ends right after the question still tells (SECURITY.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from verification.core.reasons.reason import gettext_noop


@dataclass(frozen=True)
class Ending:
    """What happened, and what to do next; edges translate both."""

    happened: str
    what_next: str


_NEW_KEY = gettext_noop(
    "Get a new key on egov.kz or at a public service centre, then ask the lender for a new request."
)

UNFINISHED = Ending(
    gettext_noop("The check could not be finished this time. This is not your fault."),
    gettext_noop("Call the lender and name the case number. They will tell you what to do next."),
)
NOT_CONFIRMED = Ending(
    gettext_noop("The state registers did not confirm the data of this request."),
    gettext_noop(
        "Compare names, document and date of birth with your document; the phone must be registered"
        " to you. Then call the lender, so that it corrects what it sent."
    ),
)
UNPROVEN = Ending(
    gettext_noop("We could not make sure, by the camera, that it was you."),
    gettext_noop(
        "Only the person who asked for the loan may do this check. If that is you, speak to the "
        "lender in person, with your document. Or ask it for a way without a camera."
    ),
)
_FAMILIES: tuple[tuple[Ending, tuple[str, ...]], ...] = (
    (
        UNFINISHED,
        (
            *("coercion_reported", "check_missing", "retries_exhausted"),
            *("eds_revocation_unknown", "eds_timestamp_unavailable"),
            *("face_image_malformed", "face_image_too_large"),
        ),
    ),
    (
        NOT_CONFIRMED,
        (
            *(
                "registry_mismatch",
                "person_unknown",
                "name_mismatch",
                "birth_date_differs",
                "person_deceased",
            ),
            *("document_invalid", "document_expired", "phone_owner_mismatch"),
        ),
    ),
    (
        Ending(
            gettext_noop("The signature could not be accepted."),
            gettext_noop("Update NCALayer, or the app you sign with, before you try again."),
        ),
        (
            *(
                "eds_malformed",
                "eds_too_large",
                "eds_signer_count",
                "eds_certificate_missing",
                "eds_signature_invalid",
            ),
            *("eds_signed_attributes_invalid", "eds_signature_replayed", "eds_statement_expired"),
        ),
    ),
    (
        Ending(
            gettext_noop(
                "The key was not accepted: it must be a signing key that the NCA RK issued to you"
                " personally."
            ),
            gettext_noop(
                "Get such a key on egov.kz or at a public service centre before you try again."
            ),
        ),
        (
            *(
                "eds_algorithm_refused",
                "eds_path_untrusted",
                "eds_certificate_not_yet_valid",
                "eds_key_usage",
            ),
            *("eds_policy_refused", "eds_not_individual", "eds_iin_missing", "eds_issuer_revoked"),
        ),
    ),
    (Ending(gettext_noop("Your signing key has expired."), _NEW_KEY), ("eds_certificate_expired",)),
    (
        Ending(gettext_noop("Your signing key has been revoked."), _NEW_KEY),
        ("eds_certificate_revoked",),
    ),
    (
        Ending(
            gettext_noop("The signature was made with another person's key."),
            gettext_noop(
                "Only you yourself may sign, with your own key. If somebody else signs for you,"
                " stop: they may be taking a loan in your name."
            ),
        ),
        ("eds_iin_mismatch",),
    ),
    (
        Ending(
            gettext_noop("What was signed is not the statement of this request."),
            gettext_noop("Next time read the statement on the page, and sign that one."),
        ),
        ("eds_statement_mismatch",),
    ),
    (
        Ending(
            gettext_noop("The code from the SMS was not entered correctly, or not in time."),
            gettext_noop(
                "Next time type in the 6 digits of the newest SMS. Tell them to nobody by phone."
            ),
        ),
        ("otp_wrong", "otp_expired", "otp_attempts_exhausted"),
    ),
    (
        Ending(
            gettext_noop("No SMS could be sent to the phone number of this request."),
            gettext_noop("Ask the lender whether it has your right number."),
        ),
        ("sms_refused",),
    ),
    (
        Ending(
            gettext_noop("The SMS from 1414 was not answered, so nothing could be checked."),
            gettext_noop("Next time answer that SMS: it allows the look-up of your data."),
        ),
        ("consent_unanswered",),
    ),
    (
        Ending(
            gettext_noop("The tasks before the camera were not seen, or came too late."),
            gettext_noop(
                "Next time do the tasks one at a time, without haste. Or ask the lender for a way"
                " without a camera."
            ),
        ),
        ("liveness_command_missed", "liveness_not_at_rest"),
    ),
    (
        UNPROVEN,
        (
            *(
                "liveness_order_differs",
                "liveness_frame_unbound",
                "liveness_frame_early",
                "liveness_frame_unreadable",
            ),
            *("liveness_frame_seen_before", "liveness_capture_replayed", "liveness_frame_frozen"),
            *("liveness_frame_repeated", "liveness_frame_noiseless"),
            *("liveness_face_changed", "liveness_face_jumped", "liveness_face_missing"),
            *("face_mismatch", "face_again"),
        ),
    ),
    (
        Ending(
            gettext_noop("Somebody else was in the picture."),
            gettext_noop("Next time be alone in front of the camera."),
        ),
        ("multiple_faces",),
    ),
    (
        Ending(
            gettext_noop("The pictures were not clear enough to see that it is you."),
            gettext_noop(
                "Next time find even light, take off glasses, and hold the camera near and still."
                " Or speak to the lender in person, with your document."
            ),
        ),
        (
            *("face_again_light", "face_again_near", "face_again_still", "face_not_found"),
            *(
                "face_quality",
                "face_too_small",
                "face_too_dark",
                "face_too_bright",
                "face_light_uneven",
            ),
            *("face_without_contrast", "liveness_face_masked"),
        ),
    ),
    (
        Ending(
            gettext_noop("The state register gave no photo to compare with."),
            gettext_noop("Ask the lender for another way to confirm that it is you."),
        ),
        ("face_reference_unavailable",),
    ),
    (
        Ending(
            gettext_noop("The connection was lost too often."),
            gettext_noop(
                "Next time begin where the internet is better, or ask the lender for another way."
            ),
        ),
        ("liveness_line_lost",),
    ),
    (
        Ending(
            gettext_noop("You did not agree, so nothing was checked."),
            gettext_noop("If you still need the loan, ask the lender for a new request."),
        ),
        ("consent_declined",),
    ),
    (
        Ending(
            gettext_noop("The lender's employees could not confirm that it is you."),
            gettext_noop("If it is you, speak to the lender in person, with your document."),
        ),
        ("review_refused",),
    ),
    (
        Ending(
            gettext_noop("The check was not finished in its time."),
            gettext_noop("If you still need the loan, ask the lender for a new request."),
        ),
        ("verification_expired", "abandoned"),
    ),
    (
        Ending(
            gettext_noop(
                "The lender's employees did not look at your request in time. This is not your"
                " fault."
            ),
            gettext_noop("If you still need the loan, ask the lender for a new request."),
        ),
        ("review_timeout",),
    ),
    (
        Ending(
            gettext_noop(
                "Two employees of the lender had to look at your request, and it has too few who "
                "can. This is not your fault, and this try does not count."
            ),
            gettext_noop("Ask the lender for another way, or for a new request."),
        ),
        ("review_unavailable",),
    ),
    (
        Ending(
            gettext_noop("The lender stopped this check."),
            gettext_noop("Ask the lender why, and whether anything is expected of you."),
        ),
        ("canceled_by_lender",),
    ),
    (
        Ending(
            gettext_noop(
                "The tries are used up. Those of your other requests to this lender count too."
            ),
            gettext_noop("Ask the lender for another way, or wait 24 hours."),
        ),
        ("attempts_exhausted",),
    ),
)
ENDINGS: Mapping[str, Ending] = {code: ending for ending, codes in _FAMILIES for code in codes}


def ending_of(code: str, last_failure: str) -> Ending:
    """The ending of a code. Where the tries were used up it is the last failure that says why."""
    cause = last_failure if code == "attempts_exhausted" and last_failure in ENDINGS else code
    return ENDINGS.get(cause, UNFINISHED)
