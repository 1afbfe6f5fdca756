"""Keys of verifications: their sealed bytes are private, bound to their place, and gone with the
key.

Every verification has a random data key, wrapped by the operator's key-encryption key (KEK).
An item that can be destroyed alone has its own random key, wrapped by the data key. That wrap lies
in a box which workers alone open; a worker may lend it without the box (see `evidence.store`).

Sealed bytes are `version(2) nonce(12) AES-256-GCM(how(1) salt(16) plain)`.
They are authenticated with lender, table, field, verification and key version, so they open only at
their place.
`how` says whether the rest is compressed, as short text is.
The commitment HMAC-SHA256(salt, plain) may be in the log: without the sealed salt it reveals
nothing.
"""

import hmac
import secrets
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from verification import clock
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.stored import canonical_json
from verification.evidence import boxes, policy
from verification.models import DataKey

KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
# NIST SP 800-38D, 5.2.1.1: a nonce of another length would be hashed first
_NONCE_BYTES: Final = 12
_FORMAT: Final = b"\x02"
_VERSION_BYTES: Final = 2
_AS_IT_IS, _COMPRESSED = b"\0", b"\1"
_RAW: Final = -zlib.MAX_WBITS  # without a checksum: sealed bytes are authenticated
# A verification has one data key for life; rotation wraps it again and does not change it.
_KEY_VERSION: Final = 1
_KEKS: Final = "TULGA_KEY_ENCRYPTION_KEYS"
_INDEX_KEYS: Final = "TULGA_INDEX_KEYS"
_WEBHOOK_KEYS: Final = "TULGA_WEBHOOK_KEYS"
_WEBHOOK_PUBLIC_KEYS: Final = "TULGA_WEBHOOK_PUBLIC_KEYS"
_EVIDENCE_KEYS: Final = "TULGA_EVIDENCE_KEYS"
_EVIDENCE_PUBLIC_KEYS: Final = "TULGA_EVIDENCE_PUBLIC_KEYS"
_CODE_KEYS: Final = "TULGA_CODE_KEYS"
CASE: Final = {"table": "verification_verification", "field": "sealed_case"}
"""The place of a verification's sealed case."""
BORROWER: Final = "borrower"
"""Purpose of the blind index over the IIN, which finds a borrower's cases."""


def place_of_memory(attempt_id: str) -> dict[str, str]:
    """The place of a stage's sealed memory: one attempt's memory does not open as another's."""
    return {"table": "verification_attempt", "field": f"sealed_memory:{attempt_id}"}


def place_of_agent(digest: bytes) -> dict[str, str]:
    """The place of the sealed browser of the phone that scanned the code of this SHA-256."""
    return {"table": "verification_access", "field": f"sealed:{digest.hex()}"}


@dataclass(frozen=True)
class Sealed:
    """Bytes to store, and the commitment (lower-case hex) that may be logged."""

    data: bytes
    commitment: str


@dataclass(frozen=True)
class Opening:
    """The opening of a commitment: the salt and the plain bytes."""

    salt: bytes = field(repr=False)
    plain: bytes = field(repr=False)


@dataclass(frozen=True)
class Key:
    """The data key of one verification; printing it shows its owner, never its value."""

    verification_id: str
    lender_id: str
    secret: bytes = field(repr=False)

    def seal(self, plaintext: bytes, *, table: str, field: str) -> Sealed:
        """The bytes, readable with this key at this table and field only; equal bytes give
        different seals.

        `field` also names the row if a verification has several: `f"memory:{attempt.pk}"`.
        """
        # Fresh for each seal: commitments to equal bytes must not look equal.
        return self.seal_salted(
            plaintext, secrets.token_bytes(SALT_BYTES), table=table, field=field
        )

    def seal_salted(self, plaintext: bytes, salt: bytes, *, table: str, field: str) -> Sealed:
        """The same with a salt of 16 bytes, which no other bytes have."""
        return Sealed(
            data=_encrypt(self.secret, salt + plaintext, place=self._place(table, field)),
            commitment=commitment(salt, plaintext),
        )

    def unseal(self, sealed: bytes, *, table: str, field: str) -> Opening:
        """The plain bytes and their salt.

        Raises: `EvidenceUnreadable` for bytes sealed by another key or at another place.
        """
        salted = _decrypt(self.secret, bytes(sealed), place=self._place(table, field))
        if len(salted) < SALT_BYTES:
            raise EvidenceUnreadable("sealed bytes without a salt")
        return Opening(salt=salted[:SALT_BYTES], plain=salted[SALT_BYTES:])

    def make_own(self, *, table: str, field: str) -> tuple["Key", bytes]:
        """A fresh key for an item destroyed alone, and its wrapped form, which needs no salt:
        keys have no commitment.
        """
        own_key = replace(self, secret=secrets.token_bytes(KEY_BYTES))
        return own_key, _encrypt(self.secret, own_key.secret, place=self._place(table, field))

    def box(self, wrapped: bytes, *, table: str, field: str) -> bytes:
        """A wrapped key in a box for workers: without it, the data key opens nothing."""
        return _box(_EVIDENCE_PUBLIC_KEYS, wrapped, self._boxed(table, field))

    def unbox(self, boxed: bytes, *, table: str, field: str) -> bytes:
        """The wrapped key in a box.

        Raises: `EvidenceUnreadable` at another place, and without the workers' private key.
        """
        return _unbox(_EVIDENCE_KEYS, boxed, self._boxed(table, field))

    def unwrap(self, wrapped: bytes, *, table: str, field: str) -> "Key":
        """The unwrapped key.

        Raises: `EvidenceUnreadable` for a key wrapped by another key or at another place.
        """
        return replace(self, secret=_decrypt(self.secret, wrapped, place=self._place(table, field)))

    def salt(self, purpose: str) -> bytes:
        """A deterministic salt of 128 bits for one commitment; it goes with the key."""
        return hmac.digest(self.secret, b"salt\0" + purpose.encode(), "sha256")[:SALT_BYTES]

    def _boxed(self, table: str, field: str) -> list[object]:
        return ["box", *self._place(table, field)]

    def _place(self, table: str, field: str) -> list[object]:
        # A JSON list: as one joined text, two places could be equal.
        return [self.lender_id, table, field, self.verification_id, _KEY_VERSION]


def commitment(salt: bytes, plaintext: bytes) -> str:
    """HMAC-SHA256(salt, plain) in lower-case hex."""
    return hmac.digest(salt, plaintext, "sha256").hex()


def make(*, verification_id: str, lender_id: str) -> Key:
    """A fresh, unstored key: `keep` it when the verification is inserted, or seal it by the
    verification's key.
    """
    return Key(
        verification_id=verification_id, lender_id=lender_id, secret=secrets.token_bytes(KEY_BYTES)
    )


def keep(key: Key) -> DataKey:
    """Stores a fresh key, wrapped; the verification's row exists already."""
    return DataKey.objects.create(
        verification_id=key.verification_id,
        wrapped_key=seal_secret(key.secret, scope=_scope(key.verification_id, key.lender_id)),
        created_at=clock.now(),
    )


def open(*, verification_id: str, lender_id: str) -> Key:
    """The stored key; open it once per step.

    Raises: `EvidenceUnreadable` if absent or destroyed.
    """
    row = DataKey.objects.filter(verification_id=verification_id).first()
    if row is None:
        raise EvidenceUnreadable(f"{verification_id} has no key")
    return unwrap(row, lender_id=lender_id)


def unwrap(row: DataKey, *, lender_id: str) -> Key:
    """The key in a row.

    Raises: `EvidenceUnreadable` if destroyed or another lender's; `Misconfigured` without the KEK
    that wrapped it.
    """
    if row.destroyed_at is not None or row.wrapped_key is None:
        raise EvidenceUnreadable(f"the key of {row.verification_id} was destroyed")
    wrapped = bytes(row.wrapped_key)
    if version_of(wrapped) not in _keys(_KEKS):
        raise Misconfigured(f"{_KEKS} has no version {version_of(wrapped)}")
    secret = unseal_secret(wrapped, scope=_scope(row.verification_id, lender_id))
    return Key(verification_id=row.verification_id, lender_id=lender_id, secret=secret)


def scope_of_key(row: DataKey) -> str:
    """The scope under which the key in a row is wrapped."""
    return _scope(row.verification_id, row.verification.lender_id)


def seal_secret(plaintext: bytes, *, scope: str) -> bytes:
    """Bytes outside verifications, sealed under the newest KEK; they open only under this
    scope.
    """
    keys = _keys(_KEKS)
    version = max(keys)
    return _spell_version(version) + _encrypt(
        keys[version], plaintext, place=_place_of_secret(scope, version)
    )


def unseal_secret(sealed: bytes, *, scope: str) -> bytes:
    """The plain bytes.

    Raises: `EvidenceUnreadable` under another scope or without the sealing key.
    """
    version, key = _sealing_key(_KEKS, sealed)
    return _decrypt(key, bytes(sealed[_VERSION_BYTES:]), place=_place_of_secret(scope, version))


def reseal(sealed: bytes, *, scope: str) -> bytes:
    """The same secret, sealed under the newest KEK.

    Raises: `EvidenceUnreadable` as `unseal_secret`.
    """
    return seal_secret(unseal_secret(sealed, scope=scope), scope=scope)


def seal_in_envelope(scope: str, plaintext: bytes) -> tuple[bytes, bytes]:
    """Bytes sealed under a key of their own, and that key sealed under the newest KEK.

    For bytes whose hash is on record: a rotation changes the second part alone.
    """
    own_key = secrets.token_bytes(KEY_BYTES)
    sealed = _encrypt(own_key, plaintext, place=["envelope", scope])
    return sealed, seal_secret(own_key, scope=scope_of_envelope(scope))


def unseal_in_envelope(scope: str, sealed: bytes, wrapped: bytes) -> bytes:
    """The plain bytes.

    Raises: `EvidenceUnreadable` under another scope or key.
    """
    own_key = unseal_secret(wrapped, scope=scope_of_envelope(scope))
    return _decrypt(own_key, sealed, place=["envelope", scope])


def scope_of_envelope(scope: str) -> str:
    """The scope under which the key of an envelope is sealed."""
    return f"envelope:{scope}"


def newest_kek() -> int:
    """The version under which secrets are sealed now."""
    return max(_keys(_KEKS))


def version_of(sealed: bytes) -> int:
    """The version of the key that sealed a secret, or to which a box is sealed."""
    return int.from_bytes(sealed[:_VERSION_BYTES], "big")


def blind_index(*, purpose: str, value: str) -> dict[int, bytes]:
    """Keyed hashes that find equal values of one purpose, by key version, newest first.

    Write the first; search for all (`…__in`), because rows may carry older ones.
    """
    keys = _keys(_INDEX_KEYS)
    # Keyed, because there are only some 10^9 IINs, whose plain hashes take seconds. The zero byte
    # separates purpose and value: neither contains one.
    material = f"{purpose}\0{value}".encode()
    return {
        version: hmac.digest(keys[version], material, "sha256")
        for version in sorted(keys, reverse=True)
    }


def blind_words(*, purpose: str, values: Iterable[bytes]) -> dict[int, set[int]]:
    """Eight keyed bytes for each of many values, by index key version, which find equal values.

    Two may be equal by chance, so matches are compared.
    """
    words_in = list(values)
    return {
        # Signed, like the column's type: PostgreSQL has no unsigned one.
        version: {
            int.from_bytes(hmac.digest(key, word, "sha256")[:8], "big", signed=True)
            for word in words_in
        }
        for version, key in blind_index(purpose=purpose, value="").items()
    }


def numbers_of(phone_sha256: bytes) -> list[str]:
    """The number on a phone that scanned a code, newest index key first: without such a key it
    cannot be chosen.
    """
    least = 10 ** (policy.HAND_OVER_DIGITS - 1)
    # The remainder of 256 bits by so small a number is practically uniform.
    drawn = blind_index(purpose="hand_over.number", value=phone_sha256.hex()).values()
    return [str(least + int.from_bytes(digest, "big") % (9 * least)) for digest in drawn]


def secrets_of(attempt_id: str) -> tuple[str, ...]:
    """An attempt's secrets, known only to workers, in hex: one per key, newest first.

    A value that the person must have received derives from it, and no other process can know it.
    """
    keys = _keys(_CODE_KEYS)
    return tuple(
        hmac.digest(keys[version], attempt_id.encode(), "sha256").hex()
        for version in sorted(keys)[::-1]
    )


def _scope(verification_id: str, lender_id: str) -> str:
    return f"data-key:{lender_id}:{verification_id}"


def _encrypt(secret: bytes, plaintext: bytes, *, place: Sequence[object]) -> bytes:
    """The sealed bytes, authenticated with their place, so that they open nowhere else."""
    # 1 Compress if that saves bytes. Lengths reveal something about sealed bytes, but only to a
    # reader of the database who has one record written many times. Only a memory is, once per turn,
    # and its secrets are keyed hashes.
    packed = _AS_IT_IS + plaintext
    if policy.PACKED_MIN <= len(plaintext) <= policy.PACKED_MAX:
        packed = min(packed, _COMPRESSED + zlib.compress(plaintext, wbits=_RAW), key=len)
    # 2 The nonce is random, so one key may seal 2^32 times (NIST SP 800-38D, 8.3): a KEK seals once
    # or twice per verification.
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(secret).encrypt(nonce, packed, canonical_json(place))


def _decrypt(secret: bytes, sealed: bytes, *, place: Sequence[object]) -> bytes:
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
        raise EvidenceUnreadable("sealed bytes of an unknown form")
    try:
        packed = AESGCM(secret).decrypt(nonce, text, canonical_json(place))
    except InvalidTag:
        raise EvidenceUnreadable("sealed bytes do not open with this key at this place") from None
    # It was authenticated, so we packed it: it cannot be a decompression bomb.
    return zlib.decompress(packed[1:], wbits=_RAW) if packed[:1] == _COMPRESSED else packed[1:]


def _keys(name: str) -> dict[int, bytes]:
    """The keys of this setting by version.

    Raises: `Misconfigured` without valid ones.
    """
    keys: dict[int, bytes] = getattr(settings, name)
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise Misconfigured(f"{name} holds no keys of {KEY_BYTES} bytes")
    return keys


def seal(scope: str, plaintext: bytes) -> bytes:
    """Sealed under the current key-encryption key; opens only under the same scope."""
    return seal_secret(plaintext, scope=scope)


def unseal(scope: str, sealed: bytes) -> bytes:
    """The plain bytes.

    Raises: `EvidenceUnreadable` under another scope or key.
    """
    return unseal_secret(sealed, scope=scope)


def seal_for_sender(scope: str, plaintext: bytes) -> bytes:
    """A secret of webhooks in a box for the sender's newest public key: no other process opens
    it.
    """
    return _box(_WEBHOOK_PUBLIC_KEYS, plaintext, ["secret", scope])


def unseal_for_sender(scope: str, sealed: bytes) -> bytes:
    """The plain bytes that were sealed for the sender, which has no KEK and so opens no personal
    data.

    Raises: `EvidenceUnreadable` under another scope, or without the sender's key.
    """
    return _unbox(_WEBHOOK_KEYS, sealed, ["secret", scope])


def opens_evidence() -> bool:
    """Whether this process holds the workers' private key of evidence."""
    return bool(getattr(settings, _EVIDENCE_KEYS))


def _box(name: str, plaintext: bytes, place: Sequence[object]) -> bytes:
    """The version of the newest public key of this setting, and a box for its owner."""
    keys = _keys(name)
    version = max(keys)
    return _spell_version(version) + boxes.seal(keys[version], plaintext, place=[*place, version])


def _unbox(name: str, sealed: bytes, place: Sequence[object]) -> bytes:
    version, key = _sealing_key(name, sealed)
    return boxes.open(key, bytes(sealed[_VERSION_BYTES:]), place=[*place, version])


def _sealing_key(name: str, sealed: bytes) -> tuple[int, bytes]:
    """The version that precedes a seal, and the key of this setting that opens it."""
    version = version_of(sealed)
    key = _keys(name).get(version)
    if key is None:
        raise EvidenceUnreadable(f"{name} has no version {version}")
    return version, key


def _spell_version(version: int) -> bytes:
    return version.to_bytes(_VERSION_BYTES, "big")


def _place_of_secret(scope: str, version: int) -> list[object]:
    # The version selects the key and is part of the place: it cannot be exchanged.
    return ["secret", scope, version]
