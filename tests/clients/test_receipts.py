"""The client judges a receipt as scripts/verify_receipt.py does, in what that script's own tests
leave out.
"""

import base64
import copy
import json

import pytest

from tests.scripts.receipt_samples import ACCOUNT, IIN, answer, entry, facts, keys, placed
from tests.scripts.test_verify_receipt import root_file, why_not
from tulga import receipts
from tulga.errors import Refused
from verification.artifacts import signing
from verification.core.decision_receipt import build

ABOUT = {"iin": IIN, "payout_account": ACCOUNT}


@pytest.fixture(scope="module")
def live():
    return answer()


def test_a_good_receipt_is_told(live):
    told = receipts.verify(json.dumps(live).encode(), keys(), root=root_file(), about=ABOUT)
    assert (told.status, told.verification, told.releases) == (
        "verified",
        facts().verification,
        ("eds-1",),
    )
    assert (told.profile.id, told.code, told.attempts[0]["outcome"]) == (
        "KZ-2025-01",
        None,
        "passed",
    )
    assert why_not(live) == why_not(live, by_root=False) == why_not(live, about={"iin": None}) == ""


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"[]", b"{}", b'{"receipt": 1, "log": {}}', b'{"receipt": "a.b.c", "log": {}}'],
)
def test_another_answer_is_refused(untrusted):
    with pytest.raises(Refused):
        receipts.verify(untrusted, keys())


def test_one_that_is_too_large_is_refused(live):
    with pytest.raises(Refused, match="large"):
        receipts.verify(json.dumps(live).encode() + b" " * receipts.ANSWER_MAX_BYTES, keys())


@pytest.mark.parametrize("index", [None, 5, 7, 6.0, True, "6", 10**30])
def test_another_place_is_refused(live, index):
    changed = copy.deepcopy(live)
    changed["log"]["index"] = index
    assert why_not(changed)


def test_a_key_of_one_mode_signs_no_receipt_of_another():
    jws = signing.sign_compact(build(facts()), mode="test", type_=signing.RECEIPT_TYPE)
    assert why_not(answer(jws=jws))
    assert why_not(answer(jws=jws), by_root=False)


def test_an_entry_in_another_spelling_is_refused():
    jws = signing.sign_compact(build(facts()), mode="live", type_=signing.RECEIPT_TYPE)
    said = {"receipt": jws, "openings": None}
    spelled = {
        one: json.dumps(entry(facts(), jws), sort_keys=True, separators=(",", one)).encode()
        for one in (":", ": ")
    }
    assert why_not({**said, "log": placed(spelled[":"], mode="live")}, about={}) == ""
    assert why_not({**said, "log": placed(spelled[": "], mode="live")}, about={})


def test_a_proof_in_another_spelling_is_refused(live):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    line = live["log"]["proof"].split("\n")[2]
    # 32 bytes leave two bits of the last letter unused
    other = f"{line[:-2]}{letters[letters.index(line[-2]) ^ 1]}="
    assert base64.b64decode(other) == base64.b64decode(line)
    changed = copy.deepcopy(live)
    changed["log"]["proof"] = changed["log"]["proof"].replace(line, other)
    assert why_not(changed)
