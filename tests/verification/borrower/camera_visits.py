"""A borrower's browser on any page made by hand, and what its script sends."""

import json

import pytest
from django.test import Client

from tests.verification.borrower.pages import made
from tests.verification.stories.story import begin, lender
from verification.access import open_page as pages
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

NOW = "/v/now/"
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def story():
    return begin(lender())


@pytest.fixture
def client(story):
    return entered(Client(), story)


@pytest.fixture
def shows(monkeypatch):
    """Makes the open page one made by hand."""

    def show(page, **changes):
        open_page = made(page, **changes)
        for name in ("borrower_page", "borrower_turn"):
            monkeypatch.setattr(pages, name, lambda *, verification_id: open_page)
        for name in ("page_of", "turn_of"):
            monkeypatch.setattr(pages, name, lambda *_: open_page)
        return open_page

    return show


def entered(client, story):
    assert client.post("/v/", {"token": story.token}).status_code == 302
    return client


def consent(story, **changes):
    return {
        "turn": story.page().turn,
        "agreed": True,
        "version": CURRENT,
        "language": "ru",
    } | changes


def post(client, answer, **headers):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return client.post(NOW, body, content_type="application/json", headers=SCRIPT | headers)


def text(response):
    return response.content.decode()
