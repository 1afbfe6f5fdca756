"""A test authority, its anchors installed, its revocation list at hand."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox.authority import Authority, create_authority, issue, make_crl
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey, generate_key
from tests.verification import lawful
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import IIN
from verification.engines.pki.keys import Family

FAMILIES: tuple[Family, ...] = ("gost512", "rsa")
_RSA_KEYS = 8

Issued = Callable[..., Credential]


@pytest.fixture(autouse=True)
def _routes_known(monkeypatch: pytest.MonkeyPatch) -> None:
    lawful.know_routes(monkeypatch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Every story ends lawfully, but for those that forge entries. While its rows are still there,
    and cheap: 0.2 ms an entry.
    """
    told = yield
    if item.get_closest_marker("django_db") and not item.get_closest_marker("forges"):
        assert list(lawful.unlawful()) == []
        assert list(lawful.without_receipt()) == []
    return told


@pytest.fixture(scope="session")
def authorities() -> dict[str, Authority]:
    """One authority a family, made once: keys are slow."""
    return _authorities()


@cache
def _authorities() -> dict[str, Authority]:
    # A module that imports the fixture has one of its own, and so would have keys of its own.
    return {
        family: create_authority(family, at=datetime.now(UTC) - timedelta(days=30))
        for family in FAMILIES
    }


@pytest.fixture(scope="session")
def issued(authorities: dict[str, Authority]) -> Issued:
    """Issues a certificate a day old; keyword arguments as in
    `insecure_sandbox.authority.issue`.
    """

    rsa_keys: deque[PrivateKey] = deque()

    def make(family: Family = "gost512", *, iin: str = IIN, **more: Any) -> Credential:
        at = more.pop("at", datetime.now(UTC) - timedelta(days=1))
        if family == "rsa" and "key" not in more:
            # An RSA key takes 50 ms to make: eight serve in turn, so neighbours never have the
            # same.
            rsa_keys.appendleft(
                generate_key("rsa") if len(rsa_keys) < _RSA_KEYS else rsa_keys.pop()
            )
            more["key"] = rsa_keys[0]
        named = {"surname": "ТЕСТОВ", "given_name": "ТЕСТ"} | more
        return issue(authorities[family], iin=iin, at=at, **named)

    return make


@pytest.fixture
def trusted(
    authorities: dict[str, Authority], settings: Settings, tmp_path: Path
) -> Iterator[type[InsecureRevocation]]:
    """The workflow trusts the authorities, and revocation is answered from memory."""
    trust(authorities, settings, tmp_path / "anchors")
    InsecureRevocation.lists = {
        family: (crl_of(authority),) for family, authority in authorities.items()
    }
    InsecureRevocation.faults = InsecureRevocation.asked = 0
    yield InsecureRevocation
    InsecureRevocation.lists = {}


def trust(authorities: dict[str, Authority], settings: Settings, folder: Path) -> None:
    """From here on the workflow trusts these authorities and no others; their anchors are put into
    a new folder.
    """
    folder.mkdir()
    pins = ["mode test"]
    for family, authority in authorities.items():
        for role, certificate in (("anchor", authority.root), ("intermediate", authority.issuing)):
            (folder / f"{family}-{role}.cer").write_bytes(certificate.certificate)
            pins.append(f"{sha256(certificate.certificate).hexdigest()} {role}")
    (folder / "pins.txt").write_text("\n".join(pins))
    adapter = f"{InsecureRevocation.__module__}.{InsecureRevocation.__qualname__}"
    settings.TULGA_SOURCES = {
        "test": {"revocation": {"adapter": adapter}, "trust_anchors": {"directory": folder}},
        "live": {},
    }


def crl_of(authority: Authority, *, revoked: tuple[int, ...] = (), age: int = 0) -> bytes:
    """A revocation list made `age` days ago for a day."""
    made = datetime.now(UTC) - timedelta(days=age, minutes=1)
    return make_crl(
        authority,
        revoked={serial: made - timedelta(hours=1) for serial in revoked},
        number=1,
        this_update=made,
        next_update=made + timedelta(days=1),
    )
