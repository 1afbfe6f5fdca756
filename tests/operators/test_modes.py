"""Live mode is turned off and on between two operators, and who is on record in one log alone."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from lenders.models import Lender
from operators import proposals
from operators.models import Proposal
from people.models import User
from tests import registered
from tests.operators.acting import (
    REASON,
    confirm,
    draft_lender,
    fingerprint_on,
    propose,
    signed,
)
from tests.operators.conftest import Acting, Appoint
from tests.operators.test_owned_web import genuine, of_lender, seen_of, write
from tests.operators.test_proposals import PHONE, refusal, stated
from tests.people import keys
from tests.verification.log.rows import order_all
from verification import clock
from verification.core.errors import Refused
from verification.core.events import ATTESTED, LENDER, VOTED
from verification.log import signatures
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry
from verification.review.signing import Signed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.forges]

Two = tuple[Acting, Acting]


@pytest.fixture
def only_tested(two: Two, appoint: Appoint, settings: Settings) -> Acting:
    """An operator who enrolled while live mode was off. Live mode is on again."""
    return appoint("operator", "tested@example.kz")


def test_a_proposal_outlives_a_time_without_live_mode(
    two: Two, lender: Lender, settings: Settings
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    settings.TULGA_MODES_LIVE = False
    assert b"While live mode is off, you may confirm it yourself" in page_of(first, address)
    settings.TULGA_MODES_LIVE = True
    assert b"While live mode is off" not in page_of(first, address)
    assert b"Another operator must confirm it." in page_of(first, address)
    assert refusal(confirm(first, address)) == "proposal_of_two"
    assert confirm(second, address).status_code == 200
    assert stated(lender.pk)["phone"] == f"tel:{PHONE}"
    order_all("live")
    assert list(verify_actors()) == []


def page_of(operator: Acting, address: str) -> bytes:
    content: bytes = operator.client.get(address).content
    return content


def test_what_was_proposed_in_live_mode_is_not_confirmed_without_it(
    two: Two, lender: Lender, settings: Settings
) -> None:
    """Both saw the state of both logs; now there is one."""
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    settings.TULGA_MODES_LIVE = False
    for operator in (first, second):
        assert refusal(confirm(operator, address)) == "proposal_changed"
    settings.TULGA_MODES_LIVE = True
    lender.refresh_from_db()
    assert lender.phone == "+77270000044"


@pytest.mark.parametrize("is_of_other", [True, False])
def test_what_was_proposed_without_live_mode_is_not_confirmed_in_it(
    two: Two, lender: Lender, settings: Settings, is_of_other: bool
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    settings.TULGA_MODES_LIVE = False
    propose(first, address)
    settings.TULGA_MODES_LIVE = True
    code = refusal(confirm(second if is_of_other else first, address))
    assert code == ("proposal_changed" if is_of_other else "proposal_of_two")
    assert stated(lender.pk)["phone"] == "tel:+77270000044"


def test_an_answer_given_without_live_mode_does_not_count_in_it(
    two: Two, lender: Lender, settings: Settings
) -> None:
    """The passkey answers while live mode is off, and the form is posted when it is on."""
    first, _ = two
    address = draft_lender(first, lender, phone=PHONE)
    settings.TULGA_MODES_LIVE = False
    fields = signed(first, address, act="propose", reason=REASON)
    settings.TULGA_MODES_LIVE = True
    assert refusal(first.client.post(address, fields)) == "passkey_challenge"


def test_what_one_operator_changed_without_live_mode_is_not_in_force_in_it(
    two: Two, lender: Lender, settings: Settings
) -> None:
    """Until the root signs it, its lender is as if unknown, and further proposals are refused."""
    first, second = two
    settings.TULGA_MODES_LIVE = False
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    assert confirm(first, address).status_code == 200
    settings.TULGA_MODES_LIVE = True
    lender.refresh_from_db()
    assert (lender.phone, stated(lender.pk)["phone"]) == (PHONE, "tel:+77270000044")
    another = draft_lender(second, lender, name="Жаңа LLP")
    assert fingerprint_on(second, another)
    assert refusal(propose(second, another)) == "proposal_changed"
    registered.everybody("live")
    assert stated(lender.pk)["phone"] == f"tel:{PHONE}"
    assert propose(second, another).status_code == 200
    assert confirm(first, another).status_code == 200


def test_who_is_on_record_in_the_test_log_alone_is_not_let_in(only_tested: Acting) -> None:
    assert only_tested.client.get("/people/").status_code == 302
    again = Client()
    page = keys.sign_in(again, only_tested.user.email, keys.answer(again, only_tested.device))
    assert page.status_code == 422
    assert again.get("/admin/").status_code == 302


def test_who_is_on_record_in_the_test_log_alone_approves_nothing(
    two: Two, only_tested: Acting, lender: Lender
) -> None:
    """Past the pages: once by the code that confirms, once by a statement under the door key."""
    first, _ = two
    propose(first, draft_lender(first, lender, phone=PHONE))
    proposal = Proposal.objects.get()
    seen = proposal.proposed["shown"]
    given = genuine((first, only_tested), seen)["confirmed"]["assertion"]
    response = {
        "clientDataJSON": given["client_data"],
        "authenticatorData": given["authenticator_data"],
        "signature": given["signature"],
    }
    answer = Signed({"id": given["id"], "response": response}, b"")
    with pytest.raises(Refused) as refused:
        proposals.confirm(proposal.pk, by=only_tested.user, signed=answer)
    assert (refused.value.code, refused.value.detail) == (
        "approval_invalid",
        "not confirmed: no statement names this person",
    )
    body = of_lender(lender)
    for pair, part in (((first, only_tested), "confirmed"), ((only_tested, first), "proposed")):
        pk = write(LENDER, {**body, "approval": genuine(pair, seen_of(LENDER, body))})
        assert fault_of(AuditEntry.objects.get(pk=pk)) == (
            f"not {part}: no statement names this person"
        )
    assert stated(lender.pk)["phone"] == "tel:+77270000044"


@pytest.mark.parametrize("act", [VOTED, ATTESTED])
def test_who_is_on_record_in_the_test_log_alone_does_no_act_in_live(
    two: Two, lender: Lender, settings: Settings, act: str
) -> None:
    settings.TULGA_MODES_LIVE = False
    reviewer: Any = User.objects.create_user(
        email="r@example.kz", full_name="R", role="reviewer", lender=lender
    )
    registered.factor_of(reviewer)
    settings.TULGA_MODES_LIVE = True
    faults = {}
    for log in ("test", "live"):
        body = {"person": reviewer.pk, "factor": "code", "attempt": "att_1", "outcome": "passed"}
        entry = AuditEntry(log=log, type=act, at=clock.now(), body=body, lender_id=lender.pk)
        faults[log] = fault_of(entry)
    assert faults == {"test": "", "live": "no statement names this person"}


def fault_of(entry: AuditEntry) -> str:
    return signatures.unproven([entry]).get(entry.pk, "")
