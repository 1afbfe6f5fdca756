"""Words for the codes a reviewer meets, translated when they are shown. A code without words is
shown as it is.
"""

from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words: TypeAlias = str | Promise

MODES: Final[dict[str, Words]] = {"live": _("Live"), "test": _("Test")}
STATUSES: Final[dict[str, Words]] = {
    "requires_input": _("Waiting for the borrower"),
    "processing": _("Being checked"),
}
WHY: Final[dict[str, Words]] = {
    "face_review": _(
        "The face is somewhat like the reference: too far for a match, too near for a refusal."
    ),
    "hand_over_review": _(
        "The check went on at a phone that scanned a code, and the loan is large for that."
    ),
    "liveness_injection_virtual_camera": _(
        "The browser names a virtual camera: software that hands over any picture as a camera's."
    ),
    "liveness_injection_regular_frames": _(
        "The clock of the pictures is as exact as a programme's."
    ),
    "liveness_injection_still_phone": _(
        "The phone says that it does not move at all, but the background of its picture does."
    ),
    "liveness_injection_near_duplicates": _(
        "Pictures of a movement came back, as in a recording that is played again."
    ),
    "liveness_injection_camera_changed": _("The browser named another camera within the capture."),
    "liveness_depth_flat": _(
        "The face turned as a flat picture does: look for a paper, a screen or a mask."
    ),
    "liveness_depth_missing": _("The turns did not show whether the face has depth."),
    "liveness_surroundings_jumped": _(
        "What is round the face became another place while the face went on."
    ),
    "liveness_actor_review": _(
        "Whoever does the gestures, or rests between them, may not be the one at the beginning: is"
        " it one person?"
    ),
    "liveness_line_review": _(
        "The line or the camera gave too little to judge by, or something may cover mouth and nose."
    ),
    "liveness_commands_left_out": _(
        "The borrower cannot do some of the commands. Call or visit them before you vote."
    ),
    "liveness_replay_review": _(
        "Earlier captures are like this one: there were too many to compare all, or too little fits"
        " to be sure."
    ),
    "liveness_passive_review": _(
        "The detector of attacks took a picture for one, or could not say."
    ),
    "liveness_review": _("The loan is so large that two people look as well."),
}
REMARKS: Final[dict[str, Words]] = {
    "eds_surname_differs": _(
        "The certificate of the signature spells the surname otherwise than the lender."
    ),
    "consent_phone_stated": _(
        "The SMS from 1414 went to the phone that the lender named, perhaps not the person's."
    ),
}
LEFT_OUT: Final[dict[str, Words]] = {
    "turn": _("Turn the head to the side"),
    "blink": _("Close the eyes"),
    "open_mouth": _("Open the mouth wide"),
}
OUTCOMES: Final[dict[str, Words]] = {
    "pass": _("Passed"),
    "fail": _("Not passed"),
    "inconclusive": _("Could not tell"),
}
OUTCOME_BADGES: Final[dict[str, str]] = {"pass": "badge-ok", "fail": "badge-bad"}
ZONES: Final[dict[str, Words]] = {
    "pass": _("Match"),
    "inconclusive": _("Between match and refusal: two people look"),
    "fail": _("No match"),
}
SOURCES: Final[dict[str, Words]] = {
    "quoted": _("Measured by others on press photographs; quoted"),
    "measured": _("Measured by the operator"),
}
TRAINING_DATA: Final[dict[str, Words]] = {
    "undocumented": _(
        "Not documented by its maker: whether this net may judge people is for counsel"
    ),
    "described": _("Described by its maker"),
}
COMMANDS: Final[dict[str, Words]] = {
    "": _("Reference from the register"),
    "look_straight": _("Look straight"),
    "turn_left": _("Turn to the left"),
    "turn_right": _("Turn to the right"),
    "blink": _("Blink"),
    "open_mouth": _("Open the mouth"),
    "come_closer": _("Come closer"),
    "nod": _("Nod"),
}
CHECKS: Final[dict[str, Words]] = {
    "person.consent": _("Consent to the look-up, by the SMS from 1414"),
    "person.registry": _("Known to the register of people, birth date as stated"),
    "person.alive": _("Alive, as the register of people has it"),
    "person.names": _("Names as the register of people has them"),
    "person.document": _("Document registered, valid and not expired"),
    "face.binding": _("Frames belong to their commands"),
    "face.timing": _("Frames came in time"),
    "face.fresh": _("Frames are fresh"),
    "face.one_face": _("One face only"),
    "face.quality": _("Good enough to compare"),
    "face.commands": _("Commands were followed"),
    "face.depth": _("The face has depth"),
    "face.continuity": _("The same face throughout"),
    "face.hand_over": _("Small enough a loan for a phone that took over"),
    "face.passive": _("Detector of attacks, or small enough a loan without one"),
    "face.injection": _("No sign of pictures put in place of the camera's"),
    "face.match": _("Likeness to the reference"),
}
DETAILS: Final[dict[str, Words]] = {
    "interocular": _("Pixels between the eyes, fewest"),
    "darkest": _("Light, darkest (0–1)"),
    "brightest": _("Light, brightest (0–1)"),
    "sharpness": _("Sharpness, poorest"),
}
HINDRANCES: Final[dict[str, Words]] = {
    "already_voted": _("Your vote stands. It cannot be changed or taken back."),
    "reviewer_sent_link": _("You sent the borrower a link of this case, so two others must look."),
    "reviewer_opened_case": _(
        "Your lender names you as the one who opened this case, so two others must look."
    ),
}
ATTESTED: Final[dict[str, Words]] = {
    "age_confirmation": _("Consent confirmed once more"),
    "in_person_visit": _("Visit in person"),
}
WHY_ATTESTED: Final[dict[str, Words]] = {
    "age_confirmation": _("The law asks this of borrowers under 21, and of 55 and older."),
    "in_person_visit": _("The law asks this for the first online credit over 75 MCI."),
}
HOWS: Final[dict[str, Words]] = {
    "in_person": _("In person, at our office"),
    "egov": _("On eGov"),
    "credit_bureau": _("By the credit bureau"),
    "lender_system": _("In our own system that is joined to eGov"),
}
NO_WORD: Final[dict[str, Words]] = {
    "reviewer_sent_link": _(
        "You sent the borrower a link of this case, so somebody else must attest."
    ),
    "reviewer_opened_case": _(
        "Your lender names you as the one who opened this case, so somebody else must attest."
    ),
}
NO_ATTESTATION: Final[dict[str, Words]] = {
    **NO_WORD,
    "already_attested": _("This is attested already. It stands, and is needed once."),
    "not_verified": _("The case is not verified yet, or has ended in another way."),
    "verification_erased": _(
        "The borrower's data are erased. Nobody can tell any more who it was."
    ),
    "clearance_frozen": _("The borrower says that it was not them. No money leaves."),
    "verification_too_old": _(
        "The borrower was verified too long ago for this money to leave. Verify them again."
    ),
    "clearance_consumed": _("The money has left. Nothing is attested any more."),
    "conflict": _("The case is being worked on. Try again in a moment."),
}
MALFORMED: Final[dict[str, Words]] = {
    "day": _("A visit was today, or within the year before."),
    "place": _("Give the place, without signs that cannot be printed."),
    "comment": _("Write 10 to 500 characters, without signs that cannot be printed."),
    "how": _("Choose one."),
}
REFUSALS: Final[dict[str, Words]] = {
    **HINDRANCES,
    "not_in_review": _("The case has been decided, or has ended in another way."),
    "review_timeout": _(
        "The 24 hours of this case are over. It expires, and nobody can vote any more."
    ),
    "not_reviewable": _(
        "Another check of this case has not passed. It can be refused, but not passed."
    ),
    "illegal_transition": _(
        "A link can be sent while the case waits for the borrower, and not in review or after the"
        " end."
    ),
}
