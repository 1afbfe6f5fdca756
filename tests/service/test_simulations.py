"""The sandbox for machines over real processes: each scenario of the catalogue comes to exactly what it says."""

import secrets
from typing import Any

import pytest

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import wait_until
from tests.service.deployment import Deployment
from verification.core.scenarios import SCENARIOS, Scenario

pytestmark = pytest.mark.service

_PASSING = ("requires_input", "processing")


def simulated(deployment: Deployment, scenario: Scenario, *, named: bool = True, **more: str) -> dict[str, Any]:
    """A verification that this scenario was played on, as its lender reads it in the end."""
    iin = deployment.stage.iin() if named else scenario.iin
    route = more.get("route", scenario.routes[0])
    letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    opened = deployment.api.open(f"simulated-{letters}", iin=iin, routes=[route])
    asked = {"scenario": scenario.name} if named else {}
    said = deployment.api.call("POST", f"/v1/test/verifications/{opened['id']}/simulate", asked)
    assert said == {"verification": opened["id"], "scenario": scenario.name, "route": route}
    wait_until(lambda: has_come(deployment.api, opened["id"], scenario), what=scenario.name, seconds=120)
    found: dict[str, Any] = deployment.api.read(opened["id"])
    return found


def has_come(api: LenderApi, verification_id: str, scenario: Scenario) -> bool:
    """Whether it has ended or, where nothing ends, the borrower has come as far as they go."""
    status = api.read(verification_id)["status"]
    return status not in _PASSING


def told(api: LenderApi, verification_id: str) -> list[str]:
    """The types of the events about it, in order."""
    found, after = list[str](), 0
    while True:
        page = api.call("GET", f"/v1/events?after={after}&limit=100")
        found += [one["type"] for one in page["data"] if one["data"]["verification"] == verification_id]
        if not page["has_more"]:
            return found
        after = page["next"]


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if one.status not in _PASSING])
def test_a_scenario_comes_to_what_the_catalogue_says(deployment: Deployment, name: str) -> None:
    scenario = SCENARIOS[name]
    found = simulated(deployment, scenario)
    checks = [one for one in found["checks"] if one["code"]]
    assert (found["status"], found["code"] or "") == (scenario.status, scenario.code)
    assert (found["last_failure"] or "") == scenario.last_failure
    assert {one["code"] for one in checks} == set(scenario.checks)
    assert {one["engine"]["name"] for one in found["checks"]} == {"insecure_simulated"}
    assert told(deployment.api, found["id"]) == ["verification.created", *scenario.events]


def test_a_borrower_who_may_choose_takes_the_route_that_was_asked_for(deployment: Deployment) -> None:
    opened = deployment.api.open("simulated-choice", iin=deployment.stage.iin(), routes=["eds", "biometric"])
    asked = {"scenario": "verified", "route": "eds"}
    deployment.api.call("POST", f"/v1/test/verifications/{opened['id']}/simulate", asked)
    wait_until(lambda: has_come(deployment.api, opened["id"], SCENARIOS["verified"]), what="the end", seconds=60)
    found = deployment.api.read(opened["id"])
    assert (found["status"], found["route"]) == ("verified", "eds")
