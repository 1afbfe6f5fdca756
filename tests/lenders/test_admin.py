"""What operators see of lenders: everything but secrets, and nothing to make a key with."""

import json
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from lenders import endpoints, keys
from lenders.models import ApiKey, Delivery, Lender
from tests.lenders.insecure_receiver import Receiver
from tests.verification import one_format


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    """A browser in which an operator gave both factors."""
    user = get_user_model().objects.create_user(
        email="o@example.kz", password="long enough to pass", full_name="O", role="operator"
    )
    client.force_login(user)
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=user, name="phone").persistent_id
    session.save()
    return client


def test_a_lenders_page_shows_its_keys_without_their_hashes(
    operator: Client, lender: Lender
) -> None:
    issued = keys.issue(lender, mode="test")
    page = operator.get(f"/admin/lenders/lender/{quote(lender.pk)}/change/").content.decode()
    assert issued.key.shown in page
    assert issued.key.sha256 not in page
    assert issued.secret not in page


def test_an_endpoint_and_a_delivery_are_only_looked_at(
    operator: Client, lender: Lender, receiver: Receiver
) -> None:
    endpoint, _ = endpoints.create(lender, mode="test", url=receiver.url, events=())
    now = timezone.now()
    delivery = Delivery.objects.create(
        endpoint=endpoint,
        lender=lender,
        mode="test",
        event_id="evt_1",
        type="endpoint.test",
        event_at=now,
        body=b"{}",
        created_at=now,
        due_at=now,
    )
    for model, pk in (("webhookendpoint", quote(endpoint.pk)), ("delivery", quote(delivery.pk))):
        page = operator.get(f"/admin/lenders/{model}/{pk}/change/")
        assert page.status_code == 200
        assert "sealed" not in page.content.decode()
        assert 'type="submit" value="Save"' not in page.content.decode()
        assert operator.get(f"/admin/lenders/{model}/add/").status_code == 403
        assert operator.post(f"/admin/lenders/{model}/{pk}/delete/").status_code == 403
    assert operator.get("/admin/lenders/lender/add/").status_code == 403


KEPT = '[{"from": "2026-01-26", "profile": "KZ-2026-01"}]'


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("live_calendar", KEPT, ""),
        ("live_calendar", "[]", "it has live keys"),
        ("live_calendar", "soon", "Enter a valid JSON"),
        (
            "live_calendar",
            '[{"from": "2026-01-26", "profile": "KZ-2025-01"}]',
            "which is stricter than KZ-2025-01",
        ),
        (
            "live_calendar",
            '[{"from": "2026-01-26", "profile": "KZ-1999-01"}]',
            "known profiles",
        ),
        (
            "live_calendar",
            '[{"from": "2020-01-01", "profile": "KZ-2026-01"}]',
            "no law that is known here was in force",
        ),
        *(("live_calendar", typed, "a calendar is a list") for typed in ("{}", "", '""', "0")),
        ("name", "Қарыз & Co", ""),
        *(("name", typed, "errorlist") for typed in ("A\u3164B", "A\uffff", "A   B", "")),
        ("phone", "+77011234567", ""),
        *(("phone", typed, "errorlist") for typed in ("8 701 123 45 67", "1414", "")),
    ],
    ids=str,
)
def test_an_operator_keeps_what_a_lender_is_called_and_its_calendars(
    operator: Client, lender: Lender, field: str, typed: str, said: str
) -> None:
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256="0" * 64,
        created_at=timezone.now(),
        expires_at=timezone.now(),
    )
    form = {
        "name": lender.name,
        "phone": lender.phone,
        "return_urls": "[]",
        "test_calendar": json.dumps(lender.test_calendar),
        "live_calendar": KEPT,
        "keys-TOTAL_FORMS": "0",
        "keys-INITIAL_FORMS": "0",
    }
    before = getattr(lender, field)
    answer = operator.post(
        f"/admin/lenders/lender/{quote(lender.pk)}/change/", form | {field: typed}
    )
    lender.refresh_from_db()
    kept = getattr(lender, field)
    if said:
        assert (answer.status_code, kept) == (200, before)
        assert said in answer.content.decode()
    else:
        assert answer.status_code == 302
        assert kept == (json.loads(typed) if field == "live_calendar" else typed)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_and_times_are_written_one_way_and_are_astanas(
    operator: Client, lender: Lender, language: str
) -> None:
    keys.issue(lender, mode="test")
    operator.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    at = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    Lender.objects.filter(pk=lender.pk).update(created_at=at)
    for address in ("/admin/lenders/lender/", f"/admin/lenders/lender/{quote(lender.pk)}/change/"):
        shown = operator.get(address).content.decode()
        assert list(one_format.faults(shown)) == []
        assert "25.11.2026 00:30" in one_format.text(shown)
