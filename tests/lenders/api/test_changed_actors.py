"""SQL of the application's role changes rows of lenders, keys and endpoints, acts, and puts back.

Nothing that it changed has an effect, and each change that stays is named.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db.models import Model

from lenders import endpoints, keys, policy, sender
from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import wait_to_be_sent
from tests.lenders.samples import Caller, code, opening
from verification import clock, transactions
from verification.core import events, profiles
from verification.core.errors import EvidenceUnreadable
from verification.log import keys as log_keys
from verification.log import log
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry, AuditPending, Verification

pytestmark = pytest.mark.django_db(transaction=True)

OF_LENDER: dict[str, dict[str, Any]] = {
    "another name": {"name": "National Bank"},
    "a stranger's telephone": {"phone": "+77019999999"},
    "another number": {"bin": "180440012350"},
    "another law": {"test_calendar": profiles.calendar_of("KZ-2024-10")},
    "a calendar of live mode": {"live_calendar": profiles.calendar_of("KZ-2026-01")},
    "a script as return address": {"return_urls": ["javascript:alert(1)"]},
}
OF_KEY: dict[str, dict[str, Any]] = {
    "more scopes": {"scopes": ["clearances:write", "verifications:write"]},
    "any network": {"cidrs": []},
    "a longer life": {"expires_at": clock.now() + timedelta(days=9_999)},
    "life after its end": {"revoked_at": None},
    "another secret": {"sha256": sha256(b"tlg_test_of-the-thief").hexdigest()},
}
OF_ENDPOINT: dict[str, Any] = {
    "another address": lambda other: {"url": other.url},
    "another secret": lambda other: {"sealed_secret": bytes(other.sealed_secret)},
    "another key": lambda other: {"sealed_signing_key": bytes(other.sealed_signing_key)},
    "another lender's": lambda other: {"lender_id": other.lender_id},
    "other events": lambda other: {"events": ["verification.verified"]},
}


@contextmanager
def changed(row: Model, **columns: Any) -> Iterator[None]:
    """The row has these values, and then its former ones again."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    before = rows.values(*columns).get()
    rows.update(**columns)
    try:
        yield
    finally:
        rows.update(**before)


def findings() -> list[tuple[str, str]]:
    return [(finding.code, finding.field) for finding in verify_actors()]


@pytest.mark.parametrize("deed", OF_LENDER)
def test_a_changed_lender_opens_nothing(api: Caller, lender: Lender, deed: str) -> None:
    with changed(lender, **OF_LENDER[deed]):
        refused = api.post("/v1/verifications", opening())
        assert (refused.status_code, Verification.objects.count()) == (500, 0)
        assert api.get("/v1/verifications").status_code == 500
        assert ("row_differs", *OF_LENDER[deed]) in findings()
    assert findings() == []
    assert api.post("/v1/verifications", opening()).status_code == 201


@pytest.mark.parametrize("deed", OF_KEY)
def test_a_changed_key_lets_nothing_in(lender: Lender, deed: str) -> None:
    issued = keys.issue(
        lender, mode="test", scopes=["verifications:read"], cidrs=["203.0.113.0/24"]
    )
    if deed == "life after its end":
        keys.revoke(issued.key)
    secret = "tlg_test_of-the-thief" if deed == "another secret" else issued.secret
    caller = Caller(secret, address="203.0.113.5")
    with changed(issued.key, **OF_KEY[deed]):
        assert caller.get("/v1/verifications").status_code == 500
        assert ("row_differs", *OF_KEY[deed]) in findings()
    assert findings() == []


def test_a_key_of_one_lender_is_not_moved_to_another(
    lender: Lender, other_lender: Lender, api: Caller
) -> None:
    with changed(ApiKey.objects.get(lender=lender), lender_id=other_lender.pk):
        assert api.get("/v1/verifications").status_code == 500
        assert ("row_differs", "lender") in findings()
    assert api.get("/v1/verifications").status_code == 200


def test_an_inserted_key_is_unknown(
    lender: Lender, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "UNKNOWN_KEYS", 100)
    key = api_key_of(lender)
    for number in range(50):
        secret = f"tlg_test_thief{number}"
        key.pk, key.sha256 = f"key_thief{number}", sha256(secret.encode()).hexdigest()
        key.save(force_insert=True)
        assert code(Caller(secret).get("/v1/verifications")) == (401, "key_unknown")
    assert [finding for finding, _ in findings()] == ["row_unsaid"] * 50


def api_key_of(lender: Lender) -> ApiKey:
    return ApiKey.objects.filter(lender=lender).earliest("created_at")


def test_a_statement_without_a_signature_counts_nowhere(lender: Lender, api: Caller) -> None:
    """An entry can be inserted, but not signed."""
    key = api_key_of(lender)
    genuine = AuditEntry.objects.filter(type=events.API_KEY).latest("at")
    with changed(key, scopes=["clearances:write"]):
        for signed in (None, genuine.body["signed"], {"with": genuine.pk}, {"by": "x"}):
            body = genuine.body | {"version": 2, "scopes": ["clearances:write"]}
            entry = AuditEntry(log="test", type=events.API_KEY, at=clock.now(), body=body)
            entry.body = {**body, "signed": signed} if signed else body
            entry.save(force_insert=True)
            AuditPending.objects.create(entry=entry)
            assert api.get("/v1/verifications").status_code == 500
    assert api.get("/v1/verifications").status_code == 200


def test_a_statement_of_the_other_log_counts_nowhere(
    lender: Lender, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = api_key_of(lender)
    genuine = AuditEntry.objects.filter(type=events.API_KEY).latest("at")
    assert log_keys.LOGS == ("test", "live")
    body = {name: value for name, value in genuine.body.items() if name not in ("signed", "v")}
    with transactions.writing():
        log.append(log="live", type=events.API_KEY, body=body | {"version": 2, "cidrs": ["::/0"]})
    with changed(key, cidrs=["::/0"]):
        assert api.get("/v1/verifications").status_code == 500


@pytest.mark.parametrize("deed", OF_ENDPOINT)
def test_a_changed_endpoint_is_sent_nothing(
    api: Caller,
    other_lender: Lender,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    deed: str,
) -> None:
    other, _ = endpoints.create(
        other_lender, mode="test", url=f"http://{receiver.authority}/other", events=()
    )
    wait_to_be_sent(api)
    columns = OF_ENDPOINT[deed](other)
    with changed(endpoint, **columns):
        taken, _ = sender.Rounds().work([], room=9, failing_room=9)
        assert taken == []
        assert "row_differs" in dict(findings())
    assert Delivery.objects.get().status == "pending"
    assert findings() == []


def test_a_deleted_row_is_missed(lender: Lender, api: Caller) -> None:
    key = api_key_of(lender)
    ApiKey.objects.filter(pk=key.pk).delete()
    assert code(api.get("/v1/verifications")) == (401, "key_unknown")
    assert ("row_missing", "") in findings()


def test_a_changed_endpoint_is_not_made_lawful_by_its_lenders_next_change(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    """The row's address is a thief's when the lender, who gets nothing any more, enables it."""
    address = f"/v1/webhook-endpoints/{endpoint.pk}"
    with changed(endpoint, url="https://thief.example/x"):
        assert api.patch(address, {"enabled": True}).status_code == 500
        assert api.post(f"{address}/rotate-secret", {}).status_code == 500
        assert findings() == [("row_differs", "url")]
    assert api.patch(address, {"enabled": True}).status_code == 200
    assert findings() == []


def test_a_changed_key_is_not_made_lawful_by_its_replacement(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test", cidrs=["203.0.113.0/24"])
    with (
        changed(issued.key, expires_at=clock.now() + timedelta(days=9_999)),
        pytest.raises(EvidenceUnreadable),
    ):
        keys.retire(ApiKey.objects.get(pk=issued.key.pk))
    assert keys.revoke(issued.key)
    assert findings() == []
