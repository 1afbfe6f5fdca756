"""A borrower's browser without a browser: requests, and what the pages answered."""

import re
from typing import Any

from django.test import Client

from tests.responses import Response
from tests.verification.stories.story import Story
from verification.models import AuditEntry
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

NOW = "/v/now/"


def browser(story: Story, **options: Any) -> Client:
    """A client that has opened the story's link."""
    client = Client(**options)
    assert client.post("/v/", {"token": story.token}).status_code == 302
    return client


def text(response: Response) -> str:
    """The page as text."""
    return response.content.decode()


def find(pattern: str, shown: str) -> re.Match[str]:
    """Where the page shows the pattern, in which a dot is also the end of a line. It must show
    it.
    """
    found = re.search(pattern, shown, re.DOTALL)
    assert found is not None
    return found


def entries(story: Story) -> int:
    """How many entries the log has about the story."""
    return AuditEntry.objects.filter(verification_id=story.id).count()


def consent(story: Story, **changes: Any) -> dict[str, Any]:
    """The form of the consent page, filled in; `changes` are its other fields."""
    return {
        "turn": story.page().turn,
        "agreed": "true",
        "version": CURRENT,
        "language": "ru",
    } | changes
