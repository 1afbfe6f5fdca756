"""Signed notes and checkpoints: the standard's own example reads, ours verify, and nothing odd
does.
"""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.log import naive
from verification.core.errors import BadInput, LogInconsistent
from verification.log import checkpoint, policy, tree
from verification.log.checkpoint import Checkpoint, Note, SigningKey, VerificationKey
from verification.log.tlog_proof import make, parse, verify

KEY = SigningKey(name="tulga.example/test", seed=bytes(range(32)))

OTHER = SigningKey(name="witness.example/w", seed=bytes(32))

HEAD = Checkpoint(origin=KEY.name, size=42, root=tree.leaf_hash(b"root"))

SIGNED = checkpoint.sign(HEAD, key=KEY)

# The example note of C2SP tlog-checkpoint. Its key is not published: it is read here, not verified.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def line(name: str, payload: bytes) -> str:
    return f"\u2014 {name} {b64encode(payload).decode()}\n"


def signed_text(text: str) -> str:
    """Any text with a good signature of our key: only what is in the text can be wrong."""
    value = Ed25519PrivateKey.from_private_bytes(KEY.seed).sign(text.encode())
    return f"{text}\n{line(KEY.name, KEY.public.id + value)}"


def test_the_published_example_reads() -> None:
    note = Note.parse(PUBLISHED)
    read = Checkpoint.parse(note.text)
    assert (read.origin, read.size, len(read.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert [(signature.name, len(signature.value)) for signature in note.signatures] == [
        (read.origin, 64)
    ]
    assert read.text == note.text


def test_a_signed_checkpoint_opens_as_what_was_signed() -> None:
    assert checkpoint.open_checkpoint(SIGNED, key=KEY.public) == HEAD


def test_a_signed_checkpoint_is_spelt_as_the_standard_says() -> None:
    body, signature = SIGNED.split("\n\n")
    assert body == f"{KEY.name}\n42\n{b64encode(HEAD.root).decode()}"
    assert signature.startswith(f"\u2014 {KEY.name} ")
    assert len(b64decode(signature.split(" ")[2])) == 4 + 64


def test_the_key_id_is_computed_over_name_type_and_key() -> None:
    # The vkey of golang.org/x/mod/sumdb/note's documentation, whose id its authors computed.
    published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    name, key_id, encoded = published.split("+", 2)
    key = VerificationKey(name=name, public=b64decode(encoded)[1:])
    assert key.id.hex() == key_id
    assert str(key) == published


def test_the_published_note_of_that_key_verifies() -> None:
    key = VerificationKey(
        name="PeterNeumann", public=b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    )
    text = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your"
        " problem is.\n"
    )
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="  # noqa: E501
    note = Note.parse(f"{text}\n\u2014 PeterNeumann {signature}\n")
    assert (note.text, note.signatures[0].key_id) == (text, key.id)
    # It is signed, but it is no checkpoint.
    with pytest.raises(BadInput, match="three lines"):
        checkpoint.open_checkpoint(f"{text}\n\u2014 PeterNeumann {signature}\n", key=key)


def test_a_signature_of_another_key_is_passed_over() -> None:
    cosigned = SIGNED + line(OTHER.name, OTHER.public.id + bytes(64))
    assert checkpoint.open_checkpoint(cosigned, key=KEY.public) == HEAD
    same_name = SIGNED + line(KEY.name, b"\x00\x00\x00\x01" + bytes(64))
    assert checkpoint.open_checkpoint(same_name, key=KEY.public) == HEAD


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (checkpoint.sign(HEAD, key=OTHER), "0 signatures"),
        (SIGNED + SIGNED.split("\n\n")[1], "2 signatures"),
        (SIGNED.replace("\n42\n", "\n43\n"), "does not verify"),
        (
            SIGNED.split("\n\n")[0] + "\n\n" + line(KEY.name, KEY.public.id + bytes(64)),
            "does not verify",
        ),
        (
            SIGNED.split("\n\n")[0] + "\n\n" + line(KEY.name, KEY.public.id + bytes(63)),
            "does not verify",
        ),
        (signed_text(HEAD.text.replace(KEY.name, "tulga.example/live")), "another log"),
    ],
)
def test_a_checkpoint_that_this_key_did_not_sign_for_this_log_is_inconsistent(
    note: str, why: str
) -> None:
    with pytest.raises(LogInconsistent, match=why):
        checkpoint.open_checkpoint(note, key=KEY.public)


ROOT = b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY.name}\n42\n",
        f"{KEY.name}\n42\n{ROOT}\nextension\n",
        f"{KEY.name}\n042\n{ROOT}\n",
        f"{KEY.name}\n-1\n{ROOT}\n",
        f"{KEY.name}\n+1\n{ROOT}\n",
        f"{KEY.name}\n4_2\n{ROOT}\n",
        f"{KEY.name}\n٤٢\n{ROOT}\n",
        f"{KEY.name}\n \n{ROOT}\n",
        f"{KEY.name}\n{2**63}\n{ROOT}\n",
        f"{KEY.name}\n{'9' * 5000}\n{ROOT}\n",
        f"{KEY.name}\n42\n{ROOT[:-4]}\n",
        f"{KEY.name}\n42\n{ROOT[:-1]}\n",
        f"{KEY.name}\n42\n{ROOT[:-2]}{chr(ord(ROOT[-2]) + 1)}=\n",
        f"{KEY.name}\n42\n {ROOT}\n",
        f"\n42\n{ROOT}\n",
        "x\n",
    ],
)
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    with pytest.raises(BadInput):
        checkpoint.open_checkpoint(signed_text(text), key=KEY.public)


def test_nothing_stands_behind_the_third_line_of_a_checkpoint() -> None:
    assert Checkpoint.parse(HEAD.text) == HEAD
    with pytest.raises(BadInput, match="three lines"):
        Checkpoint.parse(f"{HEAD.text}extension")


GOOD_LINE = SIGNED.split("\n\n")[1]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        HEAD.text,
        f"{HEAD.text}\n",
        SIGNED[:-1],
        SIGNED + "\n",
        SIGNED.replace("\n\n", "\n"),
        SIGNED.replace("\u2014", "-"),
        SIGNED.replace("\u2014 ", "\u2014"),
        SIGNED.replace("\n", "\r\n"),
        SIGNED.replace("42", "4\t2"),
        SIGNED.replace("42", "4\ud8002"),
        SIGNED.replace(f"\u2014 {KEY.name}", "\u2014 two words"),
        SIGNED.replace(f"\u2014 {KEY.name}", "\u2014 plus+sign"),
        SIGNED.replace(f"\u2014 {KEY.name}", "\u2014 wide\u2003space"),
        SIGNED.replace(f"\u2014 {KEY.name}", "\u2014 "),
        f"{HEAD.text}\n" + line(KEY.name, KEY.public.id),
        f"{HEAD.text}\n" + line(KEY.name, b""),
        f"{HEAD.text}\n\u2014 {KEY.name} ====\n",
        f"{HEAD.text}\n" + GOOD_LINE * (policy.NOTE_SIGNATURES + 1),
        f"{HEAD.text}\n" + line(KEY.name, bytes(policy.NOTE_BYTES)),
    ],
)
def test_a_note_that_the_standard_does_not_allow_is_not_read(note: str) -> None:
    with pytest.raises(BadInput):
        Note.parse(note)


def test_sixteen_signatures_are_read() -> None:
    others = "".join(line(f"witness.example/{number}", bytes(4 + 3000)) for number in range(15))
    assert checkpoint.open_checkpoint(SIGNED + others, key=KEY.public) == HEAD


def test_text_may_hold_empty_lines() -> None:
    assert Note.parse(f"one\n\ntwo\n\n{GOOD_LINE}").text == "one\n\ntwo\n"


@given(position=st.integers(0, len(SIGNED) - 1), character=st.characters())
def test_no_note_with_a_changed_character_verifies(position: int, character: str) -> None:
    changed = SIGNED[:position] + character + SIGNED[position + 1 :]
    if changed == SIGNED:
        return
    with pytest.raises((BadInput, LogInconsistent)):
        checkpoint.open_checkpoint(changed, key=KEY.public)


@given(st.text() | st.text(alphabet="\n\u2014 +=aA0\r").map(lambda tail: SIGNED + tail))
def test_any_text_is_read_or_refused_and_never_crashes(text: str) -> None:
    try:
        opened = checkpoint.open_checkpoint(text, key=KEY.public)
    except (BadInput, LogInconsistent):
        return
    assert opened == HEAD


def test_printing_a_signing_key_does_not_show_it() -> None:
    assert KEY.seed.hex() not in repr(KEY)
    assert repr(KEY.seed) not in repr(KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b"])
def test_a_key_name_that_a_note_could_not_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        VerificationKey(name=name, public=bytes(32))


def test_a_public_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        VerificationKey(name="a", public=bytes(31))


def test_the_largest_size_is_read() -> None:
    largest = Checkpoint(origin=KEY.name, size=2**63 - 1, root=HEAD.root)
    assert checkpoint.open_checkpoint(checkpoint.sign(largest, key=KEY), key=KEY.public) == largest


def test_as_many_signatures_as_the_limit_are_read() -> None:
    others = "".join(
        line(f"witness.example/{number}", bytes(68)) for number in range(policy.NOTE_SIGNATURES - 1)
    )
    assert len(Note.parse(SIGNED + others).signatures) == policy.NOTE_SIGNATURES
    with pytest.raises(BadInput, match="too many"):
        Note.parse(SIGNED + others + line("witness.example/more", bytes(68)))


# Proofs in C2SP tlog-proof form: made ones verify offline, anything else is refused.


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
