"""A wait that a law asks for is over sooner by a test clock, and what follows it is as lawful as
ever.
"""

from datetime import datetime, timedelta

import pytest

from tests.lenders.api.renewing import (
    asked,
    asked_anew,
    consent,
    gate,
    half_a_day_ago,
    iin,
    link,
    report,
    verified,
)
from tests.lenders.api.test_test_clock import DAY, advance, lawful, read
from tests.lenders.samples import code
from tests.verification.stories.story import order

__all__ = ["asked", "half_a_day_ago", "iin"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_a_wait_is_over_and_leads_to_a_new_consent(api, lender, issued, iin, asked):
    story = verified(lender, issued, iin)
    told = report(api, story).json()["contract"]
    assert gate(api, story) == ("refused", "cooling_off")
    advance(api, DAY - 600)
    assert code(link(api, story)) == (409, "cooling_off")
    advance(api, 600)
    now = read(api, story)["contract"]["release_not_before"]
    assert datetime.fromisoformat(told["release_not_before"]) - datetime.fromisoformat(
        now
    ) == timedelta(seconds=DAY)
    assert gate(api, story) == ("refused", "consent_renewal_required")
    renewal = asked_anew(api, story)
    moved = advance(api, 60, verification=renewal.id)
    assert moved == {
        "verifications": 2,
        "advanced_seconds": DAY + 60,
    }  # the two wait for each other
    consent(renewal, asked)
    order()
    assert gate(api, story) == ("issued", None)
    lawful()
