"""The sandbox for machines over real processes: each scenario of the catalogue comes to exactly
what it says.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from insecure_sandbox import samples
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, wait_until
from tests.service.deployment import Deployment
from tests.service.simulated import cleared, ended, opened, simulate, told
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
_REVIEWED = ("review_passed", "review_refused")
_SHOWN = {(name, route) for name in (*_PAINTED, *_REVIEWED) for route in FACED}
_SHOWN |= {("failed", "biometric")}
_BY_CHANCE = (pytest.mark.proof("scenarios"), pytest.mark.whole)


def _endings() -> Iterator[ParameterSet]:
    """Every capture by its own route, in `make prove` alone.

    A scenario without a capture is the same on each route.
    """
    for name, scenario in SCENARIOS.items():
        if scenario.status in _PASSING:
            continue
        blind = [route for route in scenario.routes if (name, route) not in _SHOWN]
        yield from (pytest.param(name, route) for route in blind[:1])
        for route in scenario.routes:
            if route not in blind:
                yield pytest.param(name, route, marks=_BY_CHANCE)


def holds(verification: dict[str, Any], name: str) -> None:
    """It stands as the catalogue says."""
    scenario = SCENARIOS[name]
    assert (verification["status"], verification["code"] or "") == (scenario.status, scenario.code)
    assert (verification["last_failure"] or "") == scenario.last_failure


@pytest.mark.parametrize(("name", "route"), [*_endings()])
def test_a_scenario_comes_to_what_the_catalogue_says(
    deployment: Deployment, name: str, route: str
) -> None:
    samples.fetch()
    api, made = deployment.api, opened(deployment, deployment.api, route)
    answer = simulate(api, made, name)
    assert answer == {"verification": made, "scenario": name, "route": route}
    reviewed = ("in_review",) if name in _REVIEWED else ()
    verification = ended(api, made, passing=(*_PASSING, *reviewed))
    holds(verification, name)
    codes = {check["code"] for check in verification["checks"] if check["code"]}
    # Painted frames may fail more than one check; an unpainted scenario comes exactly.
    expected = set(SCENARIOS[name].checks)
    assert codes >= expected if route in FACED else codes == expected
    assert {check["engine"]["name"] for check in verification["checks"]} == {"insecure_simulated"}
    assert told(api, made) == ["verification.created", *SCENARIOS[name].events]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("face_reference_unavailable", marks=_BY_CHANCE),
        pytest.param("captures_exceeded", marks=_BY_CHANCE),
        "otp_expired",
    ],
)
def test_what_burns_nothing_leaves_the_question_open_with_its_code(
    deployment: Deployment, name: str
) -> None:
    samples.fetch()
    api, scenario = deployment.api, SCENARIOS[name]
    made = opened(deployment, api, scenario.routes[0])
    simulate(api, made, name)

    def codes() -> set[str]:
        """Those that are told: a check waits for its place in the log."""
        return {check["code"] for check in api.read(made)["checks"] if check["code"]}

    wait_until(lambda: codes() >= set(scenario.checks), what=name, seconds=300)
    holds(api.read(made), name)
    assert deployment.burnt(made) == 0
    assert told(api, made) == ["verification.created", *scenario.events]


@pytest.mark.parametrize(
    "name", [name for name, scenario in SCENARIOS.items() if scenario.clearance]
)
@pytest.mark.parametrize("is_named", [True, False])
def test_a_scenario_refuses_a_clearance_with_its_code(
    deployment: Deployment, lenders: dict[str, LenderApi], name: str, is_named: bool
) -> None:
    if "asks" not in lenders:
        lenders["asks"] = deployment.add_lender("Ask LLP", bin="180440015007", profile="KZ-ASKS")
    api, scenario = lenders["asks"], SCENARIOS[name]
    # Another person of the table, and their own: the scenario that is played counts.
    iin = SCENARIOS["verified"].iin if is_named else scenario.iin
    made = opened(deployment, api, "eds", iin=iin)
    api.call(
        "POST",
        f"/v1/test/verifications/{made}/simulate",
        {"scenario": name} if is_named else {},
    )
    holds(ended(api, made), name)
    assert told(api, made) == ["verification.created", *scenario.events]
    clearance = cleared(api, made)
    assert (clearance["status"], clearance["code"]) == ("refused", scenario.clearance)


@pytest.fixture(scope="module")
def lenders() -> dict[str, LenderApi]:
    """The lender whose law asks for a signature and a face, and the register of people."""
    return {}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, scenario in SCENARIOS.items()
        if scenario.registered and not scenario.clearance
    ],
)
def test_under_a_law_that_asks_the_register_a_signature_comes_to_it_too(
    deployment: Deployment, lenders: dict[str, LenderApi], name: str
) -> None:
    samples.fetch()  # the face comes second, and is painted if it comes to that
    if "strict" not in lenders:
        bin_of_it = "120340000153"
        lenders["strict"] = deployment.add_lender("Strict LLP", bin=bin_of_it, profile="KZ-2025-01")
    strict, scenario = lenders["strict"], SCENARIOS[name]
    made = opened(deployment, strict, "eds", "biometric")
    answer = simulate(strict, made, name)
    assert answer == {"verification": made, "scenario": name, "route": "eds"}

    def came() -> bool:
        verification = strict.read(made)
        failure = verification["last_failure"] or ""
        return (verification["status"], failure) == (scenario.status, scenario.last_failure)

    wait_until(came, what=name, seconds=240)
    verification = strict.read(made)
    holds(verification, name)
    codes = {check["code"] for check in verification["checks"] if check["code"]}
    assert codes >= set(scenario.checks)
    assert told(strict, made) == ["verification.created", *scenario.events]


def test_who_went_away_is_abandoned_when_time_is_over_and_played_on(deployment: Deployment) -> None:
    api, made = deployment.api, opened(deployment, deployment.api, "eds")

    def next_of(word: str) -> Any:
        return api.read(made)["next_action"][word]

    def is_played_on() -> bool:
        """It is not while the borrower before is still at it."""
        try:
            return bool(simulate(api, made, "verified"))
        except DemoFailed as fault:
            if "409 simulation_under_way" not in str(fault):
                raise
            return False

    simulate(api, made, "abandoned")
    wait_until(lambda: next_of("type") == "statement", what="the statement", seconds=60)
    api.call("POST", "/v1/test/clock", {"advance_seconds": 3600, "verification": made})
    wait_until(lambda: next_of("code") == "abandoned", what="the end of its time", seconds=60)
    wait_until(is_played_on, what="the borrower's going away", seconds=60)
    assert ended(api, made)["status"] == "verified"


def test_who_never_comes_back_is_expired_when_time_is_over(deployment: Deployment) -> None:
    api, made = deployment.api, opened(deployment, deployment.api, "eds")
    simulate(api, made, "expires")
    api.call("POST", "/v1/test/clock", {"advance_seconds": 90_000, "verification": made})
    verification = ended(api, made)
    assert (verification["status"], verification["code"]) == ("expired", "verification_expired")
    assert told(api, made) == ["verification.created", "verification.expired"]


def test_a_borrower_who_may_choose_takes_the_route_that_was_asked_for(
    deployment: Deployment,
) -> None:
    made = opened(deployment, deployment.api, "eds", "biometric")
    simulate(deployment.api, made, "verified", route="eds")
    verification = ended(deployment.api, made)
    assert (verification["status"], verification["route"]) == ("verified", "eds")
