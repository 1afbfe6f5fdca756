"""`/protect` and `/about`: for anybody, in three languages, without a cookie."""

import re
from dataclasses import replace
from hashlib import sha256
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from config.imprint import Operator
from lenders import keys
from lenders.models import Lender
from tests.lenders.conftest import live_secret
from tests.verification import law_files
from tests.verification.borrower import catalogues
from tests.verification.stories.story import lender, wait_until
from verification.core import law_file, law_rules, profiles
from verification.core.profiles import PROFILES, RENEWAL
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
    found = [one for one, places in catalogues.collect().items() if places & {*files}]
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
    keys.issue(other, mode="test")
    settings.TULGA_MODES_LIVE = True
    live_secret(live)
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


# `/rules`: what each legal profile asks, in three languages, for anybody.


def card(profile: str, language: str = "en") -> str:
    """The words of one profile's card."""
    found = re.search(
        rf'<section class="card" id="{profile}".*?</section>', shown("/rules", language), re.DOTALL
    )
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_profile_is_there_with_its_day_its_hash_and_that_no_lawyer_has_verified_it(language):
    marks = {
        "kk": "заңгер тексермеген",
        "ru": "не проверено юристом",
        "en": "not verified by a lawyer",
    }
    for profile in PROFILES.values():
        words = card(profile.id, language)
        assert f"{profile.since:%d.%m.%Y}" in words
        assert profile.sha256 in words
        assert marks[language] in words
    assert card("KZ-2021-04").endswith(
        f"{PROFILES['KZ-2021-04'].source} SHA-256 {PROFILES['KZ-2021-04'].sha256}"
    )


PEOPLE = "The register of people: whether they live; names, birth date and document as stated"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_profile_says_who_is_asked_what(profile):
    words = card(profile.id)
    _, _, asked = words.partition("Who is asked")
    # Of three ways that suffice under the law of 2021 one asks the register of people.
    assert asked.count(PEOPLE) == 1
    assert words.count("by SMS from 1414") == len(
        [way for way in profile.combinations if way != ("eds",)]
    )
    bureau, bank = "A credit bureau, before the money leaves", "The bank of the account"
    assert (bureau in words) is bool(profile.stop_credit_max_age_seconds)
    assert (bank in words) is bool(profile.account_owner_max_age_seconds)
    assert ("The NCA RK" in words) is any("eds" in way for way in profile.combinations)


def test_a_profile_says_what_it_asks_and_what_it_does_not():
    words = card("KZ-2026-01")
    for sentence in (
        "EDS (ЭЦП) + Biometric",
        "ends the capture: it begins anew",
        "Age of the check at most 72 h",
        "younger than 21, or 55 and older: the consent is confirmed once more",
        "First online credit over 75 MCI: a visit to the lender",
        "over 75 MCI in one day: 24 h after the contract, and then a new consent",
        "must not be on record: asked at most 60 s before",
        "must be the borrower: asked at most 15 min before",
    ):
        assert sentence in words
    assert "Not asked" not in words
    early = card("KZ-2021-04")
    assert "is replaced by another, at most 2 a capture" in early
    left_out = "Not asked Age of the borrower First online credit Cooling-off"
    assert f"{left_out} Refusal of all credits (Stop-credit) Owner of the account Whence" in early
    assert f"{left_out} Owner of the account Whence" in card("KZ-2024-10")
    assert f"{left_out} Whence" in card("KZ-2025-01")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "asks for a clearance"),
        ("ru", "запрашивает разрешение на выплату"),
        ("kk", "ақша төлеуге рұқсат сұрағанда"),
    ],
)
def test_it_says_that_what_is_asked_before_the_money_leaves_is_judged_with_a_clearance(
    language, words
):
    assert words in shown("/rules", language)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "adopted; the day it comes into force is not known (as of 16.01.2026)"),
        ("ru", "принят; день вступления в силу неизвестен (по состоянию на 16.01.2026)"),
        ("kk", "қабылданған; күшіне енетін күні белгісіз (16.01.2026 жағдайы бойынша)"),
    ],
)
def test_a_profile_whose_day_is_not_known_says_so_and_names_no_day_of_force(language, words):
    assert words in card("KZ-2026-01", language)
    assert "26.01.2026" not in shown("/rules", language)


def test_the_law_of_a_new_consent_has_a_card_of_its_own():
    words = card(RENEWAL.id)
    assert "Asked for New consent after the wait" in words
    assert "Who is asked The borrower, by SMS from 1414" in words
    assert words.count(PEOPLE) == 1
    assert "A credit bureau" not in words
    assert words.endswith(f"{RENEWAL.source} SHA-256 {RENEWAL.sha256}")


def test_the_newest_profile_and_value_come_first():
    page = shown("/rules")
    places = [page.index(f'id="{name}"') for name in PROFILES]
    assert places == sorted(places, reverse=True)
    assert page.index("4,325") < page.index("3,932") < page.index("3,692")
    assert all(value.source in page for value in profiles.MCI_VALUES)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_what_was_taken_is_shown_with_its_source_as_it_was_signed(language):
    said = law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()])
    profiles.hold_amendments(law_rules.all_of((law_file.parse(said),)))
    page = shown("/rules", language)
    assert "4,500" in page.replace("\N{NO-BREAK SPACE}", ",")
    assert str(law_files.MCI_2027["source"]) in page
    assert page.index("01.01.2027") < page.index("01.01.2026")
    new = card(law_files.STRICTER, language)
    assert new.endswith(f"A resolution of 2027 SHA-256 {law_file.parse(said).profiles[0].sha256}")
    assert "01.03.2027" in new
    changed = card("KZ-2026-01", language)
    assert "01.02.2027" in changed
    assert "16.01.2026" not in changed
    assert f"Official publication SHA-256 {PROFILES['KZ-2026-01'].sha256}" in changed
    assert page.index(f'id="{law_files.STRICTER}"') < page.index('id="KZ-2026-01"')


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "announced, not adopted (as of 01.12.2026)"),
        ("ru", "объявлен, не принят (по состоянию на 01.12.2026)"),
        ("kk", "жарияланған, қабылданбаған (01.12.2026 жағдайы бойынша)"),
    ],
)
def test_a_profile_that_is_only_announced_says_so(language, words):
    said = law_files.document(profiles=[law_files.profile(status="announced", since="2026-12-01")])
    profiles.hold_amendments(law_rules.all_of((law_file.parse(said),)))
    assert words in card(law_files.STRICTER, language)


MISSING = {
    "en": ("Of its status:", "No source shows the official publication."),
    "ru": ("О его статусе:", "Официального опубликования не показывает ни один источник."),
    "kk": ("Күйі туралы:", "Ресми жарияланғанын бірде-бір дереккөз көрсетпейді."),
}


@pytest.mark.parametrize("language", MISSING)
def test_that_no_source_shows_a_publication_is_said_until_a_law_file_names_one(
    language: str,
) -> None:
    label, missing = MISSING[language]
    assert f"{label} {missing} SHA-256" in card("KZ-2026-01", language)
    assert label not in card("KZ-2025-09", language)
    profiles.hold_amendments(
        law_rules.all_of((law_file.parse(law_files.document(statuses=[law_files.status()])),))
    )
    words = card("KZ-2026-01", language)
    assert missing not in words
    assert f"{label} Official publication SHA-256" in words


@pytest.mark.parametrize(
    ("language", "none", "last"),
    [
        ("en", "No law file was taken yet.", "Last number taken: 1."),
        ("ru", "Пока не принят ни один файл.", "Последний принятый номер: 1."),
        ("kk", "Әзірге бірде-бір файл қабылданған жоқ.", "Соңғы қабылданған файлдың нөмірі: 1."),
    ],
)
def test_the_page_says_which_law_file_was_taken_last(language: str, none: str, last: str) -> None:
    assert none in shown("/rules", language)
    law = law_file.parse(law_files.document())
    profiles.hold_amendments(law_rules.all_of((law,)))
    page = shown("/rules", language)
    assert none not in page
    assert last in page
    assert f"SHA-256 {law.sha256}" in page


def test_a_number_that_counts_for_nothing_is_said_to() -> None:
    profiles.hold_amendments(replace(profiles.NO_AMENDMENTS, number=2))
    assert "The file of this number counts for nothing." in shown("/rules")
