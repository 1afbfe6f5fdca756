"""Boxes sealed to a public key: its owner alone opens them, the process that sealed them cannot.

A box is `version(1) ephemeral public key(32) AES-256-GCM(plain)`: HPKE in its base mode, with
X25519 and HKDF-SHA256. Key and nonce derive from both public keys and from the box's place, so it
opens for no other key and at no other place.
Source: RFC 9180, sections 4.1, 5.1.1 and 6.1.
"""

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.stored import canonical_json
from verification.evidence import policy

KEY_BYTES: Final = 32
"""Length of an X25519 key, private or public. Source: RFC 7748, section 5."""
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_FORMAT: Final = b"\x01"
_TAG_BYTES: Final = 16
OVERHEAD: Final = len(_FORMAT) + KEY_BYTES + _TAG_BYTES
"""How much longer a box is than its plain bytes."""


def seal(public: bytes, plaintext: bytes, *, place: Sequence[object]) -> bytes:
    """A box for the owner of this public key, which opens at this place only.

    Raises: `EvidenceUnreadable` for too many bytes, which would not open; `Misconfigured` for a
    public key under which everyone could open it.
    """
    if len(plaintext) > policy.BOX_MAX:
        raise EvidenceUnreadable(f"a box holds at most {policy.BOX_MAX} bytes")
    try:
        key = X25519PublicKey.from_public_bytes(public)
        return _FORMAT + _SUITE.encrypt(plaintext, key, canonical_json(place))
    except ValueError:  # wrong length, or a point of small order: RFC 7748, section 6.1
        raise Misconfigured("this is not a public key that a box can be sealed to") from None


def open(private: bytes, untrusted_box: bytes, *, place: Sequence[object]) -> bytes:
    """The plain bytes of a box.

    Raises: `EvidenceUnreadable` for another key or place, and for bytes that are no box.
    """
    is_long_enough = OVERHEAD <= len(untrusted_box) <= OVERHEAD + policy.BOX_MAX
    if not is_long_enough or untrusted_box[: len(_FORMAT)] != _FORMAT:
        raise EvidenceUnreadable("a box of an unknown form")
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        return _SUITE.decrypt(untrusted_box[len(_FORMAT) :], key, canonical_json(place))
    except (InvalidTag, ValueError):  # ValueError: an ephemeral key of small order
        raise EvidenceUnreadable("the box does not open with this key at this place") from None
