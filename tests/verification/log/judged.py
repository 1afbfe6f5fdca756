"""A case that was judged for real, and what the command says after somebody changed it."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from tests.scenes import staged
from tests.verification.log.rows import order_all
from tests.verification.stories.conftest import Issued
from tests.verification.stories.story import Story, run_out, verified_at_second_try
from verification import transactions
from verification.case import moving
from verification.evidence import vault
from verification.models import AuditEntry

Finding = dict[str, Any]


def judged(issued: Issued) -> Story:
    """A verified case with one burnt attempt in it, ordered. Nothing may have been written
    before.
    """
    return staged("judged", lambda: _judged(issued))


def _judged(issued: Issued) -> Story:
    story = verified_at_second_try(issued)
    order_all()
    return story


def audit(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    with suppress(CommandError):
        call_command("audit_verify", "--json", *arguments, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def findings(*arguments: str) -> list[Finding]:
    found: list[Finding] = audit(*arguments)["findings"]
    return found


def erase(story: Story) -> None:
    """The verification erased, as its entry says."""
    at = timezone.now()
    with transactions.writing():
        row = story.row()
        assert vault.destroy(verification_id=row.pk, at=at)
        moving.write(row, redacted_at=at)
        moving.record(row, "verification.redacted", at=at)


def lapsed(story: Story) -> Story:
    """The borrower says nothing more until the time of the open attempt is over; the clock stays
    there.
    """
    run_out(story)
    return story


def entry_of(story: Story, entry_type: str, **named: object) -> AuditEntry:
    """The first entry of a type whose body says what is named."""
    entries = AuditEntry.objects.filter(verification_id=story.id, type=entry_type).order_by(
        "verification_sequence"
    )
    return next(entry for entry in entries if named.items() <= entry.body.items())


def update(table: str, change: str, pk: object) -> tuple[str, tuple[object, ...]]:
    return (
        f"UPDATE verification_{table} SET {change} WHERE id = %s",  # noqa: S608
        (pk,),
    )


def delete(table: str, pk: object) -> tuple[str, tuple[object, ...]]:
    return (f"DELETE FROM verification_{table} WHERE id = %s", (pk,))  # noqa: S608


def places(found: list[Finding]) -> set[tuple[str, str, str]]:
    return {(named["code"], named.get("entry", ""), named.get("field", "")) for named in found}
