"""A loan whose contract was named when it was opened: its money leaves by that contract alone."""

from dataclasses import replace

import pytest

from tests.lenders.api import renewing
from tests.lenders.api.test_clearances import (
    CONTRACT,
    OTHER_CONTRACT,
    ask,
    clean,
    code,
    consume,
    refused,
    types,
)
from tests.verification.stories.story import Story, opening
from verification.access import openings
from verification.core.lender import LenderFacts
from verification.models import AuditEntry
from verification.payout import clearances

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def story(lender, issued):
    """Verified for this contract."""
    given = opening()
    given = replace(given, loan=replace(given.loan, contract_sha256=CONTRACT))
    facts = LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone)
    opened = openings.open_verification(
        lender=facts, mode="test", profile_id="KZ-2021-04", opening=given
    )
    played = Story(lender, opened.verification_id, opened.token).to_statement()
    played.sign(issued())
    played.work()
    return played


def test_nobody_has_to_name_it_again(api, story):
    asked = api.post(f"/v1/verifications/{story.id}/clearances", {}).json()
    assert asked["contract_sha256"] == CONTRACT
    story.work()
    refused(api, asked, "clearance_mismatch", contract_sha256=OTHER_CONTRACT)
    assert consume(api, asked).status_code == 200
    assert clean(story) == []


def test_another_is_neither_asked_for_nor_reported(api, story):
    assert code(ask(api, story, contract_sha256=OTHER_CONTRACT)) == (409, "clearance_mismatch")
    assert code(renewing.report(api, story, contract_sha256=OTHER_CONTRACT)) == (
        409,
        "clearance_mismatch",
    )
    assert not AuditEntry.objects.filter(
        type__in=("clearance.requested", "contract.reported")
    ).exists()
    assert renewing.report(api, story).status_code == 200


def test_a_door_that_says_another_gets_nothing_issued(api, story, monkeypatch):
    """Whoever owns web signs the request; the case that the borrower was verified for is sealed."""
    with monkeypatch.context() as owned:
        owned.setattr(clearances, "contract_of", lambda *_, **__: OTHER_CONTRACT)
        asked = ask(api, story).json()
    story.work(rounds=2)
    assert asked["contract_sha256"] == OTHER_CONTRACT
    refused(api, asked, "clearance_not_ready", contract_sha256=OTHER_CONTRACT)
    assert types(story) == ["clearance.requested"]
    again = ask(api, story).json()
    story.work()
    assert consume(api, again).status_code == 200
