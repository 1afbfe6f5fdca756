"""An end that a row alone says: what counts is what others are told; a regulator sees the row's
word beside it.
"""

import pytest
from django.test import Client
from django.urls import reverse

from tests.verification.oversight import rows

pytestmark = pytest.mark.django_db(transaction=True)


def found(reader: Client, **asked: str) -> str:
    return reader.post("/oversight/", {"mode": "test", **asked}).content.decode()


def test_an_end_that_is_not_in_the_log_is_shown_as_such_and_found_by_no_outcome() -> None:
    case, reader = rows.declined(rows.lender()), rows.signed_in(rows.person("regulator"))
    page, said = reverse("oversight:case", args=[case]), "not in the log yet"
    for shown in (found(reader), reader.get(page).content.decode()):
        assert said not in shown
    rows.forged(case)
    for shown in (found(reader), reader.get(page).content.decode()):
        assert f"Verified: {said}" in shown
        assert "code_of_a_forger" not in shown
        assert "Declined" in shown, "which the log has"
    assert case not in found(reader, outcome="verified")
    counts = reader.get(reverse("oversight:counts"), {"mode": "test"}).content.decode()
    assert "counted by their rows" in counts
