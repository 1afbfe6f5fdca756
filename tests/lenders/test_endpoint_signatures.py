"""Webhook signatures against an independent verifier, and against the sentences of the
specification.
"""

import time
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import endpoints, policy

BODY = '{"type":"verification.verified","data":{"client_reference":"Ә-1"}}'.encode()
OLD, NEW = endpoints.new_secret(), endpoints.new_secret()
SEED, PUBLIC_KEY = endpoints.new_signing_key()


def signed(*, at: int | None = None, secrets: tuple[bytes, ...] = (NEW,)) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    return endpoints.sign(
        message_id="evt_1", timestamp=timestamp, body=BODY, shared_secrets=secrets, seed=SEED
    )


def test_the_reference_library_accepts_our_v1() -> None:
    assert (
        Webhook(endpoints.spell_secret(NEW)).verify(BODY, signed())["type"]
        == "verification.verified"
    )


@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_during_a_rotation_either_secret_verifies(secret: bytes) -> None:
    Webhook(endpoints.spell_secret(secret)).verify(BODY, signed(secrets=(NEW, OLD)))


def test_after_a_rotation_the_old_secret_does_not() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints.spell_secret(OLD)).verify(BODY, signed(secrets=(NEW,)))


def test_the_reference_library_refuses_another_body() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints.spell_secret(NEW)).verify(BODY + b" ", signed())


def test_the_reference_library_refuses_an_old_message() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints.spell_secret(NEW)).verify(BODY, signed(at=int(time.time()) - 301))


def _v1a(headers: dict[str, str]) -> bytes:
    return next(
        b64decode(part[4:])
        for part in headers["webhook-signature"].split(" ")
        if part.startswith("v1a,")
    )


def test_the_v1a_signature_verifies_with_the_public_key_shown() -> None:
    public = Ed25519PublicKey.from_public_bytes(b64decode(PUBLIC_KEY.removeprefix("whpk_")))
    headers = signed(at=1_800_000_000)
    public.verify(_v1a(headers), b"evt_1.1800000000." + BODY)
    with pytest.raises(InvalidSignature):
        public.verify(_v1a(headers), b"evt_1.1800000001." + BODY)


def test_a_secret_is_spelled_as_the_specification_says() -> None:
    assert len(NEW) == policy.SECRET_BYTES
    assert endpoints.spell_secret(NEW).startswith("whsec_")
    assert b64decode(endpoints.spell_secret(NEW).removeprefix("whsec_"), validate=True) == NEW
