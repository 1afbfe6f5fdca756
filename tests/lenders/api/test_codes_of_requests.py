"""Codes of the tables that no other test is answered: each by a request that leads to it."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection

from lenders import idempotency, keys, policy
from lenders.models import IdempotentRequest, Lender, WebhookEndpoint
from tests.lenders.api.clearing import cleared, verified
from tests.lenders.samples import Caller, faults, opening
from tests.verification.stories.conftest import Issued
from verification.core import profiles

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/verifications"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"purpose": "a\u202eb"}, ("/purpose", "text_malformed")),
        ({"purpose": "a\uffffb"}, ("/purpose", "text_malformed")),
        ({"purpose": "a" + "\u3164" * 60 + "b"}, ("/purpose", "text_malformed")),
        ({"metadata": {"a": "b  c"}}, ("/metadata/a", "text_malformed")),
        (
            {"subject__document__number": "N-1234567"},
            ("/subject/document/number", "document_malformed"),
        ),
        ({"metadata": {"a b": "x"}}, ("/metadata", "metadata_key_malformed")),
    ],
)
def test_a_field_is_told_with_its_code(
    api: Caller, changes: dict[str, object], fault: tuple[str, str]
) -> None:
    answer = api.post(PATH, opening(**changes))
    assert (answer.status_code, faults(answer)) == (422, {fault})


def test_a_person_of_the_sandbox_is_nobody_in_live_mode(lender: Lender) -> None:
    lender.live_calendar = profiles.calendar_of("KZ-2026-01")
    lender.save()
    issued = keys.issue(lender, mode="test")
    issued.key.mode = "live"
    issued.key.save()
    answer = Caller(issued.secret).post(PATH, opening())
    assert (answer.status_code, faults(answer)) == (422, {("/subject/iin", "iin_test_only")})


def test_a_law_that_nobody_knows_opens_nothing(api: Caller, lender: Lender) -> None:
    lender.test_calendar = [{"from": "2020-01-01", "profile": "KZ-0000"}]
    lender.save()
    answer = api.post(PATH, opening())
    assert (answer.status_code, answer.json()["code"]) == (422, "profile_unknown")


def test_more_redeliveries_than_may_wait_are_refused(
    api: Caller, lender: Lender, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "REDELIVER_MAX", 0)
    answer = api.post(f"/v1/webhook-endpoints/{endpoint.pk}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "redelivery_limit")


def test_a_database_that_is_away_is_told_to_be(api: Caller) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        answer = api.get(PATH)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (
        503,
        "unavailable",
        "2",
    )


def test_a_fault_that_nobody_thought_of_is_told_to_be_ours(api: Caller) -> None:
    def break_down(*_: Any) -> None:
        raise LookupError("of ours")

    with connection.execute_wrapper(break_down):
        answer = api.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert b"of ours" not in answer.content


def test_a_reservation_that_another_took_over_writes_nothing(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = idempotency._reserve

    def taken_over(*given: Any) -> IdempotentRequest:
        row = reserve(*given)
        IdempotentRequest.objects.filter(pk=row.pk).update(fence="ab" * 16)
        return row

    monkeypatch.setattr(idempotency, "_reserve", taken_over)
    answer = api.post(PATH, opening(), key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "fence_lost")
    assert api.get(PATH).json()["data"] == []


@pytest.mark.usefixtures("trusted")
def test_a_first_credit_over_the_law_waits_for_a_visit(
    api: Caller, lender: Lender, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = replace(profiles.get("KZ-2021-04"), id="KZ-TEST", visit_over_mci=10)
    monkeypatch.setitem(profiles.PROFILES, law.id, law)
    lender.test_calendar = profiles.calendar_of(law.id)
    lender.save()
    told = cleared(api, verified(lender, issued))
    assert (told["status"], told["code"]) == ("refused", "in_person_required")


@pytest.mark.usefixtures("trusted")
def test_more_than_a_law_lets_anybody_lend_is_not_paid_out(
    api: Caller, lender: Lender, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    law = replace(profiles.get("KZ-2021-04"), id="KZ-TEST", amount_max_mci=10)
    monkeypatch.setitem(profiles.PROFILES, law.id, law)
    lender.test_calendar = profiles.calendar_of(law.id)
    lender.save()
    told = cleared(api, verified(lender, issued))
    assert (told["status"], told["code"]) == ("refused", "amount_over_profile")
