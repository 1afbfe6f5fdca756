"""A case that was judged for real, and what the command says after somebody changed it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError

from tests.scenes import staged
from tests.verification.log.rows import order_all
from tests.verification.stories.conftest import Issued
from tests.verification.stories.purge_story import purged
from tests.verification.stories.story import Story, run_out, verified_at_second_try
from verification import clock
from verification.core.findings import Finding
from verification.log.verify_cases import look_at, verify_cases
from verification.models import AuditEntry

JsonFinding = dict[str, Any]


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


def findings(*arguments: str) -> list[JsonFinding]:
    found: list[JsonFinding] = audit(*arguments)["findings"]
    return found


def erase(story: Story, *, is_back: bool = False) -> None:
    """The verification erased, as after its last day. is_back: the clock then stands as before."""
    before = clock._state.offset
    purged(story)
    if is_back:
        clock._state.offset = before


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


def places(found: list[JsonFinding]) -> set[tuple[str, str, str]]:
    return {(named["code"], named.get("entry", ""), named.get("field", "")) for named in found}


_OF_ROWS = frozenset({"row_differs", "row_missing", "row_unsaid", "entry_lost"})


def findings_of(case: str, *, log: str = "test") -> list[Finding]:
    return list(look_at(log).at_page([case]))


def differences_of(case: str, *, log: str = "test") -> list[Finding]:
    """Of its rows alone."""
    return [finding for finding in findings_of(case, log=log) if finding.code in _OF_ROWS]


def verify_legality(log: str) -> Iterator[Finding]:
    """Without what it says of their rows."""
    return (finding for finding in verify_cases(log) if finding.code not in _OF_ROWS)
