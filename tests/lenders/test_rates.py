"""How many requests a key may make."""

import pytest

from lenders import keys, policy
from lenders.models import Lender
from tests.lenders.samples import Caller

PATH = "/v1/verifications"


@pytest.fixture
def _three_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RATE_REQUESTS", 3)
    monkeypatch.setattr(policy, "RATE_SECONDS", 3600)  # so that no window ends within the test


@pytest.mark.usefixtures("_three_a_minute")
def test_the_request_after_the_last_is_refused_and_told_when_to_come_back(api: Caller) -> None:
    answers = [api.get(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert answers[3].json()["code"] == "throttled"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3601
    assert 0 < int(answers[3].headers["RateLimit-Reset"]) <= 3600


@pytest.mark.usefixtures("_three_a_minute")
def test_one_key_does_not_spend_anothers_requests(api: Caller, lender: Lender) -> None:
    for _ in range(4):
        api.get(PATH)
    assert Caller(keys.issue(lender, mode="test").secret).get(PATH).status_code == 200
