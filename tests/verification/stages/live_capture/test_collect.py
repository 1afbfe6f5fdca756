"""What is asked outside for an attempt, when, and under which ids."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.verification.core import answer_samples
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.captures import consent_answer, photo_answer
from tests.verification.stories.story import IIN
from verification.core.answers import ConsentAnswer, PhotoAnswer, parse_consent, parse_photo
from verification.core.errors import ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.route import Evidence, Prepared
from verification.sources.asking import Fetched
from verification.sources.consent import ConsentReading, ConsentRequest
from verification.sources.photo_registry import PhotoQuestion
from verification.stages.register.policy import POLICY

# A consent service and a photo register in this process, which answer what a test lays out and
# remember who asked.


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


# What is asked outside for an attempt, when, and under which ids.


STAGE = given.WHOLE

_FRAMES = dict.fromkeys(given.ORDER, (b"frame",))


@pytest.fixture(autouse=True)
def _sources(settings: Settings) -> Iterator[None]:
    here = __name__
    adapters = {"consent": f"{here}.InsecureConsent", "photo_registry": f"{here}.InsecurePhotos"}
    settings.TULGA_SOURCES = {
        "test": {name: {"adapter": path} for name, path in adapters.items()},
        "live": {},
    }
    yield
    vars(LAID).update(vars(Laid()))


def _answered(*, after: float = 30) -> Evidence:
    """The evidence of an answered capture, so many seconds after its last frames."""
    evidence = given.Sent(_FRAMES).evidence(photo=b"")
    last = given.NOW + timedelta(seconds=given.WAIT * len(given.ORDER))
    items = {
        kind: each
        for kind, each in evidence.items.items()
        if kind not in ("live_capture.photo", "register.consent")
    }
    return replace(evidence, items=items, at=last + timedelta(seconds=after))


def _collected(case: Case, evidence: Evidence) -> dict[str, bytes]:
    assert STAGE.collect is not None
    return dict(STAGE.collect(case, evidence))


def _prepared(case: Case, evidence: Evidence) -> Prepared:
    assert STAGE.prepare is not None
    memory = {"seed": secrets.token_hex(32)}
    return STAGE.prepare(case, replace(evidence, services=("photo",)), memory)


def test_with_a_consent_the_register_is_asked_for_the_photo() -> None:
    collected = _collected(given.case(), _answered())
    assert set(collected) == {"register.consent", "live_capture.photo"}


def test_while_the_person_may_still_answer_the_attempt_waits() -> None:
    LAID.status = "pending"
    with pytest.raises(ConsentPending):
        _collected(given.case(), _answered(after=POLICY.consent_wait_seconds - 1))
    assert "photo" not in LAID.asked


def test_after_ten_minutes_without_an_answer_the_attempt_is_judged_without_a_photo() -> None:
    LAID.status = "pending"
    collected = _collected(given.case(), _answered(after=POLICY.consent_wait_seconds))
    assert set(collected) == {"register.consent"}
    assert "photo" not in LAID.asked


@pytest.mark.parametrize("status", ["invalid", "timeout", "not_found"])
def test_without_a_consent_the_register_is_not_asked(status: str) -> None:
    LAID.status = status
    assert set(_collected(given.case(), _answered())) == {"register.consent"}
    assert "photo" not in LAID.asked


def test_a_fault_of_the_consent_service_decides_nothing() -> None:
    LAID.status = "error"
    with pytest.raises(SourceUnavailable):
        _collected(given.case(), _answered())


def test_every_attempt_asks_under_its_own_ids_and_repeats_them_within_it() -> None:
    first, second = _answered(), _answered()
    for evidence in (first, first, second):
        _collected(given.case(), evidence)
    ids = LAID.asked["photo"]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def _shown() -> Evidence:
    return Evidence(
        items={"consent.answer": given.sources(photo=b"")["consent.answer"]}, at=given.NOW
    )


def test_an_order_is_made_and_the_person_is_asked_for_their_consent() -> None:
    prepared = [_prepared(given.case(), _shown()) for _ in range(2)]
    assert [set(each.evidence) for each in prepared] == [
        {"live_capture.order", "register.asked", "register.consent_request"}
    ] * 2
    one, other = LAID.asked["consent"]
    assert one != other


@pytest.mark.parametrize("status", ["no_photo", "not_found"])
def test_without_a_photo_the_borrower_is_told_before_the_capture(status: str) -> None:
    LAID.at_once, LAID.photo_status = "valid", status
    prepared = _prepared(given.case(), _shown())
    assert prepared.notice == "face_reference_unavailable"
    assert "live_capture.photo" in prepared.evidence


def test_a_photo_without_a_face_to_compare_is_told_before_the_capture() -> None:
    LAID.at_once = "valid"
    assert _prepared(given.case(), _shown()).notice == "face_reference_unavailable"


def test_a_photo_that_was_fetched_before_the_capture_is_not_asked_for_again(
    portraits: Path,
) -> None:
    LAID.at_once, LAID.photo = "valid", (portraits / "obama.jpg").read_bytes()
    prepared = _prepared(given.case(), _shown())
    assert prepared.notice == ""
    before = _answered()
    photo = {"live_capture.photo": prepared.evidence["live_capture.photo"]}
    assert set(_collected(given.case(), replace(before, items={**before.items, **photo}))) == {
        "register.consent"
    }
    assert len(LAID.asked["photo"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "ver_of_another_loan"},
        {"lender_bin": "990240000008"},
        {"purpose": "marketing"},
    ],
)
def test_a_consent_to_something_else_asks_no_register(changes: dict[str, object]) -> None:
    before = _answered()
    asked = given.consent_answer(**changes)
    LAID.changes = changes
    collected = _collected(given.case(), given.with_items(before, register__consent_request=asked))
    assert set(collected) == {"register.consent"}
    assert "photo" not in LAID.asked


def test_a_register_that_refuses_a_consent_that_holds_decides_nothing() -> None:
    LAID.at_once, LAID.photo_status = "valid", "consent_refused"
    with pytest.raises(SourceUnavailable):
        _collected(given.case(), _answered())
    with pytest.raises(SourceUnavailable):
        _prepared(given.case(), _shown())


def test_a_consent_that_was_not_answered_costs_no_attempt(good: Evidence) -> None:
    unanswered = given.with_items(good, register__consent=given.consent_answer(status="pending"))
    decision = given.decided(unanswered)
    assert (decision.code, decision.burns) == ("consent_unanswered", False)
