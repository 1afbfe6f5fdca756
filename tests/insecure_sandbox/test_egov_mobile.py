"""The sandbox's app over real HTTP, honest and not, against the pages as they are served."""

import pytest

from insecure_sandbox.egov_mobile import AppRefused, address_in
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued

served = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://127.0.0.1/mgovSign", "does not begin"),
        ("mobileSign:http://127.0.0.1/sign", "mgovSign"),
        ("mobileSign:https://lender.example/mgovSign", "not on the list"),
        ("mobileSign:http://127.0.0.1@lender.example/mgovSign", "not on the list"),
    ],
)
def test_the_app_opens_no_code_that_is_none_of_ours(text, said):
    with pytest.raises(AppRefused, match=said):
        address_in(text)
    assert address_in(" mobileSign:http://127.0.0.1:8000/v/egov/x/mgovSign\n").endswith(
        "/x/mgovSign"
    )
