"""What operators see of lenders: everything but secrets, and nothing to make a key with."""

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from lenders import endpoints, keys
from lenders.models import Delivery, Lender
from tests.lenders.insecure_receiver import Receiver


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


def test_a_lenders_page_shows_its_keys_without_their_hashes(operator: Client, lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    page = operator.get(f"/admin/lenders/lender/{quote(lender.pk)}/change/").content.decode()
    assert issued.key.shown in page
    assert issued.key.sha256 not in page
    assert issued.secret not in page


def test_an_endpoint_and_a_delivery_are_only_looked_at(operator: Client, lender: Lender, receiver: Receiver) -> None:
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
