"""What lies directly under the key-encryption key (KEK): the one table of its columns, and how
each is sealed anew under the newest.

A row is changed only if it still holds the bytes that were opened: whatever a process writes or
destroys meanwhile stays. So rotation runs beside all processes, and may stop, repeat and run twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Max, Model

from lenders import idempotency
from lenders import policy as of_lenders
from lenders.models import IdempotentRequest
from operators import proposals
from operators.models import Proposal
from people.models import SecondFactor
from verification import transactions
from verification.access import subjects
from verification.case import policy as of_cases
from verification.core.errors import EvidenceUnreadable
from verification.evidence import vault
from verification.models import DataKey, SubjectRequest

BATCH: Final = 200
"""Rows of one transaction: locked for some tenths of a second. Ours."""


@dataclass(frozen=True)
class Sealed:
    """One column.

    writer: the process whose database role may change it.
    scope: under what a row's bytes are sealed.
    reads: the columns that the scope reads.
    days: after how many days a row is deleted; 0 if it stays.
    """

    model: type[Model]
    column: str
    writer: str
    scope: Callable[[Any], str]
    reads: tuple[str, ...]
    days: float = 0

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.model._meta.db_table}.{self.column}"

    def is_ours(self) -> bool:
        """Whether this process may change it. A role of all processes may change each."""
        return not settings.TULGA_PROCESS_ROLES or self.writer == settings.TULGA_PROCESS

    def is_visible(self) -> bool:
        """Whether this process may read it: web reads every table."""
        return self.is_ours() or settings.TULGA_PROCESS == "web"


SEALED: Final = (
    Sealed(
        DataKey, "wrapped_key", "worker", vault.scope_of_key, reads=("verification__lender_id",)
    ),
    Sealed(
        SecondFactor,
        "wrapped_key",
        "web",
        SecondFactor.scope_of_wrap,
        reads=("user__role", "user__lender_id"),
    ),
    Sealed(Proposal, "sealed_code", "web", proposals.scope_of, reads=("actor",)),
    Sealed(
        IdempotentRequest,
        "sealed_answer",
        "web",
        idempotency.scope_of,
        reads=("lender_id", "mode", "key_sha256", "request_sha256", "status"),
        days=of_lenders.REPLAY_SECONDS / 86_400,
    ),
    *(
        Sealed(
            SubjectRequest,
            column,
            "web",
            scope,
            reads=(),
            days=of_cases.SUBJECT_IN_PERSON_SECONDS / 86_400,
        )
        for column, scope in (
            ("sealed", subjects.scope_of_asked),
            ("sealed_signature", subjects.scope_of_signature),
        )
    ),
)
"""Every column whose bytes the KEK seals."""


@dataclass
class Tally:
    """Rows of one column, so far.

    by_kek: how many rest on each KEK, by its version.
    moved: how many were sealed anew.
    unreadable: ids of rows whose bytes do not open, and so were not moved; the first few.
    """

    place: Sealed
    by_kek: Counter[int] = field(default_factory=Counter)
    moved: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Rows with sealed bytes."""
        return self.by_kek.total()


_NAMED: Final = 3
"""How many unreadable rows a tally names."""


def walk(place: Sealed, *, moves: bool, batch: int = BATCH) -> Iterator[Tally]:
    """The tally of a column after each batch; the last is of all rows.

    moves: also seals what rests on an older KEK anew, under the newest, in one transaction for each
    batch.

    Raises: `Misconfigured` without a KEK.
    """
    tally, after = Tally(place), None
    while True:
        with transactions.writing() if moves else nullcontext():
            rows = _page(place, after=after, limit=batch)
            for row in rows:
                if sealed := bytes(getattr(row, place.column) or b""):
                    kek = _move(row, sealed, tally) if moves else vault.version_of(sealed)
                    tally.by_kek[kek] += 1
        transactions.end_reading()
        yield tally
        if len(rows) < batch:
            return
        after = rows[-1].pk


def newest_kek() -> int:
    """The version under which all is sealed now.

    Raises: `Misconfigured` without a KEK.
    """
    return vault.newest_kek()


def last_deletion(place: Sealed) -> datetime | None:
    """When the last of its present rows is deleted at the latest; None if rows stay, or without
    any.
    """
    if not place.days:
        return None
    newest = place.model._default_manager.aggregate(at=Max("created_at"))["at"]
    return newest + timedelta(days=place.days) if newest else None


def _move(row: Any, sealed: bytes, tally: Tally) -> int:
    """The version on which a row rests now. What does not open stays as it is."""
    place, newest, kek = tally.place, vault.newest_kek(), vault.version_of(sealed)
    if kek >= newest:
        return kek
    try:
        fresh = vault.reseal(sealed, scope=place.scope(row))
    except EvidenceUnreadable:
        if len(tally.unreadable) < _NAMED:
            tally.unreadable.append(str(row.pk))
        return kek
    same = place.model._default_manager.filter(pk=row.pk, **{place.column: sealed})
    if not same.update(**{place.column: fresh}):
        return kek  # changed meanwhile: the next walk reads it
    tally.moved += 1
    return newest


def _page(place: Sealed, *, after: Any, limit: int) -> list[Any]:
    """The next rows by their primary key."""
    query = place.model._default_manager.order_by("pk").only(place.column, *place.reads)
    if related := {name.partition("__")[0] for name in place.reads if "__" in name}:
        query = query.select_related(*related)
    return list((query if after is None else query.filter(pk__gt=after))[:limit])
