"""From where a key is used: behind a proxy, past it, and with whatever a caller writes."""

import random
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from lenders import keys, policy
from lenders.models import ApiKey, Lender
from tests import registered
from tests.lenders.samples import Caller
from verification.access import addresses
from verification.core.errors import Misconfigured

PATH = "/v1/verifications"
PROXY, SECOND_PROXY, OUTSIDE = "10.0.0.5", "2001:db8:ffff::7", "198.51.100.66"
LENDER, LENDER_6 = "203.0.113.9", "2001:db8:1::9"
NETWORKS = ["203.0.113.0/24", "2001:db8:1::/48"]
FORWARDED = "X-Forwarded-For"


@pytest.fixture
def _behind_proxies(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TULGA_TRUSTED_PROXIES = (ip_network(f"{PROXY}/32"), ip_network(f"{SECOND_PROXY}/128"))


@pytest.fixture
def limited(lender: Lender) -> str:
    """A key for two networks only."""
    return keys.issue(lender, mode="test", cidrs=NETWORKS).secret


def asked(secret: str, peer: str, forwarded: str | None = None) -> tuple[int, str]:
    """What a caller gets whose connection comes from `peer`."""
    more = {} if forwarded is None else {"x-forwarded-for": forwarded}
    client = Client(headers={"authorization": f"Bearer {secret}", **more}, REMOTE_ADDR=peer)
    answer = client.get(PATH)
    return answer.status_code, answer.json().get("code", "")


def shapes() -> Iterator[str]:
    """What a caller may write to look like the lender."""
    pretended = [
        LENDER,
        LENDER_6,
        f"::ffff:{LENDER}",
        f"{LENDER}:443",
        f"[{LENDER_6}]:443",
        f"[{LENDER_6}]",
        f"{LENDER_6}%eth0",
        f'"{LENDER}"',
        f"for={LENDER}",
        f"\t{LENDER} ",
        "203.0.113.009",
        "0xcb.0.0x71.9",
        "3405803785",
        "203.0.113.9/32",
        "２０３.0.113.9",
        "unknown",
        "_hidden",
        "",
        "\x7f",
        "localhost",
    ]
    yield from pretended
    chance, parts = random.Random(1), [*pretended, PROXY, SECOND_PROXY, "127.0.0.1", OUTSIDE]
    for number in range(500):
        separator = chance.choice((",", ", ", " , ", ",,", ";", " "))
        yield separator.join(chance.choices(parts, k=1 + number % 40))


def latin(text: str) -> str:
    """As a header's bytes reach a server."""
    return text.encode().decode("latin-1")


@pytest.mark.usefixtures("_behind_proxies")
def test_no_forged_header_lets_a_stranger_in(limited: str) -> None:
    through, past = [], []
    for forged in map(latin, shapes()):
        # The proxy appends its peer; two headers reach the application as one, in their order.
        through += [asked(limited, PROXY, f"{forged}, {OUTSIDE}")]
        through += [asked(limited, PROXY, f"{forged}, {OUTSIDE}, {SECOND_PROXY}")]
        past += [asked(limited, OUTSIDE, forged), asked(limited, "", forged)]
    assert len(through) == len(past) == 2 * 520
    assert set(through) == {(403, "address_not_allowed")}
    assert set(past) == {(403, "address_not_allowed"), (403, "address_unknown")}


@pytest.mark.usefixtures("_behind_proxies")
@pytest.mark.parametrize("address", [LENDER, LENDER_6, f"::ffff:{LENDER}"])
@pytest.mark.parametrize("before", ["", "junk, ", f"{OUTSIDE}, ", f"{PROXY},", "unknown,,, "])
@pytest.mark.parametrize("after", ["", f", {SECOND_PROXY}", f",{PROXY} ,\t{SECOND_PROXY}"])
def test_the_lender_gets_in_through_the_proxies(
    limited: str, before: str, address: str, after: str
) -> None:
    assert asked(limited, PROXY, f"{before}{address}{after}") == (200, "")
    assert asked(limited, f"::ffff:{PROXY}", f"{before}{address}{after}") == (200, "")


@pytest.mark.usefixtures("_behind_proxies")
@pytest.mark.parametrize(
    "forwarded",
    [
        *(None, "", " ", ",", f"{LENDER},", f"{LENDER}:443", f"[{LENDER_6}]", "unknown", PROXY),
        *(f"{LENDER}, x", f"{LENDER_6}%1", f"{PROXY},{SECOND_PROXY}"),
    ],
)
def test_what_the_proxy_does_not_tell_is_not_guessed(limited: str, forwarded: str | None) -> None:
    assert asked(limited, PROXY, forwarded) == (403, "address_unknown")


@pytest.mark.usefixtures("_behind_proxies")
def test_the_address_of_a_proxy_lets_no_one_in(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test", cidrs=["10.0.0.0/8"]).secret
    for forwarded in (None, "", PROXY, f"{PROXY}, {PROXY}"):
        assert asked(secret, PROXY, forwarded) == (403, "address_unknown")
    assert asked(secret, PROXY, "10.1.1.1") == (200, "")


def test_behind_a_proxy_that_is_not_named_no_key_of_networks_works(
    limited: str, settings: Settings, lender: Lender
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for peer, forwarded in ((PROXY, LENDER), (LENDER, None), (LENDER, LENDER)):
        assert asked(limited, peer, forwarded) == (403, "address_unknown")
    with pytest.raises(Misconfigured, match="TULGA_TRUSTED_PROXIES"):
        keys.issue(lender, mode="test", cidrs=NETWORKS)
    assert keys.issue(lender, mode="test").key.cidrs == []


def test_without_a_proxy_the_connection_tells_the_address(limited: str) -> None:
    assert asked(limited, LENDER) == (200, "")
    assert asked(limited, f"::ffff:{LENDER}") == (200, "")
    assert asked(limited, OUTSIDE, LENDER) == (403, "address_not_allowed")


def test_in_live_mode_a_key_of_networks_needs_the_proxies_named(
    lender: Lender, limited: str, settings: Settings
) -> None:
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(Misconfigured, match="TULGA_TRUSTED_PROXIES"):
        keys.issue(lender, mode="live", cidrs=NETWORKS)
    registered.everybody("live")
    for key in ApiKey.objects.all():
        key.mode = "live"
        registered.saved(key)
    assert asked(limited, LENDER) == (403, "address_unknown")
    settings.TULGA_TRUSTED_PROXIES = (ip_network(PROXY),)
    assert asked(limited, PROXY, LENDER) == (200, "")


@pytest.mark.usefixtures("_behind_proxies")
def test_unknown_keys_are_counted_by_the_callers_network_and_a_good_key_is_not(
    lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "RATE_SECONDS", 3600)  # so that no window ends within the test
    good = keys.issue(lender, mode="test").secret
    found = [asked(f"tlg_test_{number}", PROXY, f"{number}, {OUTSIDE}") for number in range(120)]
    assert found[: policy.UNKNOWN_KEYS] == [(401, "key_unknown")] * policy.UNKNOWN_KEYS
    assert set(found[policy.UNKNOWN_KEYS :]) == {(429, "throttled")}
    assert asked(good, PROXY, OUTSIDE) == (200, "")
    assert asked("tlg_test_x", PROXY, "198.51.100.67") == (401, "key_unknown")
    refused = Client(
        headers={"authorization": "Bearer tlg_live_x", "x-forwarded-for": OUTSIDE},
        REMOTE_ADDR=PROXY,
    ).get(PATH)
    assert 0 < int(refused.headers["Retry-After"]) <= 3601
    assert OUTSIDE not in str(addresses.keyed_network(OUTSIDE, purpose="lenders.keys"))


@pytest.mark.django_db
def test_what_is_nowhere_is_nowhere_however_many_unknown_keys_ask_for_it() -> None:
    codes = [Caller("tlg_test_x").get("/v1/nowhere").status_code for _ in range(40)]
    assert set(codes) == {404}


# A live key while live mode is off.
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", PATH, b"{}"),
    ("GET", PATH, b""),
    ("GET", f"{PATH}/ver_{'a' * 26}", b""),
    ("POST", f"{PATH}/ver_{'a' * 26}/clearances", b"{}"),
    ("POST", f"/v1/clearances/clr_{'a' * 26}/consume", b"{}"),
    ("GET", "/v1/clearances", b""),
    ("GET", "/v1/events", b""),
    ("POST", "/v1/webhook-endpoints", b"{}"),
    ("GET", "/v1/log/checkpoint", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_a_live_key_does_nothing_while_live_mode_is_off(
    live: Caller, settings: Settings, method: str, path: str, body: bytes
) -> None:
    assert live.send(method, path, body.decode()).status_code not in (401, 403)
    settings.TULGA_MODES_LIVE = False
    refused = live.send(method, path, body.decode())
    assert (refused.status_code, refused.json()["code"]) == (401, "mode_off")
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="tulga"'
    unknown = Caller("tlg_live_" + "A" * 43).send(method, path, body.decode())
    assert (unknown.status_code, unknown.json()["code"]) == (401, "key_unknown")
