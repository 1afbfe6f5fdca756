"""A new consent after a wait is played as any verification is, by the scenarios that there are for
it.
"""

import pytest

from tests.lenders.api.renewing import asked, asked_anew, half_a_day_ago, iin, story, waited
from tests.lenders.api.test_simulations import played, simulate
from tests.lenders.samples import code, faults
from verification.core.scenarios import SCENARIOS

__all__ = ["asked", "half_a_day_ago", "iin", "played", "story", "waited"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_a_new_consent_is_played_by_its_own_scenarios(api, waited, played):
    assert code(simulate(api, waited.id, scenario="verified")) == (409, "illegal_transition")
    renewal = asked_anew(api, waited)
    assert faults(simulate(api, renewal.id, scenario="eds_revoked")) == {
        ("/scenario", "scenario_not_on_route")
    }
    answer = simulate(api, renewal.id, scenario="verified")
    assert (answer.status_code, answer.json()["route"]) == (202, "renewal")
    assert [(play.verification_id, play.routes) for play in played] == [(renewal.id, ("renewal",))]
    # The person and the account are those of the loan.
    assert played[0].subject["iin"]
    assert played[0].account


def test_the_catalogue_says_which():
    anew = {name for name, scenario in SCENARIOS.items() if "renewal" in scenario.routes}
    of_registers = {
        "name_mismatch",
        "birth_date_differs",
        "person_unknown",
        "deceased",
        "document_lost",
    }
    of_registers |= {"document_expired", "phone_owner_mismatch", "registry_unavailable"}
    of_messages = {"consent_unanswered", "failed", "wrong_code"}
    own = {"verified", "consent_declined", "coercion_reported", "abandoned", "expires"}
    assert anew == own | of_registers | of_messages
