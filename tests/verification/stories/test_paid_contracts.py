"""A contract is paid once, whatever number of its verifications hold a clearance."""

import pytest

from tests.verification.stories.attesting_story import LARGE, LAW, verified
from tests.verification.stories.insecure_glance import entries
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import IIN, lender
from verification.core import profiles
from verification.core.errors import Conflict
from verification.models import Clearance
from verification.payout import clearances

CONTRACT = "c" * 64

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


@pytest.fixture(autouse=True)
def _law(monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)


def cleared(story):
    """A clearance for the contract, once a worker has evaluated the gates."""
    name = clearances.ask(
        lender_id=story.lender.pk,
        mode="test",
        verification_id=story.id,
        profile_id="KZ-2021-04",
        contract_sha256=CONTRACT,
    )
    story.work()
    return name


def consume(story, name):
    payment = clearances.Payment(LARGE, IIN, CONTRACT, "KZ86125KZT5004100100")
    clearances.consume(lender_id=story.lender.pk, mode="test", clearance_id=name, payment=payment)


def test_the_second_verification_of_a_contract_pays_nothing_and_stays_as_it_was():
    of = lender()
    stories = [verified(of), verified(of, "A-2")]
    first, second = map(cleared, stories)
    before = Clearance.objects.filter(pk=second).values().get()
    consume(stories[0], first)
    for refused in (lambda: consume(stories[1], second), lambda: cleared(stories[1])):
        with pytest.raises(Conflict) as caught:
            refused()
        assert caught.value.code == "contract_paid"
    with pytest.raises(Conflict) as caught:
        consume(stories[0], first)
    assert caught.value.code == "clearance_consumed"
    assert Clearance.objects.filter(pk=second).values().get() == before
    assert entries(stories[1], "clearance.consumed") == []
