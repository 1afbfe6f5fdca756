"""Statements of the operator's offline root, and the certificates of the national authority.

The root states which process owns a key, from which entry on a key is revoked, and which law file
applies.
A statement is an Ed25519 signature over the canonical JSON of a context and its content.
Source: docs/security/processes.md.

`OFFICIAL` is the only table of the national authority's certificates, by the SHA-256 of their DER.
Reviewed 2026-11-24. The files come from a public collection that names the address of each.
Before live use, a person must compare the fingerprints with those that the authority publishes.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from verification.core.stored import canonical_json

KINDS: Final = ("log", "document", "decision", "door", "sender")
"""Kinds of signing key.

`log` signs log heads (tick); `document` and `decision` sign workers' results.
`door` signs actions of people and lenders (web); `sender` signs deliveries.
"""
MODES: Final = ("test", "live")
PROCESSES: Final = {
    "web": ("django", "kek", "index", "door"),
    "worker": ("kek", "index", "code", "evidence", "decision", "document"),
    "tick": ("log",),
    "sender": ("webhook", "sender"),
}
"""The kinds of key that each process holds.

`code`: the secret from which one-time codes derive; web does not hold it.
`webhook`: opens the secrets of webhooks, which web seals to its public half.
`evidence`: opens the keys of evidence, which web and workers seal to its public half.
Source: docs/security/processes.md.
"""
BOX_KINDS: Final = ("webhook", "evidence")
"""The kinds that are X25519 pairs: one process holds the private half, `public/` the other."""
NUMBERED_KINDS: Final = ("kek", "index", "code", *BOX_KINDS)
"""The kinds that a number tells apart and no root certifies: the highest seals."""
PUBLIC_BYTES: Final = 32
_CERTIFIED: Final = "tulga-certificate-v1"
_REVOKED: Final = "tulga-revocation-v1"
_LAW: Final = "tulga-law-v1"
_ACTOR: Final = "tulga-actor-v1"
"""Signature contexts keep the root's statements apart: one cannot be replayed as another."""


@dataclass(frozen=True)
class Certified:
    """A public key, its owner, and the root's signature over both."""

    kind: str
    mode: str
    number: int
    public: bytes
    signature: bytes = b""

    @property
    def id(self) -> str:
        """The key id that signatures carry."""
        return key_id(self.public)

    @property
    def name(self) -> str:
        """The file name without its ending."""
        return "-".join((self.kind, self.mode, *([str(self.number)] if self.number else [])))

    @property
    def body(self) -> dict[str, Any]:
        """The body of its log entry."""
        public, signature = (
            b64encode(content).decode() for content in (self.public, self.signature)
        )
        return {
            "kind": self.kind,
            "number": self.number,
            "public": public,
            "certificate": signature,
        }

    def signed_by(self, seed: bytes) -> "Certified":
        """A copy signed by the root with this seed."""
        signature = Ed25519PrivateKey.from_private_bytes(seed).sign(self._message)
        return Certified(self.kind, self.mode, self.number, self.public, signature)

    def is_certified(self, root: bytes) -> bool:
        """Whether this root signed it."""
        return _holds(root, self.signature, self._message)

    @property
    def _message(self) -> bytes:
        fields = {
            "kind": self.kind,
            "mode": self.mode,
            "number": self.number,
            "public": self.public.hex(),
        }
        return canonical_json({"context": _CERTIFIED, **fields})


def read_certified(untrusted: Any, *, mode: str) -> Certified | None:
    """A certified key as a body states it, not yet verified; None if it is malformed."""
    try:
        kind, number = untrusted["kind"], untrusted["number"]
        # Without `validate`, b64decode drops characters outside the alphabet silently.
        public, signature = (
            b64decode(untrusted[name], validate=True) for name in ("public", "certificate")
        )
    except (KeyError, TypeError, ValueError):
        return None
    # isinstance would accept a bool as an int.
    is_number = type(number) is int and 0 <= number < 10_000
    if kind not in KINDS or mode not in MODES or not is_number or len(public) != PUBLIC_BYTES:
        return None
    return Certified(kind, mode, number, public, signature)


def revocation(seed: bytes, *, mode: str, key: str, from_index: int) -> str:
    """The root's statement that a key's signatures do not count from a log index on."""
    message = _revoked(mode, key, from_index)
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(message)).decode()


def is_revocation(
    root: bytes, untrusted_signature: Any, *, mode: str, key: str, from_index: int
) -> bool:
    """Whether this root signed the statement."""
    try:
        signature = b64decode(untrusted_signature, validate=True)
    except (TypeError, ValueError):
        return False
    return _holds(root, signature, _revoked(mode, key, from_index))


def law_signature(seed: bytes, law: Mapping[str, Any]) -> str:
    """The root's signature over a law file's document; `core/law_file.py` defines the document."""
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(_law(law))).decode()


def is_law(root: bytes, untrusted_signature: Any, law: Mapping[str, Any]) -> bool:
    """Whether this root signed this document."""
    try:
        signature = b64decode(untrusted_signature, validate=True)
    except (TypeError, ValueError):
        return False
    return _holds(root, signature, _law(law))


def actor_signature(seed: bytes, statement: Mapping[str, Any]) -> str:
    """The root's signature over a statement of an actor; `log/approvals.py` defines it."""
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(_actor(statement))).decode()


def is_actor(root: bytes, untrusted_signature: Any, statement: Mapping[str, Any]) -> bool:
    """Whether this root signed this statement."""
    try:
        signature = b64decode(untrusted_signature, validate=True)
    except (TypeError, ValueError):
        return False
    return _holds(root, signature, _actor(statement))


def public_of(seed: bytes) -> bytes:
    """The public half of an Ed25519 seed, raw."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def box_key_of(private: bytes) -> bytes:
    """The public half of an X25519 key, to which boxes are sealed, raw."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """The id of a public key: the first eight bytes of the SHA-256 of the raw key, in hex."""
    return sha256(public).hexdigest()[:16]


def _revoked(mode: str, key: str, from_index: int) -> bytes:
    return canonical_json({"context": _REVOKED, "mode": mode, "key": key, "from_index": from_index})


def _law(law: Mapping[str, Any]) -> bytes:
    return canonical_json({"context": _LAW, "law": law})


def _actor(statement: Mapping[str, Any]) -> bytes:
    return canonical_json({"context": _ACTOR, "statement": statement})


def _holds(root: bytes, signature: bytes, message: bytes) -> bool:
    if len(root) != PUBLIC_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(root).verify(signature, message)
    except InvalidSignature:
        return False
    return True


Role = Literal["anchor", "intermediate", ""]


@dataclass(frozen=True, kw_only=True)
class OfficialCertificate:
    """One certificate of the national authority.

    role: empty if a borrower's signature must not chain to it.
    under: the issuer's name.
    address: where the owner publishes it.
    valid_to: its last day, UTC.
    """

    name: str
    role: Role
    sha256: str
    address: str
    valid_to: date
    under: str = ""


_TABLE = (
    OfficialCertificate(
        name="root_gost_2022",
        role="anchor",
        sha256="af77725f8328bb24f89d81da3acdf7cee4324248538b7ba2cd2a860517fb9dca",
        address="https://root.gov.kz/cert/root_gost2015_2022.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="nca_gost_2022",
        role="intermediate",
        sha256="32c7d233a42703a327f3025543a05b930e3f39a786c68dfa196baa86d5618524",
        address="https://pki.gov.kz/cert/nca_gost_2022.cer",
        valid_to=date(2045, 9, 7),
        under="root_gost_2022",
    ),
    OfficialCertificate(
        name="root_rsa_2020",
        role="anchor",
        sha256="9ba06354b626641715182e4d07c9dbaa1777720fa795d03174ffc68876535dcd",
        address="https://root.gov.kz/cert/root_rsa_2020.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="nca_rsa_2022",
        role="intermediate",
        sha256="84fb799a66140950818c056a5d9730acc2a7622cdd4ef0d47113b132fb892905",
        address="https://pki.gov.kz/cert/nca_rsa_2022.cer",
        valid_to=date(2045, 9, 7),
        under="root_rsa_2020",
    ),
    # Real authorities that issue no borrower's key. Ours.
    OfficialCertificate(
        name="root_gost_2020",
        role="",
        sha256="c48164ab5ccaaee6b938299a1e3aeebd6f698bb2bd716a0f0d85befc46166aa2",
        address="https://root.gov.kz/cert/root_gost_2020.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="btsd_gost",
        role="",
        sha256="74bb80edf34f4594e5e69b79029c64214e67630e3d16b82f952ab6e5956c5fa8",
        address="https://root.gov.kz/cert/uc/btsd_gost.cer",
        valid_to=date(2029, 7, 29),
        under="root_gost_2020",
    ),
    OfficialCertificate(
        name="ucgo_gost",
        role="",
        sha256="eb5a5318299db447a46619d2a541f026b52c1fce8a1d371262da8f6f2d7bb6f5",
        address="https://ucgo.gov.kz/cert/ucgo_root.zip",
        valid_to=date(2045, 9, 7),
        under="root_gost_2020",
    ),
    # Expired in 2025, and with them the certificates below them.
    OfficialCertificate(
        name="root_gost",
        role="",
        sha256="9ab210e54e6b0343321131202d9edcc2598f598cfdd9ee4ec1056021ab2e9759",
        address="https://root.gov.kz/cert/root_gost.cer",
        valid_to=date(2025, 7, 27),
    ),
    OfficialCertificate(
        name="root_rsa",
        role="",
        sha256="a7064abc5699827f370c67b09f1a1bfd7ad5e1514d471223df209c08300ea972",
        address="https://root.gov.kz/cert/root_rsa.cer",
        valid_to=date(2025, 7, 27),
    ),
    OfficialCertificate(
        name="nca_gost",
        role="",
        sha256="908521d0531e5645e64b34d3588374a3a83582c860e5f7293a04c41217e8cc18",
        address="https://pki.gov.kz/cert/nca_gost.crt",
        valid_to=date(2025, 6, 25),
        under="root_gost",
    ),
    OfficialCertificate(
        name="nca_rsa",
        role="",
        sha256="34d1b311a9873191ae3382805df51e0a5da23315c512a8deeb885668ceeb5834",
        address="https://pki.gov.kz/cert/nca_rsa.crt",
        valid_to=date(2025, 6, 25),
        under="root_rsa",
    ),
)
OFFICIAL: Final = {certificate.sha256: certificate for certificate in _TABLE}
