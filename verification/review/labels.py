"""Words that the desk shows, translated when they are shown. What has none is shown as it is."""

from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from verification.core.codes import CODES

Words: TypeAlias = str | Promise

MODES: Final[dict[str, Words]] = {"live": _("Live"), "test": _("Test")}
STATUSES: Final[dict[str, Words]] = {
    "requires_input": _("Waiting for the borrower"),
    "processing": _("Being checked"),
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
MALFORMED: Final[dict[str, Words]] = {
    "day": _("A visit was today, or within the year before."),
    "place": _("Give the place, without signs that cannot be printed."),
    "comment": _("Write 10 to 500 characters, without signs that cannot be printed."),
    "how": _("Choose one."),
}


def of_code(code: str) -> str:
    """Why two people look, what a check remarked, or why no vote is taken; else the code itself."""
    row = CODES.get(code)
    return gettext(row.staff) if row and row.staff else code


def of_attesting(code: str) -> str:
    """Why nothing is attested; else the code itself."""
    row = CODES.get(code)
    return gettext(row.attesting) if row and row.attesting else code
