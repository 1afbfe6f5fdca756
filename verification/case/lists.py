"""Pages of a list, newest first."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import QuerySet

from verification.models import Verification

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list. `next` continues after it, or is None at the end."""

    data: tuple[Item, ...]
    has_more: bool
    next: str | None


LIST_MAX = 100  # rows a page


def beyond(rows: QuerySet[Verification], last: Verification) -> QuerySet[Verification]:
    """Those that come after this one in a list, newest first."""
    # The first condition is implied by the second, but only it ends where an index begins to be
    # read.
    return rows.filter(created_at__lte=last.created_at).exclude(
        created_at=last.created_at, pk__gte=last.pk
    )
