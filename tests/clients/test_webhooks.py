"""The client believes a webhook of Tulga's, by secret or key, once and in its time, and no other."""

import json
from datetime import datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from lenders import signing
from tests.clients.seen import Seen
from tulga.errors import BadAnswer, Refused, Reused
from tulga.webhooks import TOLERANCE_SECONDS, Verifier

NOW = 1_764_300_000
SECRET, OTHER = b"s" * 32, b"o" * 32
SEED, PUBLIC = signing.new_signing_key()
BODY = json.dumps(
    {
        "v": 1,
        "type": "verification.brand_new",
        "timestamp": "2026-11-28T10:00:00.000Z",
        "lender_sequence": 7,
        "data": {"id": "ver_a", "client_reference": None, "status": "verified", "sequence": 3, "mode": "test"},
        "checkpoint": None,
        "a new field": {},
    }
).encode()


def headers(
    *secrets: bytes, body: bytes = BODY, at: int = NOW, seed: bytes = SEED, message_id: str = "evt_a"
) -> dict[str, str]:
    return signing.headers(message_id=message_id, timestamp=at, body=body, shared_secrets=secrets, seed=seed)


def spelled(*secrets: bytes) -> tuple[str, ...]:
    return tuple(signing.spell_secret(secret) for secret in secrets)


BOTH = Verifier(secrets=spelled(SECRET), public_key=PUBLIC)


@pytest.mark.parametrize(
    "verifier",
    [BOTH, Verifier(secrets=spelled(SECRET)), Verifier(public_key=PUBLIC), Verifier(secrets=spelled(OTHER, SECRET))],
    ids=["both", "secret", "key", "two secrets"],
)
def test_a_message_of_tulgas_is_told(verifier):
    told = verifier.verify(headers(SECRET), BODY, now=NOW)
    assert (told.type, told.lender_sequence, told.data.id, told.data.status) == (
        "verification.brand_new",
        7,
        "ver_a",
        "verified",
    )


def test_while_a_secret_is_rotated_either_fits():
    both = headers(OTHER, SECRET)
    for secret in (SECRET, OTHER):
        assert Verifier(secrets=spelled(secret)).verify(both, BODY, now=NOW).data.id == "ver_a"


def test_headers_come_in_any_case():
    shouted = {name.upper(): value for name, value in headers(SECRET).items()}
    assert BOTH.verify(shouted, BODY, now=NOW).data.id == "ver_a"


def test_it_agrees_with_the_library_of_the_standard():
    theirs = standardwebhooks.Webhook(signing.spell_secret(SECRET))
    at = datetime.fromtimestamp(NOW)  # it signs wrongly for times with a zone
    signed = {
        "webhook-id": "evt_a",
        "webhook-timestamp": str(NOW),
        "webhook-signature": theirs.sign("evt_a", at, BODY.decode()),
    }
    assert Verifier(secrets=spelled(SECRET)).verify(signed, BODY, now=NOW).data.id == "ver_a"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (headers(OTHER), "no v1 signature"),
        (headers(), "no v1 signature"),
        (headers(SECRET, seed=b"x" * 32), "no v1a signature"),
        (headers(SECRET, body=BODY + b" "), "no v1 signature"),
        (headers(SECRET) | {"webhook-id": "evt_b"}, "no v1 signature"),
        (headers(SECRET) | {"webhook-timestamp": str(NOW + 1)}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": ""}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": "v1"}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": "v1, v1a, v1,é"}, "no v1 signature"),
        ({}, "without id or time"),
        (headers(SECRET) | {"webhook-id": ""}, "without id or time"),
        (headers(SECRET) | {"webhook-timestamp": ""}, "without id or time"),
        (headers(SECRET) | {"webhook-timestamp": "-1"}, "without id or time"),
        (headers(SECRET) | {"webhook-timestamp": "٣"}, "without id or time"),
        (headers(SECRET) | {"webhook-timestamp": "9" * 5000}, "without id or time"),
        (headers(SECRET, at=NOW - TOLERANCE_SECONDS - 1), "too old"),
        (headers(SECRET, at=NOW + TOLERANCE_SECONDS + 1), "too old"),
    ],
)
def test_a_wrong_or_an_old_signature_is_refused(given, says):
    is_new = Seen()
    with pytest.raises(Refused, match=says):
        BOTH.verify(given, BODY, now=NOW, is_new=is_new)
    assert not is_new  # so that nobody uses up an id


@pytest.mark.parametrize("at", [NOW - TOLERANCE_SECONDS, NOW + TOLERANCE_SECONDS])
def test_within_the_tolerance_it_is_taken(at):
    assert BOTH.verify(headers(SECRET, at=at), BODY, now=NOW).data.id == "ver_a"


def test_one_that_came_before_is_refused():
    is_new = Seen()
    BOTH.verify(headers(SECRET), BODY, now=NOW, is_new=is_new)
    with pytest.raises(Reused):
        BOTH.verify(headers(SECRET, at=NOW + 60), BODY, now=NOW + 60, is_new=is_new)
    BOTH.verify(headers(SECRET, message_id="evt_b"), BODY, now=NOW, is_new=is_new)
    assert is_new == {"evt_a", "evt_b"}


def test_without_anything_to_verify_by_nothing_is_believed():
    with pytest.raises(Refused, match="neither"):
        Verifier().verify(headers(), BODY, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_*"])
def test_a_secret_that_is_none_is_said_to_be_none(secret):
    with pytest.raises(ValueError):
        Verifier(secrets=(secret,)).verify(headers(b"x"), BODY, now=NOW)


def test_printing_it_shows_no_secret():
    assert signing.spell_secret(SECRET) not in repr(BOTH)


def test_what_is_signed_and_no_message_is_said_to_be_none():
    with pytest.raises(BadAnswer):
        BOTH.verify(headers(SECRET, body=b"[]"), b"[]", now=NOW)


@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_body_may_change(place, bit):
    changed = bytearray(BODY)
    changed[place] ^= 1 << bit
    with pytest.raises(Refused):
        BOTH.verify(headers(SECRET), bytes(changed), now=NOW)
