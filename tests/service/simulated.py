"""A verification that the sandbox plays, by requests alone."""

import secrets
from typing import Any

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import wait_until
from tests.service.deployment import Deployment, events_of

CONTRACT = "c0" * 32
_PASSING = ("requires_input", "processing")


def opened(deployment: Deployment, api: LenderApi, *routes: str, iin: str = "") -> str:
    """A fresh verification of somebody whom no register knows; its id."""
    letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    made = api.open(f"simulated-{letters}", iin=iin or deployment.stage.iin(), routes=list(routes))
    return str(made["id"])


def simulate(api: LenderApi, verification_id: str, scenario: str, **more: str) -> dict[str, Any]:
    """What is answered to whoever has it played."""
    place = f"/v1/test/verifications/{verification_id}/simulate"
    return api.call("POST", place, {"scenario": scenario, **more})


def ended(api: LenderApi, verification_id: str) -> dict[str, Any]:
    """It, once the borrower is asked for nothing any more."""
    wait_until(
        lambda: api.read(verification_id)["status"] not in _PASSING,
        what=verification_id,
        seconds=240,
    )
    return api.read(verification_id)


def played(api: LenderApi, verification_id: str, scenario: str) -> dict[str, Any]:
    """It, once this was played and it has ended."""
    simulate(api, verification_id, scenario)
    return ended(api, verification_id)


def cleared(api: LenderApi, verification_id: str) -> dict[str, Any]:
    """A clearance, once its gates are evaluated."""
    made = api.call(
        "POST", f"/v1/verifications/{verification_id}/clearances", {"contract_sha256": CONTRACT}
    )
    place = f"/v1/clearances/{made['id']}"
    wait_until(
        lambda: api.call("GET", place)["status"] != "processing", what="the gates", seconds=60
    )
    return api.call("GET", place)


def told(api: LenderApi, verification_id: str) -> list[str]:
    """The types of the events about it, in order."""
    mine = [event for event in events_of(api) if event["data"]["verification"] == verification_id]
    return [event["type"] for event in mine]
