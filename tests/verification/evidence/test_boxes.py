"""A box opens with the private key, at its place; its sealer cannot."""

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verification.core.certificates import box_key_of
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.stored import canonical_json
from verification.evidence import boxes, policy

PRIVATE, OTHER = bytes(range(32)), bytes(range(1, 33))
PUBLIC = box_key_of(PRIVATE)
PLACE = ["secret", "webhook-secret:whe_a", 1]
# Points of small order, and their other spellings: with each the shared secret is zero.
# Source: RFC 7748, section 7; https://cr.yp.to/ecdh.html#validate
SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def box(plain: bytes = b"plain") -> bytes:
    return boxes.seal(PUBLIC, plain, place=PLACE)


def derived(
    private: bytes, ephemeral: bytes, info: bytes, *, aead: int, key_bytes: int
) -> tuple[bytes, bytes]:
    """Key and nonce of the first message, by the letter of RFC 9180, sections 4.1 and 5.1."""

    def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")

    def expand(suite: bytes, secret: bytes, label: bytes, about: bytes, length: int) -> bytes:
        assert length <= sha256().digest_size  # one block of HKDF
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + about
        return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]

    kem = b"KEM" + bytes.fromhex("0020")
    hpke = b"HPKE" + bytes.fromhex("00200001") + aead.to_bytes(2, "big")
    ours = X25519PrivateKey.from_private_bytes(private)
    agreed = ours.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    both = ephemeral + ours.public_key().public_bytes_raw()
    shared = expand(kem, extract(kem, b"", b"eae_prk", agreed), b"shared_secret", both, 32)
    about = b"\0" + extract(hpke, b"", b"psk_id_hash", b"") + extract(hpke, b"", b"info_hash", info)
    secret = extract(hpke, shared, b"secret", b"")
    return (
        expand(hpke, secret, b"key", about, key_bytes),
        expand(hpke, secret, b"base_nonce", about, 12),
    )


def test_the_derivation_below_is_that_of_the_standard() -> None:
    """RFC 9180, appendix A.1.1: X25519, HKDF-SHA256, AES-128-GCM, base mode."""
    key, nonce = derived(
        bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"),
        bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"),
        b"Ode on a Grecian Urn",
        aead=1,
        key_bytes=16,
    )
    assert key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert nonce.hex() == "56d890e5accaaf011cff4b7d"
    opened = AESGCM(key).decrypt(
        nonce,
        bytes.fromhex(
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
        ),
        b"Count-0",
    )
    assert opened == b"Beauty is truth, truth beauty"


@given(st.binary(max_size=policy.BOX_MAX))
@settings(max_examples=50)
def test_a_box_is_what_the_standard_says_and_opens(plain: bytes) -> None:
    sealed = box(plain)
    version, ephemeral, text = sealed[:1], sealed[1:33], sealed[33:]
    key, nonce = derived(PRIVATE, ephemeral, canonical_json(PLACE), aead=2, key_bytes=32)
    assert (version, AESGCM(key).decrypt(nonce, text, b"")) == (b"\x01", plain)
    assert boxes.open(PRIVATE, sealed, place=PLACE) == plain
    assert len(sealed) == len(plain) + boxes.OVERHEAD


def test_equal_bytes_give_different_boxes() -> None:
    assert len({box()[1:33] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("private", "place"),
    [
        (OTHER, PLACE),
        (PUBLIC, PLACE),
        (PRIVATE, ["secret", "webhook-secret:whe_b", 1]),
        (PRIVATE, ["secret", "webhook-secret:whe_a", 2]),
        (PRIVATE, []),
    ],
)
def test_a_box_opens_with_its_key_at_its_place_alone(private: bytes, place: list[object]) -> None:
    with pytest.raises(EvidenceUnreadable, match="does not open"):
        boxes.open(private, box(), place=place)


def test_a_box_with_any_bit_changed_does_not_open() -> None:
    sealed = box(b"x")
    for place in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        # The highest bit of an X25519 key is ignored there (RFC 7748, section 5); not here, as the
        # derivation is bound to the bytes of the key.
        with pytest.raises(EvidenceUnreadable):
            boxes.open(PRIVATE, bytes(changed), place=PLACE)


@given(st.binary(max_size=boxes.OVERHEAD + policy.BOX_MAX + 100))
@example(b"")
@example(b"\x01")
@example(b"\x01" + bytes(boxes.OVERHEAD - 1))
@example(box() + b"\0")
@example(box()[:-1])
@example(b"\x02" + box()[1:])
def test_bytes_from_outside_are_no_box(untrusted: bytes) -> None:
    for content in (untrusted, b"\x01" + untrusted, b"\x01" + PUBLIC + untrusted):
        with pytest.raises(EvidenceUnreadable):
            boxes.open(PRIVATE, content, place=PLACE)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_of_small_order_neither_seals_nor_opens(point: bytes) -> None:
    with pytest.raises(EvidenceUnreadable, match="does not open"):
        boxes.open(PRIVATE, b"\x01" + point + box()[33:], place=PLACE)
    with pytest.raises(Misconfigured):
        boxes.seal(point, b"plain", place=PLACE)


@pytest.mark.parametrize("public", [b"", PUBLIC[:-1], PUBLIC + b"\0"])
def test_a_public_key_of_another_length_seals_nothing(public: bytes) -> None:
    with pytest.raises(Misconfigured):
        boxes.seal(public, b"plain", place=PLACE)


def test_a_box_has_a_limit_on_both_sides() -> None:
    largest = box(bytes(policy.BOX_MAX))
    assert boxes.open(PRIVATE, largest, place=PLACE) == bytes(policy.BOX_MAX)
    with pytest.raises(EvidenceUnreadable, match="at most"):
        box(bytes(policy.BOX_MAX + 1))
    with pytest.raises(EvidenceUnreadable, match="unknown form"):
        boxes.open(PRIVATE, largest + b"\0", place=PLACE)
