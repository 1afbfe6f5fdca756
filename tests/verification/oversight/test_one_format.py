"""Days and times on the regulator's pages are written as everywhere."""

import pytest
from django.conf import settings

from tests.scenes import staged
from tests.verification import one_format
from tests.verification.oversight import rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_and_times_are_written_one_way(language: str) -> None:
    case_id = staged("declined", lambda: rows.declined(rows.lender()))
    reader = rows.signed_in(rows.person("regulator"))
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    asked = [reader.post("/oversight/", {"mode": "test"}), reader.get("/oversight/readings/")]
    shown = [*asked, reader.get(f"/oversight/cases/{case_id}/")]
    assert [response.status_code for response in shown] == [200, 200, 200]
    assert [
        fault for response in shown for fault in one_format.faults(response.content.decode())
    ] == []
