"""Where a webhook may never go, and signatures against an independent verifier."""

import asyncio
import time
from base64 import b64decode
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import endpoints, policy, sender
from lenders.deliveries import Outcome
from tests.verification.outbound.insecure_names import PRIVATE, answering, refuse_connects
from verification.core.errors import BadInput
from verification.outbound.addresses import LookUp

# Spellings that some readers take for an address, and addresses that are something else than they
# seem.
REFUSED_URLS = [
    "https://xn--i-7iq.ws/hook",  # RFC 5891 has no such name
    "http://lender.example/",
    "ftp://lender.example/",
    "file:///etc/passwd",
    "https://",
    "https:///path",
    "https://localhost/",
    "https://metadata/",
    "https://2130706433/",  # 127.0.0.1 as one number
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.000.000.001/",
    "https://1.1.1.1.1/",
    "https://lender.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://lender.example@127.0.0.1/",
    "https://user:secret@lender.example/",
    "https://lender.example#@127.0.0.1/",
    "https://127.0.0.1\\@lender.example/",
    "https://lender.example /",
    "https://lender.example/\r\nX-Injected: 1",
    "https://lender.example/%0d\n",
    "https://lender.example\t/",
    "https://１２７.０.０.１/",  # full-width digits
    "https://ⓛocalhost.example/",
    "https://lender.example:0/",
    "https://lender.example:22/",
    "https://lender.example:99999/",
    "https://lender.example:x/",
    "https://-lender.example/",
    "https://lender..example/",
    "https://.example/",
    "https://lender.example./",
    "https://lender_x.example/",
    "https://" + "a" * 64 + ".example/",
    "https://lender.example/990101100010",
    "https://lender.example/" + "a" * 2048,
    "",
]
ACCEPTED_URLS = [
    "https://lender.example/",
    "https://lender.example",
    "https://LENDER.example:8443/a/b?c=d%20e",
    "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]/hook",
    "https://xn--80ak6aa92e.kz/",
]


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return refuse_connects(monkeypatch)


def send(url: str, look_up: LookUp, *, mode: str = "test") -> Outcome:
    return asyncio.run(sender.post(url, mode=mode, headers={}, body=b"{}", look_up=look_up))


@pytest.mark.parametrize("literal", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    literal: str, connects: list[Any]
) -> None:
    for literals in ([literal], ["8.8.8.8", literal]):
        refused = send("https://lender.example/", answering(*literals))
        assert refused.failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_misleading_address_is_not_even_looked_up(url: str, connects: list[Any]) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise AssertionError("it was looked up")

    with pytest.raises(BadInput) as refused:
        endpoints.read_address(url, mode="live")
    assert refused.value.code == "webhook_url_refused"
    assert send(url, look_up).failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_a_plain_public_address_is_read(url: str) -> None:
    assert endpoints.read_address(url, mode="live").url.startswith("https://")


def test_an_address_is_kept_as_it_will_be_sent() -> None:
    assert (
        endpoints.read_address("https://lender.example:443/a/../b/./c?x=1", mode="live").url
        == "https://lender.example/b/c?x=1"
    )


def test_a_listed_host_is_open_in_test_mode_only(settings: Settings, connects: list[Any]) -> None:
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9100"]
    assert send("http://127.0.0.1:9100/hook", answering("127.0.0.1")).failure == "connection_failed"
    assert connects == [("127.0.0.1", 9100)]
    assert (
        send("http://127.0.0.1:9100/hook", answering("127.0.0.1"), mode="live").failure
        == "webhook_url_refused"
    )
    assert (
        send("http://127.0.0.1:9101/hook", answering("127.0.0.1")).failure == "webhook_url_refused"
    )
    assert len(connects) == 1


# Webhook signatures against an independent verifier, and against the sentences of the
# specification.
BODY = '{"type":"verification.verified","data":{"client_reference":"Ә-1"}}'.encode()
OLD, NEW = endpoints.new_secret(), endpoints.new_secret()
SEED, PUBLIC_KEY = endpoints.new_signing_key()


def signed(*, at: int | None = None, secrets: tuple[bytes, ...] = (NEW,)) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    return endpoints.sign(
        message_id="evt_1", timestamp=timestamp, body=BODY, shared_secrets=secrets, seed=SEED
    )


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


def test_the_reference_library_refuses_another_body_or_an_old_message() -> None:
    webhook, old = Webhook(endpoints.spell_secret(NEW)), int(time.time()) - 301
    for body, headers in ((BODY + b" ", signed()), (BODY, signed(at=old))):
        with pytest.raises(WebhookVerificationError):
            webhook.verify(body, headers)
