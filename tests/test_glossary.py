"""The translations call one thing by one word, which locale/glossary.toml lists."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from babel.messages.pofile import read_po

from tests.verification.borrower.catalogues import ROOT

_TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "locale/glossary.toml").read_text("utf-8")
)
_EXCEPTIONS: list[dict[str, Any]] = _TABLE.pop("exception", [])  # type: ignore[assignment]
_NO_WORDS = re.compile(r"`[^`]*`|%\(\w+\)\w")
_FORMS = {"word", "stems", "banned"}
_CATALOGUES = [
    (path.parents[1].name, path.stem)
    for path in sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po"))
    if path.parents[1].name != "en"
]


def _begins(stems: list[str], text: str) -> bool:
    return any(re.search(rf"\b{stem}", text, re.IGNORECASE) for stem in stems)


def _sentences(language: str, domain: str) -> Iterator[tuple[str, str]]:
    """Each English sentence, and each form of its translation."""
    with (ROOT / f"locale/{language}/LC_MESSAGES/{domain}.po").open("rb") as source:
        for entry in read_po(source, locale=language):
            if entry.id:
                english = entry.id if isinstance(entry.id, str) else entry.id[0]
                forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
                yield from ((english, str(form)) for form in forms)


def _faults(term: str, language: str, english: str, translation: str) -> Iterator[str]:
    """What is wrong with the term in a translation, without regard to exceptions."""
    word, text = _TABLE[term][language], _NO_WORDS.sub("", english)
    is_named = re.search(_TABLE[term]["english"], text, re.IGNORECASE) is not None
    if is_named and not _begins(word["stems"], translation):
        yield f"{term} is {word['word']!r}"
    if _begins(word["banned"], translation):
        yield f"{term} has a banned word"


def _excepted(term: str, language: str, english: str) -> bool:
    return any(
        (row["term"], row["english"]) == (term, english) and language in row["languages"]
        for row in _EXCEPTIONS
    )


@pytest.mark.parametrize(("language", "domain"), _CATALOGUES)
def test_a_translation_calls_a_thing_by_its_one_word(language: str, domain: str) -> None:
    faults = [
        (fault, english, translation)
        for english, translation in _sentences(language, domain)
        for term in _TABLE
        for fault in _faults(term, language, english, translation)
        if not _excepted(term, language, english)
    ]
    assert faults == []


def test_an_exception_has_a_reason_and_is_needed() -> None:
    faulty = {
        (term, language, english)
        for language, domain in _CATALOGUES
        for english, translation in _sentences(language, domain)
        for term in _TABLE
        if any(_faults(term, language, english, translation))
    }
    listed = [
        (row["term"], language, row["english"])
        for row in _EXCEPTIONS
        for language in row["languages"]
    ]
    assert sorted(set(listed) - faulty) == []
    assert len(listed) == len(set(listed))
    assert [row for row in _EXCEPTIONS if not row["reason"].strip()] == []


@pytest.mark.parametrize("term", _TABLE)
def test_a_row_is_whole_and_its_word_is_not_banned(term: str) -> None:
    row = _TABLE[term]
    assert row.keys() == {"english", "kk", "ru"}
    for language in ("kk", "ru"):
        assert row[language].keys() == _FORMS
        assert _begins(row[language]["stems"], row[language]["word"])
        assert not _begins(row[language]["banned"], row[language]["word"])


@pytest.mark.parametrize(
    ("term", "language", "english", "translation", "faults"),
    [
        ("page", "kk", "Close the page.", "Парақты жабыңыз.", []),
        ("page", "kk", "Close the page.", "Жабыңыз.", ["page is 'парақ'"]),
        ("face", "kk", "Your name", "Бет-бейнеңіз", ["face has a banned word"]),
        ("proof", "kk", "It does not show it.", "Мұны дәлелдемейді.", []),
        (
            "task",
            "ru",
            "The command",
            "Команда",
            ["task is 'задание'", "task has a banned word"],
        ),
    ],
)
def test_a_missing_and_a_banned_word_are_noticed(
    term: str, language: str, english: str, translation: str, faults: list[str]
) -> None:
    assert list(_faults(term, language, english, translation)) == faults
