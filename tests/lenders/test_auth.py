"""Who gets in, with which key, from where, for what."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lenders import keys, policy
from lenders.models import ApiKey, Lender
from tests.lenders.samples import Caller
from verification.core import profiles
from verification.core.errors import BadInput, Misconfigured
from verification.core.ids import secret_digest

PATH = "/v1/verifications"


def answered(secret: str, **options: str) -> tuple[int, str]:
    response = Caller(secret, **options).get(PATH)
    return response.status_code, response.json().get("code", "")


def test_a_fresh_key_is_let_in(lender: Lender) -> None:
    assert answered(keys.issue(lender, mode="test").secret) == (200, "")


def test_a_key_is_256_random_bits_and_only_its_hash_is_kept(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    assert len(issued.secret) == len("tlg_test_") + 43
    assert issued.secret not in str(ApiKey.objects.filter(pk=issued.key.pk).values().get())
    assert issued.key.sha256 == secret_digest(issued.secret).hex()


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
def test_without_a_key_nobody_gets_in(db: None, header: str | None, code: str) -> None:
    response = Client().get(PATH, headers={"authorization": header} if header is not None else {})
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tulga"'


def test_a_changed_letter_is_another_key(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test").secret
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    assert answered(other) == (401, "key_unknown")


def test_a_key_in_the_address_is_not_looked_at(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test").secret
    assert Client().get(PATH, query_params={"key": secret}).status_code == 401


def test_a_revoked_key_is_out_at_once(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    assert keys.revoke(issued.key)
    assert answered(issued.secret) == (401, "key_revoked")
    assert not keys.revoke(issued.key)


def test_a_key_that_ran_out_is_out(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    ApiKey.objects.filter(pk=issued.key.pk).update(expires_at=timezone.now())
    assert answered(issued.secret) == (401, "key_expired")


def test_during_a_rotation_both_keys_are_let_in(lender: Lender) -> None:
    old, new = keys.issue(lender, mode="test"), keys.issue(lender, mode="test")
    end = keys.retire(old.key)
    assert timezone.now() < end <= timezone.now() + timedelta(seconds=policy.ROTATION_SECONDS)
    assert answered(old.secret)[0] == answered(new.secret)[0] == 200


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


def test_a_key_does_only_what_its_scopes_say(lender: Lender) -> None:
    reader = Caller(keys.issue(lender, mode="test", scopes=["verifications:read"]).secret)
    assert reader.get(PATH).status_code == 200
    refused = reader.post(PATH, {})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "verifications:write" in refused.json()["detail"]
    assert reader.get("/v1/events").status_code == 403


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


def test_a_key_for_no_mode_is_not_issued(lender: Lender) -> None:
    with pytest.raises(BadInput):
        keys.issue(lender, mode="production")


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
