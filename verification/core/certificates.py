"""What the operator's offline root says: which key is whose, from where on it is none, and what of
the law counts.

A statement is the root's Ed25519 signature over the canonical JSON of a context and what it says.
Source: audit.md §6.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from verification.core.stored import canonical_json

KINDS: Final = ("log", "document", "decision", "door", "sender")
"""Keys that sign: the log's heads by tick; documents and decisions by workers; what people did by
web; the sender's.
"""
MODES: Final = ("test", "live")
PROCESSES: Final = {
    "web": ("django", "kek", "index", "webhook", "door"),
    "worker": ("kek", "index", "code", "decision", "document"),
    "tick": ("log",),
    "sender": ("webhook", "sender"),
}
"""Which kinds of key a process holds. `code`: what one-time codes are drawn from, so that web knows
none. Source: audit.md §6.
"""
PUBLIC_BYTES: Final = 32
_CERTIFIED: Final = "tulga-certificate-v1"
_REVOKED: Final = "tulga-revocation-v1"
_LAW: Final = "tulga-law-v1"
"""Signed with it, so that one statement of the root cannot be taken for the other."""


@dataclass(frozen=True)
class Certified:
    """A public key, whose it is, and the root's signature that it is so."""

    kind: str
    mode: str
    number: int
    public: bytes
    signature: bytes = b""

    @property
    def id(self) -> str:
        """By which a signature names it."""
        return key_id(self.public)

    @property
    def name(self) -> str:
        """Of its file, without an ending."""
        return "-".join((self.kind, self.mode, *([str(self.number)] if self.number else [])))

    @property
    def body(self) -> dict[str, Any]:
        """What its entry in the log says."""
        public, signature = (b64encode(each).decode() for each in (self.public, self.signature))
        return {
            "kind": self.kind,
            "number": self.number,
            "public": public,
            "certificate": signature,
        }

    def signed_by(self, seed: bytes) -> "Certified":
        """The same with the signature of the root of this seed."""
        signature = Ed25519PrivateKey.from_private_bytes(seed).sign(self._message)
        return Certified(self.kind, self.mode, self.number, self.public, signature)

    def is_certified(self, root: bytes) -> bool:
        """Whether this root signed it."""
        return _holds(root, self.signature, self._message)

    @property
    def _message(self) -> bytes:
        said = {
            "kind": self.kind,
            "mode": self.mode,
            "number": self.number,
            "public": self.public.hex(),
        }
        return canonical_json({"context": _CERTIFIED, **said})


def read_certified(untrusted: Any, *, mode: str) -> Certified | None:
    """What a body says of a certified key, verified by nobody yet; None if it cannot be read."""
    try:
        kind, number = untrusted["kind"], untrusted["number"]
        # Without `validate` signs outside the alphabet are dropped unseen.
        public, signature = (
            b64decode(untrusted[name], validate=True) for name in ("public", "certificate")
        )
    except (KeyError, TypeError, ValueError):
        return None
    # To isinstance a truth value is an int, too.
    is_number = type(number) is int and 0 <= number < 10_000
    if kind not in KINDS or mode not in MODES or not is_number or len(public) != PUBLIC_BYTES:
        return None
    return Certified(kind, mode, number, public, signature)


def revocation(seed: bytes, *, mode: str, key: str, from_index: int) -> str:
    """The root's signature that nothing counts that this key signed of what stands in this log from
    an index on.
    """
    message = _revoked(mode, key, from_index)
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(message)).decode()


def is_revocation(
    root: bytes, untrusted_signature: Any, *, mode: str, key: str, from_index: int
) -> bool:
    """Whether this root said so."""
    try:
        signature = b64decode(untrusted_signature, validate=True)
    except (TypeError, ValueError):
        return False
    return _holds(root, signature, _revoked(mode, key, from_index))


def law_signature(seed: bytes, law: Mapping[str, Any]) -> str:
    """The root's signature of a law file's document; `core/law_file.py` says what stands in one."""
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(_law(law))).decode()


def is_law(root: bytes, untrusted_signature: Any, law: Mapping[str, Any]) -> bool:
    """Whether this root signed this document."""
    try:
        signature = b64decode(untrusted_signature, validate=True)
    except (TypeError, ValueError):
        return False
    return _holds(root, signature, _law(law))


def public_of(seed: bytes) -> bytes:
    """The public half of an Ed25519 seed, raw."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """By which a signature names its key: the first eight bytes of the SHA-256 of the raw public
    key, in hex.
    """
    return sha256(public).hexdigest()[:16]


def _revoked(mode: str, key: str, from_index: int) -> bytes:
    return canonical_json({"context": _REVOKED, "mode": mode, "key": key, "from_index": from_index})


def _law(law: Mapping[str, Any]) -> bytes:
    return canonical_json({"context": _LAW, "law": law})


def _holds(root: bytes, signature: bytes, message: bytes) -> bool:
    if len(root) != PUBLIC_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(root).verify(signature, message)
    except InvalidSignature:
        return False
    return True
