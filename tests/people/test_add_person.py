"""People are added by an operator; wrong entries are refused."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from people import register
from people.models import SecondFactor, User
from tests import registered
from tests.people.enrolled import PASSWORD, Enrolled
from tests.verification.log.rows import NOON, order_all, slip_in
from tests.verification.stories.story import Story, begin
from tests.verification.stories.story import lender as make_lender
from verification.log import actors
from verification.models import AuditEntry, Verification
from verification.oversight.refusals import refused_entries
from verification.worker import sweep

# `manage.py add_person` gives everything one needs to sign in, once, or nothing.


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


@pytest.mark.django_db
def test_what_it_prints_signs_in() -> None:
    printed = _run(*REGULATOR, "--print-code")
    assert len(printed["password"]) == 20
    assert parse_qs(urlsplit(printed["otpauth"]).query)["secret"] == [printed["secret"]]
    assert "issuer=Tulga" in printed["otpauth"]
    stored = User.objects.get()
    assert stored.id == printed["id"]
    assert printed["password"] not in repr(vars(stored))
    assert _sign_in(printed) == 302


@pytest.mark.django_db
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
            ("reg@example.kz", "--name", "A", "--role", "reviewer", "--lender", "Unknown"),
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
    assert not SecondFactor.objects.exists()


@pytest.mark.django_db
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


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_print_code_shows_the_current_code_and_nothing_else(add: Callable[..., Enrolled]) -> None:
    add("regulator")
    printed = _run("regulator@example.kz", "--print-code")
    assert list(printed) == ["code"]
    assert _sign_in({**printed, "email": "regulator@example.kz", "password": PASSWORD}) == 302


@pytest.mark.django_db
def test_renewing_replaces_both_factors() -> None:
    old = _run(*REGULATOR)
    new = _run("reg@example.kz", "--renew", "--print-code")
    assert new["password"] != old["password"]
    assert new["secret"] != old["secret"]
    assert SecondFactor.objects.count() == 1
    assert _sign_in(new, password=old["password"]) == 422
    assert _sign_in(new) == 302


@pytest.mark.django_db
def test_the_qr_code_is_drawn_without_gaps() -> None:
    out = io.StringIO()
    call_command("add_person", *REGULATOR, "--qr", stdout=out, stderr=io.StringIO())
    drawing = [line for line in out.getvalue().splitlines() if "█" in line or "▀" in line]
    after_first = out.getvalue().split(drawing[0], 1)[1]
    assert "\n\n" not in after_first.rstrip("\n")


# The operator's page of what the log refuses: which entry, why, and how far its case had got.


PAGE = "/admin/refused/"
SignedIn = Callable[[str], Client]


def forged(story: Story) -> str:
    genuine = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    order_all()
    number = story.row().sequence + 1
    pk = slip_in(
        genuine,
        type="verification.verified",
        verification_sequence=number,
        body={"v": 1, "code": ""},
    )
    Verification.objects.filter(pk=story.id).update(status="verified", finished_at=NOON)
    sweep.run_round(is_whole=False)
    return pk


@pytest.mark.django_db(transaction=True)
def test_the_page_names_entry_reason_and_the_last_ordered_state(signed_in: SignedIn) -> None:
    client = signed_in("operator")
    assert "The log refuses nothing" in client.get(PAGE).content.decode()
    story = begin(make_lender())
    pk = forged(story)
    page = client.get(PAGE).content.decode()
    for sentence in (pk, story.id, "it has no signature", "Verified", "attempt.opened"):
        assert sentence in page
    assert "Entries that the log refuses" in client.get("/admin/").content.decode()
    (entry,), has_more = refused_entries()
    assert (entry.row_status, entry.last_ordered, entry.held, has_more) == (
        "verified",
        "attempt.opened",
        0,
        False,
    )


@pytest.mark.django_db(transaction=True)
def test_the_page_is_for_operators(client: Client, signed_in: SignedIn) -> None:
    assert client.get(PAGE, follow=True).redirect_chain[-1][0] == f"/people/sign-in/?next={PAGE}"
    assert signed_in("regulator").get(PAGE, follow=True).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_not_here_is_named_as_such(settings: Settings) -> None:
    certified = settings.TULGA_CERTIFIED
    settings.TULGA_CERTIFIED = tuple(key for key in certified if key.kind != "decision")
    story = begin(make_lender())
    story.to_statement()
    entries, _ = refused_entries()
    assert {entry.why for entry in entries} == {"the root did not certify the key that signed it"}
    assert entries[0].held > 0
    settings.TULGA_CERTIFIED = certified
    assert {entry.why for entry in refused_entries()[0]} == {""}
    settings.TULGA_CERTIFIED = ()
    assert "public key" in refused_entries()[0][0].why


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_is_no_leaf_is_listed_too() -> None:
    story = begin(make_lender())
    genuine = AuditEntry.objects.get(verification_id=story.id, type="verification.created")
    anonymous: dict[str, Any] = {
        "verification_id": None,
        "verification_sequence": None,
        "lender_id": None,
    }
    bad = slip_in(genuine, **anonymous, type="replay.read", body={"v": 1, "x": 1.5})
    for _ in range(2):
        sweep.run_round(is_whole=False)
    ((entry,), _) = refused_entries()
    assert (entry.id, entry.why, entry.verification_id, entry.last_index) == (
        bad,
        "it is no leaf",
        "",
        None,
    )


@pytest.mark.django_db
def test_an_invitation_makes_no_password_and_is_renewed(settings: Settings) -> None:
    printed = _run(*REGULATOR, "--invite")
    assert printed.keys() == {"id", "email", "invitation"}
    person = User.objects.get()
    assert register.is_invited(person, printed["invitation"])
    assert not person.has_usable_password()
    assert bytes(SecondFactor.objects.get().sealed_key) == b""
    again = _run("reg@example.kz", "--renew", "--invite")
    person.refresh_from_db()
    assert register.is_invited(person, again["invitation"])
    assert not register.is_invited(person, printed["invitation"])


@pytest.mark.django_db
@pytest.mark.usefixtures("no_root")
def test_in_live_mode_a_command_invites_and_the_live_log_waits_for_the_root(
    settings: Settings,
) -> None:
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match="--invite"):
        _run(*REGULATOR)
    person = _run(*REGULATOR, "--invite")["id"]
    assert actors.read("test", [person]).keys() == {person}
    assert actors.read("live", [person]) == {}
    registered.everybody("live")
    assert actors.read("live", [person]).keys() == {person}
