"""The operators' pages speak the reader's language: no word of theirs stays English."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from lenders.models import Lender
from operators import words
from tests.operators import meeting
from tests.operators.acting import REASON, draft_lender, draft_person, propose
from tests.operators.conftest import Acting
from tests.operators.lenders_rows import webhooks
from tests.people.conftest import add, signed_in
from tests.people.test_add_person import forged
from tests.verification import one_format
from tests.verification.borrower import catalogues
from tests.verification.stories.story import begin
from tests.verification.stories.story import lender as make_lender
from verification.core.ids import check_digit
from verification.log import acts, approvals, sequencer, signatures

__all__ = ["add", "signed_in"]

LANGUAGES = ("ru", "kk")
SAID = ("title", "aria-label", "alt", "placeholder")
"""Attributes that a browser shows or reads out."""
SILENT = ("script", "style", "code", "textarea", "svg")
NAMES = re.compile(
    # Data: ids, beginnings of keys, addresses, and examples of values.
    r"\b[a-z]{3}_\w+|\S+@\S+|\S+://\S*|\b2001:db8\S*|\"(from|profile)\"|\bMCowBQ\w*|\bLLP\b"
    # Of products, of files and settings, and of the API, which are the same in every language.
    r"|\b(Tulga|UTC|API|JSON|HTTP|https|tick|public|JavaScript|English|Language|Eng)\b|\.pub\b"
    r"|\b(client_reference|TULGA_[A-Z_]+|An entry was refused)\b|\bKZ-\d{4}-\d{2}\b"
    r"|\bA change without approval\b"
    r"|\b[a-z_]+[:.][a-z_]+\b"
)
WORD = re.compile(r"[A-Za-z]{2,}")
REPEATED = re.compile(r"[?&](o|_facets|_changelist_filters)=")
"""In addresses of a page that was looked at: another order of it, or the way back to a filter."""
OF_LIVE = "99010130001" + check_digit("99010130001")
Two = tuple[Acting, Acting]


class Said(HTMLParser):
    """The texts of a page, and the addresses to which it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts, self.links, self._within = list[str](), set[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in SILENT:
            self._within.append(tag)
        self.texts += [given[name] for name in SAID if name in given]
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.texts.append(given.get("value", ""))
        if tag == "a":
            self.links.add(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.texts.append(" ".join(data.split()))


def english(html: str, *, data: str = "") -> list[str]:
    """The texts of a page that have a Latin word which is no name. data: words that a row has."""
    return [
        text for text in Said(html).texts if WORD.search(NAMES.sub("", text)) and text not in data
    ]


def faults(client: Client, start: str) -> Iterator[tuple[str, Any]]:
    """What is wrong on each page of the site that links lead to."""
    waiting, known = [start], {start}
    while waiting:
        address = waiting.pop()
        answer = client.get(address, follow=True)
        assert answer.status_code == 200, address
        html = answer.content.decode()
        yield from ((address, text) for text in english(html, data=REASON))
        yield from ((address, fault) for fault in one_format.faults(html))
        if 'action="/i18n/setlang/"' not in html:
            yield address, "a choice of the language is missing"
        for link in Said(html).links:
            full = f"{answer.request['PATH_INFO']}{link}" if link.startswith("?") else link
            is_ours = full.startswith("/admin/") and not REPEATED.search(full)
            if is_ours and full not in known:
                known.add(full)
                waiting.append(full)
    assert len(known) > 15, known


@pytest.fixture(autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


def speaking(client: Client, language: str) -> Client:
    """The client, in this language from now on; what was told before is told in English."""
    assert client.get("/admin/").status_code == 200
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    return client


@pytest.fixture
def rows(two: Two, lender: Lender) -> Two:
    """Rows for every list, and a proposal of each kind in each state."""
    webhooks(lender, mode="live")
    first = two[0]
    draft_lender(first, lender, phone="+77270000045")
    person = draft_person(
        first, email="new@example.kz", full_name="Асель", role="reviewer", lender=lender.pk
    )
    propose(first, person)
    withdrawn = draft_lender(first, lender, return_urls='["https://lender.example/done"]')
    assert first.client.post(withdrawn, {"act": "withdraw"}).status_code == 302
    meeting.draft(first, OF_LIVE)
    meeting.asked(two, OF_LIVE)
    meeting.vouched((two[1], first), OF_LIVE)
    return two


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.django_db(transaction=True)
def test_no_page_keeps_an_english_word(rows: Two, lender: Lender, language: str) -> None:
    client = speaking(rows[0].client, language)
    assert [*faults(client, "/admin/")] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.django_db(transaction=True)
def test_what_is_kept_about_a_person_is_shown_in_the_readers_language(
    two: Two, language: str
) -> None:
    address = meeting.vouched(two, OF_LIVE)
    client = speaking(two[1].client, language)
    for act, status in (("page", 200), ("file", 200), ("page", 422), ("act", 422)):
        page = client.post(address, {"act": act})
        assert (page.status_code, english(page.content.decode(), data=REASON)) == (status, [])
    for fields in meeting.WRONG:
        page = client.post(meeting.LIST, meeting.form(**fields))
        assert page.status_code == 422
        assert english(page.content.decode(), data=REASON) == []


NO_LENDER = {"email": "b@example.kz", "full_name": "Асель", "role": "reviewer", "lender": ""}
WRONG: list[tuple[str, dict[str, str]]] = [
    ("/admin/people/user/add/", {}),
    (
        "/admin/people/user/add/",
        {"email": "a@example.kz", "full_name": "Асель", "role": "operator"},
    ),
    ("/admin/people/user/add/", NO_LENDER),
    ("/admin/people/user/add/", {"email": "x", "full_name": "Асель", "role": "x", "lender": "x"}),
    ("/admin/lenders/lender/add/", {}),
    (
        "/admin/lenders/lender/add/",
        {"name": "a  b", "bin": "1", "phone": "8", "test_calendar": "{}", "return_urls": "{}"},
    ),
    (
        "/admin/lenders/lender/add/",
        {"name": "Ақша", "bin": "180440012349", "phone": "+77270000044", "test_calendar": "x"},
    ),
    (
        "/admin/lenders/lender/add/",
        {
            "test_calendar": '[{"from": "2026-01-26", "profile": "?"}]',
            "live_calendar": '[{"from": "2026-01-26", "profile": "KZ-2021-04"}]',
            "return_urls": '["http://lender.example"]',
        },
    ),
    ("/admin/lenders/apikey/add/", {}),
    ("/admin/lenders/apikey/add/", {"scopes": "events:read", "days": "999", "cidrs": "x"}),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("address", "fields"), WRONG)
@pytest.mark.django_db(transaction=True)
def test_a_refused_form_says_why_in_the_readers_language(
    two: Two, lender: Lender, address: str, fields: dict[str, str], language: str
) -> None:
    client = speaking(two[0].client, language)
    page = client.post(address, {"lender": lender.pk, **fields, **NO_KEYS})
    assert page.status_code == 200
    assert page.context["errors"]
    assert english(page.content.decode()) == []


NO_KEYS = {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("act", ["propose", "confirm", "x"])
@pytest.mark.django_db(transaction=True)
def test_a_refused_act_says_why_in_the_readers_language(
    two: Two, lender: Lender, act: str, language: str
) -> None:
    address = draft_lender(two[0], lender, phone="+77270000045")
    page = speaking(two[0].client, language).post(address, {"act": act})
    assert page.status_code == 422
    assert english(page.content.decode()) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.django_db(transaction=True)
def test_a_refused_entry_is_told_in_the_readers_language(
    signed_in: Callable[[str], Client], language: str
) -> None:
    forged(begin(make_lender()))
    client = speaking(signed_in("operator"), language)
    assert english(client.get("/admin/refused/").content.decode()) == []


@pytest.mark.parametrize("language", ["ru", "kk", "en"])
@pytest.mark.django_db(transaction=True)
def test_what_is_shown_once_is_not_lost_by_another_language(two: Two, language: str) -> None:
    speaking(two[0].client, language)
    address = draft_person(two[0], email="n@example.kz", full_name="Асель", role="operator")
    page = propose(two[0], address)
    assert page.context["code"]
    assert 'action="/i18n/setlang/"' not in page.content.decode()


def phrases() -> Iterator[str]:
    """Each sentence by which the log gives a reason, without its names."""
    for module in (acts, approvals, signatures, sequencer):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.FunctionDef) and "fault" in node.name:
                for given in ast.walk(node):
                    if isinstance(given, ast.Return) and given.value is not None:
                        yield from (
                            part.value
                            for part in ast.walk(given.value)
                            if isinstance(part, ast.Constant) and isinstance(part.value, str)
                        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_the_log_has_a_translation(language: str) -> None:
    reasons = {reason.strip() for reason in phrases() if " " in reason.strip()}
    assert len(reasons) > 20
    with translation.override(language):
        assert [text for text in reasons if WORD.search(words.reason(text.rstrip(":")))] == []
