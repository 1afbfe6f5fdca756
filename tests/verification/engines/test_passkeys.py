"""What a browser's answer must hold before a passkey or an act counts."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import pytest
from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from insecure_sandbox.authenticator import EDDSA, ES256, RS256, Authenticator
from verification.core.errors import Refused
from verification.engines import passkeys
from verification.engines.passkeys import Passkey

ORIGIN, ELSEWHERE = "https://tulga.kz", "https://tulga.example"
CHALLENGE, OTHER = b"c" * 32, b"o" * 32
Change = Callable[[dict[str, Any]], None]


def enrolled(device: Authenticator, *, origin: str = ORIGIN) -> tuple[Passkey, int]:
    options = creation(origin)
    answer = device.create(options, origin=origin)
    return passkeys.enrol(answer, challenge=CHALLENGE, origin=origin)


def creation(origin: str = ORIGIN) -> dict[str, Any]:
    return passkeys.creation_options(
        origin=origin, person="usr_1", shown_as="a@b.kz", challenge=CHALLENGE, known=()
    )


def answered(
    device: Authenticator, key: Passkey, *, challenge: bytes = CHALLENGE, origin: str = ORIGIN
) -> dict[str, Any]:
    options = passkeys.request_options(origin=key.origin, challenge=challenge, known=(key.id,))
    return device.get(options, origin=origin)


def code_of(work: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        work()
    return refused.value.code


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_key_that_was_enrolled_signs_with_every_usual_algorithm(algorithm: int) -> None:
    device = Authenticator(algorithm=algorithm)
    key, counter = enrolled(device)
    assertion = passkeys.assertion_of(answered(device, key))
    assert passkeys.verify(assertion, key, challenge=CHALLENGE, counter=counter) == counter + 1


def test_the_options_ask_for_a_resident_key_a_verified_person_and_no_attestation() -> None:
    options = creation()
    assert options["attestation"] == "none"
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
    asked = passkeys.request_options(origin="http://localhost:8000", challenge=CHALLENGE)
    assert (asked["rpId"], asked["userVerification"]) == ("localhost", "required")


def test_a_synced_key_never_counts_and_is_taken_again_and_again() -> None:
    device = Authenticator(counts=False)
    key, counter = enrolled(device)
    for _ in range(3):
        assertion = passkeys.assertion_of(answered(device, key))
        counter = passkeys.verify(assertion, key, challenge=CHALLENGE, counter=counter)
    assert counter == 0


def test_each_defect_of_an_assertion_has_its_code() -> None:
    device = Authenticator()
    key, counter = enrolled(device)

    def code(
        answer: dict[str, Any], *, of: Passkey = key, counter: int = counter, **parts: str
    ) -> str:
        assertion = passkeys.assertion_of(answer) | parts
        return code_of(lambda: passkeys.verify(assertion, of, challenge=CHALLENGE, counter=counter))

    good = answered(device, key)
    unverified = Authenticator(verifies=False, passkeys=device.passkeys)
    foreign = Authenticator()
    other, _ = enrolled(foreign)
    elsewhere = Passkey(key.id, key.public_key, ELSEWHERE)
    forged = answered(device, key)
    assert code(answered(device, key, challenge=OTHER)) == "passkey_challenge"
    assert code(answered(device, key, origin=ELSEWHERE)) == "passkey_origin"
    assert code(answered(device, key, origin=ELSEWHERE), of=elsewhere) == "passkey_relying_party"
    assert code(answered(unverified, key)) == "passkey_user_unverified"
    assert code(good, counter=10) == "passkey_counter"
    assert code(answered(foreign, other)) == "passkey_unknown"
    assert code(forged, signature=good["response"]["signature"]) == "passkey_signature"
    assert code(good, of=Passkey(key.id, other.public_key, ORIGIN)) == "passkey_signature"
    assert code(good, client_data="e30") == "passkey_malformed"
    assert code(good, authenticator_data="AA") == "passkey_malformed"
    assert code(good, authenticator_data="ж") == "passkey_malformed"


def test_a_counter_that_stands_still_is_a_copy() -> None:
    device = Authenticator()
    key, counter = enrolled(device)
    assertion = passkeys.assertion_of(answered(device, key))
    highest = passkeys.verify(assertion, key, challenge=CHALLENGE, counter=counter)
    code = code_of(lambda: passkeys.verify(assertion, key, challenge=CHALLENGE, counter=highest))
    assert code == "passkey_counter"


@pytest.mark.parametrize(
    ("origin", "challenge", "verifies", "code"),
    [
        (ELSEWHERE, CHALLENGE, True, "passkey_origin"),
        (ORIGIN, OTHER, True, "passkey_challenge"),
        (ORIGIN, CHALLENGE, False, "passkey_user_unverified"),
    ],
)
def test_each_defect_of_an_enrolment_has_its_code(
    origin: str, challenge: bytes, verifies: bool, code: str
) -> None:
    answer = Authenticator(verifies=verifies).create(creation(), origin=origin)
    assert code_of(lambda: passkeys.enrol(answer, challenge=challenge, origin=ORIGIN)) == code


def test_an_enrolment_for_another_relying_party_is_refused() -> None:
    answer = Authenticator().create(creation(ELSEWHERE), origin=ORIGIN)
    code = code_of(lambda: passkeys.enrol(answer, challenge=CHALLENGE, origin=ORIGIN))
    assert code == "passkey_relying_party"


@pytest.mark.parametrize(
    "answer",
    [
        *(None, 1, "text", [], {}, {"id": "a"}, {"id": 1, "response": {}}),
        *({"id": "a", "response": []}, {"id": "a", "response": {}}),
        {"id": "a" * 17_000, "response": {}},
    ],
)
def test_what_is_no_credential_is_malformed(answer: Any) -> None:
    assert code_of(lambda: passkeys.assertion_of(answer)) == "passkey_malformed"
    code = code_of(lambda: passkeys.enrol(answer, challenge=CHALLENGE, origin=ORIGIN))
    assert code == "passkey_malformed"


def test_an_answer_over_the_limit_is_refused_before_it_is_read() -> None:
    device = Authenticator()
    key, _ = enrolled(device)
    answer = answered(device, key)
    answer["response"]["signature"] += "A" * passkeys.ANSWER_BYTES
    assert code_of(lambda: passkeys.assertion_of(answer)) == "passkey_malformed"


# Anything else that comes from a browser: a key, or `Refused`.

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=10,
)
_PARTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
_credentials = st.fixed_dictionaries(
    {"id": st.text(max_size=40) | _json},
    optional={"response": st.fixed_dictionaries({}, optional=dict.fromkeys(_PARTS, _json))},
)
_device = Authenticator()
_key, _ = enrolled(_device)
_made = Authenticator().create(creation(), origin=ORIGIN)
_signed = answered(_device, _key)


def ends_in_refusal_or_nothing(answer: Any) -> None:
    for work in (
        lambda: passkeys.enrol(answer, challenge=CHALLENGE, origin=ORIGIN),
        lambda: passkeys.verify(passkeys.assertion_of(answer), _key, challenge=CHALLENGE),
    ):
        assert _refusal_of(work) in ("", *passkeys.CODES)


def _refusal_of(work: Callable[[], Any]) -> str:
    try:
        work()
    except Refused as refused:
        return refused.code
    return ""


@settings(max_examples=300)
@given(answer=_json | _credentials)
def test_no_json_breaks_the_reader(answer: Any) -> None:
    ends_in_refusal_or_nothing(answer)


@settings(max_examples=400)
@given(
    genuine=st.sampled_from([_made, _signed]),
    part=st.sampled_from(_PARTS),
    place=st.integers(0, 400),
    cut=st.integers(0, 40),
    added=st.binary(max_size=24),
)
def test_no_bytes_break_the_reader(
    genuine: Mapping[str, Any], part: str, place: int, cut: int, added: bytes
) -> None:
    answer = json.loads(json.dumps(genuine))
    if part not in answer["response"]:
        return
    text = answer["response"][part]
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    place %= len(content) + 1
    changed = content[:place] + added + content[place + cut :]
    answer["response"][part] = urlsafe_b64encode(changed).rstrip(b"=").decode()
    ends_in_refusal_or_nothing(answer)


# Keys in COSE that no authenticator makes.

_POINT = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
X, Y = (number.to_bytes(32, "big") for number in (_POINT.x, _POINT.y))
N = rsa.generate_private_key(65_537, 2_048).public_key().public_numbers().n.to_bytes(256, "big")
F4 = b"\1\0\1"
EC: dict[Any, Any] = {1: 2, 3: ES256, -1: 1, -2: X, -3: Y}
OKP: dict[Any, Any] = {1: 1, 3: EDDSA, -1: 6, -2: X}
RSA: dict[Any, Any] = {1: 3, 3: RS256, -1: N, -2: F4}
_WIDE = ec.generate_private_key(ec.SECP521R1()).public_key().public_numbers()
ODD = {
    "another curve": EC | {-1: 2},
    "another curve, with its point": EC
    | {-1: 3, -2: _WIDE.x.to_bytes(66, "big"), -3: _WIDE.y.to_bytes(66, "big")},
    "no curve": {name: value for name, value in EC.items() if name != -1},
    "a curve of the other kind": EC | {-1: 6},
    "a point off the curve": EC | {-3: X},
    "no point": EC | {-2: bytes(32), -3: bytes(32)},
    "a point too long": EC | {-2: bytes(1) + X},
    "a point too short": EC | {-2: X[:31]},
    "a point of text": EC | {-2: "x" * 32},
    "a compressed point": EC | {-3: True},
    "a point beyond the field": EC | {-2: b"\xff" * 32},
    "another digest": EC | {3: -36},
    "no algorithm": {name: value for name, value in EC.items() if name != 3},
    "the algorithm of another kind": EC | {3: RS256},
    "an unknown algorithm": EC | {3: -7_777},
    "an algorithm of text": EC | {3: "ES256"},
    "a kind of another algorithm": EC | {1: 3},
    "an unknown kind": EC | {1: 99},
    "true instead of one": {True: 2, 3: ES256, -1: 1, -2: X, -3: Y},
    "one with a fraction": EC | {-1: 1.0},
    "one more name": EC | {4: [1, 2]},
    "one more name of text": EC | {"alg": -7},
    "much more": EC | {-70_000: bytes(9_000)},
    "many more": EC | {number: number for number in range(100, 1_100)},
    "an id of its own": EC | {2: b"id"},
    "Ed448": OKP | {-1: 7, -2: bytes(57)},
    "X25519": OKP | {-1: 4},
    "an Edwards point too long": OKP | {-2: X + bytes(1)},
    "an Edwards point of two": OKP | {-3: Y},
    "SHA-1": RSA | {3: -65_535},
    "PSS": RSA | {3: -37},
    "SHA-512": RSA | {3: -259},
    "the exponent one": RSA | {-2: b"\1"},
    "the exponent three": RSA | {-2: b"\3"},
    "an even exponent": RSA | {-2: b"\2"},
    "an exponent of zero": RSA | {-2: b"\0"},
    "no exponent": RSA | {-2: b""},
    "a huge exponent": RSA | {-2: b"\xff" * 4_000},
    "an exponent as long as the modulus": RSA | {-2: N},
    "a number as exponent": RSA | {-2: 65_537},
    "a padded exponent": RSA | {-2: b"\0" + F4},
    "a huge modulus": RSA | {-1: b"\xff" * 8_000},
    "a modulus over 4096 bits": RSA | {-1: b"\xff" * 513},
    "a short modulus": RSA | {-1: N[:128]},
    "a padded short modulus": RSA | {-1: bytes(128) + N[:128]},
    "no modulus": RSA | {-1: b""},
    "an even modulus": RSA | {-1: N[:-1] + b"\0"},
    "a number as modulus": RSA | {-1: int.from_bytes(N, "big")},
    "a lattice key": {1: 7, 3: -48, -1: bytes(1_312)},
    "a list": [1, 2, 3],
    "a number": 4,
    "a text": "key",
    "nothing": None,
    "an empty map": {},
    "a deep list": {1: 2, 3: [[[[[[[[1]]]]]]]]},
}


def enrolment_of(cose: bytes) -> dict[str, Any]:
    """The answer of an authenticator with this public key, in which all else is in order."""
    data = sha256(b"tulga.kz").digest() + b"\x45" + bytes(4) + bytes(16) + b"\0\4" + b"name" + cose
    client = {"type": "webauthn.create", "challenge": spelled(CHALLENGE), "origin": ORIGIN}
    response = {
        "clientDataJSON": spelled(json.dumps(client).encode()),
        "attestationObject": spelled(dumps({"fmt": "none", "attStmt": {}, "authData": data})),
    }
    return {"id": spelled(b"name"), "response": response}


def spelled(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def enrol_code(cose: bytes) -> str:
    answer = enrolment_of(cose)
    return _refusal_of(lambda: passkeys.enrol(answer, challenge=CHALLENGE, origin=ORIGIN))


def use_code(cose: bytes) -> str:
    """What becomes of a signature, if this key stands on record."""
    key = Passkey(_key.id, spelled(cose), ORIGIN)
    assertion = passkeys.assertion_of(_signed)
    return _refusal_of(lambda: passkeys.verify(assertion, key, challenge=CHALLENGE))


@pytest.mark.parametrize("key", [EC, OKP, RSA])
def test_the_usual_keys_are_enrolled(key: dict[int, Any]) -> None:
    for order in (key, dict(reversed(key.items()))):
        assert (enrol_code(dumps(order)), use_code(dumps(order))) == ("", "passkey_signature")


@pytest.mark.parametrize("key", ODD.values(), ids=ODD.keys())
def test_an_odd_key_is_not_enrolled_and_signs_nothing(key: Any) -> None:
    assert enrol_code(dumps(key)) == "passkey_malformed"
    assert use_code(dumps(key)) == "passkey_malformed"


@pytest.mark.parametrize(
    "cose",
    [
        b"\xa6" + dumps(EC)[1:] + dumps(-3) + dumps(X),
        b"\xa6" + dumps(EC)[1:] + dumps(1) + dumps(3),
        b"\xbf" + dumps(EC)[1:],
        dumps(EC)[:-1],
        dumps(EC) + b"\0",
        b"\x04" + X + Y,
        b"\x04",
        b"",
    ],
    ids=["twice", "two kinds", "no end", "cut", "longer", "U2F", "U2F, cut", "empty"],
)
def test_bytes_that_are_no_single_map_are_not_enrolled(cose: bytes) -> None:
    assert enrol_code(cose) == "passkey_malformed"
    assert use_code(cose) == "passkey_malformed"


_numbers = st.integers(-70_000, 70_000) | st.integers(-10, 10)
_values = _numbers | st.binary(max_size=600) | st.sampled_from([X, Y, N, F4]) | st.text(max_size=9)
_keys = st.one_of(
    st.dictionaries(_numbers | st.text(max_size=4) | st.booleans(), _values, max_size=8),
    st.tuples(
        st.sampled_from([EC, OKP, RSA]),
        st.dictionaries(st.sampled_from([1, 3, -1, -2, -3, -4]), _values, max_size=3),
    ).map(lambda parts: parts[0] | parts[1]),
)


@settings(max_examples=400)
@given(key=_keys)
def test_no_key_breaks_the_reader(key: dict[Any, Any]) -> None:
    cose = dumps(key)
    assert enrol_code(cose) in ("", *passkeys.CODES)
    assert use_code(cose) in passkeys.CODES


@settings(max_examples=400)
@given(
    genuine=st.sampled_from([EC, OKP, RSA]).map(dumps),
    place=st.integers(0, 300),
    cut=st.integers(0, 9),
    added=st.binary(max_size=9),
)
def test_no_changed_bytes_of_a_key_break_the_reader(
    genuine: bytes, place: int, cut: int, added: bytes
) -> None:
    place %= len(genuine)
    cose = genuine[:place] + added + genuine[place + cut :]
    assert enrol_code(cose) in ("", *passkeys.CODES)
    assert use_code(cose) in passkeys.CODES


def test_the_challenge_of_an_act_is_bound_to_its_bytes() -> None:
    act = secrets.token_bytes(40)
    assert passkeys.challenge_of(act) == passkeys.challenge_of(act)
    assert passkeys.challenge_of(act) != passkeys.challenge_of(act + b"\0")
