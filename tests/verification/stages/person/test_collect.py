"""What the registers and the gateway are asked, and what each of their answers means."""

import json
import secrets
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from tests.insecure_sandbox.asked import new_iin, picture
from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.test_story import DOCUMENT, guess, to_code, to_person
from tests.verification.stages.person.told import codes, tell
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import BORN, make_due
from verification.case import policy
from verification.core.answers import OwnershipAnswer, PersonAnswer, parse_consent, parse_photo
from verification.core.errors import ConsentPending, SourceUnavailable
from verification.core.ids import Iin
from verification.core.route import Evidence
from verification.models import Attempt, AuditEntry
from verification.routes import LIVE_FACE
from verification.sources import person_registry, phone_registry
from verification.sources.asking import Fetched
from verification.sources.person_registry import PersonQuestion
from verification.sources.phone_registry import OwnershipQuestion
from verification.stages.code.collect import collect_code
from verification.stages.live_capture.collect import collect_live_capture, prepare_live_capture
from verification.stages.person.dialogue import accept_person

# Registers that refuse a consent which holds, and gateways that refuse a number or answer badly
# after sending.


SENT: dict[str, str] = {}
"""What the gateways were given to carry, by request id."""


class InsecurePeopleRefusing:
    """A register of people to which no consent is good enough."""

    source = person_registry.SOURCE

    def fetch(self, question: PersonQuestion) -> Fetched[PersonAnswer]:
        """No."""
        answer = PersonAnswer(
            request_id=question.request_id, status="consent_refused", iin=question.iin, person=None
        )
        return Fetched(raw=person_registry.spell_person(answer), parsed=answer)


class InsecurePhonesRefusing:
    """A register of phones to which no consent is good enough."""

    source = phone_registry.SOURCE

    def fetch(self, question: OwnershipQuestion) -> Fetched[OwnershipAnswer]:
        """No."""
        answer = OwnershipAnswer(
            request_id=question.request_id,
            status="consent_refused",
            iin=question.iin,
            phone=question.phone,
            owned_since=None,
        )
        return Fetched(raw=phone_registry.spell_ownership(answer), parsed=answer)


# Our errands, run against the sandbox as it really runs.


STAGE, SERVICES = LIVE_FACE.stages[0], ("person", "phone", "photo")
assert STAGE.prepare is not None
assert STAGE.collect is not None
prepare, collect = STAGE.prepare, STAGE.collect
NOW = datetime.now(UTC)
TYPED = {"document_number": "012345678", **BORN}


def case_of(iin):
    return replace(given.case(iin=Iin(iin)), verification_id=f"ver_{iin}{'a' * 14}")


def prepared(case, at=NOW):
    """Evidence as it stands when the borrower has answered the form."""
    agreed = {"consent.answer": given.said("consent.answer")}
    first = prepare(
        case, Evidence(items=agreed, at=at, services=SERVICES), {"seed": secrets.token_hex(32)}
    )
    typed = accept_person(first.memory, TYPED, at)
    return Evidence(items=agreed | dict(first.evidence) | dict(typed.evidence), at=at)


def collected(case, before, at=None):
    at = at or before.at
    found = collect(case, replace(before, at=at))
    return Evidence(items={**before.items, **found}, at=at)


def refused(case, evidence):
    return given.refusals(given.judge(STAGE, case, evidence))


@pytest.mark.usefixtures("asked")
def test_without_a_consent_no_register_is_asked(asked):
    case = case_of(tell(asked, consent="invalid"))
    evidence = collected(case, prepared(case))
    assert {"register.person", "person.phone"}.isdisjoint(evidence.items)
    assert refused(case, evidence)["person.consent"] == "consent_declined"


@pytest.mark.usefixtures("asked")
def test_the_step_waits_ten_minutes_for_the_persons_word_and_no_longer(asked):
    case = case_of(tell(asked, consent="pending"))
    before = prepared(case)
    for seconds in (0, 599):
        with pytest.raises(ConsentPending):
            collected(case, before, at=NOW + timedelta(seconds=seconds))
    late = collected(case, before, at=NOW + timedelta(seconds=600))
    assert refused(case, late)["person.consent"] == "consent_unanswered"
    consent_id = terms_of(before.items["register.consent_request"]).consent_id
    anew = prepare(case, replace(late, services=SERVICES), {"seed": secrets.token_hex(32)})
    assert "register.consent_request" in anew.evidence
    asked.post("/consent/answer", consent_id=consent_id, status="valid")
    assert refused(case, collected(case, before, at=NOW + timedelta(seconds=599))) == {}


@pytest.mark.usefixtures("asked")
def test_a_person_whom_the_consent_service_does_not_know_is_refused_as_unknown(asked):
    case = case_of(new_iin())
    assert refused(case, collected(case, prepared(case)))["person.consent"] == "person_unknown"


@pytest.mark.usefixtures("asked")
def test_an_error_of_the_consent_service_is_a_fault(asked):
    case = case_of(tell(asked, consent="error"))
    with pytest.raises(SourceUnavailable):
        prepared(case)


def ids_of(evidence):
    return [
        json.loads(evidence.items[kind])["request_id"]
        for kind in ("register.person", "person.phone")
    ]


@pytest.mark.usefixtures("asked")
def test_every_attempt_asks_under_ids_of_its_own_and_a_retry_under_the_same(asked):
    case = case_of(tell(asked))
    first, second = prepared(case), prepared(case, at=NOW + timedelta(seconds=1))
    ids = [ids_of(collected(case, before)) for before in (first, first, second)]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


@pytest.mark.usefixtures("asked")
def test_the_register_is_asked_once_a_verification_and_the_phone_once_an_attempt(asked):
    case = case_of(tell(asked))
    first = collected(case, prepared(case))
    once = {kind: content for kind, content in first.items.items() if kind.startswith("register.")}
    agreed = {"consent.answer": given.said("consent.answer"), **once}
    again = prepare(
        case, Evidence(items=agreed, at=NOW, services=SERVICES), {"seed": secrets.token_hex(32)}
    )
    assert again.evidence == {}
    at = NOW + timedelta(seconds=5)
    typed = accept_person(again.memory, TYPED, at)
    second = collected(case, Evidence(items={**agreed, **typed.evidence}, at=at))
    assert [one == other for one, other in zip(ids_of(first), ids_of(second), strict=True)] == [
        True,
        False,
    ]
    assert refused(case, second) == {}


def person_of(case, **changes):
    who = case.person
    fields = {
        "iin": who.iin.value,
        "surname": who.surname,
        "name": who.name,
        "patronymic": who.patronymic,
    }
    fields |= {"birth_date": who.birth_date.isoformat(), "phone": who.phone.value}
    return (
        fields | {"document": {"number": who.document.number, "valid_to": "2033-01-01"}} | changes
    )


# The face


@pytest.mark.usefixtures("asked")
def test_the_photo_is_asked_for_before_the_capture_under_the_consent_of_the_person_and_once(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case))
    asked.post(
        "/people",
        **person_of(case, photo=b64encode(picture()).decode(), document={"number": "012345678"}),
    )
    first = prepare_live_capture(case, consented, {})
    assert parse_photo(first.evidence["live_capture.photo"]).jpeg == picture()
    # A picture without a face: told before anybody does the capture.
    assert first.notice == "face_reference_unavailable"
    assert (
        collect_live_capture(case, replace(consented, items={**consented.items, **first.evidence}))
        == {}
    )


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("register", "name"),
    [
        ("person_registry", "InsecurePeopleRefusing"),
        ("phone_registry", "InsecurePhonesRefusing"),
    ],
)
def test_a_register_of_people_or_phones_that_refuses_a_consent_that_holds_decides_nothing(
    asked, settings, register, name
):
    refusing = {"adapter": f"{__name__}.{name}"}
    settings.TULGA_SOURCES = {"test": settings.TULGA_SOURCES["test"] | {register: refusing}}
    case = case_of(tell(asked))
    with pytest.raises(SourceUnavailable):
        collected(case, prepared(case))


@pytest.mark.usefixtures("asked")
def test_a_consent_that_was_given_to_another_loan_is_asked_for_anew(asked):
    case = case_of(tell(asked))
    other = replace(case, verification_id=case.verification_id.replace("a", "b"))
    ids = {
        terms_of(collected(one, prepared(one)).items["register.consent"]).consent_id
        for one in (case, other)
    }
    assert len(ids) == 2


def terms_of(answer):
    terms = parse_consent(answer).terms
    assert terms is not None
    return terms


@pytest.mark.usefixtures("asked")
def test_without_a_consent_that_holds_neither_photo_nor_owner_is_asked_for(asked):
    case = given.case()
    evidence = given.known(consent=given.said("register.consent", status="invalid"))
    assert collect_live_capture(case, evidence) == {}
    sent = replace(
        evidence, items={**evidence.items, **given.issued(given.memory())}, secrets=(given.SECRET,)
    )
    assert list(collect_code(case, sent)) == ["code.expected"]


# Whatever a register or the gateway does: tried again, then `failed`; no attempt burnt, no one
# verified.


KINDS = ("silent", "http_500", "garbage", "oversize")
# A photo in each way, for it is the longest answer; of the others one that does not come and one
# that does.
BROKEN = [("photo", kind) for kind in KINDS]
BROKEN += [
    ("consent", "silent"),
    ("consent", "garbage"),
    ("person", "silent"),
    ("person", "oversize"),
]
BROKEN += [("phone", "http_500"), ("phone", "garbage"), ("sms", "silent"), ("sms", "http_500")]


@pytest.fixture
def _mended(asked):
    yield
    asked.mend()


def break_down(asked, source, kind):
    # One that says nothing is not waited for long; whatever answers has its time, on a busy machine
    # too.
    adapters: Any = settings.TULGA_SOURCES["test"]
    for adapter in adapters.values():
        adapter["options"]["seconds"] = 0.7 if kind in ("silent", "slow") else 10.0
    asked.post("/faults", source=source, kind=kind, times=100)


def try_until_it_ends(story):
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_mended")
@pytest.mark.parametrize(("source", "kind"), BROKEN)
def test_a_source_that_stays_like_this_ends_in_failed_and_burns_nothing(asked, source, kind):
    if source == "photo":
        story = to_code(asked)
        guess(story, codes(asked)[-1])
        break_down(asked, source, kind)
        camera.free(story)
    else:
        story = to_person(asked)
        break_down(asked, source, kind)
        story.answer(document_number=DOCUMENT, **BORN)
    try_until_it_ends(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()
    assert AuditEntry.objects.filter(type="step.faulted").count() == policy.FAULTS_MAX


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
@pytest.mark.usefixtures("_mended")
@pytest.mark.parametrize("kind", ["silent", "garbage"])
def test_an_owner_who_cannot_be_told_when_the_code_comes_back_ends_in_failed(asked, kind):
    story = to_code(asked)
    break_down(asked, "phone", kind)
    guess(story, codes(asked)[-1])
    try_until_it_ends(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()
