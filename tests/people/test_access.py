"""Which role opens which page, and how the pages look."""

import re
from base64 import b32encode
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from operators.models import Proposal
from people.models import Role, SecondFactor, User, allows, may
from tests.people.enrolled import Enrolled

# Which role opens which page.


# Who gets in where: one factor opens nothing, and the admin site shows no secret.


Add = Callable[..., Enrolled]
SignedIn = Callable[[str], Client]
ADMIN_PAGES = ["/admin/", "/admin/people/user/"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", [*ADMIN_PAGES, "/people/", "/people/password/"])
def test_a_stranger_is_sent_to_our_own_sign_in(client: Client, page: str) -> None:
    response = client.get(page, follow=True)
    assert response.redirect_chain[-1][0] == f"/people/sign-in/?next={page}"


@pytest.mark.django_db
@pytest.mark.parametrize("page", [*ADMIN_PAGES, "/people/", "/people/password/"])
def test_a_password_alone_opens_nothing(client: Client, add: Add, page: str) -> None:
    client.force_login(add("operator").user)
    assert client.get(page).status_code in (302, 403)


@pytest.mark.django_db
@pytest.mark.parametrize("page", ADMIN_PAGES)
@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("regulator", 403)])
def test_the_admin_site_is_for_operators(
    signed_in: SignedIn, page: str, role: str, status: int
) -> None:
    assert signed_in(role).get(page, follow=True).status_code == status


@pytest.mark.django_db
def test_the_admin_sites_own_form_is_no_way_in(client: Client, add: Add) -> None:
    person = add("operator")
    fields = {"username": person.user.email, "password": "сегіз-бұлт-теңіз-7"}
    assert client.post("/admin/login/", fields)["Location"].startswith("/people/sign-in/")
    assert client.get("/admin/").status_code == 302


@pytest.mark.django_db
def test_the_admin_site_shows_neither_password_nor_second_factor(signed_in: SignedIn) -> None:
    client = signed_in("operator")
    user, factor = User.objects.get(), SecondFactor.objects.get()
    page = client.get(f"/admin/people/user/{user.pk}/change/").content.decode()
    assert user.email in page
    assert user.password not in page
    assert b32encode(factor.key()).decode() not in page
    assert client.get("/admin/people/secondfactor/").status_code == 404
    assert client.get(f"/admin/people/secondfactor/{factor.pk}/change/").status_code == 404


@pytest.mark.django_db
def test_people_are_not_deleted_in_the_admin_site(signed_in: SignedIn) -> None:
    client, page = signed_in("operator"), f"/admin/people/user/{User.objects.get().pk}/delete/"
    assert client.get(page).status_code == 403


@pytest.mark.django_db
def test_the_admin_site_drafts_an_end_but_does_not_change_what_a_person_is(
    signed_in: SignedIn, add: Add
) -> None:
    client = signed_in("operator")
    person = add("regulator").user
    fields = {"full_name": "Жаңа Аты", "email": "x@example.kz", "role": "operator"}
    client.post(f"/admin/people/user/{quote(person.pk)}/change/", fields)
    person.refresh_from_db()
    assert (person.full_name, person.is_active) == ("Айгүл Өмірқызы", True)
    assert Proposal.objects.get().changes == {"full_name": "Жаңа Аты", "is_active": False}


@pytest.mark.django_db
def test_may_asks_for_both_the_second_factor_and_the_role(
    client: Client, signed_in: SignedIn
) -> None:
    user = signed_in("regulator").get("/people/").wsgi_request.user
    assert may(user, permission="people.read_oversight")
    assert not may(user, permission="people.operate")
    user.otp_device = None  # type: ignore[union-attr]  # what django-otp's middleware sets
    assert not may(user, permission="people.read_oversight")
    assert not may(AnonymousUser(), permission="people.read_oversight")


@pytest.mark.django_db
def test_removing_the_second_factor_ends_what_it_opened(signed_in: SignedIn) -> None:
    client = signed_in("regulator")
    SecondFactor.objects.all().delete()
    assert client.get("/people/").status_code != 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "shows"),
    [("operator", "Lenders and people"), ("regulator", "Regulator"), ("reviewer", "Qaryz LLP")],
)
def test_home_says_who_one_is(client: Client, add: Add, role: str, shows: str) -> None:
    lenders = apps.get_model("lenders", "Lender").objects
    lender = (
        lenders.create(name="Qaryz LLP", bin="000000000000", phone="+77270000044")
        if role == "reviewer"
        else None
    )
    person = add(role, lender=lender)
    client.force_login(person.user)
    session = client.session
    session["otp_device_id"] = person.factor.persistent_id
    session.save()
    page = client.get("/people/", headers={"accept-language": "en"})
    assert shows in page.content.decode()
    assert "no-store" in page["Cache-Control"]


# Roles are permissions, and nothing but the role gives one.


MAY = {
    ("reviewer", "people.review_cases"),
    ("regulator", "people.read_oversight"),
    ("operator", "people.operate"),
    ("operator", "people.view_user"),
    ("operator", "lenders.change_lender"),
}
ASKED = sorted({permission for _, permission in MAY})


@pytest.mark.parametrize("role", [*Role, "superuser", ""])
@pytest.mark.parametrize("permission", ASKED)
def test_a_role_carries_its_own_permissions_and_no_other(role: str, permission: str) -> None:
    assert allows(role, permission=permission) == ((role, permission) in MAY)


@pytest.mark.parametrize(
    "permission",
    [
        "lenders.delete_lender",
        "people.delete_user",
        "sessions.view_session",
        "verification.view_verification",
        "people.operate_everything",
        "people.view_user\n",
        "",
    ],
)
def test_an_operator_neither_deletes_nor_sees_second_factors_sessions_or_cases(
    permission: str,
) -> None:
    assert not allows("operator", permission=permission)


def test_a_closed_account_has_no_permission() -> None:
    assert User(role="regulator").has_perm("people.read_oversight")
    assert not User(role="regulator", is_active=False).has_perm("people.read_oversight")


def test_only_operators_are_staff() -> None:
    assert [role for role in Role if User(role=role).is_staff] == ["operator"]


def test_asking_for_no_permission_at_all_is_refused() -> None:
    assert User(role="operator").has_perms(["people.operate"])
    assert not User(role="operator").has_perms([])


# The look of the pages: readable colours, and nothing that the content security policy would
# block.


ROOT = Path(__file__).resolve().parent.parent.parent
CSS = (ROOT / "static" / "tulga.css").read_text()
BOTH = ["light", "dark"]


def _colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[0]))
    return (
        light
        if scheme == "light"
        else light | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[1]))
    )


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(text: str, ground: str) -> float:
    lighter, darker = sorted((_luminance(text), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", BOTH)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (text, ground)
        for text in ("ink", "muted", "accent", "accent-strong")
        for ground in ("page", "surface", "sunken")
    ]
    + [
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("on-bad", "bad"),
        ("bad", "surface"),
    ]
    + [
        (text, f"{kind}-tint")
        for kind in ("info", "ok", "warn", "bad")
        for text in ("ink", "muted", kind, "accent")
    ]
    + [("surface", kind) for kind in ("info", "ok", "warn", "bad")],
)
def test_text_has_enough_contrast(scheme: str, text: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", BOTH)
@pytest.mark.parametrize(
    ("edge", "ground"),
    [("edge", "surface"), ("edge", "page"), ("focus", "page"), ("focus", "surface")],
)
def test_edges_of_fields_and_focus_can_be_seen(scheme: str, edge: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[edge], colours[ground]) >= 3


def test_the_stylesheet_loads_nothing_from_elsewhere() -> None:
    assert not re.search(r"url\(|@import|https?:", CSS)
