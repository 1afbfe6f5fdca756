"""People at the desk, and what the log says that they looked at."""

from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from lenders.models import Lender
from tests import registered
from tests.verification.oversight.rows import signed_in
from tests.verification.stories.story import Story
from verification.models import AuditEntry, EvidenceItem

LOOKS = ("review.listed", "review.viewed")
GOOD = {"word": "pass", "reason": "the ears and the mole are the same"}


def reviewer(of: Lender, number: int = 1) -> Any:
    """A reviewer of this lender; `number` tells several apart."""
    return registered.person(
        email=_email(of, number),
        password="correct horse battery",
        full_name=f"Асель Омарова {number}",
        role="reviewer",
        lender=of,
    )


def at_desk(of: Lender, number: int = 1) -> Client:
    """The session of such a reviewer, both factors given."""
    return signed_in(reviewer(of, number))


def who(of: Lender, number: int = 1) -> Any:
    """The person of that session."""
    return get_user_model().objects.get(email=_email(of, number))


def address(name: str, story: Story, *, kind: str = "") -> str:
    """The address of a page by its name; of a picture by the kind of its evidence."""
    if name in ("queue", "open"):
        return reverse(f"review:{name}")
    arguments = {"verification_id": story.id}
    if name == "picture":
        arguments["evidence_id"] = EvidenceItem.objects.get(verification_id=story.id, kind=kind).pk
    return reverse(f"review:{name}", kwargs=arguments)


def vote(client: Client, story: Story, **changes: str) -> Any:
    """The answer to a vote."""
    return client.post(address("vote", story), GOOD | changes)


def looks() -> list[AuditEntry]:
    """Everything the log says was looked at here, oldest first."""
    return list(AuditEntry.objects.filter(type__in=LOOKS).order_by("at", "id"))


def _email(of: Lender, number: int) -> str:
    return f"reviewer-{of.pk}-{number}@lender.example"
