"""The first page tells a new consent, whose contract is signed, from a new loan."""

import pytest
from django.test import Client

from tests.lenders.api.renewing import asked, asked_anew, half_a_day_ago, iin, story, waited

__all__ = ["asked", "half_a_day_ago", "iin", "story", "waited"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_the_link_of_a_new_consent_says_that_it_is_one(api, waited):
    anew = asked_anew(api, waited)
    said = {"lender": anew.lender.name, "asks": "renewal", "is_test": True}
    assert Client().post("/v/peek/", {"token": anew.token}).json() == said
    page = Client(headers={"accept-language": "en"}).get("/v/").content.decode()
    assert "Nothing has happened yet" not in page
    assert "you have signed the contract" in page
