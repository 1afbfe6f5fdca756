"""The only table of codes: for each code its readers, its sentences, and the remedy.

A row is one code, for every place where it can occur. These are the end of a verification or a
check, a defect of a request or a field, a refused clearance, and a refused law file.
All other modules read this table. A check cannot use a code that is missing here.

The borrower's sentences give the next action and nothing that helps an attacker.
Codes that must reveal no more share one sentence.
These sentences, and those of the desk, are marked with `_` and translated on display (kk, ru, en).
Lenders' texts are English here, and Russian in the catalogue of the developers' pages.

A family of codes shares one ending. Three families are shared so that they reveal nothing:
- An attacker must not learn what the state registers did not confirm.
- An attacker must not learn what refused a capture: identity, comparison or liveness.
- A bystander must not see that the borrower reported a caller: that page reads like any unfinished
  check.

Only the words are equal: a check that ends right after the question still reveals the report
(SECURITY.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verification.core.spelling import gettext_noop as _

LIVENESS, PICTURE = "liveness", "picture"
ATTEMPTS_EXHAUSTED: Final = "attempts_exhausted"
COERCION_REPORTED: Final = "coercion_reported"
REVIEW_UNAVAILABLE: Final = "review_unavailable"
CONSENT_WITHDRAWN: Final = "consent_withdrawn"
PROCESSING_BLOCKED: Final = "processing_blocked"

YES, SOON, LATER, NO = "yes", "soon", "later", "no"
"""When the same request may be sent again: at once per the header, after some minutes, after
another event, or never.
"""
SAME, FRESH, NONE = "the same", "a fresh one", "none: nothing is sent again"
"""The Idempotency-Key of the next request."""


class Place(StrEnum):
    """Where a lender sees a code. A word with different meanings in two places is one code with
    two meanings.
    """

    PROBLEM = "problem"
    FIELD = "field"
    WARNING = "warning"
    CLEARANCE = "clearance"
    REASON = "reason"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The borrower's text at the end of a verification: what happened, and what to do next.
    Edges translate both.
    """

    happened: str
    what_next: str


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What a lender's program or people can do: whether to repeat, with which key, and who acts."""

    text: str
    again: str = NO
    key: str = NONE
    actor: str = "you"


@dataclass(frozen=True, kw_only=True)
class Code:
    """One code. A group of fields is empty if the code does not occur in that place.

    **The end of a verification or a check** (`lender_detail` is set).
    burns: it uses up one of the borrower's attempts.
    final: it declines the verification at once.
    review: two people look at the case.
    retry: our side tries again and nothing is decided.
    remark: a passed check states it; it is shown and decides nothing.
    family: `LIVENESS` if it refuses a capture as not a living face; `PICTURE` if the pictures are
    too poor, which is free.
    holds_frames: a verification declined by this code keeps its frames, as for the family
    `LIVENESS`.
    heading: of the page that asks to come again tomorrow.
    indication: status and sub-indication of EN 319 102-1 V1.3.1, tables 5 and 6.

    **A defect of a request** (`title` is set).
    status: HTTP's, of the answer.
    advice: what the caller can do.
    retry_after: seconds, if waiting helps.
    page_title, page_text: a page's text, in the reader's language; some codes occur on pages only.

    **A defect of a field** (`field`), **a warning at an opening** (`warning`), **a refused
    clearance** (`refusal`), **a refused law file** (`law_file`).

    **The desk**: `staff` says why two people look, what was remarked, or why a vote or link is
    refused.
    `attesting` says why an attestation is impossible.

    The remedies belong to the place; without one, `remedy_of` takes that of its kind.
    """

    code: str

    borrower_message: str = ""
    lender_detail: str = ""
    burns: bool = False
    final: bool = False
    review: bool = False
    retry: bool = False
    remark: bool = False
    family: str = ""
    holds_frames: bool = False
    heading: str = ""
    ending: Ending | None = None
    indication: tuple[str, str] | None = None
    remedy: Remedy | None = None

    status: int = 0
    title: str = ""
    advice: str = ""
    retry_after: int | None = None
    problem_remedy: Remedy | None = None
    page_title: str = ""
    page_text: str = ""

    field: str = ""
    field_remedy: Remedy | None = None
    warning: str = ""
    warning_remedy: Remedy | None = None
    refusal: str = ""
    refusal_remedy: Remedy | None = None
    law_file: str = ""

    staff: str = ""
    attesting: str = ""


# A reported caller gets the same text: a bystander, or the lender's app, must not see the
# difference.
_OUR_FAULT = _(
    "The check could not be finished. This is not your fault. Call the lender: it says what is"
    " next."
)
_SIGN_AGAIN = _("The signature could not be accepted. Sign the statement again with your own key.")
_OWN_KEY = _(
    "Choose the signing key (GOST or RSA) issued to you personally by the NCA RK, and sign again."
)
# One sentence for all that the state registers do not confirm: the holder of a link must not learn
# which datum was wrong, or whether the person is known.
_NOT_CONFIRMED = _(
    "The state registers did not confirm the data. Compare names, document and date of birth with"
    " your document; the phone must be registered to you. If all is right, ask the lender to check"
    " what it sent."
)
# One sentence for identity, comparison and liveness: an attacker must not learn which refused them.
_UNPROVEN = _(
    "We could not make sure, by the camera, that it is you. Only the person who asked for the loan"
    " may do this check. Switch filters off, take off glasses, find even light, move slowly, and"
    " try again."
)
_PEOPLE_LOOK = _(
    "Two of the lender's people look at your request. You get an answer within 24 hours."
)
_NEW_KEY = _(
    "Get a new key on egov.kz or at a public service centre, then ask the lender for a new request."
)

UNFINISHED = Ending(
    happened=_("The check could not be finished this time. This is not your fault."),
    what_next=_("Call the lender and name the case number. They will tell you what to do next."),
)
NOT_CONFIRMED = Ending(
    happened=_("The state registers did not confirm the data of this request."),
    what_next=_(
        "Compare names, document and date of birth with your document; the phone must be registered"
        " to you. Then call the lender, so that it corrects what it sent."
    ),
)
_SIGNATURE_REFUSED = Ending(
    happened=_("The signature could not be accepted."),
    what_next=_("Update NCALayer, or the app you sign with, before you try again."),
)
_KEY_REFUSED = Ending(
    happened=_(
        "The key was not accepted: it must be a signing key that the NCA RK issued to you"
        " personally."
    ),
    what_next=_("Get such a key on egov.kz or at a public service centre before you try again."),
)
_CODE_WRONG = Ending(
    happened=_("The code from the SMS was not entered correctly, or not in time."),
    what_next=_("Next time type in the 6 digits of the newest SMS. Tell them to nobody by phone."),
)
_TASKS_MISSED = Ending(
    happened=_("The tasks before the camera were not seen, or came too late."),
    what_next=_(
        "Next time do the tasks one at a time, without haste. Or ask the lender for a way without a"
        " camera."
    ),
)
UNPROVEN = Ending(
    happened=_("We could not make sure, by the camera, that it was you."),
    what_next=_(
        "Only the person who asked for the loan may do this check. If that is you, speak to the"
        " lender in person, with your document. Or ask it for a way without a camera."
    ),
)
_UNCLEAR = Ending(
    happened=_("The pictures were not clear enough to see that it is you."),
    what_next=_(
        "Next time find even light, take off glasses, and hold the camera near and still. Or speak"
        " to the lender in person, with your document."
    ),
)
_NOT_IN_TIME = Ending(
    happened=_("The check was not finished in its time."),
    what_next=_("If you still need the loan, ask the lender for a new request."),
)

_VALID_KEY = "Use a valid key of yours, or ask the operator for another."
_WAIT_AND_SEND = (
    "Nothing was done. Wait for `Retry-After` and send the same request again, with the same"
    " Idempotency-Key."
)
_WAIT = Remedy(
    text="A repeat with the same key is safe: nothing is done twice.", again=YES, key=SAME
)
_CORRECT = Remedy(
    text="Do not repeat it as it is: it will be refused again. Correct it and send it.", key=FRESH
)
_KEY = Remedy(
    text="Do not repeat it with this key. Use a valid one, or ask the operator for one.",
    again=LATER,
    key=SAME,
    actor="operator",
)
_READ = Remedy(
    text=("Do not repeat it unchanged: read the resource, and continue from its present state."),
    key=FRESH,
)
_INSTEAD = Remedy(
    text=("Do not repeat it: send the request that the sentence before names."), key=FRESH
)
_FIRST = Remedy(
    text="Do first what the sentence names, then send the same request.", again=LATER, key=SAME
)
_STOP = Remedy(text="Do not pay, and do not repeat it.")
_DONE = Remedy(text="It is done, or decided, already: do not repeat it.")
_OPERATOR = Remedy(
    text="Tell the operator the `request_id`. Nothing was done.",
    again=SOON,
    key=SAME,
    actor="operator",
)
_ANEW = Remedy(text="Open a new verification under another `client_reference`.", key=FRESH)
_ASK_AGAIN = Remedy(
    text="Ask for another clearance, right before you pay, and consume that.", key=FRESH
)
_ATTEST = Remedy(
    text="One of your employees attests it at the desk; then ask for another clearance.", key=FRESH
)
_DATA = Remedy(
    text=(
        "Compare what you sent with the borrower's document. What was opened cannot be changed:"
        " cancel it, and open another with the right data."
    ),
    key=FRESH,
    actor="you and the borrower",
)
_DOCUMENT = Remedy(
    text=(
        "Compare what you sent with the borrower's document. If you sent it right, the borrower"
        " needs a valid one. What was opened cannot be changed: open another with the data of the"
        " valid document."
    ),
    key=FRESH,
    actor="you and the borrower",
)
_ADD_REVIEWERS = Remedy(
    text=(
        "Two of your people must have a vote who neither opened the case nor sent its link. Ask the"
        " operator to add them, then open a new one; or open it for another way."
    ),
    again=LATER,
    key=FRESH,
    actor="you and the operator",
)
_REMARK = Remedy(text="Nothing: the check has passed, and this decides nothing.")
_FREE = Remedy(
    text="Nothing to do for you: the page asks the borrower again. It cost no attempt.",
    actor="borrower",
)
_COSTLY = Remedy(
    text=(
        "Nothing to do for you: the page asks the borrower again while attempts are left. It cost"
        " one of three; the last ends in `declined`."
    ),
    actor="borrower",
)
_GATE = Remedy(
    text=(
        "Tell the borrower only the sentence below: more would teach an attacker what passes. The"
        " page asks again while attempts are left; it cost one of three, and all of a day count."
    ),
    actor="borrower",
)
_PEOPLE = Remedy(
    text=(
        "Two of your reviewers look at the case at the desk, within 24 hours. Until then nothing is"
        " decided: do not pay."
    ),
    actor="your reviewers",
)
_TRIED = Remedy(
    text=(
        "Nothing to do for you: a worker asks again by itself. If it stays for minutes, tell the"
        " operator."
    ),
    actor="nobody",
)
_FINAL = Remedy(text="It is declined. Do not pay, and do not open another for the same request.")
_STILL_WANTED = Remedy(
    text="It says nothing about the person. If the loan is still wanted, open a new verification.",
    key=FRESH,
)
_TOMORROW = Remedy(
    text="Not before tomorrow, or by another route if the page offers one.", actor="borrower"
)
_NO_PICTURE = Remedy(
    text=(
        "The register has no usable picture, and you cannot supply one. Take another route, if "
        "your profile allows one."
    ),
    actor="you and the borrower",
)

_TABLE: Final = (
    # ── Why a signature was refused ──
    Code(
        code="eds_malformed",
        borrower_message=_SIGN_AGAIN,
        lender_detail="Neither a CMS SignedData nor signed XML we can read.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("TOTAL-FAILED", "FORMAT_FAILURE"),
    ),
    Code(
        code="eds_too_large",
        borrower_message=_SIGN_AGAIN,
        lender_detail="The signature exceeds the size limit of the policy.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("TOTAL-FAILED", "FORMAT_FAILURE"),
    ),
    Code(
        code="eds_signer_count",
        borrower_message=_SIGN_AGAIN,
        lender_detail="Exactly one signer is required.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("TOTAL-FAILED", "FORMAT_FAILURE"),
    ),
    Code(
        code="eds_certificate_missing",
        borrower_message=_SIGN_AGAIN,
        lender_detail="The signer's certificate is not in the signature.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND"),
    ),
    Code(
        code="eds_algorithm_refused",
        borrower_message=_OWN_KEY,
        lender_detail="An algorithm outside the profile, or of another family.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_signed_attributes_invalid",
        borrower_message=_SIGN_AGAIN,
        lender_detail="Signed attributes or reference are wrong.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("TOTAL-FAILED", "FORMAT_FAILURE"),
    ),
    Code(
        code="eds_statement_mismatch",
        borrower_message=_(
            "The signature belongs to another text. Read the statement on this page and sign it"
            " again."
        ),
        lender_detail="The digest is not that of the statement kept for this attempt.",
        burns=True,
        ending=Ending(
            happened=_("What was signed is not the statement of this request."),
            what_next=_("Next time read the statement on the page, and sign that one."),
        ),
        indication=("TOTAL-FAILED", "HASH_FAILURE"),
    ),
    Code(
        code="eds_signature_invalid",
        borrower_message=_SIGN_AGAIN,
        lender_detail="The signature value does not verify.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("TOTAL-FAILED", "SIG_CRYPTO_FAILURE"),
    ),
    Code(
        code="eds_signature_replayed",
        borrower_message=_SIGN_AGAIN,
        lender_detail="The same signature was presented before.",
        burns=True,
        ending=_SIGNATURE_REFUSED,
        indication=("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_path_untrusted",
        borrower_message=_OWN_KEY,
        lender_detail="No path from the certificate to a pinned anchor.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
    ),
    Code(
        code="eds_certificate_expired",
        borrower_message=_(
            "Your key has expired. Get a new one from the NCA RK, or sign with another valid key of"
            " yours."
        ),
        lender_detail="The certificate, or one above it, had expired.",
        burns=True,
        ending=Ending(happened=_("Your signing key has expired."), what_next=_NEW_KEY),
        indication=("TOTAL-FAILED", "EXPIRED"),
    ),
    Code(
        code="eds_certificate_not_yet_valid",
        borrower_message=_OWN_KEY,
        lender_detail="The certificate is not valid yet.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("TOTAL-FAILED", "NOT_YET_VALID"),
    ),
    Code(
        code="eds_key_usage",
        borrower_message=_OWN_KEY,
        lender_detail="Not a signing certificate (keyUsage, EKU or policy).",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_policy_refused",
        borrower_message=_OWN_KEY,
        lender_detail="No certificate policy that we accept.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_not_individual",
        borrower_message=_OWN_KEY,
        lender_detail="The certificate is not of a person acting personally.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_iin_missing",
        borrower_message=_OWN_KEY,
        lender_detail="The subject has no single well-formed IIN.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_iin_mismatch",
        borrower_message=_(
            "This key belongs to another person. Only the person who asked for the loan may sign."
        ),
        lender_detail="The IIN of the certificate is not the borrower's.",
        burns=True,
        ending=Ending(
            happened=_("The signature was made with another person's key."),
            what_next=_(
                "Only you yourself may sign, with your own key. If somebody else signs for you,"
                " stop: they may be taking a loan in your name."
            ),
        ),
        indication=("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_certificate_revoked",
        borrower_message=_(
            "This key was revoked and will be refused again. Sign with another valid key of yours,"
            " or get a new one on egov.kz or at a public service centre."
        ),
        lender_detail="The certificate is revoked or on hold.",
        burns=True,
        ending=Ending(happened=_("Your signing key has been revoked."), what_next=_NEW_KEY),
        indication=("TOTAL-FAILED", "REVOKED"),
    ),
    Code(
        code="eds_revocation_unknown",
        borrower_message=_OUR_FAULT,
        lender_detail="No fresh, verified revocation list; tried again.",
        retry=True,
        ending=UNFINISHED,
        indication=("INDETERMINATE", "TRY_LATER"),
    ),
    Code(
        code="eds_statement_expired",
        borrower_message=_SIGN_AGAIN,
        lender_detail="The statement had expired when the signature came.",
        ending=_SIGNATURE_REFUSED,
        indication=("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE"),
    ),
    Code(
        code="eds_issuer_revoked",
        borrower_message=_OWN_KEY,
        lender_detail="The authority that issued the certificate is itself revoked.",
        burns=True,
        ending=_KEY_REFUSED,
        indication=("INDETERMINATE", "REVOKED_CA_NO_POE"),
    ),
    Code(
        code="eds_timestamp_unavailable",
        borrower_message=_OUR_FAULT,
        lender_detail="No usable time-stamp of our authority; tried again.",
        retry=True,
        ending=UNFINISHED,
        indication=("INDETERMINATE", "TRY_LATER"),
    ),
    Code(
        code="eds_surname_differs",
        borrower_message=_("Your key spells your surname otherwise. That changes nothing here."),
        lender_detail=(
            "The certificate spells the surname otherwise than the lender; it decides nothing."
        ),
        remark=True,
        remedy=_REMARK,
        staff=_("The certificate of the signature spells the surname otherwise than the lender."),
    ),
    # ── eGov Mobile: refused at the door, so nothing was taken and no attempt is touched ──
    Code(
        code="egov_document_altered",
        borrower_message=_(
            "The app sent back another document than the one on this page. Nothing was taken from"
            " it."
        ),
        lender_detail="The document that eGov Mobile returned differs from the one it was given.",
    ),
    Code(
        code="egov_answer_malformed",
        borrower_message=_("The app's answer could not be read. Nothing was taken from it."),
        lender_detail=(
            "What eGov Mobile sent is not the document it was given with a signature in its place."
        ),
    ),
    # ── Why a live capture, or its face, was not accepted ── Lender, reviewers and regulator get a
    # gate's exact finding. The borrower gets its kind: enough to do better, and no more for an
    # attacker who experiments.
    Code(
        code="liveness_command_missed",
        borrower_message=_(
            "A task was not seen, or came too late. Do the tasks one at a time, as the words say,"
            " and try again."
        ),
        lender_detail="A command was not shown, was contradicted, or came too late.",
        burns=True,
        family=LIVENESS,
        ending=_TASKS_MISSED,
    ),
    Code(
        code="liveness_not_at_rest",
        borrower_message=_(
            "We did not see you look straight ahead. Look into the camera, mouth closed and eyes"
            " open, until the first task comes."
        ),
        lender_detail="No face looked straight ahead before the first command.",
        burns=True,
        family=LIVENESS,
        ending=_TASKS_MISSED,
    ),
    Code(
        code="liveness_order_differs",
        borrower_message=_UNPROVEN,
        lender_detail="The commands that were answered are not those of the order.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_unbound",
        borrower_message=_UNPROVEN,
        lender_detail="A frame does not belong to the showing of its command.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_early",
        borrower_message=_UNPROVEN,
        lender_detail="Frames came before their command was seen, or before being taken.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_unreadable",
        borrower_message=_UNPROVEN,
        lender_detail="A frame is no picture as the page takes them.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_seen_before",
        borrower_message=_UNPROVEN,
        lender_detail="A frame was presented in a capture before.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_capture_replayed",
        borrower_message=_UNPROVEN,
        lender_detail="The capture is one that was presented before, played again.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_frozen",
        borrower_message=_UNPROVEN,
        lender_detail="The picture stood still for longer than a camera's does.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_repeated",
        borrower_message=_UNPROVEN,
        lender_detail="Pictures came again after others had come.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_frame_noiseless",
        borrower_message=_UNPROVEN,
        lender_detail="The pictures lack the noise of a sensor.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_face_changed",
        borrower_message=_UNPROVEN,
        lender_detail="A frame shows another face than the first.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_face_jumped",
        borrower_message=_UNPROVEN,
        lender_detail="The face jumped from one frame to the next.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="liveness_face_missing",
        borrower_message=_UNPROVEN,
        lender_detail="A command has no face to compare with the others.",
        burns=True,
        family=LIVENESS,
        ending=UNPROVEN,
    ),
    Code(
        code="multiple_faces",
        borrower_message=_(
            "Somebody else is in the picture. Be alone in front of the camera and try again."
        ),
        lender_detail="More than one face in a frame.",
        burns=True,
        family=LIVENESS,
        ending=Ending(
            happened=_("Somebody else was in the picture."),
            what_next=_("Next time be alone in front of the camera."),
        ),
    ),
    Code(
        code="liveness_line_lost",
        borrower_message=_(
            "The connection was lost; nothing was used up. Try again where it is better, or another"
            " way."
        ),
        lender_detail=(
            "The line was lost more often than a capture may go on after; nothing was judged."
        ),
        ending=Ending(
            happened=_("The connection was lost too often."),
            what_next=_(
                "Next time begin where the internet is better, or ask the lender for another way."
            ),
        ),
    ),
    # For review only: the threshold comes from three people who turned: docs/security/liveness.md.
    Code(
        code="liveness_depth_flat",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The face moved as a flat picture does.",
        review=True,
        holds_frames=True,
        staff=_("The face turned as a flat picture does: look for a paper, a screen or a mask."),
    ),
    Code(
        code="liveness_depth_missing",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The turns gave no evidence of depth.",
        review=True,
        holds_frames=True,
        staff=_("The turns did not show whether the face has depth."),
    ),
    Code(
        code="liveness_surroundings_jumped",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="What is round the face jumped while it went on.",
        review=True,
        holds_frames=True,
        staff=_("What is round the face became another place while the face went on."),
    ),
    Code(
        code="liveness_actor_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail=(
            "Somebody else may have done the gestures: by their faces, by what they have in common,"
            " or by a jump."
        ),
        review=True,
        holds_frames=True,
        staff=_(
            "The gestures, or the rests between them, may be another person's than the first "
            "face: is it one person?"
        ),
    ),
    Code(
        code="liveness_replay_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail=(
            "Earlier captures are like this one: there were too many to compare all, or too little"
            " fits to be sure."
        ),
        review=True,
        holds_frames=True,
        staff=_(
            "Earlier captures are like this one: there were too many to compare all, or too little"
            " fits to be sure."
        ),
    ),
    Code(
        code="liveness_line_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail=(
            "The line or the camera gave too little to judge by, or something may cover mouth and"
            " nose."
        ),
        review=True,
        holds_frames=True,
        staff=_(
            "The line or the camera gave too little to judge by, or something may cover mouth and"
            " nose."
        ),
    ),
    Code(
        code="face_not_found",
        borrower_message=_(
            "We did not see your face well enough. Look into the camera from an arm's length and"
            " try again."
        ),
        lender_detail="No face, or none fit to be compared, in too many frames.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_quality",
        borrower_message=_(
            "The picture was too dark, too bright or blurred. Find even light and try again."
        ),
        lender_detail="A step has no frame of sufficient quality.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="liveness_face_masked",
        borrower_message=_(
            "Something covers your mouth or nose. Take the mask or scarf off and try again."
        ),
        lender_detail=(
            "Something may cover mouth and nose at rest. A later capture of the day is for people."
        ),
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_too_small",
        borrower_message=_(
            "Your face is too small in the picture. Come nearer to the camera and try again."
        ),
        lender_detail="The eyes are fewer pixels apart than a face can be compared with.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_too_dark",
        borrower_message=_(
            "Your face is too dark in the picture. Turn to a window or a lamp and try again."
        ),
        lender_detail="The face is under-exposed.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_too_bright",
        borrower_message=_(
            "Your face is too bright in the picture. Move out of the direct light and try again."
        ),
        lender_detail="The face is over-exposed.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_light_uneven",
        borrower_message=_(
            "One side of your face is in the dark. Turn so that both sides are lit and try again."
        ),
        lender_detail="The light on the two cheeks has nearly nothing in common.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_without_contrast",
        borrower_message=_(
            "The picture is too pale to see your face. Wipe the lens, find even light and try"
            " again."
        ),
        lender_detail="The face has too few grey levels.",
        family=PICTURE,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_mismatch",
        borrower_message=_UNPROVEN,
        lender_detail="The distance to the reference is beyond the review zone.",
        burns=True,
        ending=UNPROVEN,
    ),
    Code(
        code="face_again_light",
        borrower_message=_(
            "Not clear enough yet. Face a window or a lamp, so that the light is even, and try"
            " again."
        ),
        lender_detail=(
            "In the review zone, in a picture that was dark or bright; it is asked for once more"
            " before people look."
        ),
        burns=True,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_again_near",
        borrower_message=_(
            "Not clear enough yet. Hold the camera nearer, until your face fills the oval, and try"
            " again."
        ),
        lender_detail=(
            "In the review zone, in a picture whose face was small; it is asked for once more."
        ),
        burns=True,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_again_still",
        borrower_message=_(
            "Not clear enough yet. Wipe the lens, hold the phone still, and try again."
        ),
        lender_detail=(
            "In the review zone, in a picture that was blurred; it is asked for once more."
        ),
        burns=True,
        ending=_UNCLEAR,
    ),
    Code(
        code="face_again",
        borrower_message=_UNPROVEN,
        lender_detail="In the review zone; the picture is asked for once more.",
        burns=True,
        ending=UNPROVEN,
    ),
    Code(
        code="face_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The distance to the reference is in the review zone.",
        review=True,
        staff=_(
            "The face is somewhat like the reference: too far for a match, too near for a refusal."
        ),
    ),
    Code(
        code="hand_over_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="Handed over to a phone, for more than the sum for that.",
        review=True,
        holds_frames=True,
        staff=_(
            "The check went on at a phone that scanned a code, and the loan is large for that."
        ),
    ),
    Code(
        code="liveness_passive_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail=(
            "The installed detector of presentation attacks took a picture for one, or could not"
            " say."
        ),
        review=True,
        holds_frames=True,
        staff=_("The detector of attacks took a picture for one, or could not say."),
    ),
    # Signs that pictures were injected in place of a camera's. The code is that of the first sign;
    # the check has all.
    Code(
        code="liveness_injection_virtual_camera",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The browser names software that hands over any picture as a camera's.",
        review=True,
        holds_frames=True,
        staff=_(
            "The browser names a virtual camera: software that hands over any picture as a"
            " camera's."
        ),
    ),
    Code(
        code="liveness_injection_regular_frames",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The clock of the pictures counts exact steps, as a programme's does.",
        review=True,
        holds_frames=True,
        staff=_("The clock of the pictures is as exact as a programme's."),
    ),
    Code(
        code="liveness_injection_still_phone",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The phone's sensor is perfectly still while the picture's background moves.",
        review=True,
        holds_frames=True,
        staff=_(
            "The phone says that it does not move at all, but the background of its picture does."
        ),
    ),
    Code(
        code="liveness_injection_near_duplicates",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="Pictures of a movement came back later in the capture.",
        review=True,
        holds_frames=True,
        staff=_("Pictures of a movement came back, as in a recording that is played again."),
    ),
    Code(
        code="liveness_injection_camera_changed",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="The browser told of another camera within the capture.",
        review=True,
        holds_frames=True,
        staff=_("The browser named another camera within the capture."),
    ),
    Code(
        code="liveness_review",
        borrower_message=_PEOPLE_LOOK,
        lender_detail="For more than the sum that a capture alone does for.",
        review=True,
        holds_frames=True,
        staff=_("The loan is so large that two people look as well."),
    ),
    Code(
        code="liveness_commands_left_out",
        borrower_message=_PEOPLE_LOOK,
        lender_detail=(
            "The borrower said that they cannot do some of the commands, which were left out. Call"
            " or visit them."
        ),
        review=True,
        holds_frames=True,
        staff=_("The borrower cannot do some of the commands. Call or visit them before you vote."),
    ),
    Code(
        code="face_reference_unavailable",
        borrower_message=_(
            "The state register gave no photo to compare with. Choose another way or ask the"
            " lender."
        ),
        lender_detail="The photo register has no picture for this person, or refused.",
        ending=Ending(
            happened=_("The state register gave no photo to compare with."),
            what_next=_("Ask the lender for another way to confirm that it is you."),
        ),
        remedy=_NO_PICTURE,
    ),
    Code(
        code="face_image_malformed",
        borrower_message=_OUR_FAULT,
        lender_detail="The reference is no image we can read.",
        ending=UNFINISHED,
        remedy=_NO_PICTURE,
    ),
    Code(
        code="face_image_too_large",
        borrower_message=_OUR_FAULT,
        lender_detail="The reference exceeds the limits of the policy.",
        ending=UNFINISHED,
        remedy=_NO_PICTURE,
    ),
    # ── The state registers and the one-time code ──
    Code(
        code="consent_pending",
        borrower_message=_(
            "You get an SMS from 1414. Answer it to allow the look-up; this page then goes on by"
            " itself."
        ),
        lender_detail="The person has not answered the state's message yet.",
        remedy=Remedy(
            text="The borrower answers the state's message, SMS from 1414.", actor="borrower"
        ),
    ),
    Code(
        code="consent_unanswered",
        borrower_message=_(
            "The SMS from 1414 was not answered, so nothing could be checked. Try again and answer"
            " it."
        ),
        lender_detail="No consent that holds came from the state's service in time.",
        ending=Ending(
            happened=_("The SMS from 1414 was not answered, so nothing could be checked."),
            what_next=_("Next time answer that SMS: it allows the look-up of your data."),
        ),
    ),
    Code(
        code="registry_mismatch",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="The borrower typed what their document does not say.",
        burns=True,
        ending=NOT_CONFIRMED,
        remedy=_DATA,
    ),
    # Another try cannot change the lender's and the register's data: each of these ends the
    # verification.
    Code(
        code="person_unknown",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="1414 or the register of people does not know this person.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=_DATA,
    ),
    Code(
        code="name_mismatch",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="Other names than stated are registered.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=_DATA,
    ),
    Code(
        code="birth_date_differs",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="Another birth date is registered.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=_DATA,
    ),
    Code(
        code="person_deceased",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="The register says that the person has died.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=Remedy(
            text="Do not pay. Somebody uses the data of a dead person: treat it as a fraud."
        ),
    ),
    Code(
        code="document_invalid",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="The document is not registered as valid.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=_DOCUMENT,
    ),
    Code(
        code="document_expired",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="The document had run out on that day.",
        burns=True,
        final=True,
        ending=NOT_CONFIRMED,
        remedy=_DOCUMENT,
        field="The document's last day has passed, today in Kazakhstan.",
        field_remedy=Remedy(
            text="Ask the borrower for a document that is valid.", key=FRESH, actor="borrower"
        ),
    ),
    Code(
        code="consent_phone_stated",
        borrower_message=_("The SMS from 1414 went to the phone that the lender named."),
        lender_detail="The state's consent service was given the phone that the lender stated.",
        remark=True,
        remedy=_REMARK,
        staff=_(
            "The SMS from 1414 went to the phone that the lender named, perhaps not the person's."
        ),
    ),
    Code(
        code="phone_owner_mismatch",
        borrower_message=_NOT_CONFIRMED,
        lender_detail="The phone is not this IIN's, or the register did not confirm it.",
        burns=True,
        ending=NOT_CONFIRMED,
        remedy=_DATA,
    ),
    Code(
        code="otp_wrong",
        borrower_message=_(
            "That is not the code. Type the 6 digits of the newest SMS; the earlier ones no longer"
            " count."
        ),
        lender_detail="The guess is not the last code sent.",
        burns=True,
        ending=_CODE_WRONG,
        remedy=Remedy(
            text=(
                "Nothing to do for you: the borrower types the newest code. Five wrong ones use up"
                " an attempt."
            ),
            actor="borrower",
        ),
    ),
    Code(
        code="otp_expired",
        borrower_message=_(
            "The time of the code had run out. Type the 6 digits of the newest SMS."
        ),
        lender_detail="The code was right, or not, but came after its time.",
        ending=_CODE_WRONG,
    ),
    Code(
        code="otp_attempts_exhausted",
        borrower_message=_(
            "All tries for the code are used up. If you still need the loan, call the lender."
        ),
        lender_detail="The last allowed guess was wrong or late.",
        burns=True,
        ending=_CODE_WRONG,
    ),
    Code(
        code="otp_resend_early",
        borrower_message=_(
            "An SMS is on its way. Wait half a minute before you ask for a new code."
        ),
        lender_detail="Another code was asked for too soon.",
    ),
    Code(
        code="otp_resends_exhausted",
        borrower_message=_("No more codes can be sent now. Type the code of the newest SMS."),
        lender_detail="Another code was asked for too often.",
        remedy=_FREE,
    ),
    Code(
        code="sms_refused",
        borrower_message=_(
            "We could not send an SMS to the phone number of this request. Ask the lender to check"
            " it."
        ),
        lender_detail="The gateway did not take a message to this number.",
        burns=True,
        ending=Ending(
            happened=_("No SMS could be sent to the phone number of this request."),
            what_next=_("Ask the lender whether it has your right number."),
        ),
        remedy=_DATA,
    ),
    Code(
        code="velocity_exceeded",
        borrower_message=_(
            "Too many codes were sent to this phone today. Try again tomorrow, or ask the lender."
        ),
        lender_detail="The day's quota of this phone number is used up, over all lenders.",
        heading=_("No code can be sent today"),
        remedy=_TOMORROW,
    ),
    Code(
        code="consents_exceeded",
        borrower_message=_(
            "Checks of this person were begun too often today. Try again tomorrow, or ask the"
            " lender."
        ),
        lender_detail=(
            "The day's quota of checks that send this person an SMS from 1414 is used up, over all"
            " lenders."
        ),
        heading=_("1414 cannot be asked again today"),
        remedy=_TOMORROW,
    ),
    Code(
        code="captures_exceeded",
        borrower_message=_(
            "The check with the camera was begun too often today. Try again tomorrow, or choose"
            " another way."
        ),
        lender_detail=(
            "So many captures of a day ended without costing an attempt that no other begins before"
            " tomorrow."
        ),
        heading=_("Not with the camera today"),
        remedy=_TOMORROW,
    ),
    # ── The borrower's own word ──
    Code(
        code="coercion_reported",
        borrower_message=_OUR_FAULT,
        lender_detail="The borrower says that somebody tells them what to press.",
        burns=True,
        final=True,
        ending=UNFINISHED,
        remedy=Remedy(
            text=(
                "Do not pay. Call the borrower by a number that you know yourself: somebody may be"
                " robbing them."
            )
        ),
    ),
    # ── The course of things ──
    Code(
        code="bad_answer",
        borrower_message=_("We could not read your answer. Please try again."),
        lender_detail="The answer is malformed.",
    ),
    Code(
        code="not_your_turn",
        borrower_message=_("This step was already answered. Here is the current one."),
        lender_detail="Turn taken.",
    ),
    Code(
        code="check_missing",
        borrower_message=_OUR_FAULT,
        lender_detail="A required check gave no result; refused.",
        ending=UNFINISHED,
        indication=("INDETERMINATE", "POLICY_PROCESSING_ERROR"),
        remedy=Remedy(
            text=(
                "The fault is on our side. Tell the operator the verification's id, then open a new"
                " one."
            ),
            key=FRESH,
            actor="operator",
        ),
    ),
    Code(
        code="abandoned",
        borrower_message=_("Time ran out. Press Continue when you are ready."),
        lender_detail="The borrower fell silent.",
        ending=_NOT_IN_TIME,
    ),
    Code(
        code="borrower_busy",
        borrower_message=_(
            "You are already answering another request of this lender. Finish it, or wait a few"
            " minutes."
        ),
        lender_detail="Another verification of this borrower is at the same stage.",
        remedy=Remedy(
            text="Wait until the other verification of this borrower ends, or cancel it.",
            again=LATER,
            key=SAME,
            actor="you and the borrower",
        ),
    ),
    Code(
        code="attempts_exhausted",
        borrower_message=_(
            "The tries are used up. Ask the lender for another way, or try again in 24 hours."
        ),
        lender_detail="All attempts at a stage are used up.",
        ending=Ending(
            happened=_(
                "The tries are used up. Those of your other requests to this lender count too."
            ),
            what_next=_("Ask the lender for another way, or wait 24 hours."),
        ),
        remedy=Remedy(
            text=(
                "It is declined: do not pay. Failed attempts of a day count over all verifications"
                " of a person with you, so another one passes tomorrow at the earliest."
            ),
            again=LATER,
            key=FRESH,
        ),
        status=409,
        title="The borrower has no attempt left for now",
        advice="Wait for `Retry-After`: the failed attempts of a day count. Then make the link.",
        problem_remedy=_FIRST,
    ),
    Code(
        code="verification_expired",
        borrower_message=_(
            "The check was not finished in its time. If you still need the loan, ask for a new"
            " request."
        ),
        lender_detail="The borrower did not finish in time.",
        ending=_NOT_IN_TIME,
        remedy=_STILL_WANTED,
    ),
    Code(
        code="review_timeout",
        borrower_message=_(
            "The lender's employees did not look in time. If you still need the loan, ask for a new"
            " request."
        ),
        lender_detail="The case was not reviewed in time.",
        ending=Ending(
            happened=_(
                "The lender's employees did not look at your request in time. This is not your"
                " fault."
            ),
            what_next=_("If you still need the loan, ask the lender for a new request."),
        ),
        remedy=Remedy(
            text=(
                "Your people did not look within 24 hours; it says nothing about the person. Open"
                " a new one, and have it reviewed."
            ),
            key=FRESH,
            actor="your reviewers",
        ),
        staff=_(
            "The 24 hours of this case are over. It expires, and a vote is no longer possible."
        ),
    ),
    Code(
        code="review_unavailable",
        borrower_message=_(
            "Employees of the lender had to look, and too few of them can. This is not your fault."
            " Call the lender: it says what is next."
        ),
        lender_detail="It was left to people, and fewer than two of the lender's could vote.",
        ending=Ending(
            happened=_(
                "Two employees of the lender had to look at your request, and it has too few who"
                " can. This is not your fault, and this try does not count."
            ),
            what_next=_("Ask the lender for another way, or for a new request."),
        ),
        remedy=_ADD_REVIEWERS,
    ),
    # It burns: otherwise a borrower refused by people would return with a fresh set of tries.
    Code(
        code="review_refused",
        borrower_message=_(
            "The lender's people could not confirm that it is you. If it is, speak to the lender in"
            " person."
        ),
        lender_detail="A reviewer of the lender refused the case.",
        burns=True,
        final=True,
        ending=Ending(
            happened=_("The lender's employees could not confirm that it is you."),
            what_next=_("If it is you, speak to the lender in person, with your document."),
        ),
    ),
    Code(
        code="retries_exhausted",
        borrower_message=_OUR_FAULT,
        lender_detail="Technical faults on our side; no decision about the person.",
        ending=UNFINISHED,
        remedy=Remedy(
            text=(
                "No decision: the fault is on our side. Tell the operator the verification's id,"
                " then open a new one."
            ),
            key=FRESH,
            actor="operator",
        ),
    ),
    Code(
        code="canceled_by_lender",
        borrower_message=_("The lender stopped this check. Ask it why."),
        lender_detail="The lender canceled.",
        ending=Ending(
            happened=_("The lender stopped this check."),
            what_next=_("Ask the lender why, and whether anything is expected of you."),
        ),
        remedy=_STILL_WANTED,
    ),
    Code(
        code=CONSENT_WITHDRAWN,
        borrower_message=_("You withdrew your consent, so this check has ended."),
        lender_detail="The borrower withdrew the consent while the verification was open.",
        ending=Ending(
            happened=_("You withdrew your consent, so this check has ended."),
            what_next=_("If you still need the loan, ask the lender for a new request."),
        ),
        remedy=_STOP,
    ),
    # ── Why no clearance is issued, and what the lender can do ──
    Code(code="amount_over_profile", refusal="More than the legal profile allows."),
    Code(
        code="verification_too_old",
        status=409,
        title="Verified too long ago",
        advice=(
            "Its money could not leave in time: verify the borrower again, sign again, and report"
            " that at once."
        ),
        problem_remedy=_ANEW,
        refusal="Verified longer ago than the profile allows: verify the borrower again.",
        refusal_remedy=_ANEW,
        attesting=_(
            "The borrower was verified too long ago for this money to leave. Verify them again."
        ),
    ),
    Code(
        code="profile_insufficient",
        refusal="Your profile asks for more now than what was done: verify the borrower again.",
        refusal_remedy=_ANEW,
    ),
    Code(
        code="age_confirmation_required",
        refusal="The borrower's age asks for one more confirmation: attest it at your desk.",
        refusal_remedy=_ATTEST,
    ),
    Code(
        code="in_person_required",
        refusal="A first credit over 75 MCI asks for a visit: attest it at your desk.",
        refusal_remedy=_ATTEST,
    ),
    Code(
        code="contract_required",
        status=409,
        title="The contract is not reported",
        advice="Report it first: `POST …/contract`.",
        problem_remedy=_FIRST,
        refusal="Report the contract first: what a person's credits of its day come to is asked.",
        refusal_remedy=Remedy(
            text="Report the contract, then ask for another clearance.", key=FRESH
        ),
    ),
    Code(
        code="cooling_off",
        status=409,
        title="The wait is not over",
        advice="Wait for `Retry-After`, or until `release_not_before`.",
        problem_remedy=Remedy(text="The law makes this money wait.", again=LATER, key=SAME),
        refusal=(
            "The person's credits of the day come to over 75 MCI: wait until `release_not_before`."
        ),
        refusal_remedy=Remedy(
            text="Wait until `release_not_before`, then make a link.", again=LATER, key=FRESH
        ),
    ),
    Code(
        code="consent_declined",
        borrower_message=_(
            "You did not agree, so nothing was checked and no loan will be paid out on this"
            " request."
        ),
        lender_detail="The borrower did not consent.",
        burns=True,
        final=True,
        ending=Ending(
            happened=_("You did not agree, so nothing was checked."),
            what_next=_("If you still need the loan, ask the lender for a new request."),
        ),
        status=409,
        title="The borrower does not want this money",
        advice="Do not pay, and do not ask again.",
        problem_remedy=_STOP,
        refusal=(
            "Asked anew, the borrower did not want the money, or was told what to press: do not"
            " pay."
        ),
    ),
    Code(
        code="consent_renewal_required",
        refusal=(
            "The wait is over: make a link, by which the borrower consents anew, then ask again."
        ),
        refusal_remedy=Remedy(
            text=(
                "Make a link and send it to the borrower; once they have consented anew, ask for"
                " another clearance."
            ),
            again=LATER,
            key=FRESH,
            actor="you and the borrower",
        ),
    ),
    Code(code="stop_credit", refusal="The person has refused all credits."),
    Code(
        code="stop_credit_unavailable",
        refusal="No source here tells whether the person has refused all credits.",
        refusal_remedy=Remedy(
            text="Tell the operator, who has to connect such a source.",
            again=LATER,
            key=FRESH,
            actor="operator",
        ),
    ),
    Code(
        code="account_owner_mismatch",
        refusal="The account is not the borrower's.",
        refusal_remedy=Remedy(
            text=(
                "Do not pay into this account. Ask the borrower for one of their own, and open a"
                " new verification with it."
            ),
            key=FRESH,
            actor="you and the borrower",
        ),
    ),
    Code(
        code="account_owner_unavailable",
        refusal="No source here tells who owns the account.",
        refusal_remedy=Remedy(
            text="Tell the operator, who has to connect such a source.",
            again=LATER,
            key=FRESH,
            actor="operator",
        ),
    ),
    Code(
        code="payout_consent_missing",
        refusal="The borrower agreed to no text that names a bureau and a bank: verify them again.",
        refusal_remedy=_ANEW,
    ),
    Code(
        code="clearance_frozen",
        status=409,
        title="No money may leave",
        advice=(
            "Do not pay: the borrower disputes it, or no signature that counts stands behind it."
            " Talk to the operator."
        ),
        problem_remedy=_STOP,
        refusal="The verification is disputed, or the key that signed its decision was revoked.",
        attesting=_("The borrower says that it was not them. No money leaves."),
    ),
    Code(
        code="verification_erased",
        status=409,
        title="The borrower's personal data are erased",
        advice="The person can no longer be identified: verify the borrower again.",
        problem_remedy=_ANEW,
        refusal="The borrower's personal data are erased: verify the borrower again.",
        refusal_remedy=_ANEW,
        attesting=_("The borrower's data are erased. The person can no longer be identified."),
    ),
    Code(
        code=PROCESSING_BLOCKED,
        status=409,
        title="The personal data of this case are blocked",
        advice=(
            "Their erasure was requested, or the consent withdrawn: read the verification, whose"
            " `blocked` says since when."
        ),
        problem_remedy=_STOP,
        page_title=_("The data of this request are blocked"),
        page_text=_(
            "Their erasure was requested, or the consent withdrawn. They are kept as long as the"
            " law demands, and this page shows no more of them. If you have a question, call the"
            " lender."
        ),
        staff=_("The personal data of this case are blocked. They are only kept."),
        attesting=_("The personal data of this case are blocked. They are only kept."),
    ),
    Code(
        code="mci_unknown",
        refusal="The operator has no MCI for this year, in which the law counts sums: tell them.",
        refusal_remedy=Remedy(
            text="Tell the operator, who takes the MCI of this year by `manage.py take_law`.",
            again=LATER,
            key=FRESH,
            actor="operator",
        ),
    ),
    Code(
        code="gates_unavailable",
        refusal="The gates could not be evaluated in time: ask again.",
        refusal_remedy=_ASK_AGAIN,
    ),
    # ── What can be wrong with a request ──
    Code(
        code="malformed_json",
        status=400,
        title="The body is not JSON",
        advice="Send one JSON text in UTF-8, no name twice, no NaN.",
    ),
    Code(
        code="malformed_request",
        status=400,
        title="This is no HTTP request",
        advice="Send it as RFC 9112 has it: line, headers, body.",
    ),
    Code(
        code="host_unknown",
        status=400,
        title="This host is not here",
        advice="Send `Host` with the name of the address you were given.",
    ),
    Code(
        code="unknown_version",
        status=400,
        title="There is no such version",
        advice="Send one of /docs/changelog in `Tulga-Version`, or none.",
    ),
    Code(
        code="not_authenticated",
        status=401,
        title="A key is needed",
        advice="Send `Authorization: Bearer tlg_test_…`.",
    ),
    Code(
        code="key_malformed",
        status=401,
        title="This is no key",
        advice="Send `Authorization: Bearer tlg_test_…`, the whole key.",
    ),
    Code(code="key_unknown", status=401, title="There is no such key", advice=_VALID_KEY),
    Code(code="key_expired", status=401, title="The key has run out", advice=_VALID_KEY),
    Code(code="key_revoked", status=401, title="The key was revoked", advice=_VALID_KEY),
    Code(
        code="mode_off",
        status=401,
        title="Live mode is off",
        advice="Nothing is done with a live key now. Ask the operator when live mode begins.",
        problem_remedy=Remedy(
            text="Send it again once the operator has turned live mode on.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(
        code="address_unknown",
        status=403,
        title="The caller's address is not known",
        advice="The key is limited to networks, and Tulga cannot see yours: tell the operator.",
        problem_remedy=Remedy(
            text="Ask the operator to set TULGA_TRUSTED_PROXIES, and to look at the proxy.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(
        code="address_not_allowed",
        status=403,
        title="The key may not be used from here",
        advice="Call from a network listed for the key.",
        problem_remedy=Remedy(
            text="Call from a listed network, or ask the operator to list yours.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(
        code="scope_missing",
        status=403,
        title="The key may not do this",
        advice="Use a key with the scope named in `detail`.",
    ),
    Code(
        code="not_found",
        status=404,
        title="Nothing there",
        advice="No such thing, or not yours: the two are not told apart.",
    ),
    Code(
        code="method_not_allowed",
        status=405,
        title="This method is not for this address",
        advice="See the header `Allow`.",
    ),
    Code(
        code="request_timeout",
        status=408,
        title="The request did not come in time",
        advice="Send the head within 10 seconds, and the whole request within 60.",
    ),
    Code(
        code="conflict",
        status=409,
        title="The moment is wrong",
        advice="Read the resource again; it has changed meanwhile.",
        attesting=_("The case is being worked on. Try again in a moment."),
    ),
    Code(
        code="illegal_transition",
        status=409,
        title="Its status does not allow this",
        advice="Read the verification: it may have ended.",
        staff=_(
            "A link can be sent while the case waits for the borrower, and not in review or after"
            " the end."
        ),
    ),
    Code(
        code="answer_not_judged",
        status=409,
        title="The borrower has answered",
        advice="Try again in some seconds.",
        retry_after=2,
    ),
    Code(
        code="client_reference_in_use",
        status=409,
        title="This client_reference is open for another request",
        advice=(
            "Cancel the open verification first, or use a new reference. The same person, loan and"
            " purpose give back the open one."
        ),
        problem_remedy=Remedy(
            text=(
                "Cancel the open verification and send the same request, or send another reference."
            ),
            again=LATER,
            key=FRESH,
        ),
    ),
    Code(
        code="document_not_ready",
        status=409,
        title="The document is not there yet",
        advice="Wait for `Retry-After`; while the attempt has not ended, ask less often.",
        retry_after=1,
    ),
    Code(
        code="receipt_not_ready",
        status=409,
        title="The log has not ordered this yet",
        advice="Try again in a second.",
        retry_after=1,
    ),
    Code(
        code="not_verified",
        status=409,
        title="This is not told to be verified",
        advice="Ask once `verification.verified` was told to you.",
        problem_remedy=Remedy(
            text="Wait for the webhook `verification.verified`, then send the same request.",
            again=LATER,
            key=SAME,
        ),
        attesting=_("The case is not verified yet, or has ended in another way."),
    ),
    Code(
        code="contract_reported",
        status=409,
        title="Another report was made",
        advice="Read the verification: a contract is reported once.",
        problem_remedy=_DONE,
    ),
    Code(
        code="contract_paid",
        status=409,
        title="The contract is paid",
        advice=(
            "Do not pay: a clearance of another verification was consumed for this contract. If"
            " this is another loan, its contract must name its own number."
        ),
        problem_remedy=_STOP,
    ),
    Code(
        code="consent_given",
        status=409,
        title="The borrower has consented anew",
        advice="Ask for a clearance.",
        problem_remedy=_INSTEAD,
    ),
    Code(
        code="is_renewal",
        status=409,
        title="It is a new consent",
        advice="Ask this of the verification that it renews: see `renews`.",
        problem_remedy=_INSTEAD,
    ),
    Code(
        code="clearance_not_ready",
        status=409,
        title="Its gates are being evaluated",
        advice="Try again in a second.",
        retry_after=1,
    ),
    Code(
        code="clearance_refused",
        status=409,
        title="It was refused",
        advice="Read the clearance: its `code` says why. Do not pay.",
        problem_remedy=_STOP,
    ),
    Code(
        code="clearance_superseded",
        status=409,
        title="A newer one was asked for",
        advice="Use the newest clearance of the verification.",
        problem_remedy=_INSTEAD,
    ),
    Code(
        code="clearance_consumed",
        status=409,
        title="It is spent",
        advice="The money was let out once. Do not pay again.",
        problem_remedy=_DONE,
        attesting=_("The money has left. Nothing is attested any more."),
    ),
    Code(
        code="clearance_expired",
        status=409,
        title="It has run out",
        advice="Ask for another clearance.",
        problem_remedy=_ASK_AGAIN,
    ),
    Code(
        code="clearance_stale",
        status=409,
        title="An answer it rests on is too old",
        advice="Ask for another clearance.",
        problem_remedy=_ASK_AGAIN,
    ),
    Code(
        code="clearance_mismatch",
        status=409,
        title="It is for something else",
        advice=(
            "Do not pay: amount, IIN, contract or account are not those the borrower was verified"
            " for. Nothing is spent."
        ),
        problem_remedy=_STOP,
    ),
    Code(
        code="obligation_opened",
        status=409,
        title="It was opened at another time",
        advice="What was told stays: read `retention`.",
        problem_remedy=_DONE,
    ),
    Code(
        code="obligation_closed",
        status=409,
        title="It was closed at another time",
        advice="What was told stays: read `retention`.",
        problem_remedy=_DONE,
    ),
    Code(
        code="obligation_not_opened",
        status=409,
        title="It was never opened",
        advice="Tell first when the obligation began.",
        problem_remedy=_FIRST,
    ),
    Code(
        code="profile_not_held",
        status=409,
        title="No legal profile holds today",
        advice="Ask the operator: your calendar begins later.",
        problem_remedy=Remedy(
            text="Ask the operator for a calendar that has begun.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(
        code="renewal_not_due",
        status=409,
        title="No new consent is due",
        advice=(
            "Ask for a clearance: if the money has to wait, its gate `cooling_off` says so, and"
            " then there is a link."
        ),
        problem_remedy=_INSTEAD,
    ),
    Code(
        code="test_clock_limit",
        status=409,
        title="Too many, or too far",
        advice="Name one `verification`, or open it anew.",
        problem_remedy=_CORRECT,
    ),
    Code(
        code="borrower_at_it",
        status=409,
        title="Somebody has opened the link",
        advice="Simulate a verification that no person is using yet.",
        problem_remedy=_INSTEAD,
    ),
    Code(
        code="simulation_under_way",
        status=409,
        title="It is being played",
        advice="Wait until the borrower has left.",
        retry_after=2,
    ),
    Code(
        code="idempotency_in_progress",
        status=409,
        title="The same request is being worked on",
        advice=_WAIT_AND_SEND,
        retry_after=1,
    ),
    Code(
        code="endpoint_limit",
        status=409,
        title="Too many endpoints",
        advice="Delete an endpoint that you no longer need.",
        problem_remedy=_FIRST,
    ),
    Code(
        code="redelivery_limit",
        status=409,
        title="Too many redeliveries wait",
        advice="Ask again when those that wait have been sent.",
        problem_remedy=_FIRST,
    ),
    Code(
        code="endpoint_disabled",
        status=409,
        title="The endpoint is disabled",
        advice='Enable it first: PATCH {"enabled": true}.',
        problem_remedy=_FIRST,
    ),
    Code(
        code="link_unusable",
        status=410,
        title="The link cannot be used",
        advice="Make a fresh link.",
        problem_remedy=Remedy(text="Make a fresh link and give it to the borrower.", key=FRESH),
        page_title=_("This link can no longer be used"),
        page_text=_(
            "It was opened before, or its time has run out. If you opened it yourself, go on in"
            " that browser. If its time has run out, ask the lender for a new link."
        ),
    ),
    Code(
        code="document_erased",
        status=410,
        title="The document was erased",
        advice="The log still has its commitment: see the list.",
        problem_remedy=_DONE,
    ),
    Code(
        code="length_required",
        status=411,
        title="The body has no length",
        advice="Send `Content-Length`: a body in chunks is not read.",
    ),
    Code(
        code="body_too_large",
        status=413,
        title="The body is too large",
        advice="A body has at most 1 MB.",
    ),
    Code(
        code="uri_too_long",
        status=414,
        title="The address is too long",
        advice="Whatever is long belongs into the body.",
    ),
    Code(
        code="unsupported_media_type",
        status=415,
        title="The body must be JSON",
        advice="Send `Content-Type: application/json`.",
    ),
    Code(
        code="bad_input",
        status=422,
        title="The request cannot be used as it is",
        advice=(
            "Read `errors`: each names the place, a code and what was expected. Correct it and send"
            " again."
        ),
    ),
    Code(
        code="idempotency_key_malformed",
        status=422,
        title="The Idempotency-Key is unusable",
        advice="1 to 255 visible ASCII characters.",
    ),
    Code(
        code="idempotency_key_reused",
        status=422,
        title="The Idempotency-Key belongs to another request",
        advice=(
            "Make a fresh key for each new request; repeat a key only with exactly the same"
            " request."
        ),
        problem_remedy=Remedy(
            text="Your programme gave one key to two requests: send this one by a key of its own.",
            key=FRESH,
        ),
    ),
    Code(
        code="throttled",
        status=429,
        title="Too many requests",
        advice="Wait for `Retry-After`; see the headers `RateLimit-…`.",
    ),
    Code(
        code="headers_too_large",
        status=431,
        title="The headers are too many or too large",
        advice="Send fewer: at most 60.",
    ),
    Code(
        code="internal_error",
        status=500,
        title="Something went wrong here",
        advice=(
            "Nothing was done, and it is not your fault. Try again later; tell the operator the"
            " request_id if it stays."
        ),
    ),
    Code(
        code="unavailable",
        status=503,
        title="Not available right now",
        advice=_WAIT_AND_SEND,
        retry_after=2,
    ),
    Code(
        code="sandbox_unavailable",
        status=503,
        title="The sandbox does not answer",
        advice=_WAIT_AND_SEND,
        retry_after=5,
    ),
    Code(
        code="fence_lost",
        status=503,
        title="Another worker took over",
        advice=_WAIT_AND_SEND,
        retry_after=1,
    ),
    # ── What can be wrong with one field of a request ──
    Code(code="required", field="The field is missing."),
    Code(code="null", field="The field must have a value; leave an optional one out."),
    Code(code="unknown_field", field="There is no such field or parameter."),
    Code(code="invalid", field="A JSON object is expected."),
    Code(code="type_wrong", field="Another JSON type is expected."),
    Code(code="length_wrong", field="Too short, too long, or too many."),
    Code(code="out_of_range", field="Outside the allowed range."),
    Code(
        code="choice_unknown",
        field="Not one of the allowed words.",
        staff=_("Load the page again, and press one of its buttons."),
    ),
    Code(code="choice_repeated", field="Given twice."),
    Code(
        code="text_malformed",
        field="Only signs that are seen, and single plain blanks, are allowed.",
    ),
    Code(code="iin_malformed", field="12 digits with a birth date and a valid check digit."),
    Code(code="phone_malformed", field="A Kazakh mobile number, +77xxxxxxxxx."),
    Code(code="name_malformed", field="1 to 100 letters, hyphens, apostrophes and blanks."),
    Code(
        code="name_mixed_script",
        field="Cyrillic and Latin letters in one name: usually a look-alike letter.",
    ),
    Code(code="date_malformed", field="A calendar date, 2026-11-24."),
    Code(
        code="birth_date_mismatch",
        field=(
            "The IIN says another birth date: its first six digits, and the century in its seventh."
        ),
        field_remedy=Remedy(
            text="Compare IIN and birth date with the borrower's document.", key=FRESH
        ),
    ),
    Code(
        code="subject_under_age",
        field="The borrower is not 18 years old yet, today in Kazakhstan.",
        field_remedy=Remedy(text="Do not lend: the borrower must be at least 18."),
    ),
    Code(code="signed_in_future", field="The time lies in the future."),
    Code(
        code="signed_before_verified",
        field=(
            "A contract is signed after the borrower was verified: this is a second or more before."
        ),
    ),
    Code(code="time_malformed", field="A time with its zone, 2026-11-24T10:00:00Z."),
    Code(
        code="decimal_malformed",
        field='A decimal such as "150000.00", with no more places than allowed.',
    ),
    Code(code="total_below_amount", field="total_repayable is less than amount."),
    Code(code="iban_malformed", field="A Kazakh IBAN with valid check digits."),
    Code(code="document_malformed", field="Letters and digits."),
    Code(code="sha256_malformed", field="64 hexadecimal digits."),
    Code(code="region_malformed", field="A KATO code of 9 digits."),
    Code(
        code="case_number_malformed",
        field="13 digits as the borrower's page shows them: 1796-035-123-456.",
    ),
    Code(code="reference_malformed", field="1 to 64 of A-Z a-z 0-9 _ . : -"),
    Code(
        code="personal_number",
        field=(
            "An IIN or a mobile number stands in a field that leaves the sealed part of the case."
        ),
    ),
    Code(code="metadata_key_malformed", field="1 to 40 of A-Z a-z 0-9 _ . -"),
    Code(code="url_malformed", field="A whole https address without user and fragment."),
    Code(
        code="return_url_unregistered",
        field="Ask the operator to register the address; its query may vary.",
        field_remedy=Remedy(
            text="Ask the operator to register the address.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(
        code="webhook_url_refused",
        field="https to a public address; in test mode also the hosts that the operator lists.",
        field_remedy=Remedy(
            text=(
                "Give an https address that anybody can reach, or ask the operator to list your"
                " test host."
            ),
            key=FRESH,
        ),
    ),
    Code(code="obligation_in_future", field="The time has not come yet, by our clock."),
    Code(
        code="obligation_before_decision",
        field="It begins after the borrower was verified: this is a second or more before.",
    ),
    Code(code="obligation_before_opening", field="An obligation ends after it began."),
    Code(
        code="scenario_not_on_route",
        field="The scenario is played on other routes: see `GET /v1/test/scenarios`.",
    ),
    Code(
        code="routes_insufficient",
        field="No combination of routes of your legal profile is left.",
        field_remedy=Remedy(
            text="Name more routes, or leave `routes` out: your legal profile asks for more.",
            key=FRESH,
        ),
    ),
    Code(
        code="profile_unknown",
        field="The operator has set a legal profile that does not exist.",
        field_remedy=Remedy(
            text="Tell the operator: it is a fault of your calendar.",
            again=LATER,
            key=SAME,
            actor="operator",
        ),
    ),
    Code(code="id_malformed", field="Not an id of this kind."),
    Code(code="cursor_malformed", field="Not a value of `next`."),
    Code(code="cursor_unknown", field="Not a value of `next` that you were given."),
    # ── What an opening is warned of: nothing is refused by it ──
    Code(
        code="reviewers_too_few",
        warning=(
            "Fewer than two of your people can vote on this case. An attempt that is left to "
            "people ends in `failed`, `review_unavailable`."
        ),
        warning_remedy=_ADD_REVIEWERS,
    ),
    # ── Why a law file is not taken, and why `audit_verify` names an entry of one ──
    Code(code="law_malformed", law_file="the file is no law file of this form"),
    Code(code="law_forged", law_file="the operator's root did not sign it"),
    Code(code="law_elsewhere", law_file="it is signed for another installation"),
    Code(code="law_replayed", law_file="a file of this number was taken before"),
    Code(code="law_out_of_order", law_file="a file of a lower number is missing"),
    Code(code="law_mci_known", law_file="the year has a value of the MCI already"),
    Code(code="law_profile_known", law_file="the id names a profile already"),
    Code(code="law_profile_unknown", law_file="it names a profile that is not known"),
    Code(code="law_status_impossible", law_file="no profile goes from its status to that one"),
    Code(
        code="law_split",
        law_file=(
            "the logs have another file of this number each, and neither counts: sign the next"
            " number"
        ),
    ),
    Code(
        code="law_mci_implausible",
        law_file="the value is not between 0.8 and 1.5 times that of the year before it",
    ),
    Code(
        code="law_laxer", law_file="a profile asks less than an earlier one that it does not repeal"
    ),
    # ── What only pages say ──
    Code(
        code="session_missing",
        page_title=_("Nothing is open in this browser"),
        page_text=_(
            "Open the lender's link here, or go on in the browser where you began. Cookies must be"
            " allowed for this page."
        ),
    ),
    Code(
        code="session_ended",
        page_title=_("This check goes on elsewhere"),
        page_text=_(
            "It was opened in another browser or on another device. If you did that yourself, go on"
            " there."
        ),
    ),
    Code(
        code="phone_code_unusable",
        page_title=_("This code can no longer be used"),
        page_text=_(
            "It was scanned before, or its time has run out. Make a new code on the page where you"
            " began, and scan that one."
        ),
    ),
    Code(
        code="log_inconsistent",
        page_title=_("The log does not say what was put on record"),
        page_text=_(
            "What stands in the database by now is not what was hashed then. Ask the operator for"
            " `manage.py audit_verify`."
        ),
    ),
    Code(
        code="csrf",
        page_title=_("The page could not be sent"),
        page_text=_(
            "It was open for too long, or the browser blocks cookies. Go back, load the page again,"
            " and repeat. Nothing was kept."
        ),
    ),
    # ── Why the desk takes no word of an employee ──
    Code(code="already_voted", staff=_("Your vote stands. It cannot be changed or taken back.")),
    Code(
        code="reviewer_sent_link",
        staff=_("You sent the borrower a link of this case, so two others must look."),
        attesting=_("You sent the borrower a link of this case, so somebody else must attest."),
    ),
    Code(
        code="reviewer_opened_case",
        staff=_("Your lender names you as the one who opened this case, so two others must look."),
        attesting=_(
            "Your lender names you as the one who opened this case, so somebody else must attest."
        ),
    ),
    Code(code="not_in_review", staff=_("The case has been decided, or has ended in another way.")),
    Code(
        code="not_reviewable",
        staff=_("Another check of this case has not passed. It can be refused, but not passed."),
    ),
    Code(
        code="already_attested",
        attesting=_("This is attested already. It stands, and is needed once."),
    ),
    Code(
        code="not_a_reviewer",
        staff=_("You are no reviewer of this lender any more. Nothing was kept."),
    ),
    # ── Why a passkey does not count ──
    Code(
        code="passkey_missing",
        staff=_(
            "This counts by your passkey alone, and none answered. If you have none, enrol one in"
            " your account."
        ),
    ),
    Code(
        code="passkey_challenge",
        staff=_(
            "Your passkey answered something else, or too late. Load the page again, and repeat."
        ),
    ),
    Code(
        code="passkey_origin",
        staff=_(
            "Your passkey was asked at another address. If you did not do that yourself, tell your"
            " operator at once."
        ),
    ),
    Code(
        code="passkey_relying_party",
        staff=_("Your passkey belongs to another address. Enrol one here."),
    ),
    Code(
        code="passkey_user_unverified",
        staff=_(
            "Your device did not ask for a fingerprint, face or PIN. Switch on its screen lock, and"
            " repeat."
        ),
    ),
    Code(
        code="passkey_counter",
        staff=_("Your passkey counted back, as its copy would. Tell your operator at once."),
    ),
    Code(
        code="passkey_signature",
        staff=_("The signature of your passkey does not hold. Tell your operator."),
    ),
    Code(code="passkey_unknown", staff=_("This passkey is not on record for you.")),
    Code(
        code="passkey_malformed",
        staff=_("The answer of your passkey could not be read. Try another browser."),
    ),
    Code(code="passkey_known", staff=_("This passkey is on record already.")),
    Code(
        code="approval_invalid",
        staff=_("This change lacks the approval that the log asks for. Propose it anew."),
    ),
    Code(
        code="invitation_invalid",
        staff=_("The address or the code is wrong, spent, or out of date. Ask an operator."),
    ),
    Code(
        code="proposal_ended",
        staff=_("This proposal was confirmed or withdrawn, or is too old."),
    ),
    Code(
        code="proposal_changed",
        staff=_("Who or what it concerns has changed since. Propose it anew."),
    ),
    Code(code="proposal_empty", staff=_("Nothing was changed, so there is nothing to propose.")),
    Code(
        code="proposal_of_two",
        staff=_("Another operator must confirm it, and it must not concern either of you."),
    ),
    Code(code="reason_missing", staff=_("Write the reason; it is kept beside the change.")),
    Code(code="passkeys_enough", staff=_("You have ten passkeys; more are not kept.")),
)
CODES: Final[Mapping[str, Code]] = {row.code: row for row in _TABLE}

REASONS: Final = {code: row for code, row in CODES.items() if row.lender_detail}
"""The end of a verification or a check. A check can use no other code."""
_TITLED: Final = [row for row in CODES.values() if row.title]
PROBLEMS: Final = {
    row.code: row
    for row in sorted(_TITLED, key=lambda row: (row.status, bool(row.lender_detail or row.refusal)))
}
"""Problems of a request, by HTTP status; the general code of a status comes last."""
FIELDS: Final = {code: row for code, row in CODES.items() if row.field}
"""Defects of a request's field."""
WARNINGS: Final = {code: row for code, row in CODES.items() if row.warning}
"""Warnings beside an opened verification. They refuse nothing."""
REFUSALS: Final = {code: row for code, row in CODES.items() if row.refusal}
"""Refusals of a clearance."""
LAW_FILES: Final = {code: row for code, row in CODES.items() if row.law_file}
"""Refusals of a law file, and findings of `audit_verify` on its entry."""

ENDINGS: Final = {code: row.ending for code, row in CODES.items() if row.ending is not None}
"""The text of a verification's last page."""
INDICATIONS: Final = {
    code: row.indication for code, row in CODES.items() if row.indication is not None
}
"""Main status and sub-indication of a refused signature."""

_REMEDIES_BY_STATUS: Final[Mapping[int, Remedy]] = {
    401: _KEY,
    403: _KEY,
    409: _READ,
    429: _WAIT,
    500: _OPERATOR,
    503: _WAIT,
}


def require(code: str) -> Code:
    """The row of a check's or an end's code.

    Raises: `KeyError` for every other code.
    """
    return REASONS[code]


def unburnt(ended: Mapping[str, int]) -> int:
    """How many attempts, by their ending codes, cost the borrower none."""
    return sum(
        number for code, number in ended.items() if code in REASONS and not REASONS[code].burns
    )


def ending_of(code: str, last_failure: str) -> Ending:
    """The ending of a code. After the last try the last failure gives the reason."""
    cause = last_failure if code == ATTEMPTS_EXHAUSTED and last_failure in ENDINGS else code
    return ENDINGS.get(cause, UNFINISHED)


def remedy_of(row: Code, place: Place) -> Remedy:
    """The remedy of a code in this place: its own, or that of its kind."""
    match place:
        case Place.PROBLEM:
            waits = _WAIT if row.retry_after is not None else None
            by_status = waits or _REMEDIES_BY_STATUS.get(row.status, _CORRECT)
            return row.problem_remedy or by_status
        case Place.FIELD:
            return row.field_remedy or _CORRECT
        case Place.WARNING:
            return row.warning_remedy or _CORRECT
        case Place.CLEARANCE:
            return row.refusal_remedy or _STOP
        case Place.REASON:
            return row.remedy or _remedy_of_kind(row)


def _remedy_of_kind(row: Code) -> Remedy:
    if row.final:
        return _FINAL
    if row.review:
        return _PEOPLE
    if row.retry:
        return _TRIED
    if row.family == LIVENESS:
        return _GATE
    return _COSTLY if row.burns else _FREE
