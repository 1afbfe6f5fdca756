"""Proofs in C2SP tlog-proof form: made ones verify offline, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.log import naive
from verification.core.errors import BadInput, LogInconsistent
from verification.log import checkpoint, policy
from verification.log.checkpoint import Checkpoint, SigningKey
from verification.log.tlog_proof import make, parse, verify

KEY = SigningKey(name="tulga.example/test", seed=bytes(range(32)))
LEAVES = [f"leaf {number}".encode() for number in range(11)]
NOTE = checkpoint.sign(
    Checkpoint(origin=KEY.name, size=len(LEAVES), root=naive.root(LEAVES)), key=KEY
)
PROOF = make(index=4, hashes=naive.path(4, LEAVES), note=NOTE)
HASH_LINE = PROOF.split("\n")[2]


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_a_proof_verifies_for_its_leaf_and_no_other(index: int) -> None:
    proof = make(index=index, hashes=naive.path(index, LEAVES), note=NOTE)
    assert verify(proof, leaf=LEAVES[index], key=KEY.public).size == len(LEAVES)
    for other in LEAVES[:index] + LEAVES[index + 1 :]:
        with pytest.raises(LogInconsistent):
            verify(proof, leaf=other, key=KEY.public)


def test_a_proof_is_spelt_as_the_standard_says() -> None:
    lines = PROOF.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 4"]
    assert lines.index("") == 2 + len(naive.path(4, LEAVES))
    assert PROOF.endswith(f"\n\n{NOTE}")


def test_extra_data_comes_back_and_decides_nothing() -> None:
    proof = make(index=4, hashes=naive.path(4, LEAVES), note=NOTE, extra=b"anything")
    assert parse(proof).extra == b"anything"
    assert proof.split("\n")[1] == "extra YW55dGhpbmc="
    assert verify(proof, leaf=LEAVES[4], key=KEY.public) == verify(
        PROOF, leaf=LEAVES[4], key=KEY.public
    )


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    note = checkpoint.sign(
        Checkpoint(origin=KEY.name, size=1, root=naive.root(LEAVES[:1])), key=KEY
    )
    proof = make(index=0, hashes=[], note=note)
    assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{KEY.name}\n")
    assert verify(proof, leaf=LEAVES[0], key=KEY.public).size == 1


def test_a_proof_under_another_key_is_inconsistent() -> None:
    with pytest.raises(LogInconsistent):
        verify(PROOF, leaf=LEAVES[4], key=SigningKey(name=KEY.name, seed=bytes(32)).public)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no checkpoint"),
        (PROOF.replace("@v1", "@v2"), "does not begin"),
        (" " + PROOF, "does not begin"),
        (PROOF.replace("\n", "\r\n"), "no checkpoint"),
        (PROOF.replace("index 4\n", ""), "no index"),
        (PROOF.replace("index 4\n", "").replace(HASH_LINE, "extra YW55"), "no index"),
        (PROOF.split("\n")[0] + f"\n\n{NOTE}", "no index"),
        (PROOF.replace("index 4", "index 04"), "leading zeros"),
        (PROOF.replace("index 4", "index -4"), "decimal digits"),
        (PROOF.replace("index 4", "index"), "no index"),
        (PROOF.replace("index 4", "index "), "decimal digits"),
        (PROOF.replace("index 4", "index  4"), "decimal digits"),
        (PROOF.replace("index 4", "extra \nindex 4"), "empty"),
        (PROOF.replace("index 4", "extra YW55\nextra YW55\nindex 4"), "no index"),
        (PROOF.replace("index 4", "extra !\nindex 4"), "base64"),
        (PROOF.replace("index 4\n", f"index 4\n{HASH_LINE * 2}\n"), "base64"),
        (PROOF.replace("index 4\n", "index 4\nAAAA\n"), "32 bytes"),
        (PROOF.split("\n\n")[0] + "\n", "no checkpoint"),
        (PROOF.split("\n\n")[0] + "\n\n", "no signatures"),
    ],
)
def test_a_proof_that_the_standard_does_not_allow_is_not_read(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        verify(text, leaf=LEAVES[4], key=KEY.public)


@pytest.mark.parametrize("extra", [b"", b"extra"])
def test_a_proof_has_as_many_hashes_as_the_largest_tree_is_high(extra: bytes) -> None:
    most = [LEAVES[0].ljust(32)] * 63
    assert len(parse(make(index=4, hashes=most, note=NOTE, extra=extra)).hashes) == 63
    for more in (64, 500):
        with pytest.raises(BadInput, match="too many hashes"):
            parse(make(index=4, hashes=most[:1] * more, note=NOTE, extra=extra))


@pytest.mark.parametrize("length", [1, policy.EXTRA_BYTES])
def test_extra_data_has_a_limit(length: int) -> None:
    assert len(parse(make(index=4, hashes=[], note=NOTE, extra=bytes(length))).extra) == length
    with pytest.raises(BadInput, match="too large"):
        parse(make(index=4, hashes=[], note=NOTE, extra=bytes(policy.EXTRA_BYTES + 1)))


@given(position=st.integers(0, len(PROOF) - 1), character=st.characters())
def test_no_proof_with_a_changed_character_verifies(position: int, character: str) -> None:
    changed = PROOF[:position] + character + PROOF[position + 1 :]
    if changed == PROOF:
        return
    with pytest.raises((BadInput, LogInconsistent)):
        verify(changed, leaf=LEAVES[4], key=KEY.public)


@given(st.text() | st.text(alphabet="\n\u2014 =aA0").map(lambda head: head + PROOF))
def test_any_text_is_verified_or_refused_and_never_crashes(text: str) -> None:
    try:
        verify(text, leaf=LEAVES[4], key=KEY.public)
    except (BadInput, LogInconsistent):
        return
    assert text == PROOF
