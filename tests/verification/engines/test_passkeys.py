"""What a browser's answer must hold before a passkey or an act counts."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest
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


def test_the_challenge_of_an_act_is_bound_to_its_bytes() -> None:
    act = secrets.token_bytes(40)
    assert passkeys.challenge_of(act) == passkeys.challenge_of(act)
    assert passkeys.challenge_of(act) != passkeys.challenge_of(act + b"\0")
