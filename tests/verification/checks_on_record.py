"""What checks said, as the log has it, and how somebody with the database would write over it."""

import json
from collections.abc import Callable
from typing import Any

from tests import entries
from tests.verification.log.rows import tamper
from verification.log import signatures
from verification.log.signatures import spell_leaf
from verification.log.tree import leaf_hash
from verification.models import Attempt, AuditEntry, AuditLeaf

Said = list[dict[str, str]]


def checks(**of: Any) -> list[dict[str, str]]:
    """Each check of these attempts, in their order, with the attempt's id."""
    attempts = set(Attempt.objects.filter(**of).values_list("pk", flat=True))
    judged = AuditEntry.objects.filter(type="attempt.judged").order_by(
        "at", "verification_sequence"
    )
    bodies = [body for body in judged.values_list("body", flat=True) if body["attempt"] in attempts]
    return [{**said, "attempt": body["attempt"]} for body in bodies for said in body["checks"]]


def passed(**of: Any) -> set[str]:
    """The names of those that passed."""
    return {said["check"] for said in checks(**of) if said["outcome"] == "pass"}


def write_over(attempt: Attempt, name: str, **changes: str) -> None:
    """Changes what the log says of one check, as only the owner of the database with a
    worker's key could.
    """
    _change(attempt, lambda said: [one | changes if one["check"] == name else one for one in said])


def take_away(attempt: Attempt, name: str) -> None:
    """Takes one check out of what the log says."""
    _change(attempt, lambda said: [one for one in said if one["check"] != name])


def _change(attempt: Attempt, change: Callable[[Said], Said]) -> None:
    entry = AuditEntry.objects.get(type="attempt.judged", body__attempt=attempt.pk)
    entry.body = entry.body | {"checks": change(entry.body["checks"])}
    beside = AuditEntry.objects.filter(
        verification=entry.verification_id, at=entry.at, type__in=entries.SIGNED
    )
    together = [entry, *beside.exclude(pk=entry.pk).order_by("verification_sequence")]
    for one in together:
        one.body = {name: said for name, said in one.body.items() if name != "signed"}
    signatures.sign(together)  # an unsigned entry would be ignored
    for one in together:
        tamper(
            (
                "UPDATE verification_auditentry SET body = %s WHERE id = %s",
                (json.dumps(one.body), one.pk),
            )
        )
        if leaf := AuditLeaf.objects.filter(entry=one).first():
            hashed = leaf_hash(spell_leaf(one, lender_sequence=leaf.lender_sequence))
            tamper(
                (
                    "UPDATE verification_auditleaf SET leaf_hash = %s WHERE entry_id = %s",
                    (hashed, one.pk),
                )
            )
