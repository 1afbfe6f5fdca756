"""A regulator finds a case by the number that its borrower reads out on the telephone."""

import pytest
from pytest_django import Settings

from tests.verification.oversight import rows
from verification.core.ids import case_number

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_case_is_found_by_the_number_that_its_borrower_reads_out(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = True
    case, _ = (
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1, minute=minute))
        for minute in (1, 2)
    )
    reader = rows.signed_in(rows.person("regulator"))
    found = reader.post("/oversight/", {"mode": "live", "case_number": case_number(case)}).context[
        "found"
    ]
    assert case in [line.row.verification_id for line in found]
    assert rows.reading_entries()[-1].body["asked"] == ["case_number"]
    nothing = reader.post("/oversight/", {"mode": "live", "case_number": "0000000000000"})
    assert not nothing.context["found"]
