"""The only table of codes: why something did not pass, in the borrower's words and in the lender's.

The borrower's sentence says what to do next and nothing that would help an attacker; edges translate it (kk, ru, en).
The lender's detail is English, for developers and reviewers. No other code can be said by a check.
"""

from dataclasses import dataclass


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation; the edges translate it when they show it."""
    return message


@dataclass(frozen=True)
class Reason:
    """One code.

    burns: it uses up one of the borrower's attempts. final: it declines the verification at once.
    review: two people look at the case. retry: our side tries again and nothing is decided.
    """

    code: str
    borrower_message: str
    lender_detail: str
    burns: bool = False
    final: bool = False
    review: bool = False
    retry: bool = False


def require(code: str) -> Reason:
    """The reason of this code; raises `KeyError` for a code that is not in the table."""
    return REASONS[code]


_SIGN_AGAIN = gettext_noop("The signature could not be accepted. Sign the statement again with your own key.")
_OWN_KEY = gettext_noop("Choose the signing key (GOST or RSA) issued to you personally by the NCA RK, and sign again.")
_OUR_FAULT = gettext_noop("Something did not work on our side. This is not your fault. Ask the lender for a new link.")
_OVER = gettext_noop("This verification has ended. If you still need the loan, ask the lender for a new one.")
# One sentence for whatever the state registers do not confirm: which of it was wrong, or whether they know the person
# at all, is nobody's business who only holds a link.
_NOT_CONFIRMED = gettext_noop(
    "The state registers did not confirm the data. Compare names, document and date of birth with your document; the "
    "phone must be registered to you. If all is right, ask the lender to check what it sent."
)
_PEOPLE_LOOK = gettext_noop("Two of the lender's people look at your request. You get an answer within 24 hours.")
_NO_CODE_LEFT = gettext_noop("All tries for the code are used up. If you still need the loan, call the lender.")

_TABLE = (
    # The signature
    Reason("eds_malformed", _SIGN_AGAIN, "Neither a CMS SignedData nor signed XML we can read.", burns=True),
    Reason("eds_too_large", _SIGN_AGAIN, "The signature exceeds the size limit of the policy.", burns=True),
    Reason("eds_signer_count", _SIGN_AGAIN, "Exactly one signer is required.", burns=True),
    Reason("eds_certificate_missing", _SIGN_AGAIN, "The signer's certificate is not in the signature.", burns=True),
    Reason("eds_algorithm_refused", _OWN_KEY, "An algorithm outside the profile, or of another family.", burns=True),
    Reason("eds_signed_attributes_invalid", _SIGN_AGAIN, "Signed attributes or reference are wrong.", burns=True),
    Reason(
        "eds_statement_mismatch",
        gettext_noop("The signature belongs to another text. Read the statement on this page and sign it again."),
        "The digest is not that of the statement kept for this attempt.",
        burns=True,
    ),
    Reason("eds_signature_invalid", _SIGN_AGAIN, "The signature value does not verify.", burns=True),
    Reason("eds_signature_replayed", _SIGN_AGAIN, "The same signature was presented before.", burns=True),
    Reason("eds_path_untrusted", _OWN_KEY, "No path from the certificate to a pinned anchor.", burns=True),
    Reason(
        "eds_certificate_expired",
        gettext_noop("Your key has expired. Get a new one from the NCA RK, or sign with another valid key of yours."),
        "The certificate, or one above it, had expired.",
        burns=True,
    ),
    Reason("eds_certificate_not_yet_valid", _OWN_KEY, "The certificate is not valid yet.", burns=True),
    Reason("eds_key_usage", _OWN_KEY, "Not a signing certificate (keyUsage, EKU or policy).", burns=True),
    Reason("eds_policy_refused", _OWN_KEY, "No certificate policy that we accept.", burns=True),
    Reason("eds_not_individual", _OWN_KEY, "The certificate is not of a person acting personally.", burns=True),
    Reason("eds_iin_missing", _OWN_KEY, "The subject has no single well-formed IIN.", burns=True),
    Reason(
        "eds_iin_mismatch",
        gettext_noop("This key belongs to another person. Only the person who asked for the loan may sign."),
        "The IIN of the certificate is not the borrower's.",
        burns=True,
    ),
    Reason(
        "eds_certificate_revoked",
        gettext_noop(
            "Your key has been revoked. Get a new one from the NCA RK, or sign with another valid key of yours."
        ),
        "The certificate is revoked or on hold.",
        burns=True,
    ),
    Reason("eds_revocation_unknown", _OUR_FAULT, "No fresh, verified revocation list; tried again.", retry=True),
    Reason("eds_statement_expired", _SIGN_AGAIN, "The statement had expired when the signature came."),
    Reason("eds_issuer_revoked", _OWN_KEY, "The authority that issued the certificate is itself revoked.", burns=True),
    Reason("eds_timestamp_invalid", _SIGN_AGAIN, "The time-stamp is not over this signature, or broken.", burns=True),
    Reason("eds_timestamp_untrusted", _SIGN_AGAIN, "The time-stamp is of no authority that we trust.", burns=True),
    Reason("eds_timestamp_time", _SIGN_AGAIN, "The time-stamp's time is in the future or not the key's.", burns=True),
    Reason("eds_timestamp_unavailable", _OUR_FAULT, "No usable time-stamp of our authority; tried again.", retry=True),
    # eGov Mobile: refused at the door, so that nothing was taken and no attempt is touched
    Reason(
        "egov_document_altered",
        gettext_noop("The app sent back another document than the one on this page. Nothing was taken from it."),
        "The document that eGov Mobile returned differs from the one it was given.",
    ),
    Reason(
        "egov_answer_malformed",
        gettext_noop("The app's answer could not be read. Nothing was taken from it."),
        "What eGov Mobile sent is not the document it was given with a signature in its place.",
    ),
    # The live face
    Reason(
        "liveness_failed",
        gettext_noop("We could not be sure of a live face. Find even light, hold still between commands, try again."),
        "A gate of the live capture refused: binding, freshness, depth or continuity.",
        burns=True,
    ),
    Reason(
        "liveness_command_missed",
        gettext_noop("A command was missed or came too late. Follow the arrows one at a time and try again."),
        "A step did not show its command, contradicted it, or came outside its window.",
        burns=True,
    ),
    Reason(
        "multiple_faces",
        gettext_noop("Somebody else is in the picture. Be alone in front of the camera and try again."),
        "More than one face in a frame.",
        burns=True,
    ),
    Reason(
        "face_not_found",
        gettext_noop("We did not see your face well enough. Look into the camera from an arm's length and try again."),
        "No face, or none fit to be compared, in too many frames.",
    ),
    Reason(
        "face_quality",
        gettext_noop("The picture was too dark, too bright or blurred. Find even light and try again."),
        "A step has no frame of sufficient quality.",
    ),
    Reason(
        "face_too_small",
        gettext_noop("Your face is too small in the picture. Come nearer to the camera and try again."),
        "The eyes are fewer pixels apart than a face can be compared with.",
    ),
    Reason(
        "face_too_dark",
        gettext_noop("Your face is too dark in the picture. Turn to a window or a lamp and try again."),
        "The face is under-exposed.",
    ),
    Reason(
        "face_too_bright",
        gettext_noop("Your face is too bright in the picture. Move out of the direct light and try again."),
        "The face is over-exposed.",
    ),
    Reason(
        "face_light_uneven",
        gettext_noop("One side of your face is in the dark. Turn so that both sides are lit and try again."),
        "The light on the two cheeks has nearly nothing in common.",
    ),
    Reason(
        "face_without_contrast",
        gettext_noop("The picture is too pale to see your face. Wipe the lens, find even light and try again."),
        "The face has too few grey levels.",
    ),
    Reason(
        "face_mismatch",
        gettext_noop("The face does not match. Only the person who asked for the loan may do this step."),
        "The distance to the reference is beyond the review zone.",
        burns=True,
    ),
    # Once, before two people look: what would make the picture better.
    Reason(
        "face_again_light",
        gettext_noop("Not clear enough yet. Face a window or a lamp, so that the light is even, and try again."),
        "In the review zone, in a picture that was dark or bright; it is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_again_near",
        gettext_noop("Not clear enough yet. Hold the camera nearer, until your face fills the oval, and try again."),
        "In the review zone, in a picture whose face was small; it is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_again_still",
        gettext_noop("Not clear enough yet. Wipe the lens, hold the phone still, and try again."),
        "In the review zone, in a picture that was blurred; it is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_again",
        gettext_noop("Not clear enough yet. Take off glasses, move hair from your face, look ahead, and try again."),
        "In the review zone; the picture is asked for once more.",
        burns=True,
    ),
    Reason("face_review", _PEOPLE_LOOK, "The distance to the reference is in the review zone.", review=True),
    Reason("liveness_review", _PEOPLE_LOOK, "The loan is too large for a capture alone.", review=True),
    Reason(
        "face_reference_unavailable",
        gettext_noop("The state register gave no photo to compare with. Choose another way or ask the lender."),
        "The photo register has no picture for this person, or refused.",
    ),
    Reason("face_image_malformed", _OUR_FAULT, "The reference is no image we can read."),
    Reason("face_image_too_large", _OUR_FAULT, "The reference exceeds the limits of the policy."),
    # The state registers and the one-time code
    Reason(
        "consent_pending",
        gettext_noop("You get an SMS from 1414. Answer it to allow the look-up; this page then goes on by itself."),
        "The person has not answered the state's message yet.",
    ),
    Reason(
        "consent_unanswered",
        gettext_noop("The SMS from 1414 was not answered, so nothing could be checked. Try again and answer it."),
        "No consent that holds came from the state's service in time.",
    ),
    Reason("registry_mismatch", _NOT_CONFIRMED, "The register does not know this person as stated.", burns=True),
    Reason("name_mismatch", _NOT_CONFIRMED, "Another surname, name or patronymic is registered.", burns=True),
    Reason("person_deceased", _NOT_CONFIRMED, "The register says that the person has died.", burns=True, final=True),
    Reason("document_expired", _NOT_CONFIRMED, "The document had run out on the day of judgement.", burns=True),
    Reason("phone_owner_mismatch", _NOT_CONFIRMED, "The phone is not this IIN's, or nobody said so.", burns=True),
    Reason(
        "otp_wrong",
        gettext_noop("That is not the code. Type the 6 digits of the newest SMS; the earlier ones no longer count."),
        "The guess is not the last code sent.",
        burns=True,
    ),
    Reason(
        "otp_expired",
        gettext_noop("The time of the code had run out. Type the 6 digits of the newest SMS."),
        "The code was right, or not, but came after its time.",
    ),
    Reason("otp_attempts_exhausted", _NO_CODE_LEFT, "The last allowed guess was wrong or late.", burns=True),
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
        gettext_noop("We could not send an SMS to the phone number of this request. Ask the lender to check it."),
        "The gateway did not take a message to this number.",
        burns=True,
    ),
    Reason(
        "velocity_exceeded",
        gettext_noop("Too many codes were sent to this phone today. Try again tomorrow, or ask the lender."),
        "The day's quota of this phone number is used up, over all lenders.",
    ),
    # The borrower's own word
    Reason(
        "consent_declined",
        gettext_noop("You did not agree, so nothing was checked and no loan will be paid out on this request."),
        "The borrower did not consent.",
        burns=True,
        final=True,
    ),
    Reason(
        "coercion_reported",
        gettext_noop(
            "We stopped here to protect you. Hang up. Nobody from a bank or the police asks you to take a loan."
        ),
        "The borrower says that somebody tells them what to press.",
        burns=True,
        final=True,
    ),
    # The course of things
    Reason("bad_answer", gettext_noop("We could not read your answer. Please try again."), "The answer is malformed."),
    Reason("not_your_turn", gettext_noop("This step was already answered. Here is the current one."), "Turn taken."),
    Reason("check_missing", _OUR_FAULT, "A required check gave no result; refused."),
    Reason("abandoned", gettext_noop("Time ran out. Press Continue when you are ready."), "The borrower fell silent."),
    Reason(
        "borrower_busy",
        gettext_noop("You are already answering another request of this lender. Finish it, or wait a few minutes."),
        "Another verification of this borrower is at the same stage.",
    ),
    Reason("attempts_exhausted", _OVER, "All attempts at a stage are used up."),
    Reason("verification_expired", _OVER, "The borrower did not finish in time."),
    Reason("review_timeout", _OVER, "Nobody reviewed the case in time."),
    # It burns: otherwise whoever is refused by people would come back with a fresh set of tries.
    Reason(
        "review_refused",
        gettext_noop("The lender's people could not confirm that it is you. If it is, speak to the lender in person."),
        "A reviewer of the lender refused the case.",
        burns=True,
        final=True,
    ),
    Reason("retries_exhausted", _OUR_FAULT, "Technical faults on our side; no decision about the person."),
    Reason("canceled_by_lender", _OVER, "The lender canceled."),
    Reason(
        "link_unusable",
        gettext_noop("This link has been used or has run out. Ask the lender for a new link."),
        "The link was spent, superseded or has run out.",
    ),
)

REASONS = {reason.code: reason for reason in _TABLE}
