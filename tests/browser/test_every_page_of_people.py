"""Every page of the people who sign in, and of the lender's developers: in their languages, on a
phone and a desk.
"""

from collections.abc import Callable

import pytest
from django.contrib.admin.utils import quote

from lenders.models import Lender
from operators import proposals
from people.models import User
from tests.browser import axe, every_page
from tests.browser.drawn_face import drawn
from tests.browser.every_page import Shown
from tests.browser.looked_over import Looks, Sit, looks, seen, sit
from tests.browser.steps import words
from tests.browser.test_every_page import by_name
from tests.browser.test_review_desk import case, see_every_picture
from tests.operators.lenders_rows import webhooks
from tests.people.conftest import add
from tests.people.enrolled import Enrolled
from tests.people.test_add_person import forged
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.attesting_story import LAW, cleared, verified
from tests.verification.stories.insecure_glance import glances
from tests.verification.stories.story import OTHER_IIN, Story, begin, lender
from verification import transactions
from verification.access import in_person
from verification.core import profiles

__all__ = ["add", "case", "glances", "looks", "of", "sit"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
    pytest.mark.proof("pages"),
]


@pytest.fixture
def of() -> Lender:
    """The lender whose people sit at the desk."""
    return lender("ТОО «МФО Первый кредит»")


_OUTCOMES = (
    ("verified", ""),
    ("declined", "eds_iin_mismatch"),
    ("declined", "eds_certificate_revoked"),
    ("expired", "verification_expired"),
    ("failed", "retries_exhausted"),
    ("canceled", "canceled_by_lender"),
    ("declined", "attempts_exhausted"),
    ("requires_input", ""),
)


@pytest.fixture
def declined(db: None) -> str:
    """Cases to look at: one real and declined, and a year of bare ones."""
    owners = rows.lender(), rows.lender("Екінші несие ЖШС", number=1)
    for month in range(11):
        for place, (status, code) in enumerate(_OUTCOMES[month % 4 :]):
            created = rows.months_ago(month)
            owner = owners[place % 2]
            rows.bare(owner, created_at=created, mode="test", status=status, code=code)
    return rows.declined(owners[0])


def over(
    sit: Sit, looks: Looks, site: str, pages: tuple[Shown, ...], *, session: str = "", **places: str
) -> None:
    """Looks at those of the pages that stand at addresses; `places` are parts of the addresses.

    Pictures of people are drawn: those of the tests' captures belong to somebody.
    """
    cookies = {"sessionid": session} if session else {}
    for language, size, here in looks([shown for shown in pages if shown.path], pictured="desk"):
        tab = sit(language=language, size=size, **cookies)
        tab.page.route(
            "**/pictures/*", lambda asked: asked.fulfill(body=drawn(), content_type="image/jpeg")
        )
        for shown in here:
            tab.page.goto(f"{site}{shown.path.format(**places)}")
            if shown.name == "desk-case":
                see_every_picture(tab)
            seen(tab, shown, language=language, size=size)


def test_the_pages_of_the_desk(sit: Sit, looks: Looks, site: str, case: Story, of: Lender) -> None:
    session = desk.at_desk(of).cookies["sessionid"].value
    begin(of, "loan-2026-000124", iin=OTHER_IIN)
    at = [shown for shown in every_page.DESK if "confirm" not in shown.name]
    over(sit, looks, site, tuple(at), session=session, case=case.id)
    for language, size, _ in looks([by_name("desk-refused")], pictured="desk"):
        open_case = begin(of, f"loan-{language}-{size}", iin=OTHER_IIN)
        tab = sit(language=language, size=size, sessionid=session)
        tab.page.goto(f"{site}/review/cases/{open_case.id}/")
        seen(tab, by_name("desk-refused"), language=language, size=size)
        tab.page.goto(f"{site}/review/open/")
        told = words(language, "Make a fresh link for %(reference)s") % {
            "reference": f"loan-{language}-{size}"
        }
        tab.page.get_by_role("button", name=told).click()
        tab.until_heading(words(language, "A fresh link"))
        seen(tab, by_name("desk-link"), language=language, size=size)


@pytest.mark.usefixtures("glances")
def test_the_pages_of_who_attests(
    sit: Sit, looks: Looks, site: str, of: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)
    story = verified(of, "loan-2026-000125")
    cleared(story)
    session = desk.at_desk(of).cookies["sessionid"].value
    pages = tuple(shown for shown in every_page.DESK if "confirm" in shown.name)
    over(sit, looks, site, pages, session=session, confirmed=story.id)


def test_the_pages_of_the_regulator(sit: Sit, looks: Looks, site: str, declined: str) -> None:
    session = rows.signed_in(rows.person("regulator")).cookies["sessionid"].value
    over(sit, looks, site, every_page.OVERSIGHT, session=session, declined=declined)
    tab = sit(language="ru", size="desk", sessionid=session)
    tab.page.emulate_media(color_scheme="dark")
    for shown in every_page.OVERSIGHT:
        tab.page.goto(f"{site}{shown.path.format(declined=declined) or '/oversight/'}")
        assert axe.serious(tab.page, axe.COLOURS) == [], f"{shown.name} in the dark"
    waiting = rows.opened(rows.lender(), iin=rows.OTHER_IIN, reference="loan-2")
    for language, size, _ in looks([by_name("oversight-not-ready")], pictured="desk"):
        tab = sit(language=language, size=size, sessionid=session)
        tab.page.goto(f"{site}/oversight/cases/{waiting}/proof")
        seen(tab, by_name("oversight-not-ready"), language=language, size=size)


def test_the_pages_of_who_signs_in(
    sit: Sit, looks: Looks, site: str, add: Callable[..., Enrolled]
) -> None:
    over(sit, looks, site, (by_name("sign-in"),))
    operator, changed = add("operator").user, lender("ТОО «МФО Первый кредит»", number=7)
    session = rows.signed_in(operator).cookies["sessionid"].value
    changed.phone = "+77270000045"
    changed.live_calendar = [{"from": "2026-01-26", "profile": "KZ-2026-01"}]
    proposal = proposals.draft(changed, {"phone", "live_calendar"}, by=operator)
    with transactions.running(scope=transactions.ALL):
        proposals.propose(
            proposal.pk, by=operator, reason="Their letter of 1 December", signed=None
        )
    person = User(email="new@example.kz", full_name="Асель Омарова", role="regulator")
    proposals.draft_invitation(person, {"email", "full_name", "role"}, by=operator)
    delivery = webhooks(changed, mode="live")
    forged(begin(lender()))
    rows_of = {
        "person": operator.pk,
        "lender": changed.pk,
        "endpoint": delivery.endpoint_id,
        "delivery": delivery.pk,
    }
    places = {name: quote(pk) for name, pk in rows_of.items()}
    places |= {"proposal": proposal.pk, "meeting": came(operator)}
    over(sit, looks, site, every_page.PEOPLE[1:], session=session, **places)


def came(operator: User) -> str:
    """The request of a person without a key, which an operator signed."""
    typed = in_person.Typed(rows.OTHER_IIN, "passport", "N12345678", "They lost their key.")
    with transactions.running(scope=transactions.ALL):
        meeting = in_person.draft(typed, mode="test", by=operator.pk)
        in_person.act(meeting, by=operator.pk, answer=None)
    return meeting


def test_the_page_that_operators_open_once(
    sit: Sit, looks: Looks, site: str, add: Callable[..., Enrolled]
) -> None:
    first = add("operator", email="first@example.kz").user
    second = add("operator", email="second@example.kz").user
    session = rows.signed_in(second).cookies["sessionid"].value
    rows.opened(rows.lender(), iin=rows.OTHER_IIN, reference="loan-3")
    [kept] = every_page.OPENED_ONCE
    for language, size, _ in looks([kept], pictured="desk"):
        meeting = came(first)
        with transactions.running(scope=transactions.ALL):
            in_person.act(meeting, by=second.pk, answer=None)
        tab = sit(language=language, size=size, sessionid=session)
        tab.page.goto(f"{site}/admin/meetings/{meeting}/")
        tab.page.locator('button[value="page"]').click()
        seen(tab, kept, language=language, size=size)


def test_the_pages_of_developers(sit: Sit, looks: Looks, site: str) -> None:
    over(sit, looks, site, every_page.DEVELOPERS)
