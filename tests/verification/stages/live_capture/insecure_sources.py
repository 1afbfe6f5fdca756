"""A consent service and a photo register in this process, which answer what a test lays out and
remember who asked.
"""

from dataclasses import dataclass, field

from tests.verification.core import answer_samples
from tests.verification.stages.live_capture.captures import consent_answer, photo_answer
from tests.verification.stories.story import IIN
from verification.core.ids import Iin
from verification.sources.consent import ConsentRequest

PICTURE = b"\xff\xd8\xff picture \xff\xd9"


@dataclass
class Laid:
    """What the sources answer now, and under which ids they were asked. `at_once`: to the request
    for a consent.
    """

    status: str = "valid"
    at_once: str = "pending"
    photo: bytes = PICTURE
    photo_status: str = "found"
    changes: dict[str, object] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)

    def remember(self, what: str, request_id: str) -> None:
        """Another question."""
        self.asked.setdefault(what, []).append(request_id)


LAID = Laid()


class InsecureConsent:
    """Answers with the status that is laid out."""

    names_phone = False

    def request(self, wanted: ConsentRequest) -> bytes:
        """The person is asked."""
        LAID.remember("consent", wanted.request_id)
        return consent_answer(
            request_id=wanted.request_id, reference=wanted.reference, status=LAID.at_once
        )

    def read(self, consent_id: str, *, iin: Iin, request_id: str) -> bytes:
        """What became of it."""
        LAID.remember("consent-read", request_id)
        changes: dict[str, object] = {
            "request_id": request_id,
            "status": LAID.status,
            **LAID.changes,
        }
        if LAID.status in ("not_found", "error"):
            return without_terms(**changes)
        return consent_answer(**changes)


class InsecurePhotos:
    """Has the picture of everybody that is laid out, or none."""

    def photo(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """The picture."""
        LAID.remember("photo", request_id)
        if LAID.photo_status != "found":
            return without_terms(request_id=request_id, status=LAID.photo_status)
        return photo_answer(LAID.photo, request_id=request_id)


def without_terms(**changes: object) -> bytes:
    """An answer that says no more than whom it is about, and a status."""
    return answer_samples.spelled({"iin": IIN, **changes})
