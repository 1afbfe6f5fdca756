"""What one code is, and what several parts of the table say alike."""

from dataclasses import dataclass


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation; the edges translate it when they show it."""
    return message


@dataclass(frozen=True)
class Reason:
    """One code. burns: it uses up one of the borrower's attempts. final: it declines the
    verification at once.

    review: two people look at the case. retry: our side tries again and nothing is decided. remark:
    a check that passed says it; it is shown and decides nothing. family: `LIVENESS` if by this code
    a capture is refused as not that of a living face before the camera, `PICTURE` if because its
    pictures are too poor to tell, which costs nothing; empty for every other code.
    """

    code: str
    borrower_message: str
    lender_detail: str
    burns: bool = False
    final: bool = False
    review: bool = False
    retry: bool = False
    remark: bool = False
    family: str = ""


LIVENESS, PICTURE = "liveness", "picture"
# Of a reported caller the same is said: whoever watches the screen, or the lender's app, must not
# see the difference.
OUR_FAULT = gettext_noop(
    "The check could not be finished. This is not your fault. Call the lender: it says what is"
    " next."
)
