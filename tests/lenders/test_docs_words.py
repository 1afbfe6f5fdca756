"""What the developers' pages say is there in Russian, whole, and none is left over."""

import re

import pytest
from django.test import Client

from lenders.docs import code_pages, prose
from tests.lenders import developers
from tests.verification.borrower import catalogues
from verification.core.codes import REASONS

_FIXED = re.compile(r"%\(\w+\)s|`[^`]+`|\b\d[\d.]*\b")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


def test_every_sentence_is_translated_and_no_translation_is_left_over() -> None:
    entries = {entry.id: entry for entry in developers.catalogue() if entry.id}
    sentences = developers.sentences()
    assert sorted(sentences - entries.keys()) == []
    assert sorted(entries.keys() - sentences) == []
    assert [
        id_
        for id_, entry in entries.items()
        if entry.fuzzy or not _CYRILLIC.search(str(entry.string))
    ] == []


def test_a_translation_names_the_same_numbers_and_code() -> None:
    # Words of a list (a number that is spelled out in one language) are not compared, figures and
    # code are.
    wrong = [
        entry.id
        for entry in developers.catalogue()
        if entry.id
        and not set(_FIXED.findall(str(entry.id))) <= set(_FIXED.findall(str(entry.string)))
    ]
    assert wrong == []


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


def test_the_buttons_change_the_language_of_all_pages(client: Client, db: None) -> None:
    client.post("/i18n/setlang/", {"language": "ru", "next": "/docs"})
    assert (
        client.get("/docs/problems", headers={"accept-language": "en"}).headers["Content-Language"]
        == "ru"
    )


def test_the_page_of_codes_is_whole_in_russian(client: Client, db: None) -> None:
    page = client.get("/docs/problems?lang=ru").content.decode()
    assert REASONS["face_mismatch"].lender_detail not in page
    assert "Расстояние до эталона больше зоны сомнения." in page


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
        (developers.ROOT / f"{prose.FILES[name]}{ending}").read_text("utf-8")
        for ending in (".md", ".ru.md")
    ]
    ours, theirs = (re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL) for text in texts)
    assert theirs == ours
    # A name of the API, a code or a status that one of them explains, the other explains too.
    names = [set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", text)) for text in texts]
    assert names[0] == names[1]


def test_a_code_stands_once_in_each_place() -> None:
    places = [(meaning.place, meaning.code) for meaning in code_pages.table()]
    assert len(places) == len(set(places))
