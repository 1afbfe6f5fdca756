"""The numbers and words by which every earlier entry is read: another one would make lawful cases
unlawful.
"""

from verification.core.keeping import DOOR_KEEPS
from verification.course import policy

EVER_KEPT = {
    *(
        "consent.answer",
        "question.answer",
        "person.answer",
        "code.guess.N",
        "statement.signature",
        "statement.answer",
    ),
    *(
        "live_capture.other_order",
        "live_capture.N.turn",
        "live_capture.N.lost",
        "live_capture.N.part.N",
    ),
    *("live_capture.N.frame.N", "live_capture.N.chain.N", "review.reason.N"),
    *("attestation.comment.N", "attestation.place.N"),
}
"""What the door was ever allowed to keep. A kind is added; one that is there stays."""


def test_what_the_door_kept_once_it_may_have_kept_for_ever() -> None:
    assert DOOR_KEEPS >= EVER_KEPT


def test_a_number_that_decides_what_is_lawful_is_changed_by_a_release_and_not_here() -> None:
    assert (
        *(2, 86_400, 86_400),
        5,
    ) == (policy.VOTES_TO_PASS, policy.REVIEW_SECONDS, policy.TRIES_SECONDS, policy.FAULTS_MAX)
