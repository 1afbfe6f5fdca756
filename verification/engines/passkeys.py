"""Passkeys (WebAuthn Level 2): what a browser's answer must hold before a key or an act counts.

A passkey is bound to the origin where it was made. Its relying party is that origin's host.
Source: W3C Web Authentication Level 2, §7.1 and §7.2. The library reads all bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from webauthn import (
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    parse_authenticator_data,
    parse_cbor,
    parse_client_data_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from verification.core.errors import Refused
from verification.core.stored import from_base64url, to_base64url

ANSWER_BYTES: Final = 16_384
"""Maximum text of one answer of a browser. Ours: without an attestation it has under 2 000."""
ID_BYTES: Final = 1_023
"""Maximum length of a credential's id. Source: WebAuthn Level 2, §4."""
_RSA_BYTES: Final = (256, 512)
"""Least and most bytes of a modulus: 2048 bits by NIST SP 800-57 Part 1, table 2; ours 4096."""
CODES: Final = (
    *("passkey_malformed", "passkey_challenge", "passkey_origin", "passkey_relying_party"),
    *("passkey_user_unverified", "passkey_counter", "passkey_signature", "passkey_unknown"),
)
"""Why an answer does not count."""


@dataclass(frozen=True)
class Passkey:
    """A public key as it stands on record.

    id, public_key: base64url without padding, the key in COSE. origin: such as https://tulga.kz.
    """

    id: str
    public_key: str
    origin: str

    @property
    def relying_party(self) -> str:
        """The host of its origin."""
        return host_of(self.origin)


def host_of(origin: str) -> str:
    """The host of an origin such as https://tulga.kz or http://localhost:8000."""
    return origin.partition("://")[2].partition(":")[0]


def challenge_of(act: bytes) -> bytes:
    """The 32 bytes that a person's key signs for an act, given by its canonical JSON."""
    return sha256(b"tulga-act-v1\0" + act).digest()


def creation_options(
    *, origin: str, person: str, shown_as: str, challenge: bytes, known: tuple[str, ...]
) -> dict[str, Any]:
    """The options for `navigator.credentials.create`, as JSON.

    person: the id in the log; shown_as: the name that the authenticator shows; known: ids of keys
    that this person has already.
    """
    options = generate_registration_options(
        rp_id=host_of(origin),
        rp_name="Tulga",
        user_id=person.encode(),
        user_name=shown_as,
        challenge=challenge,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=from_base64url(name)) for name in known
        ],
    )
    spelling: dict[str, Any] = json.loads(options_to_json(options))
    return spelling


def request_options(
    *, origin: str, challenge: bytes, known: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The options for `navigator.credentials.get`, as JSON. known: keys that may answer; empty
    before it is known who signs in.
    """
    return {
        "challenge": to_base64url(challenge),
        "rpId": host_of(origin),
        "timeout": 60_000,
        "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": name} for name in known],
    }


def enrol(answer: Any, *, challenge: bytes, origin: str) -> tuple[Passkey, int]:
    """The passkey in a browser's answer to `creation_options`, and its counter.

    Raises: `Refused` with one of `CODES`.
    """
    credential = {**_limited(answer), "type": "public-key"}
    try:
        client = _client_of(credential)
        _require_place(client, challenge=challenge, origin=origin)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host_of(origin),
            expected_origin=origin,
            require_user_verification=False,
        )
        _require_usual(verified.credential_public_key)
    except (WebAuthnException, *_UNREADABLE) as error:
        code = "passkey_relying_party" if "RP ID" in str(error) else "passkey_malformed"
        raise Refused(code, "the answer makes no passkey") from error
    if not verified.user_verified:
        raise Refused("passkey_user_unverified", "the authenticator did not verify the person")
    if verified.fmt != AttestationFormat.NONE or len(verified.credential_id) > ID_BYTES:
        raise Refused("passkey_malformed", "an attestation was given, and none was asked for")
    key = Passkey(
        to_base64url(verified.credential_id), to_base64url(verified.credential_public_key), origin
    )
    return key, verified.sign_count


def assertion_of(answer: Any) -> dict[str, str]:
    """The parts of a browser's answer to `request_options` that an entry keeps.

    Raises: `Refused` (passkey_malformed).
    """
    credential = _limited(answer)
    response = credential["response"]
    parts = {
        "id": credential["id"],
        "client_data": response.get("clientDataJSON"),
        "authenticator_data": response.get("authenticatorData"),
        "signature": response.get("signature"),
    }
    if not all(isinstance(part, str) and part.isascii() for part in parts.values()):
        raise Refused("passkey_malformed", "a part of the assertion is missing")
    return {name: str(part).rstrip("=") for name, part in parts.items()}


def verify(
    assertion: Mapping[str, Any], key: Passkey, *, challenge: bytes, counter: int = 0
) -> int:
    """The counter in an assertion that this key signed over the challenge, at its own origin, after
    the authenticator had verified the person.

    counter: the highest before. A key that counts must count on; one that is always 0 is synced.

    Raises: `Refused` with one of `CODES`.
    """
    try:
        parts = {name: str(assertion[name]) for name in _PARTS}
        credential = {
            "id": parts["id"],
            "rawId": parts["id"],
            "type": "public-key",
            "response": {
                "clientDataJSON": parts["client_data"],
                "authenticatorData": parts["authenticator_data"],
                "signature": parts["signature"],
            },
        }
        _require_place(_client_of(credential), challenge=challenge, origin=key.origin)
        given = parse_authenticator_data(from_base64url(parts["authenticator_data"]))
        relying_party = key.relying_party
        if given.rp_id_hash != sha256(relying_party.encode()).digest():
            raise Refused("passkey_relying_party", "it was made for another relying party")
        if not given.flags.uv:
            raise Refused("passkey_user_unverified", "the authenticator did not verify the person")
        if max(given.sign_count, counter) > 0 and given.sign_count <= counter:
            raise Refused("passkey_counter", "the counter of the authenticator turned back")
        if parts["id"] != key.id:
            raise Refused("passkey_unknown", "another key made it")
        _require_usual(from_base64url(key.public_key))
    except (WebAuthnException, *_UNREADABLE) as error:
        raise Refused("passkey_malformed", "the assertion cannot be read") from error
    try:
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party,
            expected_origin=key.origin,
            credential_public_key=from_base64url(key.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, *_UNREADABLE) as error:
        raise Refused("passkey_signature", "the signature does not hold") from error
    return given.sign_count


_PARTS: Final = ("id", "client_data", "authenticator_data", "signature")
_UNREADABLE: Final = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(RecursionError, AssertionError),
)
"""What the library raises for bytes that it cannot read, beside its own errors."""


def _require_usual(public_key: bytes) -> None:
    """Raises: `Refused` (passkey_malformed) unless this is a COSE key of ES256, EdDSA or RS256, and
    no more. Source: WebAuthn Level 2, §5.8.5 and §6.5.1.

    Raises: what the library raises, for a point off its curve.
    """
    key, is_usual = parse_cbor(public_key), False
    match key:
        case {1: 2, 3: -7, -1: 1, -2: bytes(x), -3: bytes(y)}:
            is_usual = len(key) == 5 and len(x) == len(y) == 32
        case {1: 1, 3: -8, -1: 6, -2: bytes(x)}:
            is_usual = len(key) == 4 and len(x) == 32
        case {1: 3, 3: -257, -1: bytes(n), -2: b"\1\0\1"}:
            is_long = _RSA_BYTES[0] <= len(n) <= _RSA_BYTES[1] and n[0] > 0
            is_usual = len(key) == 4 and is_long and n[-1] % 2 == 1
    # Python takes True and 1.0 for 1.
    kinds = {type(part) for pair in key.items() for part in pair} if is_usual else set()
    if kinds != {int, bytes} or encode_cbor(key) != public_key:
        raise Refused("passkey_malformed", "its key is of no usual algorithm")
    decoded_public_key_to_cryptography(decode_credential_public_key(public_key))


def _limited(answer: Any) -> dict[str, Any]:
    """A browser's answer whose texts are together within the limit.

    Raises: `Refused` (passkey_malformed).
    """
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict) or not isinstance(answer.get("id"), str):
        raise Refused("passkey_malformed", "the answer is no credential")
    texts = [answer["id"], *(part for part in response.values() if isinstance(part, str))]
    if sum(map(len, texts)) > ANSWER_BYTES:
        raise Refused("passkey_malformed", f"an answer has at most {ANSWER_BYTES} bytes")
    return {
        "id": answer["id"],
        "rawId": answer["id"],
        "response": {
            name: response[name]
            for name in ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
            if name in response
        },
    }


def _client_of(credential: Mapping[str, Any]) -> Any:
    return parse_client_data_json(from_base64url(credential["response"]["clientDataJSON"]))


def _require_place(client: Any, *, challenge: bytes, origin: str) -> None:
    """Raises: `Refused` unless the page of this origin asked for this challenge."""
    if client.challenge != challenge:
        raise Refused("passkey_challenge", "it answers another challenge")
    if client.origin != origin or client.cross_origin:
        raise Refused("passkey_origin", "a page of another origin asked for it")
