"""A loan whose money has to wait, from its opening to the money, by requests alone: the sandbox
plays both consents.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, wait_until
from tests.service.deployment import Deployment
from tests.service.test_simulations import told
from verification.core.scenarios import SCENARIOS

pytestmark = pytest.mark.service

_BIN = "100640000011"
_HOURS_24 = 24 * 3600 + 60
_SAYS_NO = ("consent_declined", "coercion_reported")
_REFUSED = [
    name
    for name, scenario in SCENARIOS.items()
    if "renewal" in scenario.routes
    and scenario.status in ("declined", "failed")
    and name not in _SAYS_NO
]


@pytest.fixture(scope="module")
def known() -> dict[str, LenderApi]:
    """The lender that was added, once it is."""
    return {}


@pytest.fixture
def api(deployment: Deployment, known: dict[str, LenderApi]) -> LenderApi:
    """A lender under a law that makes the money wait."""
    if not known:
        known["api"] = deployment.add_lender("Waiting Credit LLP", bin=_BIN, profile="KZ-WAIT")
    return known["api"]


def played(api: LenderApi, verification_id: str, scenario: str) -> dict[str, Any]:
    """It, once this was played and it has ended."""
    api.call("POST", f"/v1/test/verifications/{verification_id}/simulate", {"scenario": scenario})
    wait_until(
        lambda: api.read(verification_id)["status"] not in ("requires_input", "processing"),
        what=scenario,
        seconds=120,
    )
    return api.read(verification_id)


def contract_of(verification_id: str) -> str:
    """The hash of its loan's contract."""
    return sha256(f"The contract of {verification_id}.".encode()).hexdigest()


def cleared(api: LenderApi, verification_id: str) -> dict[str, Any]:
    """A clearance, once its gates are evaluated."""
    made = api.call(
        "POST",
        f"/v1/verifications/{verification_id}/clearances",
        {"contract_sha256": contract_of(verification_id)},
    )
    place = f"/v1/clearances/{made['id']}"
    wait_until(
        lambda: api.call("GET", place)["status"] != "processing", what="the gates", seconds=60
    )
    return api.call("GET", place)


def waited(deployment: Deployment, api: LenderApi) -> tuple[str, str, str]:
    """A verified loan whose wait is over: its verification, its new consent, and the borrower's
    IIN.
    """
    iin, letters = (
        deployment.stage.iin(),
        "".join(secrets.choice("abcdefghijkl") for _ in range(12)),
    )
    opened = api.open(f"waits-{letters}", iin=iin, routes=["eds"])["id"]
    assert played(api, opened, "verified")["status"] == "verified"
    signed_at = datetime.now(UTC).isoformat()
    contract = {"signed_at": signed_at, "contract_sha256": contract_of(opened)}
    api.call("POST", f"/v1/verifications/{opened}/contract", contract)
    assert cleared(api, opened)["code"] == "cooling_off"
    api.call("POST", "/v1/test/clock", {"advance_seconds": _HOURS_24, "verification": opened})
    assert cleared(api, opened)["code"] == "consent_renewal_required"
    return opened, api.call("POST", f"/v1/verifications/{opened}/link")["renewal"], iin


@pytest.mark.rabbitmq
def test_the_money_leaves_once_the_borrower_has_consented_anew(
    deployment: Deployment, api: LenderApi
) -> None:
    opened, renewal, iin = waited(deployment, api)
    anew = played(api, renewal, "verified")
    assert (anew["status"], anew["route"]) == ("verified", "renewal")
    assert {one["engine"]["name"] for one in anew["checks"]} == {"insecure_simulated"}
    issued = cleared(api, opened)
    assert (issued["status"], issued["code"]) == ("issued", None)
    loan = {"amount": "150000.00", "iin": iin, "payout_account": "KZ86125KZT5004100100"}
    paid = api.call(
        "POST",
        f"/v1/clearances/{issued['id']}/consume",
        {**loan, "contract_sha256": contract_of(opened)},
    )
    assert paid["status"] == "consumed"
    deployment.wait_for_log()
    assert told(api, opened)[-1] == "clearance.consumed"
    assert deployment.audit() == ""


@pytest.mark.parametrize("scenario", _SAYS_NO)
def test_who_says_no_after_the_wait_gets_no_money(
    deployment: Deployment, api: LenderApi, scenario: str
) -> None:
    opened, renewal, _ = waited(deployment, api)
    anew = played(api, renewal, scenario)
    assert (anew["status"], anew["code"]) == ("declined", scenario)
    assert cleared(api, opened)["code"] == "consent_declined"


@pytest.mark.parametrize("name", _REFUSED)
def test_what_registers_and_codes_refuse_by_ends_a_new_consent_too(
    deployment: Deployment, api: LenderApi, name: str
) -> None:
    _, renewal, _ = waited(deployment, api)
    scenario, anew = SCENARIOS[name], played(api, renewal, name)
    assert (anew["status"], anew["code"], anew["route"]) == (
        scenario.status,
        scenario.code,
        "renewal",
    )
    assert (anew["last_failure"] or "") == scenario.last_failure
    assert {check["code"] for check in anew["checks"] if check["code"]} == set(scenario.checks)


def test_who_leaves_the_sms_unanswered_may_consent_anew_later(
    deployment: Deployment, api: LenderApi
) -> None:
    _, renewal, _ = waited(deployment, api)
    scenario = SCENARIOS["consent_unanswered"]
    api.call("POST", f"/v1/test/verifications/{renewal}/simulate", {"scenario": scenario.name})
    wait_until(
        lambda: api.read(renewal)["last_failure"] == scenario.last_failure,
        what=scenario.name,
        seconds=60,
    )
    assert api.read(renewal)["status"] == scenario.status


def test_who_goes_away_from_a_new_consent_is_abandoned(
    deployment: Deployment, api: LenderApi
) -> None:
    _, renewal, _ = waited(deployment, api)
    api.call("POST", f"/v1/test/verifications/{renewal}/simulate", {"scenario": "abandoned"})
    wait_until(
        lambda: api.read(renewal)["next_action"]["type"] == "form", what="the form", seconds=60
    )
    # A page that begins while the clock is put forward has its whole time yet: that takes an hour
    # more.
    for _ in range(3):
        api.call("POST", "/v1/test/clock", {"advance_seconds": 3600, "verification": renewal})
        with suppress(DemoFailed):
            wait_until(
                lambda: api.read(renewal)["next_action"]["code"] == "abandoned",
                what="its end",
                seconds=20,
            )
            return
    pytest.fail("it is not abandoned")


def test_who_never_comes_back_to_a_new_consent_is_expired(
    deployment: Deployment, api: LenderApi
) -> None:
    _, renewal, _ = waited(deployment, api)
    api.call("POST", f"/v1/test/verifications/{renewal}/simulate", {"scenario": "expires"})
    api.call("POST", "/v1/test/clock", {"advance_seconds": 90_000, "verification": renewal})
    wait_until(
        lambda: api.read(renewal)["status"] == "expired", what="the end of the time", seconds=60
    )
    assert api.read(renewal)["code"] == "verification_expired"
