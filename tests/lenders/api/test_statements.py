"""How many statements each hot request of a lender sends. Whoever lets one grow writes its number
here anew.
"""

from collections.abc import Callable
from functools import partial

import pytest
from pytest_django import Settings

from lenders.models import Lender
from tests.lenders.samples import IIN, OTHER_IIN, Caller, opening
from tests.responses import Response
from tests.statements import statements
from tests.verification.stories.story import begin
from verification import tasks
from verification.log import sequencer

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/verifications"
# BEGIN, COMMIT, savepoints and set_config apart. Each begins with the look-up of the key; once a
# minute a request more writes down that the key is in use.
COUNTED = {
    # reserve and hold the Idempotency-Key, attempt, link, row, key, entries, their waiting, the
    # answer
    "open": 10,
    # a way that people may look at is on offer: who of the lender may vote
    "open, the borrower chooses": 10,
    "open without Idempotency-Key": 7,
    "open again": 16,
    "status": 3,
    "status with checks": 6,
    "list of 1": 3,
    "list of 100": 3,
    "events": 3,  # and what was signed together with them
    # whether it leads to the verification or to its new consent, each by the entry that opened it
    "link": 14,
    # its decision is read with its leaf and with what was signed beside it
    "status of one that has ended": 3,
    "list of one that has ended": 3,
    # Row, the entry that opened it, decision, its receipt's entry, who was revoked; checkpoint and
    # tile; and the reading is an entry, which waits.
    "receipt of one that was canceled": 10,
    "cancel": 14,  # the row is locked first: somebody may be stopping it
}


def asked(send: Callable[[], Response]) -> int:
    """The statements of a request that is answered well."""
    with statements() as sent:
        answer = send()
    assert answer.status_code in (200, 201), answer.content
    return len(sent)


@pytest.mark.parametrize("number", [1, 100])
def test_a_list_takes_few_statements_at_any_length(
    api: Caller, lender: Lender, number: int
) -> None:
    for each in range(number):
        begin(lender, f"loan-{each}")
    sequencer.order("test", limit=1000)
    api.get(PATH, limit="1")  # the key's use is written down
    assert asked(lambda: api.get(PATH, limit="100")) == COUNTED[f"list of {number}"]
    assert asked(lambda: api.get("/v1/events", limit="100")) == COUNTED["events"]


def test_each_request_sends_as_many_statements_as_are_listed(
    api: Caller, settings: Settings
) -> None:
    verification_id = api.post(PATH, opening()).json()["id"]
    found = {
        "open": asked(
            lambda: api.post(
                PATH, opening(client_reference="two", subject__iin=OTHER_IIN), key="k-1"
            )
        ),
        "open without Idempotency-Key": asked(
            lambda: api.post(PATH, opening(client_reference="three"))
        ),
        "open again": asked(lambda: api.post(PATH, opening(), key="k-2")),
        "status": asked(lambda: api.get(f"{PATH}/{verification_id}")),
        "status with checks": asked(lambda: api.get(f"{PATH}/{verification_id}", expand="checks")),
        "link": asked(lambda: api.post(f"{PATH}/{verification_id}/link", key="k-3")),
        "cancel": asked(lambda: api.post(f"{PATH}/{verification_id}/cancel", key="k-4")),
    }
    for what, path in (
        ("status", f"{PATH}/{verification_id}"),
        ("list", f"{PATH}?client_reference=loan-1"),
    ):
        assert api.get(path).json()
        sequencer.order("test")
        found[f"{what} of one that has ended"] = asked(partial(api.get, path))
    assert api.get(f"{PATH}/{verification_id}").json()["status"] == "canceled"
    tasks.advance(verification_id)
    sequencer.order("test")
    found["receipt of one that was canceled"] = asked(
        lambda: api.get(f"{PATH}/{verification_id}/receipt")
    )
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    chosen = opening(client_reference="four", subject__iin=IIN)
    found["open, the borrower chooses"] = asked(lambda: api.post(PATH, chosen, key="k-5"))
    assert found == {name: number for name, number in COUNTED.items() if name in found}
    assert found.keys() | {"list of 1", "list of 100", "events"} == COUNTED.keys()
