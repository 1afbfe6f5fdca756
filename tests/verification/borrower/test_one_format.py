"""Days, times and sums are written one way on every page, for whomever it is, and in a message."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.verification import one_format
from tests.verification.borrower.pages import DATA, RENEWAL, made
from tests.verification.stories.story import begin, lender
from verification.access import open_page
from verification.core import spelling
from verification.core.spelling import code_sms

LANGUAGES = ("kk", "ru", "en")
PAGES = sorted({*DATA, "question", "wait", "resume", "checking", "choose_route"})
# What a template may have Django write: a time for machines, and months of a chart.
_DATE = re.compile(
    r"""\|(?:date|time):(?!["']c["']|"F Y"|"M Y"|"M"|"Y")\S*|floatformat|naturaltime|\|localize"""
)


@pytest.mark.parametrize(
    ("found", "html"),
    [
        ("a day as machines write it", "<p>2026-11-24</p>"),
        ("a time of twelve hours", "<p>2:05 p.m.</p>"),
        ("a day by its month's name", "<p>24 ноября</p>"),
        ("a currency by its code", "<p>150 000 KZT</p>"),
        ("a sum as machines write it", "<p>150000.00</p>"),
        ("another zone", "<p>10:00 UTC</p>"),
        ("a time whose zone is not named", "<p>24.11.2026 15:40</p>"),
    ],
)
def test_another_format_is_found(found: str, html: str) -> None:
    assert [fault for fault in one_format.faults(html) if fault.startswith(found)]


def test_the_one_format_is_not() -> None:
    html = (
        '<time datetime="2026-11-24T10:40:00Z">24.11.2026 15:40 (Astana time)</time> 150 000,50 ₸'
        " KZ86125KZT5004100100"
    )
    assert list(one_format.faults(html)) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.django_db
def test_a_borrowers_page(name: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    assert client.post("/v/", {"token": begin(lender()).token}).status_code == 302
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    page = made(name, renewal=RENEWAL if name == "renewal" else None)
    monkeypatch.setattr(open_page, "page_of", lambda *_: page)
    shown = client.get("/v/now/")
    assert shown.status_code == 200
    assert list(one_format.faults(shown.content.decode())) == []
    said = one_format.text(shown.content.decode())
    assert (
        spelling.money("150000.00", "KZT", language=language).replace("\N{NO-BREAK SPACE}", " ")
        in said
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message(language: str) -> None:
    loan = {
        "lender": "Sandbox Credit LLP",
        "amount": "150000.00",
        "currency": "KZT",
        "host": "id.lender.example",
    }
    assert list(one_format.faults(code_sms("123456", language=language, **loan))) == []


@pytest.mark.parametrize(
    "template",
    sorted(Path(settings.BASE_DIR, "templates").rglob("*.html")),
    ids=lambda path: path.name,
)
def test_no_template_writes_a_day_or_a_number_its_own_way(template: Path) -> None:
    assert _DATE.findall(template.read_text()) == []
