"""Proofs in C2SP tlog-proof form: made ones verify offline, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.audit import naive
from verification.audit import checkpoint, policy, receipt
from verification.audit.checkpoint import Checkpoint, SigningKey
from verification.core.errors import BadInput, LogInconsistent

KEY = SigningKey(name="tulga.example/test", seed=bytes(range(32)))
LEAVES = [f"leaf {number}".encode() for number in range(11)]
NOTE = checkpoint.sign(Checkpoint(origin=KEY.name, size=len(LEAVES), root=naive.root(LEAVES)), key=KEY)
PROOF = receipt.make(index=4, hashes=naive.path(4, LEAVES), note=NOTE)
HASH_LINE = PROOF.split("\n")[2]


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_a_proof_verifies_for_its_leaf_and_no_other(index: int) -> None:
    proof = receipt.make(index=index, hashes=naive.path(index, LEAVES), note=NOTE)
    assert receipt.verify(proof, leaf=LEAVES[index], key=KEY.public).size == len(LEAVES)
    for other in LEAVES[:index] + LEAVES[index + 1 :]:
        with pytest.raises(LogInconsistent):
            receipt.verify(proof, leaf=other, key=KEY.public)


def test_a_proof_is_spelt_as_the_standard_says() -> None:
    lines = PROOF.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 4"]
    assert lines.index("") == 2 + len(naive.path(4, LEAVES))
    assert PROOF.endswith(f"\n\n{NOTE}")


def test_extra_data_comes_back_and_decides_nothing() -> None:
    proof = receipt.make(index=4, hashes=naive.path(4, LEAVES), note=NOTE, extra=b"anything")
    assert receipt.parse(proof).extra == b"anything"
    assert proof.split("\n")[1] == "extra YW55dGhpbmc="
    assert receipt.verify(proof, leaf=LEAVES[4], key=KEY.public) == receipt.verify(
        PROOF, leaf=LEAVES[4], key=KEY.public
    )


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    note = checkpoint.sign(Checkpoint(origin=KEY.name, size=1, root=naive.root(LEAVES[:1])), key=KEY)
    proof = receipt.make(index=0, hashes=[], note=note)
    assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{KEY.name}\n")
    assert receipt.verify(proof, leaf=LEAVES[0], key=KEY.public).size == 1


def test_a_proof_under_another_key_is_inconsistent() -> None:
    with pytest.raises(LogInconsistent):
        receipt.verify(PROOF, leaf=LEAVES[4], key=SigningKey(name=KEY.name, seed=bytes(32)).public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PROOF.replace("@v1", "@v2"),
        PROOF.replace("\n", "\r\n"),
        PROOF.replace("index 4\n", ""),
        PROOF.replace("index 4", "index 04"),
        PROOF.replace("index 4", "index -4"),
        PROOF.replace("index 4", "index"),
        PROOF.replace("index 4", "index  4"),
        PROOF.replace("index 4", "extra \nindex 4"),
        PROOF.replace("index 4", "extra YW55\nextra YW55\nindex 4"),
        PROOF.replace("index 4", "extra !\nindex 4"),
        PROOF.replace("index 4\n", f"index 4\n{HASH_LINE * 2}\n"),
        PROOF.replace("index 4\n", "index 4\n" + f"{HASH_LINE}\n" * 64),
        PROOF.replace("index 4\n", "index 4\nAAAA\n"),
        PROOF.split("\n\n")[0] + "\n",
        PROOF.split("\n\n")[0] + "\n\n",
        " " + PROOF,
    ],
)
def test_a_proof_that_the_standard_does_not_allow_is_not_read(text: str) -> None:
    with pytest.raises(BadInput):
        receipt.verify(text, leaf=LEAVES[4], key=KEY.public)


def test_extra_data_has_a_limit() -> None:
    fits = receipt.make(index=4, hashes=naive.path(4, LEAVES), note=NOTE, extra=bytes(policy.EXTRA_BYTES))
    assert receipt.verify(fits, leaf=LEAVES[4], key=KEY.public).size == len(LEAVES)
    with pytest.raises(BadInput):
        receipt.parse(receipt.make(index=4, hashes=[], note=NOTE, extra=bytes(policy.EXTRA_BYTES + 1)))


@given(position=st.integers(0, len(PROOF) - 1), character=st.characters())
def test_no_proof_with_a_changed_character_verifies(position: int, character: str) -> None:
    changed = PROOF[:position] + character + PROOF[position + 1 :]
    if changed == PROOF:
        return
    with pytest.raises((BadInput, LogInconsistent)):
        receipt.verify(changed, leaf=LEAVES[4], key=KEY.public)


@given(st.text() | st.text(alphabet="\n\u2014 =aA0").map(lambda head: head + PROOF))
def test_any_text_is_verified_or_refused_and_never_crashes(text: str) -> None:
    try:
        receipt.verify(text, leaf=LEAVES[4], key=KEY.public)
    except (BadInput, LogInconsistent):
        return
    assert text == PROOF
