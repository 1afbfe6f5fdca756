"""How long what is kept must stay."""

from datetime import UTC, datetime

import pytest

from verification.core.almaty import kept_until

CREATED = datetime(2026, 3, 10, 8, tzinfo=UTC)


def days(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        (None, None, "2031-03-10T19:00:00+00:00"),  # the 10th is over in Kazakhstan
        ("2026-03-11T08:00:00+00:00", None, None),
        ("2026-03-11T08:00:00+00:00", "2026-06-01T08:00:00+00:00", "2031-06-01T19:00:00+00:00"),
        # 18:59:59 UTC is the same day in Kazakhstan, a second later it is the next.
        ("2026-03-11T08:00:00+00:00", "2026-06-01T18:59:59+00:00", "2031-06-01T19:00:00+00:00"),
        ("2026-03-11T08:00:00+00:00", "2026-06-01T19:00:00+00:00", "2031-06-02T19:00:00+00:00"),
        ("2026-03-11T08:00:00+00:00", "2028-02-29T08:00:00+00:00", "2033-03-01T19:00:00+00:00"),
    ],
)
def test_five_years_after_the_obligation_or_the_attempt_and_never_while_it_is_open(
    opened, closed, expected
):
    opened_at, closed_at = (days(one) if one else None for one in (opened, closed))
    found = kept_until(created_at=CREATED, opened_at=opened_at, closed_at=closed_at)
    assert found == (days(expected) if expected else None)
