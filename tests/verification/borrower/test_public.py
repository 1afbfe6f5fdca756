"""`/protect` and `/about`: for anybody, in three languages, without a cookie."""

import re
from hashlib import sha256
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from config.imprint import Operator
from lenders import keys
from lenders.models import Lender
from tests.verification.borrower import msgids
from tests.verification.stories.story import lender, wait_until
from verification.log import keys as log_keys

pytestmark = pytest.mark.django_db

PAGES = ("/protect", "/about", "/rules")
OPERATOR = Operator(
    "ТОО «Оператор»", "120340000133", "010000, Астана", "+7 7172 00 00 00", "ask@tulga.example"
)
languages = pytest.mark.parametrize("language", ["kk", "ru", "en"])


def shown(path, language="en", **more):
    answer = Client(headers={"accept-language": language}).get(path, more)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def sentences(*files):
    """The sentences of these templates, singular."""
    found = [one for one, places in msgids.collect().items() if places & {*files}]
    return [one for one in found if isinstance(one, str) and "%(" not in one]


@languages
@pytest.mark.parametrize(("path", "template"), [("/protect", "protect"), ("/about", "about")])
def test_every_sentence_is_said_in_the_readers_language(settings, language, path, template):
    keys.issue(lender(), mode="test")
    for operator in (OPERATOR, Operator()):
        settings.TULGA_OPERATOR = operator
        page = shown(path, language)
        said = sentences(f"templates/borrower/{template}.html", "templates/public_links.html")
        with translation.override(language):
            found = [one for one in said if translation.gettext(one) in page]
            english = [one for one in said if re.search(rf">\s*{re.escape(one)}\s*<", page)]
        # What stands in its place where there is no lender, no key, no operator.
        assert len(found) >= len(said) - 8
        assert (english == []) == (language != "en")
        assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_kept_and_found_and_needs_no_cookie(path):
    answer = Client(headers={"accept-language": "en"}).get(path, {"lang": "ru"})
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Content-Language"] == "ru"
    assert not answer.cookies
    assert "noindex" not in answer.content.decode()
    assert {"Accept-Language", "Cookie"} <= {
        word.strip() for word in answer.headers["Vary"].split(",")
    }
    assert Client().post(path).status_code == 405


@languages
@pytest.mark.parametrize("path", [*PAGES, "/v/"])
def test_each_page_leads_to_the_others(path, language):
    page = shown(path, language)
    for name in ("borrower:protect", "borrower:about", "rules"):
        assert f'href="{reverse(name)}' in page


@languages
def test_the_sheet_has_the_numbers_the_address_and_its_day(settings, language):
    settings.TULGA_PUBLIC_URL = "https://id.example"
    page = shown("/protect", language)
    for said in (
        ">102<",
        ">1414<",
        "eGov Mobile",
        "egov.kz",
        "Stop-credit",
        "https://id.example/",
        "28.11.2026",
    ):
        assert said in page


def test_who_runs_the_address_is_told_or_said_to_be_unknown(settings):
    settings.TULGA_OPERATOR = OPERATOR
    page = shown("/about")
    for said in (OPERATOR.name, OPERATOR.bin, OPERATOR.address, OPERATOR.telephone, OPERATOR.email):
        assert said in page
    settings.TULGA_OPERATOR = Operator()
    assert "has not given a name" in shown("/about")


def test_lenders_are_those_whose_key_works_and_test_lenders_are_called_so():
    served, retired, late, without = (
        lender(f"Lender {name}", number=10 * name) for name in range(1, 5)
    )
    keys.issue(served, mode="test")
    keys.issue(served, mode="test")
    keys.revoke(keys.issue(retired, mode="test").key)
    ending = keys.issue(late, mode="test", days=1).key
    page = shown("/about")
    assert page.count(served.bin) == page.count(served.name) == 1
    assert page.count("test lender") == 2
    assert f'href="tel:{served.phone}"' in page
    assert late.name in page
    assert retired.name not in page
    assert without.name not in page
    wait_until(ending.expires_at)
    assert late.name not in shown("/about")


def test_a_live_installation_names_lenders_with_live_keys_only(settings):
    live, other = lender("Live LLP"), lender("Trying LLP", number=20)
    for of, mode in ((live, "live"), (other, "test")):
        key = keys.issue(of, mode="test").key
        type(key).objects.filter(pk=key.pk).update(mode=mode)
    settings.TULGA_MODES_LIVE = True
    page = shown("/about")
    assert live.name in page
    assert other.name not in page
    assert "no real loan" not in page
    assert log_keys.verification_key("live").public != log_keys.verification_key("test").public
    assert fingerprint(page) == sha256(log_keys.verification_key("live").public).hexdigest()


def fingerprint(page):
    found = re.search(r'id="fingerprint">(.*?)</p>', page)
    assert found
    groups = re.findall(r"<span>([0-9a-f]{4})</span>", found[1])
    assert len(groups) == 16
    return "".join(groups)


def test_the_fingerprint_is_that_of_the_key_that_signs_the_log():
    page = shown("/about")
    signing = log_keys.signing_key("test").public
    assert fingerprint(page) == sha256(signing.public).hexdigest()
    assert str(signing) in page


def test_without_a_key_or_a_lender_the_page_says_so(settings):
    settings.TULGA_CERTIFIED = []
    assert not Lender.objects.exists()
    page = shown("/about")
    assert "The key is not published here." in page
    # Links of before may still work: only of new ones can it tell.
    assert "No lender is served at present: no new link leads to this address." in page
    assert "real" not in page[page.index("No lender is served") :].partition("</p>")[0]
