"""Lenders with keys."""

from collections.abc import Iterator, Sequence

import pytest
from pytest_django import Settings

from lenders import endpoints, keys, policy
from lenders.models import ApiKey, Lender, WebhookEndpoint
from tests import registered
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE
from tests.lenders.samples import Caller
from tests.scenes import same
from tests.verification.stories.reviewers import with_two
from verification.core import profiles


@pytest.fixture
def lender(db: None) -> Lender:
    """A lender with one registered address."""
    told = {"name": "Ақша LLP", "bin": "180440012349", "phone": "+77270000044"}
    at = ["https://lender.example/back"]
    return with_two(same("lender", lambda: registered.lender(**told, return_urls=at)))


@pytest.fixture
def other_lender(db: None) -> Lender:
    """Somebody else."""
    told = {"name": "Other LLP", "bin": "180440012350", "phone": "+77270000044"}
    return same("other lender", lambda: registered.lender(**told))


@pytest.fixture
def api(lender: Lender) -> Caller:
    """The lender's server in test mode, with a key that may do everything."""
    return Caller(_secret_of(lender))


@pytest.fixture
def other_api(other_lender: Lender) -> Caller:
    """Somebody else's server."""
    return Caller(_secret_of(other_lender))


@pytest.fixture
def live(lender: Lender, settings: Settings) -> Caller:
    """The lender's server with a live key that may do everything."""
    settings.TULGA_MODES_LIVE = True
    return Caller(live_secret(lender))


def live_secret(lender: Lender, *, scopes: Sequence[str] = policy.SCOPES) -> str:
    """Of a live key, as it is issued where a live set is complete."""
    lender.live_calendar = profiles.calendar_of("KZ-2026-01")
    registered.saved(lender, logs=("test", "live"))
    issued = keys.issue(lender, mode="test", scopes=scopes)
    issued.key.mode = "live"
    registered.saved(issued.key)
    return issued.secret


_secrets: dict[str, str] = {}


def _secret_of(lender: Lender) -> str:
    """Of a key that may do everything."""

    def issue() -> ApiKey:
        made = keys.issue(lender, mode="test")
        _secrets[lender.pk] = made.secret
        return made.key

    same(f"key of {lender.pk}", issue)
    return _secrets[lender.pk]


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
