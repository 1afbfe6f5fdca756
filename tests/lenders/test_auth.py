"""Who gets in, with which key, from where, for what, how often, and by which law."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lenders import keys, policy
from lenders.keys import law_of
from lenders.models import ApiKey, Lender
from tests.lenders.samples import Caller
from verification.core import almaty, profiles
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.core.ids import secret_digest

PATH = "/v1/verifications"


def answered(secret: str, **options: str) -> tuple[int, str]:
    response = Caller(secret, **options).get(PATH)
    return response.status_code, response.json().get("code", "")


def test_a_key_is_256_random_bits_and_only_its_hash_is_kept(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    assert len(issued.secret) == len("tlg_test_") + 43
    assert issued.secret not in str(ApiKey.objects.filter(pk=issued.key.pk).values().get())
    assert issued.key.sha256 == secret_digest(issued.secret).hex()
    assert answered(issued.secret) == (200, "")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"),
        ("", "key_malformed"),
        ("Bearer", "key_malformed"),
        ("Bearer abc", "key_malformed"),
        ("Basic dGxnX3Rlc3Q6", "key_malformed"),
        ("Bearer tlg_test_" + "A" * 43, "key_unknown"),
        ("Bearer tlg_test_Ж", "key_unknown"),
    ],
)
def test_without_a_key_access_is_refused(db: None, header: str | None, code: str) -> None:
    response = Client().get(PATH, headers={"authorization": header} if header is not None else {})
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tulga"'


def test_a_key_that_ran_out_is_out(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    ApiKey.objects.filter(pk=issued.key.pk).update(expires_at=timezone.now())
    assert answered(issued.secret) == (401, "key_expired")


def test_retiring_never_lengthens_a_key(lender: Lender) -> None:
    key = keys.issue(lender, mode="test").key
    soon = timezone.now() + timedelta(minutes=1)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=soon)
    assert keys.retire(key) == soon


def test_a_key_for_a_network_is_let_in_from_there_only(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test", cidrs=["203.0.113.0/24", "2001:db8::/32"]).secret
    assert answered(secret, address="203.0.113.9")[0] == 200
    assert answered(secret, address="2001:db8::9")[0] == 200
    assert answered(secret, address="203.0.114.9") == (403, "address_not_allowed")
    assert answered(secret, address="") == (403, "address_not_allowed")


@pytest.mark.parametrize(
    ("options", "code"),
    [({"scopes": ["all"]}, "scope_unknown"), ({"cidrs": ["10.0.0.1/8"]}, "cidr_malformed")],
)
def test_a_key_with_nonsense_is_not_issued(
    lender: Lender, options: dict[str, list[str]], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        keys.issue(lender, mode="test", **options)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_no_live_key_without_a_complete_live_set(lender: Lender, settings: Settings) -> None:
    lender.live_calendar = profiles.calendar_of("KZ-2026-01")
    settings.TULGA_MODES_LIVE = False
    with pytest.raises(Misconfigured, match="no live keys"):
        keys.issue(lender, mode="live")
    assert not ApiKey.objects.filter(mode="live").exists()


def test_the_use_of_a_key_is_noted_to_the_minute(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    answered(issued.secret)
    first = ApiKey.objects.get(pk=issued.key.pk).last_used_at
    assert first is not None
    answered(issued.secret)
    assert ApiKey.objects.get(pk=issued.key.pk).last_used_at == first
    ApiKey.objects.filter(pk=issued.key.pk).update(last_used_at=first - timedelta(seconds=61))
    answered(issued.secret)
    again = ApiKey.objects.get(pk=issued.key.pk).last_used_at
    assert again is not None
    assert again >= first


# How many requests a key may make.


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


# Which profile a lender holds at a time, by its calendar.
TWO = [
    {"from": "2025-01-01", "profile": "KZ-2025-01"},
    {"from": "2026-01-26", "profile": "KZ-2026-01"},
]


def _law(calendar: list[dict[str, str]], day: date) -> str:
    return law_of(ApiKey(mode="test", lender=Lender(test_calendar=calendar)), at=almaty.begins(day))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 1, 1), "KZ-2025-01"),
        (date(2026, 1, 25), "KZ-2025-01"),
        (date(2026, 1, 26), "KZ-2026-01"),
        (date(2031, 1, 1), "KZ-2026-01"),
    ],
)
def test_a_profile_is_held_from_its_day_on(day, expected):
    assert _law(TWO, day) == expected


@pytest.mark.parametrize("calendar", [[], TWO], ids=["empty", "not begun"])
def test_before_the_first_day_no_calendar_is_held(calendar):
    with pytest.raises(Conflict) as refused:
        _law(calendar, date(2024, 12, 31))
    assert refused.value.code == "profile_not_held"


def test_a_key_for_no_mode_is_not_issued(lender: Lender) -> None:
    with pytest.raises(BadInput):
        keys.issue(lender, mode="production")
