"""The client believes a head of the log that its key signed, and none that goes back or contradicts the last one."""

import json

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.scripts.receipt_samples import keys
from tests.verification.audit import naive
from tulga import checkpoints
from tulga.checkpoints import Memory
from tulga.errors import Refused
from verification.audit import checkpoint
from verification.audit.checkpoint import Checkpoint, SigningKey

LEAVES = [b"leaf %d" % number for number in range(20)]


def root_file():
    return (settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()


def signed(size, *, leaves=LEAVES, name="tulga.example/log/live", mode="live"):
    key = SigningKey(name=name, seed=settings.TULGA_LOG_KEYS[mode])
    return checkpoint.sign(Checkpoint(name, size, naive.root(leaves[:size])), key=key)


@pytest.fixture
def key():
    return checkpoints.log_key(keys(), mode="live", root=root_file())


def test_a_signed_head_is_believed(key):
    found = checkpoints.verify(signed(11), key=key)
    assert (found.origin, found.size, found.root) == ("tulga.example/log/live", 11, naive.root(LEAVES[:11]))


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
        checkpoints.log_key(json.dumps({"log_keys": published["log_keys"] * 2}).encode(), mode="live")
    stolen = {**published["log_keys"][0], "x": published["keys"][0]["x"], "mode": "live"}
    foreign = json.dumps({"log_keys": [stolen]}).encode()
    assert checkpoints.log_key(foreign, mode="live")
    with pytest.raises(Refused, match="certificate"):
        checkpoints.log_key(foreign, mode="live", root=root_file())
    for untrusted in (b"", b"[]", b"{}", b'{"log_keys": [1]}', b'{"log_keys": [{"mode": "live"}]}'):
        with pytest.raises(Refused):
            checkpoints.log_key(untrusted, mode="live")


def test_a_log_that_grows_is_followed(key):
    memory = Memory(key)
    for size in (0, 3, 3, 11):
        assert memory.take(signed(size)).size == size
    assert memory.note == signed(11)
    assert Memory(key, memory.note).take(signed(12)).size == 12


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (signed(10), "shrunk"),
        (signed(0), "shrunk"),
        (signed(11, leaves=[b"another", *LEAVES]), "two different logs"),
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
    assert memory.take(signed(7), may_be_older=True).size == 7
    assert memory.note == signed(11)
    with pytest.raises(Refused, match="two different logs"):
        memory.take(signed(11, leaves=[b"another", *LEAVES]), may_be_older=True)


def test_a_memory_is_of_what_the_key_signed(key):
    with pytest.raises(Refused):
        Memory(key, signed(11, mode="test"))
