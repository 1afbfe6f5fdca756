"""Many present one clearance at once: one of them is paid."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from lenders import keys
from tests.lenders.api.test_clearances import cleared, consume, types, verified
from tests.lenders.samples import Caller
from verification.models import Clearance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

_WHOLE = (pytest.mark.proof("clearances"), pytest.mark.whole)


@pytest.mark.embedded
def test_of_many_at_once_one_is_paid(api, lender, issued):
    for round_ in range(3):
        story = verified(lender, issued, f"R-{round_}")
        found = at_once(16, lender, cleared(api, story))
        assert sorted(found) == [(200, "")] + [(409, "clearance_consumed")] * 15
        assert types(story).count("clearance.consumed") == 1


@pytest.mark.service
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=_WHOLE)])
def test_of_64_at_once_again_and_again_one_each_is_paid(api, lender, issued, rounds):
    story = verified(lender, issued)
    for round_ in range(rounds):
        if round_:
            story = verified(lender, issued, f"R-{round_}")
        found = at_once(64, lender, cleared(api, story))
        assert sorted(found) == [(200, "")] + [(409, "clearance_consumed")] * 63
        assert types(story).count("clearance.consumed") == 1
        assert Clearance.objects.filter(verification_id=story.id, status="consumed").count() == 1


def at_once(number, lender, clearance):
    secret = keys.issue(lender, mode="test").secret

    def one(own):
        try:
            connection.ensure_connection()
            answer = consume(
                Caller(secret), clearance, key=f"{clearance['id']}-{own}" if own % 2 else ""
            )
            return answer.status_code, answer.json()["code"] or ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))
