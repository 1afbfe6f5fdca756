"""Codes are sent, guessed a few times, and heard by gateways of the market."""

import json
import re
import secrets
import sys
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest
from django.utils import timezone

from tests.verification.checks_on_record import passed
from tests.verification.sources.insecure_gateways import KEY, Gateway, Smsc, serving
from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.test_collect import (
    NOW,
    case_of,
    collected,
    person_of,
    prepared,
    terms_of,
)
from tests.verification.stages.person.test_story import DOCUMENT, guess, to_code, to_person
from tests.verification.stages.person.told import codes, other_than, tell
from tests.verification.stories.story import BORN, begin, lender, make_due, swept
from verification import clock
from verification.access import answers, openings
from verification.case import contents
from verification.core.answers import parse_sms
from verification.core.errors import SourceUnavailable
from verification.core.ids import Phone
from verification.core.route import Evidence
from verification.core.spelling import code_sms
from verification.evidence import store
from verification.models import EvidenceItem
from verification.sources.sms import host
from verification.stages import code
from verification.stages.code import dialogue as code_dialogue
from verification.stages.code.collect import collect_code, prepare_code
from verification.stages.code.dialogue import accept_code
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

# Sending a code and hearing whose the phone is, run against the sandbox as it really runs.


def sent(case, *, earlier=(), memory=None, at=NOW):
    passed = {} if earlier else {"register.consent": given.said("register.consent")}
    before = Evidence(items={**passed, **dict(earlier)}, at=at, secrets=(given.SECRET,))
    first = prepare_code(case, before, {"seed": secrets.token_hex(32), **(memory or {})})
    return first, {**before.items, **first.evidence}


@pytest.mark.usefixtures("asked")
def test_a_code_is_sent_and_stands_nowhere(asked):
    case = case_of(tell(asked))
    first, items = sent(case)
    code = codes(asked)[-1]
    assert parse_sms(items["code.sent.0"]).status == "accepted"
    kept = json.dumps(first.memory) + b"".join(first.evidence.values()).decode()
    assert code not in kept
    assert case.person.phone.value not in b"".join(first.evidence.values()).decode()
    assert first.memory["guesses"] == first.memory["resends"] == 0
    assert (
        given.fields(items["code.issued.0"])["expires"] == (NOW + timedelta(minutes=5)).isoformat()
    )


@pytest.mark.usefixtures("asked")
def test_the_code_that_came_is_right_and_lives_on_in_the_evidence(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case)).items
    first, items = sent(case, earlier=consented)
    turn = accept_code(first.memory, {"code": codes(asked)[-1]}, NOW + timedelta(seconds=30))
    evidence = Evidence(
        items={**items, **turn.evidence}, at=NOW + timedelta(seconds=31), secrets=(given.SECRET,)
    )
    evidence = replace(evidence, items={**evidence.items, **collect_code(case, evidence)})
    assert given.refusals(given.judge(code.STAGE, case, evidence)) == {}


@pytest.mark.usefixtures("asked")
def test_another_code_is_another_message_and_counts(asked):
    case = case_of(tell(asked))
    first, items = sent(case, memory={"guesses": 3})
    second, items = sent(case, earlier=items, memory={**first.memory, "guesses": 4})
    assert (second.memory["guesses"], second.memory["resends"]) == (4, 1)
    assert set(items) >= {"code.issued.0", "code.sent.0", "code.issued.1", "code.sent.1"}
    assert parse_sms(items["code.sent.0"]).message_id != parse_sms(items["code.sent.1"]).message_id
    assert first.memory["key"] != second.memory["key"]


@pytest.mark.usefixtures("asked")
def test_a_code_to_the_same_phone_for_another_verification_is_another_digest():
    other = replace(given.case(), verification_id="ver_bbbbbbbbbbbbbbbbbbbbbbbbbb")
    cases = (given.case(), other, given.case(phone=Phone("+77011234568")))
    assert (
        len(
            {
                given.fields(given.issued(given.memory(one))["code.issued.0"])["digest"]
                for one in cases
            }
        )
        == 3
    )


@pytest.mark.usefixtures("asked")
def test_who_has_all_but_a_workers_key_finds_no_code_by_trying(asked):
    case = case_of(tell(asked))
    seed = secrets.token_hex(32)
    first, items = sent(case, memory={"seed": seed})
    code, issued = codes(asked)[-1], given.fields(items["code.issued.0"])
    kept = json.dumps([first.memory, issued])
    bound = code_dialogue.bound_to(case)
    known = (issued["key"], seed, issued["nonce"], issued["digest"])
    tried = {code_dialogue.keyed(key, said) for key in known for said in (f"{bound}|{code}", code)}
    text = code_sms(
        code,
        lender=case.lender.name,
        amount=case.loan.amount,
        currency=case.loan.currency,
        language=case.locale,
        host=host(),
    )
    tried |= {sha256(said.encode()).hexdigest() for said in (code, f"{bound}|{code}", text)}
    assert not [digest for digest in tried if digest[:32] in kept]
    assert code not in {code_dialogue.drawn(key, issued["nonce"]) for key in known}


@pytest.mark.usefixtures("asked")
def test_whose_the_number_is_is_asked_again_when_the_code_comes_back(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case)).items
    first, items = sent(case, earlier=consented)
    turn = accept_code(first.memory, {"code": codes(asked)[-1]}, NOW + timedelta(seconds=30))
    asked.post("/people", **person_of(case, phone="+77019999998"))
    evidence = Evidence(
        items={**items, **turn.evidence}, at=NOW + timedelta(seconds=31), secrets=(given.SECRET,)
    )
    evidence = replace(evidence, items={**evidence.items, **collect_code(case, evidence)})
    assert given.refusals(given.judge(code.STAGE, case, evidence)) == {
        "code.owner": "phone_owner_mismatch"
    }


@pytest.mark.usefixtures("asked")
def test_a_try_again_sends_the_same_code_under_the_same_id_and_another_preparation_another(asked):
    case, seed = case_of(tell(asked)), {"seed": secrets.token_hex(32)}
    before = len(codes(asked))
    (first, _), (again, _), (other, _) = (
        sent(case, memory=seed),
        sent(case, memory=seed),
        sent(case),
    )
    ids = [parse_sms(each.evidence["code.sent.0"]).request_id for each in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert len(codes(asked)) == before + 2


@pytest.mark.usefixtures("asked")
def test_of_one_seed_the_next_code_is_another_under_another_id(asked):
    case, seed = case_of(tell(asked)), {"seed": secrets.token_hex(32)}
    _, items = sent(case, earlier=sent(case, memory=seed)[1], memory=seed)
    assert len(set(codes(asked)[-2:])) == 2
    assert len({parse_sms(items[f"code.sent.{number}"]).request_id for number in (0, 1)}) == 2


@pytest.mark.usefixtures("asked")
def test_neither_seed_nor_code_nor_a_hash_of_it_leaves_but_to_the_phone(asked):
    case, seed = case_of(tell(asked)), "5e" * 32
    first, items = sent(case, memory={"seed": seed})
    request_id = parse_sms(items["code.sent.0"]).request_id
    assert seed not in json.dumps(first.memory) + b"".join(first.evidence.values()).decode()
    assert request_id.removeprefix("sms.") not in json.dumps(given.fields(items["code.issued.0"]))


@pytest.mark.usefixtures("asked")
def test_codes_are_spread_over_all_there_are(asked):
    drawn = [int(code_dialogue.drawn(f"{number:064x}", "0")) for number in range(2000)]
    assert len(set(drawn)) > 1980
    assert 0.45 < sum(code < 500_000 for code in drawn) / len(drawn) < 0.55
    assert [code_dialogue.drawn(f"{number:064x}", "1") for number in (32, 489_816)] == [
        "072697",
        "603773",
    ]


@pytest.mark.usefixtures("asked")
def test_a_register_of_phones_that_refuses_a_consent_that_holds_decides_nothing(asked):
    case = case_of(tell(asked))
    consented = collected(case, prepared(case))
    asked.post(
        "/consent/answer",
        consent_id=terms_of(consented.items["register.consent"]).consent_id,
        status="invalid",
    )
    _, items = sent(case, earlier=consented.items)
    with pytest.raises(SourceUnavailable):
        collect_code(case, Evidence(items=items, at=NOW, secrets=(given.SECRET,)))


# Guesses and messages are few, and stay few: over dialogues, verifications and lenders.


def guess_wrong(asked, of, *, times):
    story = to_code(asked, of=of)
    for _ in range(times):
        guess(story, other_than(codes(asked)[-1]))
    return story


def opened_again(of, story):
    """Another verification of the same person with the same lender, played up to the code."""
    case = contents.read(story.row(), contents.key_of(story.row())).case
    again = begin(of, "A-2", iin=case.person.iin.value)
    again.answer(agreed=True, version=CURRENT, language="ru")
    again.work()
    again.answer(document_number=DOCUMENT, **BORN)
    again.work()
    return again


@pytest.mark.django_db(transaction=True)
def test_no_code_is_sent_after_five_wrong_guesses_with_this_lender(asked):
    of = lender()
    story = guess_wrong(asked, of, times=5)
    assert (story.row().status, story.row().code, story.row().last_failure) == (
        "declined",
        "attempts_exhausted",
        "otp_attempts_exhausted",
    )
    sent = len(codes(asked))
    again = opened_again(of, story)
    assert (again.row().status, again.row().code) == ("declined", "attempts_exhausted")
    assert len(codes(asked)) == sent


@pytest.mark.django_db(transaction=True)
def test_guesses_count_on_when_the_lender_opens_another_verification(asked):
    of = lender()
    story = guess_wrong(asked, of, times=4)
    openings.cancel(lender_id=of.pk, mode="test", verification_id=story.id)
    again = opened_again(of, story)
    assert again.page().data["guesses_left"] == 1
    guess(again, codes(asked)[-1])
    assert again.page().page == "question"


def pass_time(story, monkeypatch, *, seconds):
    """Turns the clock of edges and workers on."""
    now = timezone.now
    for read in (clock, timezone):
        monkeypatch.setattr(read, "now", lambda: now() + timedelta(seconds=seconds))


@pytest.mark.django_db(transaction=True)
def test_silence_ends_the_dialogue_and_the_guesses_count_on(asked, monkeypatch):
    story = guess_wrong(asked, lender(), times=4)
    pass_time(story, monkeypatch, seconds=601)
    swept()
    assert story.page().page == "resume"
    answers.resume(verification_id=story.id)
    story.work()
    assert (story.page().page, story.page().data["guesses_left"]) == ("code", 1)
    guess(story, other_than(codes(asked)[-1]))
    assert story.row().status == "declined"


@pytest.mark.django_db(transaction=True)
def test_ten_codes_a_day_go_to_one_phone_from_all_lenders_together(asked):
    for number in range(1, 11):
        guess(to_code(asked, f"A-{number}", of=lender(number=number * 10)), codes(asked)[-1])
    late = to_person(asked, "A-11", of=lender(number=110))
    sent = len(codes(asked))
    late.answer(document_number=DOCUMENT, **BORN)
    late.work()
    assert (late.page().page, late.page().notice) == ("resume", "velocity_exceeded")
    assert len(codes(asked)) == sent


# The stage of a code from end to end by gateways of the market, and by one that is a class of
# the operator's own.


DOCS = Path(__file__).resolve().parents[4] / "docs" / "operator" / "sources.md"


class Documented(Gateway):
    """What the gateway of docs/operator/sources.md asks."""

    def own(self, page, form):
        """It knows an id again."""
        self.sent.setdefault(form["id"], form["text"])
        return {"status": "queued", "id": 7}


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(KEY)
    return path


@pytest.fixture
def documented(monkeypatch):
    """The example of docs/operator/sources.md as a module of the operator's."""
    [example] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example.count("\n") <= 40
    module = ModuleType("bank_of_the_docs")
    exec(compile(example, "docs/operator/sources.md", "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"{module.__name__}.Gateway"


def use(settings, adapter, **options):
    entry = {"adapter": adapter, "options": options}
    settings.TULGA_SOURCES = {"test": settings.TULGA_SOURCES["test"] | {"sms": entry}}


def proved(story, texts):
    """The code that came proves the phone, and what the gateway said is kept both ways."""
    assert story.page().page == "code"
    [text] = texts
    [code] = re.findall(r"\A.*?([0-9]{6})", text)
    guess(story, code)
    assert {"code.sent", "code.guess"} <= passed(verification=story.id)
    return kept(story)


def kept(story):
    key = contents.key_of(story.row())
    items = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="code.sent")
    return {item.kind: store.opening(key, item).plain for item in items}


def play(asked):
    story = to_person(asked)
    story.answer(document_number=DOCUMENT, **BORN)
    story.work()
    return story


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_code_goes_by_smsc_and_a_lost_answer_sends_no_second_one(asked, settings, key):
    with serving(Smsc(drops=1)) as gateway:
        use(settings, "smsc", url=gateway.url, token_file=str(key))
        story = play(asked)
        assert (story.row().step, story.row().faults) == ("prepare", 1)
        make_due(story)
        story.work()
        found = proved(story, gateway.sent.values())
    assert [path for path, _ in gateway.asked].count("/send.php") == 1
    [number] = gateway.sent
    assert parse_sms(found["code.sent.0"]).message_id == f"sms.smsc:{number}"
    assert json.loads(found["code.sent_raw.0"])["status"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_a_number_that_the_gateway_refuses_is_told_to_the_borrower(asked, settings, key):
    with serving(Smsc()) as gateway:
        gateway.lay_out("send.php", {"error": "invalid number", "error_code": 7})
        use(settings, "smsc", url=gateway.url, token_file=str(key))
        story = play(asked)
        assert story.page().notice == "sms_refused"
    assert parse_sms(kept(story)["code.sent.0"]).status == "refused"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seen_once")
def test_the_gateway_of_the_documentation_sends_a_code(asked, settings, key, documented):
    with serving(Documented()) as gateway:
        use(settings, documented, url=gateway.url, token_file=str(key))
        story = play(asked)
        found = proved(story, gateway.sent.values())
    assert gateway.asked[0][1]["key"] == KEY
    assert parse_sms(found["code.sent.0"]).message_id == "gateway:7"
