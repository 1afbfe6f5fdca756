"""A software authenticator: passkeys whose private keys lie in memory, for tests and demos.

It answers the options of a page as a browser does, without asking anybody. Source: W3C Web
Authentication Level 2, §5.1, §6.1 and §6.5.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ES256, EDDSA, RS256 = -7, -8, -257
"""Algorithms by their numbers in COSE. Source: RFC 9053 §2, RFC 8812 §2."""
_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40
_AAGUID: Final = bytes(16)
_ID_BYTES: Final = 32

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class _Held:
    """A passkey with its private half."""

    relying_party: str
    person: bytes
    key: PrivateKey = field(repr=False)
    counter: int = 0


@dataclass
class Authenticator:
    """A device with passkeys. Its fields are the ways in which it may behave.

    counts: its counter grows with each use; otherwise it is always 0, as of a synced passkey.
    verifies: it has verified the person. algorithm: of new keys.
    """

    counts: bool = True
    verifies: bool = True
    algorithm: int = ES256
    passkeys: dict[str, _Held] = field(default_factory=dict, repr=False)

    def create(self, options: Mapping[str, Any], *, origin: str) -> dict[str, Any]:
        """The answer to creation options on a page of this origin, as a browser's JSON."""
        name = _spelled(secrets.token_bytes(_ID_BYTES))
        person = _unspelled(options["user"]["id"])
        held = _Held(options["rp"]["id"], person, _private_key(self.algorithm))
        self.passkeys[name] = held
        attested = _AAGUID + _ID_BYTES.to_bytes(2, "big") + _unspelled(name) + _cose(held.key)
        data = self._data(held, _HAS_KEY) + attested
        attestation = dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = _client("webauthn.create", options["challenge"], origin)
        return _answer(name, clientDataJSON=client, attestationObject=attestation)

    def get(self, options: Mapping[str, Any], *, origin: str) -> dict[str, Any]:
        """The answer to request options on a page of this origin, as a browser's JSON.

        Raises: `LookupError` if it has no passkey that may answer.
        """
        allowed = {key["id"] for key in options["allowCredentials"]}
        may_answer = [
            name
            for name, held in self.passkeys.items()
            if name in (allowed or self.passkeys) and held.relying_party == options["rpId"]
        ]
        if not may_answer:
            raise LookupError("no passkey of this authenticator may answer")
        name, held = may_answer[-1], self.passkeys[may_answer[-1]]
        client = _client("webauthn.get", options["challenge"], origin)
        data = self._data(held)
        signature = _signed(held.key, data + sha256(client).digest())
        return _answer(name, clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, held: _Held, flags: int = 0) -> bytes:
        """Authenticator data up to the counter. Source: §6.1."""
        held.counter += self.counts
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        hashed = sha256(held.relying_party.encode()).digest()
        return hashed + bytes([flags]) + held.counter.to_bytes(4, "big")


def _private_key(algorithm: int) -> PrivateKey:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65_537, 2_048)
    return ec.generate_private_key(ec.SECP256R1())


def _cose(key: PrivateKey) -> bytes:
    """The public half. Source: RFC 9052 §7, RFC 8230 §4."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return dumps({1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()})
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return dumps({1: 3, 3: RS256, -1: public.n.to_bytes(256, "big"), -2: b"\1\0\1"})
    point = key.public_key().public_numbers()
    x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
    return dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})


def _signed(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    return key.sign(message, ec.ECDSA(SHA256()))


def _client(kind: str, challenge: str, origin: str) -> bytes:
    fields = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(fields).encode()


def _answer(name: str, **parts: bytes) -> dict[str, Any]:
    response = {part: _spelled(content) for part, content in parts.items()}
    return {"id": name, "rawId": name, "type": "public-key", "response": response}


def _spelled(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _unspelled(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
