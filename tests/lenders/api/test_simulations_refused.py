"""Whom nobody plays any more: a borrower whom a step is about to end. What only waits may be
played, lawfully.
"""

import pytest

from tests.lenders.api.test_simulations import played, simulate
from tests.lenders.samples import code
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from tests.verification.stories.story import begin, swept, wait_until
from tests.verification.stories.test_hand_over import Desk
from verification.access import hand_over, links
from verification.case import steps
from verification.core.errors import LinkUnusable
from verification.models import Attempt, AuditEntry
from verification.worker import sweep

__all__ = ["played"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def at_statement(api, lender, played):
    """A borrower who is played, at a computer, and stays at the statement."""
    desk = Desk.__new__(Desk)
    desk.story = begin(lender)
    assert simulate(api, desk.story.id, scenario="abandoned").status_code == 202
    desk.session = links.redeem(untrusted_token=played.pop().link.partition("#")[2])
    desk.story.to_statement()
    return desk


def requested(story):
    return AuditEntry.objects.filter(verification=story.id, type="simulation.requested").count()


def test_who_is_told_what_to_press_is_not_played_on(api, lender, played):
    desk = at_statement(api, lender, played)
    hand_over.reply(untrusted_phone=desk.scanned(), is_told=True)
    assert desk.story.row().step == steps.STOP
    assert code(simulate(api, desk.story.id, scenario="verified")) == (409, "illegal_transition")
    assert (played, requested(desk.story)) == ([], 1)
    desk.story.work()
    order_all()
    assert desk.story.row().code == "coercion_reported"
    assert findings() == []


def test_whose_page_has_just_run_out_is_played_on(api, lender, played):
    desk = at_statement(api, lender, played)
    wait_until(Attempt.objects.get(verification_id=desk.story.id, status="open").expires_at)
    sweep.run_round()
    assert desk.story.row().step == steps.LAPSE
    assert simulate(api, desk.story.id, scenario="verified").status_code == 202
    swept()
    order_all()
    assert (desk.story.row().last_failure, requested(desk.story)) == ("abandoned", 2)
    assert findings() == []


@pytest.mark.parametrize("is_found", [False, True])
def test_whose_time_is_over_is_not_played_and_gets_no_link(api, lender, played, is_found):
    story = begin(lender)
    session = links.redeem(untrusted_token=story.token)
    wait_until(story.row().expires_at)
    if is_found:
        sweep.run_round()
        assert story.row().step == steps.EXPIRE
    assert code(simulate(api, story.id, scenario="verified")) == (409, "illegal_transition")
    assert code(api.post(f"/v1/verifications/{story.id}/link")) == (409, "illegal_transition")
    with pytest.raises(LinkUnusable):
        links.successor(untrusted_session=session)
    assert (played, requested(story)) == ([], 0)
    swept()
    order_all()
    assert story.row().status == "expired"
    assert findings() == []
