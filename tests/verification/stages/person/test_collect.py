"""Our errands, run against the sandbox as it really runs."""

import json
import secrets
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.insecure_sandbox.asked import new_iin, picture
from tests.verification.stages.person import insecure_registers
from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.told import codes, tell
from tests.verification.workflow.camera_story import portraits
from verification.core.errors import ConsentPending, SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.core.registry_answers import parse_consent, parse_photo
from verification.core.route import Evidence
from verification.core.sms import parse_sms
from verification.stages import code, person
from verification.stages.code.collect import _drawn, collect_code, prepare_code
from verification.stages.code.dialogue import accept_code
from verification.stages.live_capture.collect import collect_live_capture, prepare_live_capture
from verification.stages.person.collect import collect_person, prepare_person
from verification.stages.person.dialogue import accept_person

pytestmark = pytest.mark.usefixtures("asked")

NOW = datetime.now(UTC)
TYPED = {"document_number": "012345678", "birth_date": "1899-01-01"}


def case_of(iin):
    return replace(given.case(iin=Iin(iin)), verification_id=f"ver_{iin}{'a' * 14}")


def prepared(case, at=NOW):
    """Evidence as it stands when the borrower has answered the form."""
    agreed = {"consent.answer": given.said("consent.answer")}
    first = prepare_person(case, Evidence(items=agreed, at=at), {})
    typed = accept_person(first.memory, TYPED, at)
    return Evidence(items=agreed | dict(first.evidence) | dict(typed.evidence), at=at)


def collected(case, before, at=None):
    at = at or before.at
    found = collect_person(case, replace(before, at=at))
    return Evidence(items={**before.items, **found}, at=at)


def refused(case, evidence):
    return given.refusals(given.judge(person.STAGE, case, evidence))


def test_whom_the_registers_know_passes_every_check(asked):
    case = case_of(tell(asked))
    assert refused(case, collected(case, prepared(case))) == {}


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"surname": "ИНАКОВ"}, {"person.names": "name_mismatch"}),
        ({"life_status": "deceased"}, {"person.alive": "person_deceased"}),
        ({"document": {"number": "999999999"}}, {"person.document": "registry_mismatch"}),
        ({"document": {"number": "012345678", "valid_to": "2020-01-01"}}, {"person.document": "document_expired"}),
        ({"phone": "+77019999999"}, {"person.phone": "phone_owner_mismatch"}),
    ],
)
def test_what_a_register_says_otherwise_is_kept_and_refuses(asked, changes, refusals):
    case = case_of(tell(asked, **changes))
    assert refused(case, collected(case, prepared(case))) == refusals


def test_without_a_consent_no_register_is_asked(asked):
    case = case_of(tell(asked, consent="invalid"))
    evidence = collected(case, prepared(case))
    assert {"person.registry", "person.phone"}.isdisjoint(evidence.items)
    assert refused(case, evidence)["person.consent"] == "consent_declined"


def test_somebody_unknown_to_the_state_is_refused_in_the_same_words_as_another_name(asked):
    case = case_of(new_iin())
    assert refused(case, collected(case, prepared(case)))["person.consent"] == "registry_mismatch"


def test_the_step_waits_ten_minutes_for_the_persons_word_and_no_longer(asked):
    case = case_of(tell(asked, consent="pending"))
    before = prepared(case)
    for seconds in (0, 599):
        with pytest.raises(ConsentPending):
            collected(case, before, at=NOW + timedelta(seconds=seconds))
    late = collected(case, before, at=NOW + timedelta(seconds=600))
    assert refused(case, late)["person.consent"] == "consent_unanswered"
    consent_id = _terms(before.items["person.consent_request"]).consent_id
    asked.post("/consent/answer", consent_id=consent_id, status="valid")
    assert refused(case, collected(case, before, at=NOW + timedelta(seconds=599))) == {}


def test_an_error_of_the_consent_service_is_a_fault(asked):
    case = case_of(tell(asked, consent="error"))
    before = prepared(case)
    with pytest.raises(SourceUnavailable):
        collected(case, before)


def test_every_attempt_asks_under_ids_of_its_own_and_a_retry_under_the_same(asked):
    case = case_of(tell(asked))
    first, second = prepared(case), prepared(case)
    ids = [
        [json.loads(collected(case, one).items[kind])["request_id"] for kind in ("person.registry", "person.phone")]
        for one in (first, first, second)
    ]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


def _person(case, **changes):
    who = case.person
    fields = {"iin": who.iin.value, "surname": who.surname, "name": who.name, "patronymic": who.patronymic}
    fields |= {"birth_date": who.birth_date.isoformat(), "phone": who.phone.value}
    return fields | {"document": {"number": who.document.number, "valid_to": "2033-01-01"}} | changes


# The code


def sent(case, *, earlier=(), memory=None, at=NOW):
    passed = {} if earlier else {"person.consent": given.said("person.consent")}
    before = Evidence(items={**passed, **dict(earlier)}, at=at)
    first = prepare_code(case, before, {"seed": secrets.token_hex(32), **(memory or {})})
    return first, {**before.items, **first.evidence}


def test_a_code_is_sent_and_stands_nowhere(asked):
    case = case_of(tell(asked))
    first, items = sent(case)
    code = codes(asked)[-1]
    assert parse_sms(items["code.sent.0"]).status == "accepted"
    kept = json.dumps(first.memory) + b"".join(first.evidence.values()).decode()
    assert code not in kept
    assert case.person.phone.value not in b"".join(first.evidence.values()).decode()
    assert first.memory["guesses"] == first.memory["resends"] == 0
    assert given.fields(items["code.issued.0"])["expires"] == (NOW + timedelta(minutes=5)).isoformat()


def test_the_code_that_came_is_right_and_lives_on_in_the_evidence(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case)).items
    first, items = sent(case, earlier=consented)
    turn = accept_code(first.memory, {"code": codes(asked)[-1]}, NOW + timedelta(seconds=30))
    evidence = Evidence(items={**items, **turn.evidence}, at=NOW + timedelta(seconds=31))
    evidence = replace(evidence, items={**evidence.items, **collect_code(case, evidence)})
    assert given.refusals(given.judge(code.STAGE, case, evidence)) == {}


def test_another_code_is_another_message_and_counts(asked):
    case = case_of(tell(asked))
    first, items = sent(case, memory={"guesses": 3})
    second, items = sent(case, earlier=items, memory={**first.memory, "guesses": 4})
    assert (second.memory["guesses"], second.memory["resends"]) == (4, 1)
    assert set(items) >= {"code.issued.0", "code.sent.0", "code.issued.1", "code.sent.1"}
    assert parse_sms(items["code.sent.0"]).message_id != parse_sms(items["code.sent.1"]).message_id
    assert first.memory["key"] != second.memory["key"]


def test_a_code_to_the_same_phone_for_another_verification_is_another_digest():
    one, other = given.case(), replace(given.case(), verification_id="ver_bbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert given.memory(one)["digest"] != given.memory(other)["digest"]
    assert given.memory(one)["digest"] != given.memory(given.case(phone=Phone("+77011234568")))["digest"]


def test_whose_the_number_is_is_asked_again_when_the_code_comes_back(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case)).items
    first, items = sent(case, earlier=consented)
    turn = accept_code(first.memory, {"code": codes(asked)[-1]}, NOW + timedelta(seconds=30))
    asked.post("/people", **_person(case, phone="+77019999998"))
    evidence = Evidence(items={**items, **turn.evidence}, at=NOW + timedelta(seconds=31))
    evidence = replace(evidence, items={**evidence.items, **collect_code(case, evidence)})
    assert given.refusals(given.judge(code.STAGE, case, evidence)) == {"code.owner": "phone_owner_mismatch"}


def test_a_try_again_sends_the_same_code_under_the_same_id_and_another_preparation_another(asked):
    case, seed = case_of(tell(asked)), {"seed": "5e" * 32}
    before = len(codes(asked))
    (first, _), (again, _), (other, _) = sent(case, memory=seed), sent(case, memory=seed), sent(case)
    ids = [parse_sms(each.evidence["code.sent.0"]).request_id for each in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert len(codes(asked)) == before + 2


def test_of_one_seed_the_next_code_is_another_under_another_id(asked):
    case, seed = case_of(tell(asked)), {"seed": secrets.token_hex(32)}
    _, items = sent(case, earlier=sent(case, memory=seed)[1], memory=seed)
    assert len(set(codes(asked)[-2:])) == 2
    assert len({parse_sms(items[f"code.sent.{number}"]).request_id for number in (0, 1)}) == 2


def test_neither_seed_nor_code_nor_a_hash_of_it_leaves_but_to_the_phone(asked):
    case, seed = case_of(tell(asked)), "5e" * 32
    first, items = sent(case, memory={"seed": seed})
    request_id = parse_sms(items["code.sent.0"]).request_id
    assert seed not in json.dumps(first.memory) + b"".join(first.evidence.values()).decode()
    issued = given.fields(items["code.issued.0"])
    assert request_id.removeprefix("sms.") not in (issued["text_sha256"][:32], issued["nonce"])
    assert issued["text_sha256"][:32] not in request_id


def test_codes_are_spread_over_all_there_are(asked):
    drawn = [int(_drawn(f"{number:064x}", 0)) for number in range(2000)]
    assert len(set(drawn)) > 1980
    assert 0.45 < sum(code < 500_000 for code in drawn) / len(drawn) < 0.55
    assert [_drawn(f"{number:064x}", 1) for number in (32, 489_816)] == ["072697", "603773"]


def test_a_register_of_phones_that_refuses_a_consent_that_holds_decides_nothing(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case))
    asked.post("/consent/answer", consent_id=_terms(consented.items["person.consent"]).consent_id, status="invalid")
    _, items = sent(case, earlier=consented.items)
    with pytest.raises(SourceUnavailable):
        collect_code(case, Evidence(items=items, at=NOW))


# The face


def test_the_photo_is_asked_for_before_the_capture_under_the_consent_of_the_person_and_once(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case))
    asked.post("/people", **_person(case, photo=b64encode(picture()).decode(), document={"number": "012345678"}))
    first = prepare_live_capture(case, consented, {})
    assert parse_photo(first.evidence["live_capture.photo"]).jpeg == picture()
    # A picture without a face: told before anybody does the capture.
    assert first.notice == "face_reference_unavailable"
    assert collect_live_capture(case, replace(consented, items={**consented.items, **first.evidence})) == {}


def test_without_a_photo_the_borrower_is_told_before_the_capture(asked):
    case = case_of(tell(asked))
    assert prepare_live_capture(case, collected(case, prepared(case)), {}).notice == "face_reference_unavailable"


def test_with_a_photo_of_a_face_nothing_is_told(asked):
    case = case_of(tell(asked))
    face = b64encode((portraits() / "obama.jpg").read_bytes()).decode()
    asked.post("/people", **_person(case, photo=face, document={"number": "012345678"}))
    assert prepare_live_capture(case, collected(case, prepared(case)), {}).notice == ""


def test_every_order_is_another_one(asked):
    case, nothing = given.case(), given.known(consent=given.said("person.consent", status="invalid"))
    first = prepare_live_capture(case, nothing, {})
    second = prepare_live_capture(case, nothing, first.memory)
    assert first.memory["order"] != second.memory["order"]
    assert first.evidence != second.evidence


def test_a_register_of_photos_that_refuses_a_consent_that_holds_decides_nothing(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case))
    asked.post("/consent/answer", consent_id=_terms(consented.items["person.consent"]).consent_id, status="invalid")
    with pytest.raises(SourceUnavailable):
        prepare_live_capture(case, consented, {})


@pytest.mark.parametrize("register", ["person_registry", "phone_registry"])
def test_a_register_of_people_or_phones_that_refuses_a_consent_that_holds_decides_nothing(asked, settings, register):
    refusing = {"adapter": f"{insecure_registers.__name__}.InsecureRefusing"}
    settings.TULGA_SOURCES = {"test": settings.TULGA_SOURCES["test"] | {register: refusing}}
    case = case_of(tell(asked))
    with pytest.raises(SourceUnavailable):
        collected(case, prepared(case))


def test_a_consent_that_was_given_to_another_loan_is_asked_for_anew(asked):
    case = case_of(tell(asked))
    other = replace(case, verification_id=case.verification_id.replace("a", "b"))
    ids = {_terms(collected(one, prepared(one)).items["person.consent"]).consent_id for one in (case, other)}
    assert len(ids) == 2


def _terms(answer):
    terms = parse_consent(answer).terms
    assert terms is not None
    return terms


def test_without_a_consent_that_holds_neither_photo_nor_owner_is_asked_for(asked):
    case = given.case()
    evidence = given.known(consent=given.said("person.consent", status="invalid"))
    assert collect_live_capture(case, evidence) == collect_code(case, evidence) == {}
