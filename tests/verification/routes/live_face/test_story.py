"""Person and code as the borrower, the worker and the sandbox play them, by the workflow's own functions."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.verification.routes.live_face.told import codes, other_than, tell
from tests.verification.workflow import camera_story as camera
from tests.verification.workflow.story import begin, lender, make_due
from verification.core.consent import CURRENT
from verification.core.errors import BadInput
from verification.evidence import store
from verification.models import Attempt, AuditEntry, CheckRecord, EvidenceItem
from verification.routes.live_face.checks import CODE, COMMANDS, PERSON
from verification.workflow import cases, commands, sweep

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT, BORN = "012345678", "1899-01-01"


def to_person(asked, reference="A-1", *, of=None, **changes):
    story = begin(of or lender(), reference, iin=tell(asked, **changes))
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    assert story.page().page == "form"
    return story


def to_code(asked, reference="A-1", **more):
    story = to_person(asked, reference, **more)
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert story.page().page == "code"
    return story


def to_commands(asked, *, photo="obama.jpg"):
    registered = base64.b64encode((camera.portraits() / photo).read_bytes()).decode()
    story = to_code(asked, photo=registered)
    guess(story, codes(asked)[-1])
    camera.free(story)
    assert story.page().page == "commands"
    return story


def guess(story, code):
    story.answer(code=code)
    story.work()


def test_person_and_code_pass_and_the_question_comes_before_the_camera(asked):
    story = to_code(asked)
    guess(story, codes(asked)[-1])
    assert story.page().page == "question"
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.page().page, story.page().data) == ("commands", {"state": "ready"})
    names = CheckRecord.objects.filter(attempt__verification_id=story.id, outcome="pass").values_list("name", flat=True)
    assert {name.split(".")[0] for name in names} == {"consent", "person", "code", "question"}


def test_a_right_code_after_four_wrong_ones_passes(asked):
    story = to_code(asked)
    for left in (4, 3, 2, 1):
        guess(story, other_than(codes(asked)[-1]))
        assert (story.page().page, story.page().notice) == ("code", "otp_wrong")
        assert story.page().data["guesses_left"] == left
    guess(story, codes(asked)[-1])
    assert story.page().page == "question"


def test_five_wrong_codes_decline(asked):
    story = to_code(asked)
    for _ in range(5):
        guess(story, other_than(codes(asked)[-1]))
    row = story.row()
    assert (row.status, row.code, row.last_failure) == ("declined", "attempts_exhausted", "otp_attempts_exhausted")


def test_no_code_is_sent_to_whoever_has_used_up_the_guesses_with_this_lender(asked):
    of = lender()
    story = to_code(asked, of=of)
    for _ in range(5):
        guess(story, other_than(codes(asked)[-1]))
    sent = len(codes(asked))
    again = begin(of, "A-2", iin=cases.read(story.row(), cases.key_of(story.row())).case.person.iin.value)
    again.answer(agreed=True, version=CURRENT, language="ru")
    again.work()
    again.answer(document_number=DOCUMENT, birth_date=BORN)
    again.work()
    assert (again.row().status, again.row().code) == ("declined", "attempts_exhausted")
    assert len(codes(asked)) == sent


def test_what_cannot_be_read_costs_no_guess(asked):
    story = to_code(asked)
    before = story.page()
    with pytest.raises(BadInput):
        story.answer(code="12 34")
    assert story.page() == before


def test_another_code_takes_half_a_minute_and_gives_no_guess_back(asked, monkeypatch):
    story = to_code(asked)
    guess(story, other_than(codes(asked)[-1]))
    story.answer(resend=True)
    assert story.page().notice == "otp_resend_early"
    first = codes(asked)[-1]
    pass_time(story, monkeypatch, seconds=31)
    story.answer(resend=True)
    story.work()
    data = story.page().data
    assert (data["guesses_left"], data["resends_left"]) == (4, 2)
    second = codes(asked)[-1]
    if first != second:
        guess(story, first)
        assert story.page().notice == "otp_wrong"
    guess(story, second)
    assert story.page().page == "question"


def pass_time(story, monkeypatch, *, seconds):
    """Turns the clock of edges and workers on."""
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))


def test_silence_ends_the_dialogue_and_the_guesses_count_on(asked, monkeypatch):
    story = to_code(asked)
    for _ in range(4):
        guess(story, other_than(codes(asked)[-1]))
    pass_time(story, monkeypatch, seconds=301)
    sweep.run_round(deliveries=False)
    assert story.page().page == "resume"
    commands.resume(verification_id=story.id)
    story.work()
    assert (story.page().page, story.page().data["guesses_left"]) == ("code", 1)
    guess(story, other_than(codes(asked)[-1]))
    assert story.row().status == "declined"


def test_neither_the_code_nor_a_guess_is_kept_anywhere(asked):
    story = to_code(asked)
    code = codes(asked)[-1]
    guess(story, code)
    key = cases.key_of(story.row())
    kept = [store.get(key, item) for item in EvidenceItem.objects.filter(verification_id=story.id)]
    kept += [json.dumps(entry.body).encode() for entry in AuditEntry.objects.filter(verification_id=story.id)]
    assert len(kept) > 10
    assert [content for content in kept if code.encode() in content] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"surname": "ИНАКОВ"}, "name_mismatch"),
        ({"phone": "+77019999999"}, "phone_owner_mismatch"),
        ({"document": {"number": "999999999"}}, "registry_mismatch"),
        ({"document": {"number": "012345678", "valid_to": "2020-01-01"}}, "document_expired"),
    ],
)
def test_what_the_registers_deny_is_asked_again_twice_and_then_declined(asked, changes, code):
    story = to_person(asked, **changes)
    for _ in range(2):
        story.answer(document_number=DOCUMENT, birth_date=BORN)
        story.work()
        assert (story.page().page, story.page().notice) == ("form", code)
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert (story.row().status, story.row().last_failure) == ("declined", code)
    assert Attempt.objects.filter(verification_id=story.id, stage="code").count() == 0


def test_the_dead_borrow_nothing(asked):
    story = to_person(asked, life_status="deceased")
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "person_deceased")


def test_who_refuses_the_state_their_consent_is_not_asked_again(asked):
    story = to_person(asked, consent="invalid")
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "consent_declined")


def test_a_consent_that_comes_late_is_waited_for(asked):
    story = to_person(asked, consent="pending")
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert (story.page().page, story.page().notice) == ("wait", "consent_pending")
    key = cases.key_of(story.row())
    item = EvidenceItem.objects.get(verification_id=story.id, kind="person.consent_request")
    consent_id = json.loads(store.get(key, item))["consent_id"]
    asked.post("/consent/answer", consent_id=consent_id, status="valid")
    make_due(story)
    story.work()
    assert story.page().page == "code"


def test_a_silent_register_burns_nothing_and_passes_when_it_answers(asked):
    story = to_person(asked)
    asked.post("/faults", source="phone", kind="http_500", times=1)
    story.answer(document_number=DOCUMENT, birth_date=BORN)
    story.work()
    assert (story.row().status, story.row().faults) == ("processing", 1)
    make_due(story)
    story.work()
    assert story.page().page == "code"
    assert not Attempt.objects.filter(burnt=True).exists()


def test_ten_codes_a_day_go_to_one_phone_whoever_asks(asked):
    for number in range(1, 11):
        guess(to_code(asked, f"A-{number}", of=lender(number=number * 10)), codes(asked)[-1])
    late = to_person(asked, "A-11", of=lender(number=110))
    sent = len(codes(asked))
    late.answer(document_number=DOCUMENT, birth_date=BORN)
    late.work()
    assert (late.page().page, late.page().notice) == ("resume", "velocity_exceeded")
    assert len(codes(asked)) == sent


@pytest.mark.service
def test_registers_code_and_the_live_face_of_the_register_verify(asked):
    story = to_commands(asked)
    camera.capture(story)
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("verified", "", ["live_face"])
    records = CheckRecord.objects.filter(attempt__verification_id=story.id).values_list("name", "outcome")
    assert {name for name, outcome in records if outcome == "pass"} == {
        "consent.agreed",
        *PERSON,
        *CODE,
        "question.free",
        *COMMANDS,
    }


@pytest.mark.service
def test_another_face_behind_the_right_code_is_not_verified(asked):
    story = to_commands(asked, photo="biden.jpg")
    camera.capture(story)
    page = story.page()
    assert (page.page, page.notice, page.attempt, page.attempts) == ("commands", "face_mismatch", 2, 3)


def test_a_person_without_a_photo_in_the_register_is_not_verified(asked):
    story = to_code(asked)
    guess(story, codes(asked)[-1])
    camera.free(story)
    camera.junk_capture(story)
    story.work()
    found = CheckRecord.objects.get(attempt__verification_id=story.id, name="face.match")
    assert (found.outcome, found.code) == ("fail", "face_reference_unavailable")
    assert story.row().status != "verified"
