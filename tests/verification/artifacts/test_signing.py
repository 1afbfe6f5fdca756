"""Documents are signed by a key of their own, whose public half is found by its hash."""

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.verification.log import root
from verification.artifacts import signing
from verification.core.errors import Misconfigured

PAYLOAD = b'{"a":"1"}'
# RFC 8037, appendix A: a private key, its public half and the thumbprint of that.
RFC_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def octets(spelled):
    return urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4))


def header(signed):
    return json.loads(octets(json.loads(signed)["protected"]))


def verify(signed, key):
    jws = json.loads(signed)
    public = Ed25519PublicKey.from_public_bytes(octets(key["x"]))
    public.verify(octets(jws["signature"]), f"{jws['protected']}.{jws['payload']}".encode())
    return octets(jws["payload"])


def published():
    return {key["kid"]: key for key in signing.public_keys()}


def test_a_key_is_named_by_its_thumbprint_as_rfc_8037_says(settings):
    settings.TULGA_CERTIFIED = (root.certified("document", 1, octets(RFC_SEED)),)
    (key,) = signing.public_keys()
    assert (key["x"], key["kid"]) == (RFC_PUBLIC, RFC_THUMBPRINT)
    assert (key["kty"], key["crv"], key["alg"], key["use"], key["mode"]) == (
        "OKP",
        "Ed25519",
        "EdDSA",
        "sig",
        "test",
    )


def test_what_is_signed_verifies_under_the_published_key_and_under_no_other():
    signed = signing.sign(PAYLOAD, mode="test")
    key = published()[header(signed)["kid"]]
    assert (key["mode"], verify(signed, key)) == ("test", PAYLOAD)
    (other,) = (one for one in published().values() if one["mode"] == "live")
    with pytest.raises(InvalidSignature):
        verify(signed, other)


def test_no_private_half_is_published(settings):
    assert {name for key in signing.public_keys() for name in key} == {
        *("alg", "certificate", "crv", "kid", "kty", "mode", "number", "use", "x"),
    }
    assert {name for key in signing.log_keys() for name in key} == {
        "certificate",
        "mode",
        "number",
        "x",
    }


def test_the_highest_number_signs_and_the_keys_before_it_stay_published(settings):
    before = signing.sign(PAYLOAD, mode="test")
    second = bytes(31) + b"2"
    settings.TULGA_DOCUMENT_KEYS = {"test": {**settings.TULGA_DOCUMENT_KEYS["test"], 2: second}}
    settings.TULGA_CERTIFIED = (*settings.TULGA_CERTIFIED, root.certified("document", 2, second))
    after = signing.sign(PAYLOAD, mode="test")
    assert header(before)["kid"] != header(after)["kid"]
    assert [verify(signed, published()[header(signed)["kid"]]) for signed in (before, after)] == [
        PAYLOAD,
        PAYLOAD,
    ]
    of_test = [key["kid"] for key in signing.public_keys() if key["mode"] == "test"]
    assert of_test == [header(after)["kid"], header(before)["kid"]]


def test_the_key_is_not_the_logs(settings):
    seeds = {seed for keys in settings.TULGA_DOCUMENT_KEYS.values() for seed in keys.values()}
    assert len(seeds) == 2
    assert not seeds & set(settings.TULGA_LOG_KEYS.values())


@pytest.mark.parametrize(
    "keys", [{}, {"live": {1: bytes(32)}}, {"test": {}}, {"test": {1: bytes(31)}}]
)
def test_without_a_key_of_the_mode_nothing_is_signed(settings, keys):
    settings.TULGA_DOCUMENT_KEYS = keys
    with pytest.raises(Misconfigured):
        signing.sign(PAYLOAD, mode="test")
