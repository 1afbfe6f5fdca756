"""What a lender gave one person on one day in Almaty, or may give yet: what the cooling-off looks
at.
"""

from datetime import datetime, timedelta

import pytest

from tests.lenders.api.test_clearances import cleared, consume, verified
from tests.verification.stories.story import wait_until
from verification import clock
from verification.case import contents
from verification.core import almaty
from verification.payout import gates

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

LOAN = 15_000_000  # tiyn


def of_day(story):
    row = story.row()
    case, at = contents.read(row, contents.key_of(row)).case, clock.now()
    return gates.most_credit_of_days(row, case.person.iin.value, days=[almaty.day_of(at)], at=at)


def test_what_was_paid_and_what_may_be_paid_counts(api, lender, other_lender, issued):
    first, second, others = (
        verified(lender, issued),
        verified(lender, issued, "B-1"),
        verified(other_lender, issued),
    )
    assert of_day(second) == 0
    clearance = cleared(api, first)
    assert (of_day(second), of_day(first), of_day(others)) == (LOAN, 0, 0)
    assert consume(api, clearance, amount="1.00").status_code == 200
    assert of_day(second) == LOAN


def test_what_ran_out_and_what_was_paid_yesterday_does_not(api, lender, issued):
    first, second = verified(lender, issued), verified(lender, issued, "B-1")
    assert consume(api, cleared(api, first)).status_code == 200
    third = verified(lender, issued, "C-1")
    cleared(api, third)
    assert of_day(second) == 2 * LOAN
    tomorrow = almaty.day_of(clock.now()) + timedelta(days=1)
    wait_until(datetime(tomorrow.year, tomorrow.month, tomorrow.day, 1, tzinfo=almaty.ZONE))
    assert of_day(second) == 0


def test_a_reported_contract_counts_on_its_own_day_and_on_that_of_the_report(api, lender, issued):
    first, second, signed = verified(lender, issued), verified(lender, issued, "B-1"), clock.now()
    tomorrow = almaty.day_of(signed) + timedelta(days=1)
    wait_until(almaty.begins(tomorrow))
    body = {"signed_at": signed.isoformat(), "contract_sha256": "c" * 64}
    assert api.post(f"/v1/verifications/{first.id}/contract", body).status_code == 200
    row, at = second.row(), clock.now()
    sums = [
        gates.most_credit_of_days(
            row, "990101100010", days=[tomorrow + timedelta(days=number)], at=at
        )
        for number in (-1, 0, 1)
    ]
    assert sums == [LOAN, LOAN, 0]
