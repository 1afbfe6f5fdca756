"""`/rules`: what each legal profile asks, in three languages, for anybody."""

import re
from dataclasses import replace
from html import unescape

import pytest
from django.test import Client

from tests.verification import law_files
from verification.core import law_file, law_rules, profiles
from verification.core.profiles import PROFILES, RENEWAL

pytestmark = pytest.mark.django_db


def shown(language: str = "en") -> str:
    answer = Client(headers={"accept-language": language}).get("/rules")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def card(profile: str, language: str = "en") -> str:
    """The words of one profile's card."""
    found = re.search(
        rf'<section class="card" id="{profile}".*?</section>', shown(language), re.DOTALL
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
    assert words in shown(language)


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
    assert "26.01.2026" not in shown(language)


def test_the_law_of_a_new_consent_has_a_card_of_its_own():
    words = card(RENEWAL.id)
    assert "Asked for New consent after the wait" in words
    assert "Who is asked The borrower, by SMS from 1414" in words
    assert words.count(PEOPLE) == 1
    assert "A credit bureau" not in words
    assert words.endswith(f"{RENEWAL.source} SHA-256 {RENEWAL.sha256}")


def test_the_newest_profile_and_value_come_first():
    page = shown()
    places = [page.index(f'id="{name}"') for name in PROFILES]
    assert places == sorted(places, reverse=True)
    assert page.index("4,325") < page.index("3,932") < page.index("3,692")
    assert all(value.source in page for value in profiles.MCI_VALUES)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_what_was_taken_is_shown_with_its_source_as_it_was_signed(language):
    said = law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()])
    profiles.hold_amendments(law_rules.all_of((law_file.parse(said),)))
    page = shown(language)
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
    assert none in shown(language)
    law = law_file.parse(law_files.document())
    profiles.hold_amendments(law_rules.all_of((law,)))
    page = shown(language)
    assert none not in page
    assert last in page
    assert f"SHA-256 {law.sha256}" in page


def test_a_number_that_counts_for_nothing_is_said_to() -> None:
    profiles.hold_amendments(replace(profiles.NO_AMENDMENTS, number=2))
    assert "The file of this number counts for nothing." in shown()
