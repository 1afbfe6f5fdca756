"""The pages for developers, in English and Russian, by requests and in a browser."""

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from lenders import endpoints, openapi, policy
from lenders.docs import code_pages, pages, prose, search
from scripts.guide_blocks import text_of
from tests.browser import axe
from tests.browser.chromium import chromium, chromiums
from tests.lenders.samples import Caller
from tests.verification.borrower import catalogues
from verification.core import codes
from verification.core.codes import PROBLEMS, REASONS, Place, remedy_of
from verification.core.events import TOLD
from verification.core.profiles import PROFILES, Profile, Status

# The pages for developers, in English and Russian.


# Every sentence that the developers' pages may say, and their Russian catalogue.


ROOT = Path(openapi.__file__).resolve().parents[1]
PO = ROOT / "locale" / "ru" / "LC_MESSAGES" / "developers.po"
_IN_TEMPLATE = re.compile(r"""\{% say (?:"([^"]+)"|'([^']+)')""")
_IN_CODE = re.compile(r'\bsay\("([^"]+)"\)')


def sentences() -> set[str]:
    """Of the templates, the code and the tables of codes."""
    return {*_written(), *_of_tables()}


def catalogue() -> Catalog:
    """The Russian one."""
    with PO.open("rb") as source:
        return read_po(source, locale="ru", domain="developers")


def _written() -> Iterator[str]:
    for path in (ROOT / "lenders" / "templates" / "lenders").glob("*.html"):
        yield from (
            double or single for double, single in _IN_TEMPLATE.findall(path.read_text("utf-8"))
        )
    for path in (ROOT / "lenders" / "docs").glob("*.py"):
        yield from _IN_CODE.findall(path.read_text("utf-8"))


def _of_tables() -> Iterator[str]:
    yield from pages.NAVIGATION.values()
    yield from prose.TITLES.values()
    yield from prose.SUBJECTS.values()
    for item in openapi.document()["paths"].values():
        yield from (operation["summary"] for operation in item.values())
    for meaning in code_pages.table():
        remedy = meaning.remedy
        yield from (meaning.heading, meaning.meaning, remedy.text, remedy.key, remedy.actor)
        yield from [meaning.advice] if meaning.advice else []


# The documentation: offline, without inline code, and its first call works as it is printed.


PAGES = [
    "/docs",
    "/docs/search",
    *(f"/docs/{name}" for name in ("problems", "reference", *prose.NAMES)),
]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fetches_nothing_from_elsewhere_and_holds_no_inline_code(
    client: Client, db: None, path: str, language: str
) -> None:
    answer = client.get(path, {"lang": language})
    assert answer.headers["Content-Language"] == language
    page = answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]*", page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", page) == []
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_the_first_call_of_the_page_opens_a_verification(client: Client, api: Caller) -> None:
    page = unescape(client.get("/docs").content.decode())
    printed = re.search(r"-d '(\{.*?\})'", page, re.DOTALL)
    assert printed
    assert api.post("/v1/verifications", json.loads(printed[1])).status_code == 201


def test_the_page_lists_every_operation(client: Client, db: None) -> None:
    page = client.get("/docs").content.decode()
    for path, item in openapi.document()["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(operation["summary"] in unescape(page) for operation in item.values())


def test_the_page_of_codes_tells_every_reason(client: Client, db: None) -> None:
    page = unescape(client.get("/docs/problems").content.decode())
    for reason in REASONS.values():
        assert f'id="reason-{reason.code}"' in page
        assert reason.lender_detail in page


@pytest.mark.parametrize("path", ["/openapi.json", *PAGES])
def test_the_documentation_is_only_read(client: Client, db: None, path: str) -> None:
    assert client.post(path).status_code == 405


def test_the_concepts_name_every_reason_why_people_look() -> None:
    assert [
        code
        for code, reason in REASONS.items()
        if reason.review and f"| `{code}` |" not in text_of("concepts")
    ] == []


def _row(profile: Profile) -> str:
    """What the table of the concepts says of a profile."""
    suffices = " or ".join(
        " + ".join(f"`{route}`" for route in routes) for routes in profile.combinations
    )
    ages = (
        f"< {profile.confirmed_below_years}, ≥ {profile.confirmed_from_years}"
        if profile.confirmed_below_years
        else "—"
    )
    visit = f"> {profile.visit_over_mci} MCI" if profile.visit_over_mci else "—"
    waits = (
        f"> {profile.cooling_off_over_mci} MCI: {profile.cooling_off_hours} h"
        if profile.cooling_off_hours
        else "—"
    )
    answers = (profile.stop_credit_max_age_seconds, profile.account_owner_max_age_seconds)
    since = profile.since if profile.status is Status.IN_FORCE else f"{profile.status}, day unknown"
    cells = (f"`{profile.id}`", since, suffices, profile.replaced_max, ages, visit, waits)
    register = "yes" if profile.register_asked else "—"
    return f"| {' | '.join(map(str, (*cells, *(f'{age} s' if age else '—' for age in answers), register)))} |"  # noqa: E501


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_the_concepts_say_what_every_profile_asks(profile: Profile) -> None:
    assert _row(profile) in text_of("concepts").splitlines()


def test_the_first_call_of_start_opens_a_verification(api: Caller) -> None:
    start = text_of("start").replace("""'"$LOAN"'""", "loan-1")
    printed = re.search(r"-d '(\{\n.*?\})'", start, re.DOTALL)
    assert printed
    assert api.post("/v1/verifications", json.loads(printed[1])).status_code == 201


def test_the_receiver_of_start_accepts_our_signature_and_no_other() -> None:
    code = re.search(r"```python\n(# receiver.py.*?)```", text_of("start"), re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)  # what we print is what we run  # noqa: S102
    secret, (seed, _), body = (
        endpoints.new_secret(),
        endpoints.new_signing_key(),
        b'{"type":"endpoint.test"}',
    )
    now = int(time.time())
    headers = endpoints.sign(
        message_id="evt_1", timestamp=now, body=body, shared_secrets=[secret], seed=seed
    )
    accepts, spelling = names["is_from_tulga"], endpoints.spell_secret(secret)
    assert accepts(headers, body, spelling)
    assert not accepts(headers, body + b" ", spelling)
    assert not accepts(headers, body, endpoints.spell_secret(endpoints.new_secret()))
    assert not accepts(headers | {"webhook-timestamp": str(now - 301)}, body, spelling)


def _hits(client: Client, query: str, **more: str) -> list[str]:
    page = client.get("/docs/search", {"q": query, **more}).content.decode()
    return re.findall(r'<li><a href="(/docs[^"]*)">', page)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cooling_off", "/docs/problems/cooling_off"),
        (" `Cooling_Off` ", "/docs/problems/cooling_off"),
        ("liveness_depth_flat", "/docs/problems/liveness_depth_flat"),
        ("clearance.frozen", "/docs/webhooks#events"),
        ("in_review", "/docs/concepts#statuses"),
        ("POST /v1/verifications", "/docs/reference#/verifications/open_verification"),
        ("consume_clearance", "/docs/reference#/clearances/consume_clearance"),
    ],
)
def test_a_name_is_found_first(client: Client, db: None, query: str, first: str) -> None:
    assert _hits(client, query)[0] == first


@pytest.mark.parametrize("code", [meaning.code for meaning in code_pages.table()])
def test_every_code_is_found_first_and_has_its_page(client: Client, db: None, code: str) -> None:
    assert _hits(client, code)[0] == f"/docs/problems/{code}" or code in TOLD
    page = unescape(client.get(f"/docs/problems/{code}").content.decode())
    for meaning in code_pages.of_code(code):
        assert f'id="{meaning.place}"' in page
        assert meaning.remedy.text.replace("`", "") in re.sub(r"</?code>", "", page)
        assert meaning.borrower in page
    russian = client.get(f"/docs/problems/{code}", {"lang": "ru"})
    assert (russian.status_code, russian.headers["Content-Language"]) == (200, "ru")


def test_words_of_the_documents_are_found_by_their_beginnings_in_both_languages(
    client: Client, db: None
) -> None:
    assert "/docs/concepts#repeating-safely" in _hits(client, "repeats the same body")
    assert "/docs/concepts#repeating-safely" in _hits(client, "повтор ключа Idempotency", lang="ru")
    assert any(hit.startswith("/docs/threat-model#") for hit in _hits(client, "coached victim"))


@pytest.mark.parametrize(
    ("query", "expected", "lang"),
    [
        ("how to verify webhook signature", "/docs/webhooks#verify-the-signature", "en"),
        ("webhook not delivered", "/docs/webhooks#", "en"),
        ("authentication", "/docs/problems/not_authenticated", "en"),
        ("callback", "/docs/webhooks#", "en"),
        ("pagination", "/docs/problems/cursor_unknown", "en"),
        ("rate limit", "/docs/problems/throttled", "en"),
        ("idempotency key reuse", "/docs/problems/idempotency_key_reused", "en"),
        ("429", "/docs/problems/throttled", "en"),
        ("404", "/docs/problems/not_found", "en"),
        ("ошибка 409", "/docs/problems/conflict", "ru"),
        ("лимит запросов", "/docs/problems/throttled", "ru"),
        ("ссылка истекла", "/docs/problems/link_unusable", "ru"),
        ("ключ идемпотентности", "/docs/problems/idempotency_key_reused", "ru"),
        ("период охлаждения", "/docs/problems/cooling_off", "ru"),
        ("аутентификация", "/docs/problems/not_authenticated", "ru"),
        ("авторизация", "/docs/problems/not_authenticated", "ru"),
        ("биометрия", "/docs/threat-model#", "ru"),
        ("сколько действует ссылка", "/docs/concepts#the-link", "ru"),
        ("что такое разрешение", "/docs/payout#", "ru"),
        ("версии", "/docs/changelog", "ru"),
    ],
)
def test_an_ordinary_question_finds_its_answer_among_the_first(
    client: Client, db: None, query: str, expected: str, lang: str
) -> None:
    first = _hits(client, query, lang=lang)[:10]
    assert [hit for hit in first if hit.startswith(expected)], first


def test_every_hit_leads_to_a_place_that_is_there(client: Client, db: None) -> None:
    for hit in _hits(client, "verified"):
        page, _, anchor = hit.partition("#")
        answer = client.get(page)
        assert answer.status_code == 200
        if page == "/docs/reference":
            tags = {
                (operation["tags"][0], operation["operationId"])
                for item in openapi.document()["paths"].values()
                for operation in item.values()
            }
            assert tuple(anchor.split("/")[1:]) in tags
            continue
        assert not anchor or f'id="{unquote(anchor)}"' in answer.content.decode()


def test_a_search_gives_nothing_back_as_markup_and_is_bounded(client: Client, db: None) -> None:
    answer = client.get("/docs/search", {"q": '"><script>alert(1)</script>'})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "&lt;script&gt;" in answer.content.decode()
    for nothing in ("", "   ", "%%%", "\x00", "(((", "zzzzzz"):
        assert client.get("/docs/search", {"q": nothing}).status_code == 200
        assert _hits(client, nothing) == []
    assert len(_hits(client, "a")) <= policy.HITS_MAX
    assert client.get("/docs/search", {"q": "a" * policy.QUERY_MAX}).status_code == 200
    assert client.get("/docs/search", {"q": "a" * (policy.QUERY_MAX + 1)}).status_code == 400
    assert client.get("/docs/problems/nothing_of_ours").status_code == 404


def test_a_search_looks_for_eight_different_words_and_no_more(client: Client, db: None) -> None:
    for query in ("a " * 50, " ".join("bcdefghijklmnop"), "verifying verified verify " * 3):
        terms = search.terms(query)
        assert 0 < len(terms) <= 8
        assert len(set(terms)) == len(terms)
    eight = " ".join(
        ("verification", "borrower", "lender", "until", "days", "entry", "phone", "request")
    )
    assert len(search.terms(eight)) == 8
    assert _hits(client, f"{eight} zzzz") == _hits(client, eight)


def test_every_page_leads_to_every_other(client: Client, db: None) -> None:
    for path in PAGES:
        page = client.get(path).content.decode()
        assert set(re.findall(r'href="(/docs[\w/-]*|/rules)"', page)) >= {*PAGES, "/rules"} - {
            "/docs/search"
        }


def test_the_type_of_a_problem_leads_to_its_page(client: Client, api: Caller) -> None:
    problem = api.get("/v1/verifications/ver_aaaaaaaaaaaaaaaaaaaaaaaaaa").json()
    assert client.get(urlsplit(problem["type"]).path).status_code == 200


def test_what_may_be_repeated_at_once_says_when_and_keeps_its_key() -> None:
    for problem in PROBLEMS.values():
        remedy = remedy_of(problem, Place.PROBLEM)
        assert (remedy.again == codes.YES) == (
            problem.retry_after is not None or problem.status in (429, 503)
        )
        assert remedy.again == codes.NO or remedy.key != codes.NONE


def test_what_waits_for_nothing_of_yours_is_not_called_later() -> None:
    assert remedy_of(PROBLEMS["internal_error"], Place.PROBLEM).again == codes.SOON
    for meaning in code_pages.table():
        assert meaning.remedy.again == codes.NO or meaning.remedy.key != codes.NONE, meaning.code


def test_a_table_names_its_columns_on_a_phone_and_a_date_stays_whole() -> None:
    page = prose.render("# T\n\n| `a` <b> | c |\n|---|---|\n| 2026-11-28 | `2026-11-25` |\n").html
    assert '<td data-label="a &lt;b&gt;"><span class="nowrap">2026-11-28</span></td>' in page
    assert '<td data-label="c"><code class="nowrap">2026-11-25</code></td>' in page


def test_a_comment_is_not_shown() -> None:
    assert prose.render("1 <!-- evidence: a.b --> 2\n\n<!-- c\n\nd -->\n").html == ("<p>1  2</p>\n")


@pytest.mark.parametrize("name", prose.NAMES)
def test_every_section_has_an_anchor_of_its_own(name: str) -> None:
    anchors = [section.anchor for section in prose.read(name, "en").sections]
    assert len(set(anchors)) == len(anchors)
    assert all(anchors)


def test_markdown_that_is_no_markdown_is_text_and_leads_nowhere_else() -> None:
    hostile = (
        "# T <script>x</script>\n\n<img src=x onerror=y> [a](javascript:alert(1))"
        " [b](//evil.example) [c](https://evil.example) [d](../x.py) [e](errors.md#limits)"
        " ![f](https://evil.example/p.png)\n\n| a |\n|--:|\n| <b onclick=x> |\n"
    )
    html = prose.render(hostile).html
    assert re.findall(r"<(?!/?(?:h1|p|a|div|table|thead|tbody|tr|th|td)\b)[^>]*>", html) == []
    assert re.findall(r'href="([^"]*)"', html) == ["/docs/errors#limits"]
    assert re.findall(r"<[^>]*(?:style|src|\son\w+)=", html) == []


# Every sentence of the developers' pages has its Russian translation, and no other has one.


_FIXED = re.compile(r"%\(\w+\)s|`[^`]+`|\b\d[\d.]*\b")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


@pytest.fixture
def _compiled() -> None:
    catalogues.compile_changed()


@pytest.mark.usefixtures("_compiled")
def test_every_sentence_is_translated_and_no_translation_is_left_over() -> None:
    entries = {entry.id: entry for entry in catalogue() if entry.id}
    spoken = sentences()
    assert sorted(spoken - entries.keys()) == []
    assert sorted(entries.keys() - spoken) == []
    assert [
        id_
        for id_, entry in entries.items()
        if entry.fuzzy or not _CYRILLIC.search(str(entry.string))
    ] == []


@pytest.mark.usefixtures("_compiled")
def test_a_translation_names_the_same_numbers_and_code() -> None:
    # Words of a list (a number that is spelled out in one language) are not compared, figures and
    # code are.
    wrong = [
        entry.id
        for entry in catalogue()
        if entry.id
        and not set(_FIXED.findall(str(entry.id))) <= set(_FIXED.findall(str(entry.string)))
    ]
    assert wrong == []


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize(
    "path", ["/docs", "/docs/problems", "/docs/reference", "/docs/search", "/docs/start"]
)
def test_a_page_is_russian_for_who_reads_russian_or_kazakh_and_english_else(
    client: Client, db: None, path: str
) -> None:
    for accepted, spoken in (("ru", "ru"), ("kk", "ru"), ("en", "en"), ("de", "en")):
        answer = client.get(path, headers={"accept-language": accepted})
        assert (
            answer.headers["Content-Language"],
            f'<html lang="{spoken}">' in answer.content.decode(),
        ) == (
            spoken,
            True,
        )
        assert ("Модель угроз" in answer.content.decode()) == (spoken == "ru")
    assert (
        client.get(f"{path}?lang=ru", headers={"accept-language": "en"}).headers["Content-Language"]
        == "ru"
    )
    assert (
        client.get(f"{path}?lang=xx", headers={"accept-language": "en"}).headers["Content-Language"]
        == "en"
    )


@pytest.mark.usefixtures("_compiled")
def test_the_buttons_change_the_language_of_all_pages(client: Client, db: None) -> None:
    client.post("/i18n/setlang/", {"language": "ru", "next": "/docs"})
    assert (
        client.get("/docs/problems", headers={"accept-language": "en"}).headers["Content-Language"]
        == "ru"
    )


@pytest.mark.usefixtures("_compiled")
def test_the_page_of_codes_is_whole_in_russian(client: Client, db: None) -> None:
    page = client.get("/docs/problems?lang=ru").content.decode()
    assert REASONS["face_mismatch"].lender_detail not in page
    assert "Расстояние до эталона больше зоны сомнения." in page


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("name", list(prose.FILES))
def test_a_document_in_russian_has_the_sections_and_the_code_of_the_english_one(name: str) -> None:
    english, russian = prose.read(name, "en"), prose.read(name, "ru")
    assert [section.level for section in russian.sections] == [
        section.level for section in english.sections
    ]
    assert [section.anchor for section in russian.sections] == [
        section.anchor for section in english.sections
    ]
    texts = [
        (ROOT / f"{prose.FILES[name]}{ending}").read_text("utf-8") for ending in (".md", ".ru.md")
    ]
    ours, theirs = (re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL) for text in texts)
    assert theirs == ours
    # A name of the API, a code or a status that one of them explains, the other explains too.
    names = [set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", text)) for text in texts]
    assert names[0] == names[1]


@pytest.mark.usefixtures("_compiled")
def test_a_code_stands_once_in_each_place() -> None:
    places = [(meaning.place, meaning.code) for meaning in code_pages.table()]
    assert len(places) == len(set(places))


# The documentation in a real browser: nothing is refused by its policy, nothing goes to
# strangers.


__all__ = ["chromium", "chromiums"]

_WHOLE = [pytest.mark.proof("pages"), pytest.mark.whole]

# Runs before any script of the page.
_TELL_VIOLATIONS = """addEventListener("securitypolicyviolation",
    (event) => console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI))"""  # noqa: E501


def visit(browser: Browser, site: str, path: str, *, width: int) -> tuple[Page, list[str]]:
    """An opened page, and what went wrong on it so far."""
    page, wrong = browser.new_page(viewport={"width": width, "height": 900}), []
    page.add_init_script(_TELL_VIOLATIONS)
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((site, "data:")) else wrong.append(request.url)
        ),
    )
    page.goto(f"{site}{path}")
    return page, wrong


WIDTHS = (390, 1280)
PAGES_TO_OPEN = [
    "/docs",
    "/docs/reference",
    "/docs/problems",
    "/docs/problems/document_expired",
    "/docs/search?q=cooling_off",
    *(f"/docs/{name}" for name in prose.NAMES),
]
_LIKE_OTHERS = (
    "/docs/reference",
    *(f"/docs/{name}" for name in prose.FILES if name != "concepts"),
)
"""The reference is looked at once an operation is opened; the documents have the template of the
concepts, which have the widest table.
"""


@pytest.fixture(scope="module")
def _compiled_once() -> None:
    catalogues.compile_changed()


def assert_whole(page: Page, *, width: int) -> None:
    """It is wider than neither window, and in this one nothing serious is wrong with it, light or
    dark.
    """
    for window in (*(another for another in WIDTHS if another != width), width):
        page.set_viewport_size({"width": window, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= window
    page.emulate_media(color_scheme="light")
    assert axe.serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe.serious(page, axe.COLOURS) == []


# On a phone in one language; in `make prove` on a desk and in the other too.
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_compiled_once")
@pytest.mark.parametrize(
    ("language", "width"),
    [
        pytest.param(
            language, width, marks=[] if (language, width) == ("en", WIDTHS[0]) else _WHOLE
        )
        for language in ("en", "ru")
        for width in WIDTHS
    ],
)
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=_WHOLE if path in _LIKE_OTHERS else ()) for path in PAGES_TO_OPEN],
)
def test_a_page_is_whole_for_everybody_and_not_wider_than_its_window(
    chromium: Browser, live_server: Any, path: str, language: str, width: int
) -> None:
    address = f"{path}{'&' if '?' in path else '?'}lang={language}"
    page, wrong = visit(chromium, live_server.url, address, width=WIDTHS[0])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if path == "/docs/reference":
        expect(page.get_by_text("Open a verification", exact=True)).to_be_visible()
    assert_whole(page, width=width)
    assert wrong == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_compiled_once")
def test_the_reference_is_whole_too_with_an_operation_opened(
    chromium: Browser, live_server: Any
) -> None:
    page, wrong = visit(chromium, live_server.url, "/docs/reference", width=WIDTHS[0])
    page.get_by_text("Open a verification", exact=True).click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()
    assert page.get_by_role("main").count() == 1
    assert_whole(page, width=WIDTHS[0])
    assert page.get_by_role("button", name="Русский").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.swagger-ui')).filter") != "none"
    assert wrong == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_compiled_once")
def test_a_code_is_found_without_a_script_and_in_the_other_language(
    chromium: Browser, live_server: Any
) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{live_server.url}/docs")
    page.get_by_role("searchbox").fill("clearance_stale")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("searchbox")).to_have_value("clearance_stale")
    page.get_by_role("link", name="clearance_stale", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("clearance_stale")
    expect(page.get_by_text("Отправлять ещё раз?")).to_be_visible()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_compiled_once")
def test_the_reference_shows_every_operation_under_the_strict_policy(
    chromium: Browser, live_server: Any
) -> None:
    page, wrong = visit(chromium, live_server.url, "/docs/reference", width=1280)
    summary = page.get_by_text("Open a verification", exact=True)
    expect(summary).to_be_visible()
    summary.click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()
    expect(page.get_by_text("client_reference").first).to_be_visible()
    operations = page.locator(".opblock-tag-section .opblock")  # the webhook stands apart from them
    page.get_by_placeholder("Any word of an operation").fill("EARLIER links")
    expect(page.get_by_text("Make a fresh link for the borrower", exact=True)).to_be_visible()
    expect(operations).to_have_count(1)
    page.get_by_placeholder("Any word of an operation").fill("no such word")
    expect(operations).to_have_count(0)
    assert wrong == []
