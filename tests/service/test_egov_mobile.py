"""A borrower signs by eGov Mobile against real web and worker processes: the demo's own scene."""

import pytest

from insecure_sandbox.demo import scenes

pytestmark = [pytest.mark.rabbitmq, pytest.mark.embedded, pytest.mark.service]


def test_a_signature_on_the_phone_verifies_after_an_altered_one_was_refused(deployment):
    row = scenes.on_the_phone(deployment.stage)
    assert (row.status, row.code, row.as_it_must) == ("verified", "", True)
    [(verification,)] = deployment.rows(
        "SELECT id FROM verification_verification WHERE client_reference LIKE %s",
        "demo-on-the-phone-%",
    )
    types = [
        name for name in deployment.entries(verification) if name.startswith("mobile_signing.")
    ]
    assert [name.removeprefix("mobile_signing.") for name in types] == [
        *("minted", "read", "refused"),
        *("minted", "read", "taken"),
    ]
