"""manage.py add_lender, add_key, revoke_key."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lenders.models import ApiKey, Lender
from tests.lenders.samples import Caller

BIN = "180440012349"
PHONE = ("--phone", "8 (727) 000-00-44")
PATH = "/v1/verifications"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def secret_in(text: str) -> str:
    found = re.search(r"tlg_(?:test|live)_[A-Za-z0-9_-]{43}", text)
    assert found
    return found[0]


def test_a_new_lender_can_call_at_once(db: None) -> None:
    said = run(
        "add_lender",
        "Ақша LLP",
        "--bin",
        BIN,
        *PHONE,
        "--return-url",
        "https://lender.example/back",
    )
    lender = Lender.objects.get()
    assert (lender.name, lender.bin, lender.live_calendar) == ("Ақша LLP", BIN, [])
    assert lender.phone == "+77270000044"
    assert lender.test_calendar == [{"from": "2021-04-30", "profile": "KZ-2021-04"}]
    assert lender.return_urls == ["https://lender.example/back"]
    assert Caller(secret_in(said)).get(PATH).status_code == 200
    assert f"curl -H 'Authorization: Bearer {secret_in(said)}'" in said
    assert f"add_person EMAIL --name NAME --role reviewer --lender {lender.pk}" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--bin", "180440012340"),
        ("--bin", "990101100010"),
        ("--bin", BIN, "--profile", "KZ-1999-01"),
        ("--bin", BIN, "--profile", "soon=KZ-2026-01"),
        ("--bin", BIN, "--profile", "KZ-2026-01", "--profile", "KZ-2021-04"),
        ("--bin", BIN, "--live-profile", "2026-01-26=KZ-2021-04"),
        ("--bin", BIN, "--return-url", "http://lender.example/"),
        ("--bin", BIN, "--return-url", "https://lender.example/?a=1"),
        ("--bin", BIN, "--phone", "1414"),
        ("--bin", BIN, "--phone", "+8 727 000 00 44"),
        ("--bin", BIN, "--phone", ""),
    ],
    ids=str,
)
def test_a_lender_with_nonsense_is_not_added(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("add_lender", "Name", *(PHONE if "--phone" not in words else ()), *words)
    assert not Lender.objects.exists()


@pytest.mark.parametrize("name", ["A\u3164B", "A\uffffB", "A  B", "A\u2800", "\u00a0A"])
def test_a_lender_in_whose_name_something_hides_is_not_added(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="only signs that are seen"):
        run("add_lender", name, "--bin", BIN, *PHONE)
    assert not Lender.objects.exists()


def test_profiles_are_held_from_the_days_named(db: None) -> None:
    words = (
        "--profile",
        "KZ-2021-04",
        "--profile",
        "2027-01-01=KZ-2026-01",
        "--live-profile",
        "2026-06-01=KZ-2026-01",
    )
    run("add_lender", "One", "--bin", BIN, *PHONE, *words)
    lender = Lender.objects.get()
    late = {"from": "2027-01-01", "profile": "KZ-2026-01"}
    assert lender.test_calendar == [{"from": "2021-04-30", "profile": "KZ-2021-04"}, late]
    assert lender.live_calendar == [{"from": "2026-06-01", "profile": "KZ-2026-01"}]


def test_a_bin_is_added_once(db: None) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    with pytest.raises(CommandError, match="exists"):
        run("add_lender", "Two", "--bin", BIN, *PHONE)


def test_a_key_is_replaced_while_the_old_one_still_works(db: None) -> None:
    old = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    old_id = ApiKey.objects.get().pk
    said = run(
        "add_key",
        BIN,
        "--replaces",
        old_id,
        "--scope",
        "verifications:read",
        "--cidr",
        "192.0.2.0/24",
    )
    assert f"{old_id} runs out at" in said
    assert Caller(old).get(PATH).status_code == Caller(secret_in(said)).get(PATH).status_code == 200
    assert ApiKey.objects.exclude(pk=old_id).get().scopes == ["verifications:read"]


def test_a_revoked_key_is_out(db: None) -> None:
    secret = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    key_id = ApiKey.objects.get().pk
    assert "revoked" in run("revoke_key", key_id)
    assert Caller(secret).get(PATH).json()["code"] == "key_revoked"
    assert "before" in run("revoke_key", key_id)


@pytest.mark.parametrize(
    "words",
    [
        ("add_key", "len_none"),
        ("add_key", BIN, "--mode", "live"),
        ("add_key", BIN, "--scope", "everything"),
        ("add_key", BIN, "--cidr", "everywhere"),
        ("add_key", BIN, "--days", "0"),
        ("add_key", BIN, "--replaces", "key_none"),
        ("revoke_key", "key_none"),
    ],
    ids=str,
)
def test_a_command_with_nonsense_changes_nothing(db: None, words: tuple[str, ...]) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    with pytest.raises(CommandError):
        run(*words)
    assert ApiKey.objects.count() == 1
