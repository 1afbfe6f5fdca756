"""Every sentence a person can see is there in Kazakh and Russian, whole, and none is left over."""

import re
from collections import Counter

import pytest

from tests.verification.borrower import catalogues, msgids
from verification.core.codes import REASONS

_QUOTED = re.compile(r'^(msgctxt|msgid|msgstr\S*)? ?"(.*)"$')
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
CYRILLIC = re.compile(r"[а-яёәғқңөұүһі]", re.IGNORECASE)


def forms(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def singular(message_id):
    return message_id if isinstance(message_id, str) else message_id[0]


def test_the_search_for_sentences_finds_templates_python_and_plurals():
    found = msgids.collect()
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


@pytest.mark.parametrize("path", sorted(msgids.ROOT.glob("locale/*/LC_MESSAGES/*.po")), ids=str)
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
        for message, places in msgids.collect().items()
        if (entry := catalogue.get(singular(message))) is None
        or entry.fuzzy
        or not all(forms(entry))
    }
    assert missing == {}


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_no_translation_is_left_over(language):
    used = {singular(message) for message in msgids.collect()}
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
