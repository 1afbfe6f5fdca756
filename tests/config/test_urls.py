"""What is no id is no address: PostgreSQL takes no NUL in a text, so asking for one would be a
fault of the server.
"""

from typing import Any

import pytest
from django.urls import Resolver404, resolve

from lenders.api.unknown import Unknown

GOOD = "ver_" + "a" * 26
API = (
    "/v1/verifications/{}",
    "/v1/verifications/{}/link",
    "/v1/verifications/{}/cancel",
    "/v1/verifications/{}/documents",
    "/v1/verifications/ver_a/documents/{}",
    "/v1/webhook-endpoints/{}",
    "/v1/webhook-endpoints/{}/test",
    "/v1/webhook-endpoints/{}/rotate-secret",
    "/v1/deliveries/{}/redeliver",
)
DESK = (
    "/review/cases/{}/",
    "/review/cases/{}/vote",
    "/review/cases/{}/link",
    "/review/cases/{}/pictures/evd_a",
    "/review/cases/ver_a/pictures/{}",
)


@pytest.mark.parametrize("bad", ["ver_\0", "ver_\ud800", "ver_ж", "ver_a b"])
@pytest.mark.parametrize("address", API)
def test_the_api_knows_no_address_with_what_is_no_id(address, bad):
    wrong: Any = resolve(address.format(bad)).func
    right: Any = resolve(address.format(GOOD)).func
    assert wrong.cls is Unknown
    assert right.cls is not Unknown


@pytest.mark.parametrize("bad", ["ver_\0", "ver_\ud800", "ver_ж", "ver_a b"])
@pytest.mark.parametrize("address", DESK)
def test_the_desk_knows_no_address_with_what_is_no_id(address, bad):
    with pytest.raises(Resolver404):
        resolve(address.format(bad))
    assert resolve(address.format(GOOD))
