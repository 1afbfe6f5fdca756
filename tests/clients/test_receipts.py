"""The client verifies receipts and heads of the log offline."""

import asyncio
import base64
import copy
import json
from base64 import b64decode, b64encode
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.scripts.receipt_samples import ACCOUNT, IIN, answer, entry, facts, keys, placed
from tests.scripts.test_verify_receipt import root_file, why_not
from tests.verification.log import naive
from tulga import checkpoints, receipts
from tulga.checkpoints import Memory
from tulga.errors import Refused
from tulga.resources import Consistency
from verification.artifacts import signing
from verification.core.decision_receipt import build
from verification.log import checkpoint
from verification.log.checkpoint import Checkpoint, SigningKey

# The client judges a receipt as scripts/verify_receipt.py does, in what that script's own tests
# leave out.


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


# The client believes a head of the log that its key signed, and none that goes back or
# contradicts the last one.


LEAVES = [b"leaf %d" % number for number in range(20)]


def signed(size, *, leaves=LEAVES, name="tulga.example/log/live", mode="live"):
    key = SigningKey(name=name, seed=settings.TULGA_LOG_KEYS[mode])
    return checkpoint.sign(Checkpoint(name, size, naive.root(leaves[:size])), key=key)


@pytest.fixture
def key():
    return checkpoints.log_key(keys(), mode="live", root=root_file())


def test_a_signed_head_is_believed(key):
    found = checkpoints.verify(signed(11), key=key)
    assert (found.origin, found.size, found.root) == (
        "tulga.example/log/live",
        11,
        naive.root(LEAVES[:11]),
    )


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        signed(11, mode="test"),
        signed(11).replace("11", "12"),
        signed(11).replace("\n11\n", "\n011\n"),
        signed(11).replace("tulga.example", "other.example"),
        signed(11).replace("\u2014", "-"),
        signed(11).rstrip("\n"),
        signed(11).partition("\u2014")[0],
        signed(11) + signed(11).rpartition("\n\n")[2],
        signed(11).replace("live", "l\ud800ve"),
        "\ud800" + signed(11),
    ],
    ids=range(12),
)
def test_anything_else_is_refused(note, key):
    with pytest.raises(Refused):
        checkpoints.verify(note, key=key)


@given(st.integers(0, len(signed(11)) - 1), st.characters())
def test_no_letter_of_it_may_change(place, letter):
    key, note = checkpoints.log_key(keys(), mode="live"), signed(11)
    changed = note[:place] + letter + note[place + 1 :]
    if changed != note:
        with pytest.raises(Refused):
            checkpoints.verify(changed, key=key)


def test_the_keys_of_a_log_are_those_of_its_mode_and_certified():
    published = json.loads(keys())
    with pytest.raises(Refused, match="not one"):
        checkpoints.log_key(
            json.dumps({"log_keys": published["log_keys"] * 2}).encode(), mode="live"
        )
    stolen = {**published["log_keys"][0], "x": published["keys"][0]["x"], "mode": "live"}
    foreign = json.dumps({"log_keys": [stolen]}).encode()
    assert checkpoints.log_key(foreign, mode="live")
    with pytest.raises(Refused, match="certificate"):
        checkpoints.log_key(foreign, mode="live", root=root_file())
    for untrusted in (b"", b"[]", b"{}", b'{"log_keys": [1]}', b'{"log_keys": [{"mode": "live"}]}'):
        with pytest.raises(Refused):
            checkpoints.log_key(untrusted, mode="live")


def proof(first, second, *, leaves=LEAVES):
    """What the API answers, or would of a fork."""
    hashes = naive.consistency(first, leaves[:second])
    return Consistency(hashes=tuple(b64encode(one).decode() for one in hashes))


def test_a_log_that_grows_is_followed(key):
    memory = Memory(key)
    for size, gap in (
        (0, None),
        (3, None),
        (3, None),
        (11, (3, 11)),
        (16, (11, 16)),
        (20, (16, 20)),
    ):
        assert memory.gap(signed(size)) == gap
        assert memory.take(signed(size), proof(*gap) if gap else None).size == size
    assert memory.note == signed(20)
    assert Memory(key, signed(11)).take(signed(12), proof(11, 12)).size == 12


@pytest.mark.parametrize("first", range(1, 20))
def test_every_size_goes_on_from_every_smaller_one_and_from_no_fork(first, key):
    for second in range(first + 1, 21):
        for leaf in {0, first - 1, first // 2}:
            forked = [*LEAVES]
            forked[leaf] = b"another"
            memory = Memory(key, signed(first))
            for given_ in (None, proof(first, second), proof(first, second, leaves=forked)):
                with pytest.raises(Refused, match="are one"):
                    memory.take(signed(second, leaves=forked), given_)
            assert memory.note == signed(first)
        assert Memory(key, signed(first)).take(signed(second), proof(first, second)).size == second


@given(st.data())
def test_no_bit_of_a_proof_may_change_and_none_be_left_out_or_put_in(data):
    second = data.draw(st.integers(2, 20))
    first = data.draw(st.integers(1, second - 1))
    hashes = [b64decode(one) for one in proof(first, second).hashes]
    key, place = (
        checkpoints.log_key(keys(), mode="live"),
        data.draw(st.integers(0, len(hashes) - 1)),
    )
    flipped = bytes([hashes[place][0] ^ 1]) + hashes[place][1:]
    changed = data.draw(
        st.sampled_from(
            (
                [*hashes[:place], flipped, *hashes[place + 1 :]],
                [*hashes[:place], *hashes[place + 1 :]],
                [*hashes[:place], hashes[place], *hashes[place:]],
                [*hashes, bytes(32)],
                hashes[::-1],
            )
        )
    )
    if changed != hashes:
        told = Consistency(hashes=tuple(b64encode(one).decode() for one in changed))
        with pytest.raises(Refused):
            Memory(key, signed(first)).take(signed(second), told)


@pytest.mark.parametrize("hashes", [("",), ("AAAA",), ("*" * 44,), ("A" * 43 + "=",) * 200])
def test_what_is_no_proof_is_refused(hashes, key):
    with pytest.raises(Refused):
        Memory(key, signed(11)).take(signed(12), Consistency(hashes=hashes))


FORK = [b"another", *LEAVES]


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (signed(10), "shrunk"),
        (signed(0), "shrunk"),
        (signed(10, leaves=FORK), "shrunk"),
        (signed(11, leaves=FORK), "are one"),
        (signed(12, leaves=FORK), "are one"),
        (signed(12), "are one"),
        (signed(12, name="tulga.example/log/fork"), "another log"),
        (signed(12, mode="test"), "not signed"),
    ],
)
def test_an_inconsistent_one_is_refused_and_the_last_stays(note, says, key):
    memory = Memory(key, signed(11))
    with pytest.raises(Refused, match=says):
        memory.take(note)
    assert memory.note == signed(11)


def test_a_late_webhook_may_bring_an_older_one_and_no_other(key):
    memory = Memory(key, signed(11))
    assert memory.gap(signed(7)) == (7, 11)
    assert memory.take(signed(7), proof(7, 11), may_be_older=True).size == 7
    assert memory.take(signed(0), may_be_older=True).size == 0
    assert memory.note == signed(11)
    for fork, told in (
        (signed(11, leaves=FORK), None),
        (signed(7, leaves=FORK), proof(7, 11)),
        (signed(7), None),
    ):
        with pytest.raises(Refused, match="are one"):
            memory.take(fork, told, may_be_older=True)


FORKED = [*LEAVES[:3], b"another", *LEAVES[4:]]


def _one_thread(work):
    thread = Thread(target=work)
    thread.start()
    return thread


def _one_task(work):
    return _one_thread(lambda: asyncio.run(asyncio.to_thread(work)))


@pytest.mark.parametrize("begin", [_one_thread, _one_task])
@pytest.mark.parametrize(("size", "leaves"), [(16, LEAVES), (11, FORKED), (16, FORKED)])
def test_a_memory_that_is_shared_neither_goes_back_nor_misses_a_fork(
    key, monkeypatch, begin, size, leaves
):
    memory, taken = Memory(key, signed(3)), []
    others: list[Any] = []
    judge = checkpoints.goes_on

    def take(number, of):
        with suppress(Refused):
            taken.append(memory.take(signed(number, leaves=of), proof(3, number, leaves=of)))

    def judged(*said):
        if not others:  # just as the first is judged, another takes its own
            others.append(None)
            others.append(begin(lambda: take(size, leaves)))
            others[1].join(0.5)
        return judge(*said)

    monkeypatch.setattr(checkpoints, "goes_on", judged)
    take(11, LEAVES)
    others[1].join()
    assert [(one.size, one.root) for one in taken] == [(11, naive.root(LEAVES[:11]))]
    assert memory.note == signed(11)


def test_a_memory_is_of_what_the_key_signed(key):
    with pytest.raises(Refused):
        Memory(key, signed(11, mode="test"))
