"""A verification that the sandbox plays, by requests alone."""

import secrets
from hashlib import sha256
from typing import Any

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import wait_until
from tests.service.deployment import Deployment, events_of

_PASSING = ("requires_input", "processing")


def opened(deployment: Deployment, api: LenderApi, *routes: str, iin: str = "") -> str:
    """A fresh verification of a person whom no register knows; its id."""
    letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    made = api.open(f"simulated-{letters}", iin=iin or deployment.stage.iin(), routes=list(routes))
    return str(made["id"])


def simulate(api: LenderApi, verification_id: str, scenario: str, **more: str) -> dict[str, Any]:
    """The answer to a request to play it."""
    place = f"/v1/test/verifications/{verification_id}/simulate"
    return api.call("POST", place, {"scenario": scenario, **more})


def ended(
    api: LenderApi, verification_id: str, *, passing: tuple[str, ...] = _PASSING
) -> dict[str, Any]:
    """It, once the borrower is asked for nothing any more. passing: statuses that do not last."""
    wait_until(
        lambda: api.read(verification_id)["status"] not in passing,
        what=verification_id,
        seconds=240,
    )
    return api.read(verification_id)


def played(api: LenderApi, verification_id: str, scenario: str) -> dict[str, Any]:
    """It, once this was played and it has ended."""
    simulate(api, verification_id, scenario)
    return ended(api, verification_id)


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


def told(api: LenderApi, verification_id: str) -> list[str]:
    """The types of the events about it, in order."""
    mine = [event for event in events_of(api) if event["data"]["verification"] == verification_id]
    return [event["type"] for event in mine]
