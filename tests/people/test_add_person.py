"""`manage.py add_person` gives everything one needs to sign in, once, or nothing."""

import io
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from people.models import User
from tests.people.enrolled import PASSWORD, Enrolled

pytestmark = pytest.mark.django_db
REGULATOR = ("reg@example.kz", "--name", "Айгүл", "--role", "regulator")


def _run(*arguments: str) -> dict[str, str]:
    out = io.StringIO()
    call_command("add_person", *arguments, stdout=out, stderr=io.StringIO())
    lines = [line.split(": ", 1) for line in out.getvalue().splitlines()]
    return {line[0]: line[1] for line in lines if len(line) == 2}


def _sign_in(printed: dict[str, str], **changes: str) -> int:
    fields = {
        "email": printed["email"],
        "password": printed["password"],
        "code": printed["code"],
        **changes,
    }
    return Client().post("/people/sign-in/", fields).status_code


def test_what_it_prints_signs_in() -> None:
    printed = _run(*REGULATOR, "--print-code")
    assert len(printed["password"]) == 20
    assert parse_qs(urlsplit(printed["otpauth"]).query)["secret"] == [printed["secret"]]
    assert "issuer=Tulga" in printed["otpauth"]
    stored = User.objects.get()
    assert stored.id == printed["id"]
    assert printed["password"] not in repr(vars(stored))
    assert _sign_in(printed) == 302


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("reg@example.kz",), "--name and --role"),
        (("reg@example.kz", "--name", "A", "--role", "reviewer"), "--lender"),
        (
            ("reg@example.kz", "--name", "A", "--role", "regulator", "--lender", "Qaryz LLP"),
            "--lender",
        ),
        (
            ("reg@example.kz", "--name", "A", "--role", "reviewer", "--lender", "Nobody"),
            "no lender",
        ),
        (
            ("reg@example.kz", "--name", "A", "--role", "reviewer", "--lender", "Twin LLP"),
            "several",
        ),
        (("not an address", "--name", "A", "--role", "regulator"), "valid email"),
        (("reg@example.kz", "--name", "A", "--role", "superuser"), "invalid choice"),
        (("reg@example.kz", "--name", "A" * 201, "--role", "regulator"), "200"),
        (("reg@example.kz", "--print-code"), "is unknown"),
        (("reg@example.kz", "--renew"), "is unknown"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing_behind(
    arguments: tuple[str, ...], says: str
) -> None:
    lenders = apps.get_model("lenders", "Lender").objects
    for number, name in enumerate(["Qaryz LLP", "Twin LLP", "Twin LLP"]):
        lenders.create(name=name, bin=f"{number:012d}", phone="+77270000044")
    with pytest.raises(CommandError, match=says):
        _run(*arguments)
    assert not User.objects.exists()
    assert not TOTPDevice.objects.exists()


@pytest.mark.parametrize("naming", ["name", "id"])
def test_a_reviewers_lender_is_named_by_id_or_name(naming: str) -> None:
    lender = apps.get_model("lenders", "Lender").objects.create(
        name="Qaryz LLP", bin="000000000000", phone="+77270000044"
    )
    _run(
        "rev@example.kz",
        "--name",
        "A",
        "--role",
        "reviewer",
        "--lender",
        lender.pk if naming == "id" else lender.name,
    )
    assert User.objects.get().lender == lender


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [(PASSWORD, ""), ("qysqa-12345", "too short"), ("", "no password"), ("password1234", "common")],
)
def test_a_password_may_come_by_stdin(
    monkeypatch: pytest.MonkeyPatch, typed: str, refusal: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    if refusal:
        with pytest.raises(CommandError, match=refusal):
            _run(*REGULATOR, "--password-stdin")
        assert not User.objects.exists()
    else:
        assert _run(*REGULATOR, "--password-stdin")["password"] == typed
        assert User.objects.get().check_password(typed)


def test_print_code_shows_the_current_code_and_nothing_else(add: Callable[..., Enrolled]) -> None:
    add("regulator")
    printed = _run("regulator@example.kz", "--print-code")
    assert list(printed) == ["code"]
    assert _sign_in({**printed, "email": "regulator@example.kz", "password": PASSWORD}) == 302


def test_renewing_replaces_both_factors() -> None:
    old = _run(*REGULATOR)
    new = _run("reg@example.kz", "--renew", "--print-code")
    assert new["password"] != old["password"]
    assert new["secret"] != old["secret"]
    assert TOTPDevice.objects.count() == 1
    assert _sign_in(new, password=old["password"]) == 422
    assert _sign_in(new) == 302


def test_the_qr_code_is_drawn_without_gaps() -> None:
    out = io.StringIO()
    call_command("add_person", *REGULATOR, "--qr", stdout=out, stderr=io.StringIO())
    drawing = [line for line in out.getvalue().splitlines() if "█" in line or "▀" in line]
    after_first = out.getvalue().split(drawing[0], 1)[1]
    assert "\n\n" not in after_first.rstrip("\n")
