"""Entries of a clearance as a worker and the door sign them, to be put behind a history that ends
verified.
"""

from typing import Any

from tests.verification.log.histories import DECISION, Said, at
from verification.course import policy

CAP = 15_000_000
GATES: list[dict[str, str]] = [
    {"name": name, "status": "not_evaluated" if asked_by else "passed"}
    for name, asked_by in policy.GATES.items()
]
"""As under a law that asks for nothing of them."""


def clearance(word: str, **more: Any) -> Said:
    """`clr_1` comes to be so."""
    return f"clearance.{word}", {"clearance": "clr_1", **more}


def requested(**more: Any) -> Said:
    """The door asks for it."""
    return clearance(
        "requested", **{"profile": "KZ-2021-04", "contract": "c" * 64, "cap": CAP, **more}
    )


def issued(**more: Any) -> Said:
    """A worker signs that the money may leave."""
    until = {"expires_at": at(600), "fresh_until": at(600)}
    said = {**requested()[1], "decision": DECISION, "gates": GATES, **until}
    return clearance("issued", **said | more)


def consumed(**more: Any) -> Said:
    """The money leaves."""
    return clearance("consumed", **{"amount": CAP, **more})


def passing(**others: str) -> list[dict[str, str]]:
    """The gates, but for these."""
    return [{**one, "status": others.get(one["name"], one["status"])} for one in GATES]


PAID = [requested(), issued(), consumed()]
