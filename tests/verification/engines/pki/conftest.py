"""One world a family for the whole session, since making keys is what costs."""

import pytest

from tests.verification.engines.pki.world import World, make_world
from verification.engines.pki.keys import Family


@pytest.fixture(scope="session")
def worlds() -> dict[Family, World]:
    """Both worlds."""
    return {"gost512": make_world("gost512"), "rsa": make_world("rsa")}


@pytest.fixture(params=["gost512", "rsa"])
def world(worlds: dict[Family, World], request: pytest.FixtureRequest) -> World:
    """Each family in turn."""
    return worlds[request.param]


@pytest.fixture
def gost(worlds: dict[Family, World]) -> World:
    """The GOST world."""
    return worlds["gost512"]


@pytest.fixture
def rsa(worlds: dict[Family, World]) -> World:
    """The RSA world."""
    return worlds["rsa"]
