"""Facts in the borrower's words."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from tests.verification import one_format
from tests.verification.borrower import catalogues
from tests.verification.borrower.pages import AT, DATA, RENEWAL, STATEMENT, made
from tests.verification.stories.story import begin, lender
from verification.access import open_page
from verification.borrower import signing, wording
from verification.core import spelling
from verification.core.codes import REASONS
from verification.core.spelling import code_sms

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "amount", "said"),
    [
        ("en", "150000.00", "150,000 ₸"),
        ("ru", "150000.00", "150 000 ₸"),
        ("kk", "1250000", "1 250 000 ₸"),
        ("kk", "155700.50", "155 700,50 ₸"),
        ("en", "999.5", "999.5 ₸"),
        ("en", "no number", "no number ₸"),
    ],
)
def test_a_sum_is_written_as_the_language_writes_it(language, amount, said):
    with translation.override(language):
        assert wording.money(amount, "KZT").replace(NBSP, " ") == said
        assert wording.money("10", "USD") == f"10{NBSP}USD"


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("ru", 1, "1 день"),
        ("ru", 3, "3 дня"),
        ("ru", 30, "30 дней"),
        ("kk", 30, "30 күн"),
        ("en", 1, "1 day"),
    ],
)
def test_a_term_has_the_right_plural(language, number, said):
    with translation.override(language):
        assert wording.days(number) == said


def test_a_time_is_that_of_kazakhstan():
    with translation.override("en"):
        assert (
            wording.moment(AT) == wording.moment(AT.isoformat()) == "24.11.2026 15:40 (Astana time)"
        )


@pytest.mark.parametrize("language", ["kk", "ru"])
@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_code_has_a_sentence_in_the_borrowers_language(code, language):
    with translation.override(language):
        assert wording.sentence(code) not in ("", REASONS[code].borrower_message)
        assert wording.sentence("") == wording.sentence("no_such_code") == ""


def test_the_last_page_says_its_own_reason_and_asks_for_nothing_more():
    again = made(
        "finished", status="declined", code="coercion_reported", notice="coercion_reported"
    )
    other = made(
        "finished", status="declined", code="attempts_exhausted", notice="eds_iin_mismatch"
    )
    assert wording.frame(again)["notice"] == ""
    assert wording.frame(other)["notice"] == ""
    assert wording.frame(other, notice="not_your_turn")["notice"] == ""


def test_a_refused_answer_is_named_even_where_the_page_has_a_notice_of_its_own():
    shown = wording.frame(made(notice="abandoned"), notice="bad_answer")
    assert shown["notice"] == wording.sentence("bad_answer")


def request_of(page):
    return json.loads(signing.context(page)["ncalayer_request"])["args"]


def test_only_in_test_mode_is_ncalayer_asked_for_certificates_of_any_root():
    assert request_of(made("statement"))["signerParams"]["chain"] == []
    assert "chain" not in request_of(made("statement", mode="live"))["signerParams"]


def test_ncalayer_gets_the_very_bytes_of_the_statement_and_the_pages_language():
    page = made("statement")
    with translation.override("kk"):
        args = request_of(page)
    assert args["data"] == page.data["statement_base64"]
    assert args["locale"] == "kk"
    assert args["signerParams"]["extKeyUsageOids"] == page.data["eku_oids"]
    assert args["signingParams"] == {"decode": True, "encapsulate": True, "digested": False}


def test_the_older_module_gets_the_very_same_bytes_to_be_put_into_the_signature():
    page = made("statement")
    request = json.loads(signing.context(page)["ncalayer_common_request"])
    assert (request["module"], request["method"]) == (
        "kz.gov.pki.knca.commonUtils",
        "createCAdESFromBase64",
    )
    assert request["args"] == ["PKCS12", "SIGNATURE", page.data["statement_base64"], True]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_what_is_shown_is_what_is_signed_whatever_language_the_page_speaks(language):
    with translation.override(language):
        shown = signing.context(made("statement"))
    text, said = shown["exact_text"], shown["statement"]
    assert said["title"] == "Заявление о займе"
    assert text.startswith(f"{said['title']}\n{said['declaration']}\n")
    assert all(f"\n{label}: {value}\n" in text for label, value in said["rows"])
    assert json.loads(text.rpartition("\n")[2]) == STATEMENT
    assert shown["offers_language"] == ("" if language == "ru" else language)


def test_no_language_is_offered_where_no_other_would_be_written():
    page = made("statement")
    assert page.data["may_change_language"]
    page = made("statement", data={**page.data, "may_change_language": False})
    with translation.override("kk"):
        assert signing.context(page)["offers_language"] == ""


# Days, times and sums are written one way on every page, for each reader, and in a message.


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


# Each sentence that a person can see has a whole translation into Kazakh and Russian, and no
# translation is left over.


_QUOTED = re.compile(r'^(msgctxt|msgid|msgstr\S*)? ?"(.*)"$')

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")

CYRILLIC = re.compile(r"[а-яёәғқңөұүһі]", re.IGNORECASE)


def forms(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def singular(message_id):
    return message_id if isinstance(message_id, str) else message_id[0]


def test_the_search_for_sentences_finds_templates_python_and_plurals():
    found = catalogues.collect()
    assert "verification/core/codes.py" in found[REASONS["bad_answer"].borrower_message]
    assert (
        "templates/borrower/question.html"
        in found["Is somebody on the phone telling you what to press?"]
    )
    assert ("%(number)d day", "%(number)d days") in found
    assert "not a sentence of ours" not in found


def written(text):
    """Context and sentence of each entry as they stand in a catalogue; Babel reads two of one as
    one.
    """
    for entry in text.split("\n\n"):
        parts, word = {"msgctxt": "", "msgid": ""}, ""
        for quoted in filter(None, map(_QUOTED.match, entry.splitlines())):
            word = quoted[1] or word
            parts[word] = parts.get(word, "") + quoted[2]
        if parts["msgid"]:
            yield parts["msgctxt"], parts["msgid"]


@pytest.mark.parametrize("path", sorted(catalogues.ROOT.glob("locale/*/LC_MESSAGES/*.po")), ids=str)
def test_no_sentence_stands_twice_in_a_catalogue(path):
    twice = [
        entry for entry, times in Counter(written(path.read_text("utf-8"))).items() if times > 1
    ]
    assert twice == []


def test_a_sentence_that_stands_twice_is_noticed():
    once, again = 'msgid "A"\nmsgstr "1"', 'msgid ""\n"A"\nmsgstr "2"'
    assert [*written(f'{once}\n\n{again}\n\nmsgctxt "c"\n{once}')] == [
        ("", "A"),
        ("", "A"),
        ("c", "A"),
    ]


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_sentence_is_translated(language):
    catalogue = catalogues.read(language)
    missing = {
        singular(message): sorted(places)
        for message, places in catalogues.collect().items()
        if (entry := catalogue.get(singular(message))) is None
        or entry.fuzzy
        or not all(forms(entry))
    }
    assert missing == {}


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_no_translation_is_left_over(language):
    used = {singular(message) for message in catalogues.collect()} | catalogues.of_django()
    assert [
        entry.id
        for entry in catalogues.read(language)
        if entry.id and singular(entry.id) not in used
    ] == []


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_the_placeholders_of_a_translation_are_those_of_the_sentence(language):
    for entry in catalogues.read(language):
        wanted = sorted(PLACEHOLDER.findall(singular(entry.id)))
        for form in forms(entry) if entry.id else ():
            assert sorted(PLACEHOLDER.findall(form)) == wanted, entry.id


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_a_translation_is_in_its_own_alphabet_and_ends_as_the_sentence_does(language):
    for entry in catalogues.read(language):
        for form in forms(entry) if entry.id else ():
            assert CYRILLIC.search(form) or re.fullmatch(r"[\W\d]*[A-Z][\w-]*[\W\d]*", form), (
                entry.id
            )
            assert form == form.strip(), entry.id
            # A question stays a question, a full sentence a full sentence.
            assert (
                form.rstrip("»”")[-1:] in ".?:…"
                or singular(entry.id).rstrip("”")[-1:] not in ".?:…"
            ), entry.id


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_a_plural_has_as_many_forms_as_the_language(language):
    catalogue = catalogues.read(language)
    plurals = [entry for entry in catalogue if entry.pluralizable]
    assert plurals
    assert {len(entry.string or ()) for entry in plurals} == {catalogue.num_plurals}


def test_two_languages_do_not_share_a_sentence_by_mistake():
    kazakh, russian = (catalogues.read(language) for language in catalogues.LANGUAGES)
    same = {
        entry.id
        for entry in kazakh
        if entry.id and len(singular(entry.id)) > 25 and entry.string == russian[entry.id].string
    }
    assert same == set()
