"""A consent service and a photo register in this process, which answer what a test lays out and
remember who asked.
"""

from dataclasses import dataclass, field

from tests.verification.core import answer_samples
from tests.verification.stages.live_capture.captures import consent_answer, photo_answer
from tests.verification.stories.story import IIN
from verification.core.answers import ConsentAnswer, PhotoAnswer, parse_consent, parse_photo
from verification.sources.asking import Fetched
from verification.sources.consent import ConsentReading, ConsentRequest
from verification.sources.photo_registry import PhotoQuestion

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

    source = "consent"
    names_phone = False

    def fetch(self, question: ConsentRequest | ConsentReading) -> Fetched[ConsentAnswer]:
        """The person is asked, or what became of it is told."""
        if isinstance(question, ConsentReading):
            raw = self._read(question.request_id)
        else:
            LAID.remember("consent", question.request_id)
            raw = consent_answer(
                request_id=question.request_id, reference=question.reference, status=LAID.at_once
            )
        return Fetched(raw=raw, parsed=parse_consent(raw))

    @staticmethod
    def _read(request_id: str) -> bytes:
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

    source = "photo_registry"

    def fetch(self, question: PhotoQuestion) -> Fetched[PhotoAnswer]:
        """The picture."""
        LAID.remember("photo", question.request_id)
        raw = without_terms(request_id=question.request_id, status=LAID.photo_status)
        if LAID.photo_status == "found":
            raw = photo_answer(LAID.photo, request_id=question.request_id)
        return Fetched(raw=raw, parsed=parse_photo(raw))


def without_terms(**changes: object) -> bytes:
    """An answer that says no more than whom it is about, and a status."""
    return answer_samples.spelled({"iin": IIN, **changes})
