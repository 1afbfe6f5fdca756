"""A loan whose money has to wait, from its opening to the money, by requests alone: the sandbox
plays both consents.
"""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, wait_until
from tests.service.deployment import Deployment
from tests.service.simulated import cleared, contract_of, ended, opened, played, simulate, told
from verification.core.scenarios import SCENARIOS

pytestmark = pytest.mark.service

_HOURS_24 = 24 * 3600 + 60
_SAYS_NO = ("consent_declined", "coercion_reported")
_REFUSED = [
    name
    for name, scenario in SCENARIOS.items()
    if "renewal" in scenario.routes and scenario.status in ("declined", "failed")
]


@pytest.fixture(scope="module")
def lenders() -> dict[str, LenderApi]:
    """The lender that was added, once it is."""
    return {}


@pytest.fixture
def api(deployment: Deployment, lenders: dict[str, LenderApi]) -> LenderApi:
    """A lender under a law that makes the money wait."""
    if not lenders:
        bin_of_it = "100640000011"
        lenders["api"] = deployment.add_lender("Waiting LLP", bin=bin_of_it, profile="KZ-WAIT")
    return lenders["api"]


@pytest.fixture
def iin(deployment: Deployment) -> str:
    """The borrower's."""
    return deployment.stage.iin()


@pytest.fixture
def waited(deployment: Deployment, api: LenderApi, iin: str) -> tuple[str, str]:
    """A verified loan whose wait is over: its verification, and its new consent."""
    made = opened(deployment, api, "eds", iin=iin)
    assert played(api, made, "verified")["status"] == "verified"
    contract = {"signed_at": datetime.now(UTC).isoformat(), "contract_sha256": contract_of(made)}
    api.call("POST", f"/v1/verifications/{made}/contract", contract)
    assert cleared(api, made)["code"] == "cooling_off"
    put_forward(api, made, _HOURS_24)
    assert cleared(api, made)["code"] == "consent_renewal_required"
    return made, api.call("POST", f"/v1/verifications/{made}/link")["renewal"]


def put_forward(api: LenderApi, verification_id: str, seconds: int) -> None:
    """Its clock."""
    asked = {"advance_seconds": seconds, "verification": verification_id}
    api.call("POST", "/v1/test/clock", asked)


@pytest.mark.rabbitmq
def test_the_money_leaves_once_the_borrower_has_consented_anew(
    deployment: Deployment, api: LenderApi, waited: tuple[str, str], iin: str
) -> None:
    made, renewal = waited
    anew = played(api, renewal, "verified")
    assert (anew["status"], anew["route"]) == ("verified", "renewal")
    assert {one["engine"]["name"] for one in anew["checks"]} == {"insecure_simulated"}
    issued = cleared(api, made)
    assert (issued["status"], issued["code"]) == ("issued", None)
    loan = {"amount": "150000.00", "iin": iin, "payout_account": "KZ86125KZT5004100100"}
    loan["contract_sha256"] = contract_of(made)
    paid = api.call("POST", f"/v1/clearances/{issued['id']}/consume", loan)
    assert paid["status"] == "consumed"
    deployment.wait_for_log()
    assert told(api, made)[-1] == "clearance.consumed"
    assert deployment.audit() == ""


@pytest.mark.parametrize("name", _REFUSED)
def test_what_refuses_a_new_consent_ends_it_and_who_says_no_gets_no_money(
    api: LenderApi, waited: tuple[str, str], name: str
) -> None:
    made, renewal = waited
    scenario, anew = SCENARIOS[name], played(api, renewal, name)
    assert (anew["status"], anew["code"]) == (scenario.status, scenario.code)
    assert anew["route"] == "renewal"
    assert (anew["last_failure"] or "") == scenario.last_failure
    assert {check["code"] for check in anew["checks"] if check["code"]} == set(scenario.checks)
    assert name not in _SAYS_NO or cleared(api, made)["code"] == "consent_declined"


def test_who_leaves_the_sms_unanswered_may_consent_anew_later(
    api: LenderApi, waited: tuple[str, str]
) -> None:
    scenario, renewal = SCENARIOS["consent_unanswered"], waited[1]
    simulate(api, renewal, scenario.name)
    wait_until(
        lambda: api.read(renewal)["last_failure"] == scenario.last_failure,
        what=scenario.name,
        seconds=60,
    )
    assert api.read(renewal)["status"] == scenario.status


def test_who_goes_away_from_a_new_consent_is_abandoned(
    api: LenderApi, waited: tuple[str, str]
) -> None:
    renewal = waited[1]

    def next_is(word: str, value: str) -> bool:
        return bool(api.read(renewal)["next_action"][word] == value)

    simulate(api, renewal, "abandoned")
    wait_until(lambda: next_is("type", "form"), what="the form", seconds=60)
    # A page that begins while the clock is put forward has its whole time yet: that takes an hour
    # more.
    for _ in range(3):
        put_forward(api, renewal, 3600)
        with suppress(DemoFailed):
            wait_until(lambda: next_is("code", "abandoned"), what="its end", seconds=20)
            break
    assert next_is("code", "abandoned")


def test_who_never_comes_back_to_a_new_consent_is_expired(
    api: LenderApi, waited: tuple[str, str]
) -> None:
    renewal = waited[1]
    simulate(api, renewal, "expires")
    put_forward(api, renewal, 90_000)
    verification = ended(api, renewal)
    assert (verification["status"], verification["code"]) == ("expired", "verification_expired")
