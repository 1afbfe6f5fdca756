"""What checks said, as the log has it, and how somebody with the database would write over it."""

import json
from collections.abc import Callable
from typing import Any

from tests.verification.audit.rows import tamper
from verification.audit import signatures
from verification.models import Attempt, AuditEntry

Said = list[dict[str, str]]


def checks(**of: Any) -> list[dict[str, str]]:
    """Each check of these attempts, in their order, with the attempt's id."""
    attempts = set(Attempt.objects.filter(**of).values_list("pk", flat=True))
    judged = AuditEntry.objects.filter(type="attempt.judged").order_by("at", "verification_sequence")
    bodies = [body for body in judged.values_list("body", flat=True) if body["attempt"] in attempts]
    return [{**said, "attempt": body["attempt"]} for body in bodies for said in body["checks"]]


def passed(**of: Any) -> set[str]:
    """The names of those that passed."""
    return {said["check"] for said in checks(**of) if said["outcome"] == "pass"}


def write_over(attempt: Attempt, name: str, **changes: str) -> None:
    """Changes what the log says of one check, as only whoever owns the database and holds a worker's key could."""
    _change(attempt, lambda said: [one | changes if one["check"] == name else one for one in said])


def take_away(attempt: Attempt, name: str) -> None:
    """Takes one check out of what the log says."""
    _change(attempt, lambda said: [one for one in said if one["check"] != name])


def _change(attempt: Attempt, change: Callable[[Said], Said]) -> None:
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=attempt.pk)
    body = {name: said for name, said in entry.body.items() if name != "signed"}
    entry.body = body | {"checks": change(entry.body["checks"])}
    signatures.sign([entry])  # or nobody would look at what it says
    tamper(("UPDATE verification_auditentry SET body = %s WHERE id = %s", (json.dumps(entry.body), entry.pk)))
