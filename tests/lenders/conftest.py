"""Lenders with keys."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from lenders import endpoints, keys
from lenders.models import Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE
from tests.lenders.samples import Caller


@pytest.fixture(autouse=True)
def _full_rates() -> None:
    """No test spends another's requests."""
    cache.clear()


@pytest.fixture
def lender(db: None) -> Lender:
    """A lender with one registered address."""
    return Lender.objects.create(
        name="Ақша LLP", bin="180440012349", phone="+77270000044", return_urls=["https://lender.example/back"]
    )


@pytest.fixture
def other_lender(db: None) -> Lender:
    """Somebody else."""
    return Lender.objects.create(name="Other LLP", bin="180440012350", phone="+77270000044")


@pytest.fixture
def api(lender: Lender) -> Caller:
    """The lender's server in test mode, with a key that may do everything."""
    return Caller(keys.issue(lender, mode="test").secret)


@pytest.fixture
def other_api(other_lender: Lender) -> Caller:
    """Somebody else's server."""
    return Caller(keys.issue(other_lender, mode="test").secret)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """The lender's endpoint, which the operator lets tests reach."""
    with listening(Receiver()) as receiver:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [receiver.authority]
        yield receiver


@pytest.fixture
def endpoint(lender: Lender, receiver: Receiver) -> WebhookEndpoint:
    """An endpoint of the lender for all events."""
    return endpoints.create(lender, mode=MODE, url=receiver.url, events=())[0]
