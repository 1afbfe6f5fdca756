"""What checks said, as it stands in the rows of attempts, and how somebody with the database would write over it."""

from typing import Any

from verification.models import Attempt


def checks(**of: Any) -> list[dict[str, Any]]:
    """Each check of these attempts, in their order, with the attempt's id."""
    found = Attempt.objects.filter(**of).order_by("opened_at", "turn")
    return [{**said, "attempt": attempt.pk} for attempt in found for said in attempt.checks]


def passed(**of: Any) -> set[str]:
    """The names of those that passed."""
    return {said["name"] for said in checks(**of) if said["outcome"] == "pass"}


def write_over(attempt: Attempt, name: str, **changes: Any) -> None:
    """Changes what one check said, behind everybody's back."""
    attempt.checks = [said | changes if said["name"] == name else said for said in attempt.checks]
    attempt.save(update_fields=["checks"])


def take_away(attempt: Attempt, name: str) -> None:
    """Takes one check out of what was said."""
    attempt.checks = [said for said in attempt.checks if said["name"] != name]
    attempt.save(update_fields=["checks"])
