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


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ('[{"from": "2026-01-26", "profile": "KZ-2026-01"}]', ""),
        ("[]", "it has live keys"),
        ("soon", "Enter a valid JSON"),
        ('[{"from": "2026-01-26", "profile": "KZ-2025-01"}]', "which is stricter than KZ-2025-01"),
        ('[{"from": "2026-01-26", "profile": "KZ-1999-01"}]', "known profiles"),
        (
            '[{"from": "2020-01-01", "profile": "KZ-2026-01"}]',
            "no law that is known here was in force",
        ),
        ("{}", "a calendar is a list"),
        ("", "a calendar is a list"),
        ('""', "a calendar is a list"),
        ("0", "a calendar is a list"),
    ],
    ids=str,
)
def test_an_operator_keeps_the_calendars(
    operator: Client, lender: Lender, typed: str, said: str
) -> None:
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256="0" * 64,
        created_at=timezone.now(),
        expires_at=timezone.now(),
    )
    inline = {f"keys-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form = {"name": lender.name, "phone": lender.phone, "return_urls": "[]", **inline}
    form["test_calendar"] = json.dumps(lender.test_calendar)
    answer = operator.post(
        f"/admin/lenders/lender/{quote(lender.pk)}/change/", form | {"live_calendar": typed}
    )
    lender.refresh_from_db()
    if said:
        assert (answer.status_code, lender.live_calendar) == (200, [])
        assert said in answer.content.decode()
    else:
        assert (answer.status_code, lender.live_calendar) == (302, json.loads(typed))


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


@pytest.mark.parametrize(
    ("typed", "is_kept"),
    [
        ("Қарыз & Co", True),
        ("A\u3164B", False),
        ("A\uffff", False),
        ("A   B", False),
        ("A\u00a0B", False),
        ("", False),
    ],
)
def test_an_operator_keeps_the_name_and_nothing_hides_in_it(
    operator: Client, lender: Lender, typed: str, is_kept: bool
) -> None:
    inline = {f"keys-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form = {"phone": lender.phone, "return_urls": "[]", "live_calendar": "[]", **inline}
    form["test_calendar"] = json.dumps(lender.test_calendar)
    answer = operator.post(
        f"/admin/lenders/lender/{quote(lender.pk)}/change/", form | {"name": typed}
    )
    before = lender.name
    lender.refresh_from_db()
    assert (answer.status_code, lender.name) == ((302, typed) if is_kept else (200, before))


@pytest.mark.parametrize(
    ("typed", "is_kept"),
    [("+77011234567", True), ("8 701 123 45 67", False), ("1414", False), ("", False)],
)
def test_an_operator_keeps_the_telephone(
    operator: Client, lender: Lender, typed: str, is_kept: bool
) -> None:
    inline = {f"keys-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form = {"name": lender.name, "return_urls": "[]", "live_calendar": "[]", **inline}
    form["test_calendar"] = json.dumps(lender.test_calendar)
    answer = operator.post(
        f"/admin/lenders/lender/{quote(lender.pk)}/change/", form | {"phone": typed}
    )
    before = lender.phone
    lender.refresh_from_db()
    assert (answer.status_code, lender.phone) == ((302, typed) if is_kept else (200, before))
