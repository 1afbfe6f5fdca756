"""What a borrower reads before the check: a program decides, and whom to call."""

import html
import re

import pytest

from tests.verification.borrower.camera_visits import NOW, client, shows, story, text
from verification.stages.confirmation import policy

__all__ = ["client", "shows", "story"]

pytestmark = pytest.mark.django_db

LANGUAGES = ("kk", "ru", "en")
# A program compares · it can refuse · the register of people is asked · a human being.
CONSENT = {
    "kk": (
        "адам емес, автоматты бағдарлама тексереді",
        "адамның қатысуынсыз теріс шешім шығара алады",
        "жеке тұлғалардың мемлекеттік тізілімінен менің кім екенім, тірі екенім",
        "кредиторға қоңырау шалып, адаммен сөйлесе аламын",
    ),
    "ru": (
        "Автоматическая программа, а не человек, проверяет",
        "может отказать мне без участия человека",
        "у государственного реестра физических лиц запрашивается, кто я, жив(а) ли я",
        "по его телефону, указанному на этой странице, и поговорить с человеком",
    ),
    "en": (
        "An automated program, not a person, checks",
        "can refuse me without a person",
        "the state register of people is asked who I am, whether I am alive",
        "can call the lender at its telephone shown on this page and talk to a human being",
    ),
}
CAMERA = {
    "kk": (
        "Адам емес, бағдарлама",
        "Ол теріс шешім шығара алады.",
        "Кредитор қызметкерімен сөйлесу: +7 727 000 00 44",
    ),
    "ru": (
        "Программа, а не человек, проверяет",
        "Она может отказать.",
        "Чтобы поговорить с сотрудником кредитора: +7 727 000 00 44",
    ),
    "en": (
        "A program, not a person, checks",
        "It can refuse you.",
        "To talk to a human being at the lender: +7 727 000 00 44",
    ),
}
REGISTER = {
    "kk": "Жеке тұлғалардың мемлекеттік тізілімінен де сіз туралы мәлімет сұратылады.",
    "ru": "Сведения о вас запрашиваются и в государственном реестре физических лиц.",
    "en": "The state register of people is asked about you, too.",
}
REVIEW = {
    "kk": r"қайта қара|қайта тексер|шағым|апелляц",
    "ru": r"пересм|перепровер|обжал|апелляц|жалоб|повторн|ещё раз",
    "en": r"review|reconsider|appeal|complain|look again|second look|once more",
}


def words(markup: str) -> str:
    """What a person reads of it, in one line."""
    plain = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    return " ".join(plain.replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture
def read(client, shows):
    """The part of a page above its footer, in a language."""

    def page_in(page, language, **changes):
        shows(page, **changes)
        client.cookies["django_language"] = language
        return text(client.get(NOW)).partition("<main")[2].partition("</main>")[0]

    return page_in


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consent_says_that_a_program_decides_and_shows_whom_to_call(read, language):
    page = read("consent", language)
    assert [phrase for phrase in CONSENT[language] if phrase not in words(page)] == []
    assert '<a class="nowrap" href="tel:+77270000044">' in page
    # The number stands above the text that names it.
    assert words(page).index("+7 727 000 00 44") < words(page).index(CONSENT[language][0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_camera_says_so_before_it_is_turned_on(read, language):
    before, _, later = read("commands", language).partition('data-state="primer"')
    assert [phrase for phrase in CAMERA[language] if phrase not in words(before)] == []
    assert before.index('href="tel:+77270000044"') < before.index("data-primer")
    assert "tel:" not in later


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_camera_names_the_register_of_people_where_it_is_asked(read, language):
    assert REGISTER[language] in words(read("commands", language, asks_register=True))
    assert REGISTER[language] not in words(read("commands", language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consent_asks_the_registers_only_after_the_sms(language):
    agreed = policy.CONSENT.wordings[policy.CONSENT.current][language]
    asked = CONSENT[language][2]
    paragraph = next(part for part in agreed.split("\n\n") if asked in part)
    assert "1414" in paragraph.partition(asked)[2]
    # Not every request has this question.
    law = {"kk": "қолданылатын заңға", "ru": "от закона", "en": "on the law"}
    assert law[language] in paragraph


@pytest.mark.parametrize("language", LANGUAGES)
def test_neither_page_promises_that_a_refusal_is_looked_at_again(read, language):
    camera, _, _ = read("commands", language).partition('<details class="cannot">')
    for page in (policy.CONSENT.wordings[policy.CONSENT.current][language], words(camera)):
        assert re.findall(REVIEW[language], page, re.IGNORECASE) == []


@pytest.mark.parametrize(
    ("language", "promise"),
    [
        ("kk", "Теріс шешім қайта қаралады."),
        ("ru", "Я могу просить о пересмотре отказа."),
        ("en", "I may ask for a human review."),
    ],
)
def test_a_promise_of_a_review_would_be_noticed(language, promise):
    assert re.search(REVIEW[language], promise, re.IGNORECASE)
