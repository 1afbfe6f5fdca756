"""The sandbox for machines over real processes: each scenario of the catalogue comes to exactly
what it says.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from insecure_sandbox import samples
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, wait_until
from tests.service.deployment import Deployment
from verification.core.scenarios import FACED, SCENARIOS

pytestmark = pytest.mark.service

_PASSING = ("requires_input", "processing")
# A whole capture is shown in these, and what nets see of a face that was painted by chance decides
# all but the last.
_PAINTED = (
    "verified",
    "face_mismatch",
    "command_missed",
    "liveness_failed",
    "multiple_faces",
    "review",
)
_SHOWN = {(name, route) for name in _PAINTED for route in FACED} | {("failed", "biometric")}
_BY_CHANCE = (pytest.mark.proof("scenarios"), pytest.mark.whole)


def _endings() -> Iterator[ParameterSet]:
    """Every capture by its own route, in `make prove` alone; what shows none is the same on each
    route.
    """
    for name, one in SCENARIOS.items():
        if one.status in _PASSING:
            continue
        blind = [route for route in one.routes if (name, route) not in _SHOWN]
        yield from (pytest.param(name, route) for route in blind[:1])
        for route in one.routes:
            if route not in blind:
                yield pytest.param(name, route, marks=_BY_CHANCE)


def opened(deployment: Deployment, route: str) -> str:
    """A fresh verification of somebody whom no register knows; its id."""
    letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    made = deployment.api.open(f"simulated-{letters}", iin=deployment.stage.iin(), routes=[route])
    return str(made["id"])


def simulate(deployment: Deployment, verification_id: str, scenario: str) -> dict[str, Any]:
    """What is answered to whoever has it played."""
    return deployment.api.call(
        "POST", f"/v1/test/verifications/{verification_id}/simulate", {"scenario": scenario}
    )


def begun(deployment: Deployment, verification_id: str, scenario: str) -> bool:
    """If it is played, which it is not while the one before is still at it."""
    try:
        return bool(simulate(deployment, verification_id, scenario))
    except DemoFailed as fault:
        if "409 simulation_under_way" not in str(fault):
            raise
        return False


def ended(deployment: Deployment, verification_id: str, seconds: float = 240) -> dict[str, Any]:
    """It, once the borrower is asked for nothing any more."""
    wait_until(
        lambda: deployment.api.read(verification_id)["status"] not in _PASSING,
        what=verification_id,
        seconds=seconds,
    )
    return deployment.api.read(verification_id)


def asked(deployment: Deployment, verification_id: str) -> dict[str, Any]:
    """What its borrower is asked for next."""
    found: dict[str, Any] = deployment.api.read(verification_id)["next_action"]
    return found


def told(api: LenderApi, verification_id: str) -> list[str]:
    """The types of the events about it, in order."""
    found, after = list[str](), 0
    while True:
        page = api.call("GET", f"/v1/events?after={after}&limit=100")
        found += [
            one["type"] for one in page["data"] if one["data"]["verification"] == verification_id
        ]
        if not page["has_more"]:
            return found
        after = page["next"]


@pytest.mark.parametrize(("name", "route"), [*_endings()])
def test_a_scenario_comes_to_what_the_catalogue_says(
    deployment: Deployment, name: str, route: str
) -> None:
    samples.fetch()
    scenario, made = SCENARIOS[name], opened(deployment, route)
    said = simulate(deployment, made, name)
    assert said == {"verification": made, "scenario": name, "route": route}
    found = ended(deployment, made)
    assert (found["status"], found["code"] or "") == (scenario.status, scenario.code)
    assert (found["last_failure"] or "") == scenario.last_failure
    codes = {one["code"] for one in found["checks"] if one["code"]}
    # Painted frames may fail more than one check; what nobody paints comes exactly.
    assert codes >= set(scenario.checks) if route in FACED else codes == set(scenario.checks)
    assert {one["engine"]["name"] for one in found["checks"]} == {"insecure_simulated"}
    assert told(deployment.api, made) == ["verification.created", *scenario.events]


_STRICT: dict[str, LenderApi] = {}
"""Of each deployment the lender whose law asks for a signature and a face, and the register of
people.
"""


@pytest.fixture
def strict(deployment: Deployment) -> LenderApi:
    """Added once to a deployment."""
    if deployment.url not in _STRICT:
        added = deployment.add_lender("Strict Credit LLP", bin="120340000153", profile="KZ-2025-01")
        _STRICT[deployment.url] = added
    return _STRICT[deployment.url]


@pytest.mark.parametrize(
    "name", [name for name, scenario in SCENARIOS.items() if scenario.registered]
)
def test_under_a_law_that_asks_the_register_a_signature_comes_to_it_too(
    deployment: Deployment, strict: LenderApi, name: str
) -> None:
    samples.fetch()  # the face comes second, and is painted if it comes to that
    scenario, letters = (
        SCENARIOS[name],
        "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12)),
    )
    opened = strict.open(
        f"strict-{letters}", iin=deployment.stage.iin(), routes=["eds", "biometric"]
    )["id"]
    played = strict.call("POST", f"/v1/test/verifications/{opened}/simulate", {"scenario": name})
    assert played == {"verification": opened, "scenario": name, "route": "eds"}

    def came() -> bool:
        found = strict.read(opened)
        return (found["status"], found["last_failure"] or "") == (
            scenario.status,
            scenario.last_failure,
        )

    wait_until(came, what=name, seconds=240)
    found = strict.read(opened)
    assert (found["code"] or "") == scenario.code
    assert {check["code"] for check in found["checks"] if check["code"]} >= set(scenario.checks)
    assert told(strict, opened) == ["verification.created", *scenario.events]


def test_who_went_away_is_abandoned_when_time_is_over_and_played_on(deployment: Deployment) -> None:
    made = opened(deployment, "eds")
    simulate(deployment, made, "abandoned")
    wait_until(
        lambda: asked(deployment, made)["type"] == "statement", what="the statement", seconds=60
    )
    deployment.api.call("POST", "/v1/test/clock", {"advance_seconds": 3600, "verification": made})
    wait_until(
        lambda: asked(deployment, made)["code"] == "abandoned",
        what="the end of the page's time",
        seconds=60,
    )
    wait_until(
        lambda: begun(deployment, made, "verified"), what="the borrower's going away", seconds=60
    )
    assert ended(deployment, made)["status"] == "verified"


def test_who_never_comes_back_is_expired_when_time_is_over(deployment: Deployment) -> None:
    made = opened(deployment, "eds")
    simulate(deployment, made, "expires")
    deployment.api.call("POST", "/v1/test/clock", {"advance_seconds": 90_000, "verification": made})
    found = ended(deployment, made)
    assert (found["status"], found["code"]) == ("expired", "verification_expired")
    assert told(deployment.api, made) == ["verification.created", "verification.expired"]


def test_a_borrower_who_may_choose_takes_the_route_that_was_asked_for(
    deployment: Deployment,
) -> None:
    made = deployment.api.open(
        "simulated-choice", iin=deployment.stage.iin(), routes=["eds", "biometric"]
    )["id"]
    wanted = {"scenario": "verified", "route": "eds"}
    deployment.api.call("POST", f"/v1/test/verifications/{made}/simulate", wanted)
    found = ended(deployment, made)
    assert (found["status"], found["route"]) == ("verified", "eds")
