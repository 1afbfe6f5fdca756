"""An installation in live mode from its first two operators on, in real browsers."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as tulga
from django.contrib.admin.utils import quote
from django.core.management import call_command
from pytest_django import Settings

from lenders.models import Lender
from people.models import User
from tests import registered
from tests.browser.conftest import Launch
from tests.browser.person import Person
from tests.browser.steps import words
from tests.browser.tab import SIZES
from tests.operators.acting import REASON
from tests.verification.log.rows import order_all
from tests.verification.stories.insecure_glance import entries, glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import Story
from verification.log import actors, signatures
from verification.log.verify import verify_log
from verification.log.verify_actors import verify_actors
from verification.management.commands.make_keys import ROOT_KEY

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = "+77019999999"
Invite = Callable[..., str]
Pair = tuple[Person, Person]


@pytest.fixture
def invite(settings: Settings, no_root: None, tmp_path: Path) -> Invite:
    """Invites a person by the command while live mode is on; the root signs elsewhere. The code."""
    settings.TULGA_MODES_LIVE = True

    def _invite(email: str, role: str = "operator") -> str:
        out, request, signed = StringIO(), tmp_path / "request.json", tmp_path / "signed.json"
        named = ("--name", "Асель Омарова", "--role", role, "--invite")
        call_command("add_person", email, *named, stdout=out, stderr=StringIO())
        call_command("state_actors", request=request, stdout=StringIO())
        root = tulga.TULGA_KEYS_DIR / ROOT_KEY
        call_command("sign_actors", request, signed, root=root, stdout=StringIO())
        call_command("state_actors", signed=signed, stdout=StringIO())
        request.unlink()
        return out.getvalue().partition("invitation: ")[2].strip()

    return _invite


@pytest.fixture
def story(at: str, glances: None) -> Story:
    """A verification that waits for the votes of two people."""
    return glanced("clear", "grey", profile="KZ-2021-04")


@pytest.fixture
def lender(at: str) -> Lender:
    """A lender on record, before live mode is turned on."""
    return registered.lender(
        name="ТОО «МФО Первый кредит»", bin="180440012349", phone="+77270000044"
    )


@pytest.fixture
def pair(launch: Launch, at: str, invite: Invite) -> Pair:
    """The first two operators: one sits at a desk, the other holds a phone."""
    persons = [
        Person(launch, at, f"operator-{size}@example.kz", size=size) for size in ("desk", "phone")
    ]
    for person in persons:
        person.accepts(invite(person.email))
    first, second = persons
    return first, second


def stated(actor: str, log: str = "live") -> Any:
    return actors.read(log, [actor])[actor].fields


def findings() -> list[Any]:
    """What `audit_verify` finds once each log is in order."""
    for name in ("test", "live"):
        order_all(name)
    return [*verify_log("test"), *verify_log("live"), *verify_actors()]


def acts(person: Person, button: str, words: str) -> None:
    """Presses a button of a proposal's page, and waits for these words."""
    person.page.get_by_role("button", name=button).click()
    said(person, words)


def said(person: Person, words: str) -> None:
    """Waits for words on an operators' page, which Django draws."""
    shown = person.page.locator("#content")
    person.tab.until(lambda: words in shown.inner_text(), words)


def changes_phone(operator: Person, lender: Lender) -> str:
    """Drafts another telephone of a lender in the admin; the address of the draft."""
    operator.page.goto(f"{operator.at}/admin/lenders/lender/")
    operator.page.get_by_role("link", name=lender.name).click()
    operator.page.get_by_label("Phone").fill(PHONE)
    operator.page.get_by_role("button", name="Make a draft", exact=True).click()
    said(operator, "It changes a row")
    return operator.page.url


def proposes(operator: Person) -> None:
    operator.page.get_by_label("Reason").fill(REASON)
    acts(operator, "Propose with a passkey", "You proposed it.")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_an_invitation_in_each_language(
    launch: Launch, at: str, invite: Invite, language: str, size: str
) -> None:
    """A wrong code first, then the right one."""
    person = Person(launch, at, "new@example.kz", size=size, language=language)
    code, page = invite(person.email), person.page
    page.goto(f"{at}/people/sign-in/")
    person.tab.look(f"sign-in.{language}.{size}")
    page.get_by_role("link", name=words(language, "I have an invitation")).click()
    person.tab.until_heading(words(language, "Invitation"))
    make = page.get_by_role("button", name=words(language, "Make a passkey"))
    for given, heading in (("A" * 22, "Invitation"), (code, "Your account")):
        page.locator("#id_email").fill(person.email)
        page.locator("#id_invitation").fill(given)
        page.locator("#id_password").fill("correct horse battery 9")
        make.click()
        if given != code:
            page.locator(".notice-error[role=alert]:visible").wait_for()
            assert "invitation_invalid" in page.inner_text("main")
        person.tab.until_heading(words(language, heading))
        person.tab.look(f"invitation-{heading[0]}.{language}.{size}")
    page.goto(f"{at}/people/passkey/")
    person.tab.look(f"passkey.{language}.{size}")


def test_the_first_two_operators_enrol_by_codes_that_the_root_signed(pair: Pair) -> None:
    for person in pair:
        person.signs_out()
        person.signs_in()
        person.page.goto(f"{person.at}/admin/")
        said(person, "Proposals")
        user = User.objects.get(email=person.email)
        assert [key["id"] for key in stated(user.pk)["passkeys"]] == [
            key["id"] for key in user.passkeys
        ]
        assert stated(user.pk)["invitation"] == ""
        assert person.tab.problems == []
    assert findings() == []


def test_one_operator_proposes_a_telephone_and_the_other_confirms_it(
    lender: Lender, pair: Pair
) -> None:
    first, second = pair
    address = changes_phone(first, lender)
    first.tab.look("draft.desk")
    proposes(first)
    assert first.page.get_by_role("button", name="Confirm").count() == 0
    first.tab.look("proposed-own.desk")
    second.page.goto(f"{second.at}/admin/proposals/")
    second.tab.look("proposals.phone")
    second.page.locator(f"a[href='{address.removeprefix(second.at)}']").click()
    said(second, REASON)
    second.tab.look("proposed.phone")
    assert Lender.objects.get(pk=lender.pk).phone == lender.phone
    acts(second, "Confirm with a passkey", "Confirmed by")
    second.tab.look("confirmed.phone")
    assert Lender.objects.get(pk=lender.pk).phone == PHONE
    assert stated(lender.pk)["phone"] == stated(lender.pk, "test")["phone"] == f"tel:{PHONE}"
    assert findings() == []


def test_who_proposed_is_refused_in_words_if_they_confirm(
    lender: Lender, pair: Pair, settings: Settings
) -> None:
    """Their page has no button for it, unless it was shown while live mode was off."""
    _, second = pair
    changes_phone(second, lender)
    proposes(second)
    second.tab.look("proposed-own.phone")
    assert second.page.get_by_role("button", name="Confirm").count() == 0
    settings.TULGA_MODES_LIVE = False
    second.page.reload()
    said(second, "While live mode is off, you may confirm it yourself.")
    settings.TULGA_MODES_LIVE = True
    acts(second, "Confirm with a passkey", "it must not concern either of you.")
    said(second, "proposal_of_two")
    assert "While live mode is off" not in second.page.inner_text("#content")
    assert second.page.get_by_role("button", name="Confirm").count() == 0
    second.tab.look("refused.phone")
    assert Lender.objects.get(pk=lender.pk).phone == lender.phone


def test_a_lost_key_ends_by_two_operators_and_its_vote_stands(
    launch: Launch, at: str, story: Story, pair: Pair
) -> None:
    first, second = pair
    lost, new = (Person(launch, at, "reviewer@lender.example", size="phone") for _ in range(2))
    first.page.goto(f"{at}/admin/people/user/add/")
    first.page.get_by_label("E-mail address").fill(lost.email)
    first.page.get_by_label("Name:", exact=True).fill("Асель Омарова")
    first.page.get_by_label("Role").select_option("reviewer")
    first.page.get_by_label("Lender").select_option(story.lender.pk)
    first.tab.look("person.desk")
    first.page.get_by_role("button", name="Make a draft", exact=True).click()
    lost.accepts(agreed(pair))
    lost.votes(story.id)
    user = User.objects.get(email=lost.email)
    second.page.goto(f"{at}/admin/people/user/{quote(user.pk)}/change/")
    second.page.get_by_label("New invitation").check()
    second.tab.look("renewal.phone")
    second.page.get_by_role("button", name="Make a draft", exact=True).click()
    code = agreed((second, first), "renewal")
    lost.page.goto(f"{at}/people/")
    lost.tab.until_heading("Sign in")
    refused(lost)
    new.accepts(code)
    refused(lost)
    lost.tab.look("lost.phone")
    new.signs_out()
    new.signs_in()
    new.page.goto(f"{at}/review/")
    new.tab.look()
    (vote,) = entries(story, "review.voted")
    old, now = vote.body["assertion"]["id"], User.objects.get(pk=user.pk).passkeys
    assert old not in {key["id"] for key in now}
    assert findings() == []
    signatures._approved.clear()
    assert signatures.unproven(entries(story, "review.voted")) == {}


def agreed(pair: Pair, name: str = "invitation") -> str:
    """Both operators agree to the draft on the first one's page. The code of its invitation."""
    first, second = pair
    said(first, "Reason")
    first.tab.look(f"{name}-draft.{first.size}")
    proposes(first)
    first.tab.look(f"{name}-code.{first.size}")
    code = first.page.locator(".module[role=status] code").first.inner_text()
    second.page.goto(first.page.url)
    said(second, "Confirm it only if")
    second.tab.look(f"{name}-proposed.{second.size}")
    acts(second, "Confirm with a passkey", "Confirmed by")
    return code


def refused(person: Person) -> None:
    """Their passkey signs them in no more."""
    person.factors()
    person.page.get_by_role("button", name="Sign in with your passkey").click()
    person.says("You are not signed in")
