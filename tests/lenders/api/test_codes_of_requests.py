"""Codes of the tables that no other test is answered: each by a request that leads to it."""

import pytest

from lenders import policy
from lenders.models import Lender, WebhookEndpoint
from tests.lenders.samples import Caller, faults, opening

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/verifications"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"purpose": "a\u202eb"}, ("/purpose", "text_malformed")),
        ({"subject__document__number": "N-1234567"}, ("/subject/document/number", "document_malformed")),
        ({"metadata": {"a b": "x"}}, ("/metadata", "metadata_key_malformed")),
    ],
)
def test_a_field_is_told_with_its_code(api: Caller, changes: dict[str, object], fault: tuple[str, str]) -> None:
    answer = api.post(PATH, opening(**changes))
    assert (answer.status_code, faults(answer)) == (422, {fault})


def test_more_redeliveries_than_may_wait_are_refused(
    api: Caller, lender: Lender, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "REDELIVER_MAX", 0)
    answer = api.post(f"/v1/webhook-endpoints/{endpoint.pk}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "redelivery_limit")
