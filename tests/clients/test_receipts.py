"""The client believes the receipts that scripts/verify_receipt.py believes, and not one letter of
anything else.
"""

import base64
import copy
import json

import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripts.receipt_samples import ACCOUNT, IIN, answer, entry, facts, keys, placed
from tests.scripts.test_verify_receipt import verifier
from tulga import receipts
from tulga.errors import Refused
from verification.artifacts import signing
from verification.core.decision_receipt import build

ABOUT = {"iin": IIN, "payout_account": ACCOUNT}


def root_file():
    return (django_settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()


def is_believed(said, of=None, *, test=False, about=ABOUT, by_root=True):
    """Whether the client believes it, which is whether the script does."""
    untrusted = said if isinstance(said, bytes) else json.dumps(said).encode()
    more = {"root": root_file() if by_root else None, "test": test, "about": about}
    try:
        verifier.verify(untrusted, of or keys(), **more)
        by_script = True
    except (verifier.Refused, verifier.Unreadable):
        by_script = False
    try:
        receipts.verify(untrusted, of or keys(), **more)
        by_client = True
    except Refused:
        by_client = False
    assert by_client == by_script
    return by_client


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
    assert is_believed(live)
    assert is_believed(live, by_root=False)
    assert is_believed(live, about={"iin": None})


def test_a_test_receipt_is_refused_unless_asked_for():
    said = answer(facts(mode="test"))
    assert not is_believed(said)
    assert is_believed(said, test=True)


@pytest.mark.parametrize(
    "about", [{"iin": "990101100020"}, {"payout_account": "KZ75125KZT1001300335"}, {"iin": ""}]
)
def test_one_about_somebody_else_is_refused(live, about):
    assert not is_believed(live, about=about)
    assert not is_believed({**live, "openings": None}, about=ABOUT)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "verification.declined"},
        {"type": "receipt.issued"},
        {"at": "2026-11-28T09:30:00.000001Z"},
        {"verification": "ver_b"},
        {"lender": "len_b"},
        {"mode": "test"},
        {"body": {}},
        {"body": []},
    ],
)
def test_an_entry_that_says_something_else_is_not_its(changes):
    assert not is_believed(answer(**changes))


def test_what_the_lender_canceled_is_named_by_an_entry_of_its_own():
    canceled = facts(status="canceled", code="canceled_by_lender")
    assert is_believed(answer(canceled, type="receipt.issued", at="2026-11-28T09:30:05.000000Z"))


def test_keys_that_the_root_did_not_certify_are_refused(live):
    published = json.loads(keys())
    for name in ("keys", "log_keys"):
        changed = copy.deepcopy(published)
        for key in changed[name]:
            key["certificate"] = published["keys"][0]["certificate"][::-1]
        assert not is_believed(live, json.dumps(changed).encode())
    for missing in (
        {**published, "keys": []},
        {**published, "log_keys": []},
        {"keys": published["keys"]},
        {},
    ):
        assert not is_believed(live, json.dumps(missing).encode(), by_root=False)


@pytest.mark.parametrize(
    "said", [b"", b"[]", b"{}", b'{"receipt": 1, "log": {}}', b'{"receipt": "a.b.c", "log": {}}']
)
def test_what_is_no_answer_is_refused(said):
    assert not is_believed(said)


def test_one_that_is_too_large_is_refused(live):
    with pytest.raises(Refused, match="large"):
        receipts.verify(json.dumps(live).encode() + b" " * receipts.ANSWER_MAX_BYTES, keys())


_PLACES = [
    ("receipt",),
    *(("log", name) for name in ("leaf", "proof", "checkpoint")),
    ("openings", "iin"),
]


@settings(max_examples=300)
@given(way=st.sampled_from(_PLACES), at=st.integers(0, 10_000), letter=st.characters())
def test_no_letter_of_it_may_change(live, way, at, letter):
    changed = copy.deepcopy(live)
    *path, last = way
    place = changed
    for step in path:
        place = place[step]
    text = place[last]
    at %= len(text)
    place[last] = text[:at] + letter + text[at + 1 :]
    assert is_believed(changed) == (changed == live)


@pytest.mark.parametrize("index", [None, 5, 7, 6.0, True, "6", 10**30])
def test_another_place_is_refused(live, index):
    changed = copy.deepcopy(live)
    changed["log"]["index"] = index
    assert not is_believed(changed)


def test_a_key_of_one_mode_signs_no_receipt_of_another():
    jws = signing.sign_compact(build(facts()), mode="test", type_=signing.RECEIPT_TYPE)
    assert not is_believed(answer(jws=jws))
    assert not is_believed(answer(jws=jws), by_root=False)


def test_an_entry_in_another_spelling_is_refused():
    jws = signing.sign_compact(build(facts()), mode="live", type_=signing.RECEIPT_TYPE)
    said = {"receipt": jws, "openings": None}
    spelled = {
        one: json.dumps(entry(facts(), jws), sort_keys=True, separators=(",", one)).encode()
        for one in (":", ": ")
    }
    assert is_believed({**said, "log": placed(spelled[":"], mode="live")}, about={})
    assert not is_believed({**said, "log": placed(spelled[": "], mode="live")}, about={})


def test_a_proof_in_another_spelling_is_refused(live):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    line = live["log"]["proof"].split("\n")[2]
    # 32 bytes leave two bits of the last letter unused
    other = f"{line[:-2]}{letters[letters.index(line[-2]) ^ 1]}="
    assert base64.b64decode(other) == base64.b64decode(line)
    changed = copy.deepcopy(live)
    changed["log"]["proof"] = changed["log"]["proof"].replace(line, other)
    assert not is_believed(changed)
