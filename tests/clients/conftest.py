"""Lenders with keys and borrowers who sign, over a server that listens."""

import pytest

from lenders import keys
from tests.clients.lender_side import QUICK, InALoop
from tests.lenders.conftest import endpoint, lender, receiver
from tests.verification.stories.conftest import authorities, issued, trusted
from tulga import Client

__all__ = ("authorities", "endpoint", "issued", "lender", "receiver", "trusted")


@pytest.fixture(params=["sync", "async"])
def client(request, live_server, lender):
    """A client of the lender's, which may do everything."""
    key = keys.issue(lender, mode="test").secret
    if request.param == "async":
        yield InALoop(live_server.url, key)
        return
    with Client(live_server.url, key, QUICK) as made:
        yield made
