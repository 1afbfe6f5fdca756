"""The operator's page of what the log refuses: which entry, why, and how far its case had got."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.verification.log.rows import NOON, order_all, slip_in
from tests.verification.stories.story import Story, begin
from tests.verification.stories.story import lender as make_lender
from verification.models import AuditEntry, Verification
from verification.oversight.refusals import refused_entries
from verification.worker import sweep

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/refused/"
SignedIn = Callable[[str], Client]


def forged(story: Story) -> str:
    genuine = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    order_all()
    number = story.row().sequence + 1
    pk = slip_in(
        genuine,
        type="verification.verified",
        verification_sequence=number,
        body={"v": 1, "code": ""},
    )
    Verification.objects.filter(pk=story.id).update(status="verified", finished_at=NOON)
    sweep.run_round(is_whole=False)
    return pk


def test_the_page_names_entry_reason_and_the_last_ordered_state(signed_in: SignedIn) -> None:
    client = signed_in("operator")
    assert "The log refuses nothing" in client.get(PAGE).content.decode()
    story = begin(make_lender())
    pk = forged(story)
    page = client.get(PAGE).content.decode()
    for sentence in (pk, story.id, "it has no signature", "verified", "attempt.opened, index"):
        assert sentence in page
    assert "Entries that the log refuses" in client.get("/admin/").content.decode()
    (entry,), has_more = refused_entries()
    assert (entry.row_status, entry.last_ordered, entry.held, has_more) == (
        "verified",
        "attempt.opened",
        0,
        False,
    )


def test_the_page_is_for_operators(client: Client, signed_in: SignedIn) -> None:
    assert client.get(PAGE, follow=True).redirect_chain[-1][0] == f"/people/sign-in/?next={PAGE}"
    assert signed_in("regulator").get(PAGE, follow=True).status_code == 403


def test_a_key_that_is_not_here_is_named_as_such(settings: Settings) -> None:
    certified = settings.TULGA_CERTIFIED
    settings.TULGA_CERTIFIED = tuple(key for key in certified if key.kind != "decision")
    story = begin(make_lender())
    story.to_statement()
    entries, _ = refused_entries()
    assert {entry.why for entry in entries} == {"the root did not certify the key that signed it"}
    assert entries[0].held > 0
    settings.TULGA_CERTIFIED = certified
    assert {entry.why for entry in refused_entries()[0]} == {""}
    settings.TULGA_CERTIFIED = ()
    assert "public key" in refused_entries()[0][0].why


def test_an_entry_that_is_no_leaf_is_listed_too() -> None:
    story = begin(make_lender())
    genuine = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    of_nobody: dict[str, Any] = {
        "verification_id": None,
        "verification_sequence": None,
        "lender_id": None,
    }
    bad = slip_in(genuine, **of_nobody, type="replay.read", body={"v": 1, "x": 1.5})
    for _ in range(2):
        sweep.run_round(is_whole=False)
    ((entry,), _) = refused_entries()
    assert (entry.id, entry.why, entry.verification_id, entry.last_index) == (
        bad,
        "it is no leaf",
        "",
        None,
    )
