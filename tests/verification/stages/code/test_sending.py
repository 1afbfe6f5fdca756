"""Sending a code and hearing whose the phone is, run against the sandbox as it really runs."""

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.test_collect import (
    NOW,
    case_of,
    collected,
    person_of,
    prepared,
    terms_of,
)
from tests.verification.stages.person.told import codes, tell
from verification.core.answers import parse_sms
from verification.core.errors import SourceUnavailable
from verification.core.ids import Phone
from verification.core.route import Evidence
from verification.core.spelling import code_sms
from verification.sources.sms import host
from verification.stages import code
from verification.stages.code import dialogue as code_dialogue
from verification.stages.code.collect import collect_code, prepare_code
from verification.stages.code.dialogue import accept_code

pytestmark = pytest.mark.usefixtures("asked")


def sent(case, *, earlier=(), memory=None, at=NOW):
    passed = {} if earlier else {"register.consent": given.said("register.consent")}
    before = Evidence(items={**passed, **dict(earlier)}, at=at, secrets=(given.SECRET,))
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
    assert (
        given.fields(items["code.issued.0"])["expires"] == (NOW + timedelta(minutes=5)).isoformat()
    )


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


def test_another_code_is_another_message_and_counts(asked):
    case = case_of(tell(asked))
    first, items = sent(case, memory={"guesses": 3})
    second, items = sent(case, earlier=items, memory={**first.memory, "guesses": 4})
    assert (second.memory["guesses"], second.memory["resends"]) == (4, 1)
    assert set(items) >= {"code.issued.0", "code.sent.0", "code.issued.1", "code.sent.1"}
    assert parse_sms(items["code.sent.0"]).message_id != parse_sms(items["code.sent.1"]).message_id
    assert first.memory["key"] != second.memory["key"]


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


def test_a_try_again_sends_the_same_code_under_the_same_id_and_another_preparation_another(asked):
    case, seed = case_of(tell(asked)), {"seed": "5e" * 32}
    before = len(codes(asked))
    (first, _), (again, _), (other, _) = (
        sent(case, memory=seed),
        sent(case, memory=seed),
        sent(case),
    )
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
    assert request_id.removeprefix("sms.") not in json.dumps(given.fields(items["code.issued.0"]))


def test_codes_are_spread_over_all_there_are(asked):
    drawn = [int(code_dialogue.drawn(f"{number:064x}", "0")) for number in range(2000)]
    assert len(set(drawn)) > 1980
    assert 0.45 < sum(code < 500_000 for code in drawn) / len(drawn) < 0.55
    assert [code_dialogue.drawn(f"{number:064x}", "1") for number in (32, 489_816)] == [
        "072697",
        "603773",
    ]


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
