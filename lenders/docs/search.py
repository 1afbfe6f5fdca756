"""The search of the documentation: an index in memory by SQLite's FTS5, made once a process.

It holds what the pages themselves are made of: codes, operations, words of events and statuses,
and the sections of documents. A word is found by its beginning, so that its endings do not matter,
in Russian above all.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.urls import reverse
from django.utils import translation

from lenders import openapi, policy
from lenders.docs import code_pages, prose
from lenders.docs.words import say
from verification.core.codes import Place
from verification.core.events import TOLD
from verification.core.status import Status

_WORD = re.compile(r"[^\W_][\w./-]*")
_ENDING: Final = 2
"""How many letters at the end of a word may differ: most endings of Russian have one to three."""
_STEM_MIN: Final = 4
"""Letters that are left of it at least."""

_STOP_LIST: Final = (
    "a an and are be by can did do does for from get has have how i if in is it its me my no not of"
    " on or our so the there this to was we what when where which who why will with you your а без"
    " бы в во вы где для до его ее её если есть же за и из или их к как какая какие какой когда кто"
    " ли мне можно мой на не нет но о об он она они от по почему при с сколько со такое так то у"
    " что чтобы это я"
)
_STOP_WORDS: Final = frozenset(_STOP_LIST.split())
"""Words that say nothing of what a reader looks for."""

SYNONYMS: Final[Sequence[Sequence[str]]] = (
    ("authentic", "authoriz", "аутентифик", "авториз"),
    ("signature", "signed", "подпис"),
    ("webhook", "callback", "вебхук", "колбэк", "коллбэк"),
    ("paginat", "paging", "cursor", "курсор", "пагинац", "постранич"),
    ("limit", "throttl", "quota", "лимит", "ограничени"),
    ("expir", "unusable", "lifetime", "истек", "истёк", "срок действ"),
    ("cooling", "охлажд"),
    ("idempoten", "идемпотент"),
    ("biometr", "биометр"),
    ("deprecat", "sunset", "устарев"),
    ("error", "problem", "ошибк"),
    ("deliver", "доставк", "доставл"),
    ("verify", "verif", "проверк", "проверит", "проверя"),
    ("sandbox", "simulat", "песочниц", "симуляц"),
)
"""Beginnings of words: a word that begins with one of a row also finds the others of its row."""

# First what the whole question names, then what has it in its name, then by rank: words of titles
# count most. Of like ranks the first in the index comes first: codes, then prose.
_FIND: Final = """
SELECT kind, title, snippet(entry, 1, '', '', ' … ', :excerpt), url FROM entry
WHERE entry MATCH :expression
ORDER BY :name IN (folded(title), known_as) DESC,
    instr(folded(title) || ' ' || known_as, :name) > 0 DESC, round(bm25(entry, 30, 1, 20)), rowid
"""


@dataclass(frozen=True)
class Entry:
    """What is found: its kind, title, text and address, and by what other name it is known."""

    kind: str
    title: str
    text: str
    url: str
    known_as: str = ""


def find(query: str, language: str) -> Sequence[Entry]:
    """The entries that have words of the query, the best first, with an excerpt of each text."""
    expression = " OR ".join(terms(query))
    if not expression:
        return ()
    name = query.strip().strip("`").casefold()
    parameters = {"expression": expression, "name": name, "excerpt": policy.EXCERPT_WORDS}
    entries: dict[str, Entry] = {}
    for row in _index(language).execute(_FIND, parameters):
        entry = Entry(*row)
        entries.setdefault(entry.url, entry)
    return list(entries.values())[: policy.HITS_MAX]


def terms(query: str) -> Sequence[str]:
    """The first `WORDS_MAX` different words of a query, as FTS5 looks for each by its beginnings.

    Stop words count only where there are no others.
    """
    tokens = list(dict.fromkeys(_WORD.findall(query.casefold())))
    meaningful = [token for token in tokens if token not in _STOP_WORDS] or tokens
    return [
        " OR ".join(f'"{beginning}" *' for beginning in _beginnings(token))
        for token in meaningful[: policy.WORDS_MAX]
    ]


def _beginnings(word: str) -> Iterator[str]:
    """The beginnings by which a word is found: that of itself, and those of its row."""
    yield word[: max(_STEM_MIN, len(word) - _ENDING)] if word.isalpha() else word
    for row in SYNONYMS:
        if word.startswith(tuple(row)):
            yield from row


@cache
def _index(language: str) -> sqlite3.Connection:
    """All that can be found, in one language."""
    # SQLite serializes what threads ask of one connection; only this function writes to it.
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.create_function("folded", 1, str.casefold, deterministic=True)
    index.execute(
        "CREATE VIRTUAL TABLE entry"
        " USING fts5(title, text, known_as, kind UNINDEXED, url UNINDEXED)"
    )
    with translation.override(language):
        rows = [
            (entry.title, entry.text, entry.known_as, entry.kind, entry.url)
            for entry in (*_codes(), *_operations(), *_statuses_and_events(), *_sections(language))
        ]
    index.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
    return index


def _codes() -> Iterator[Entry]:
    for meaning in code_pages.table():
        parts = (meaning.meaning, meaning.advice, meaning.remedy.text)
        text = ". ".join(say(part).rstrip(".") for part in parts if part).replace("`", "")
        known_as = f"{meaning.status} error" if meaning.place == Place.PROBLEM else ""
        url = reverse("lenders:code", args=[meaning.code])
        yield Entry(say(meaning.heading), meaning.code, f"{text}.", url, known_as)


def _operations() -> Iterator[Entry]:
    reference = reverse("lenders:reference")
    for path, item in openapi.document()["paths"].items():
        for method, operation in item.items():
            title = f"{method.upper()} {path}"
            text = f"{say(operation['summary'])}. {operation.get('description', '')}"
            url = f"{reference}#/{operation['tags'][0]}/{operation['operationId']}"
            text = text.replace("`", "")
            yield Entry(say("Operation"), title, text, url, operation["operationId"])


def _statuses_and_events() -> Iterator[Entry]:
    page, text = reverse("lenders:webhooks"), say("A webhook, and a row of the list of events.")
    for event in TOLD:
        yield Entry(say("Event"), event, text, f"{page}#events")
    page, text = reverse("lenders:concepts"), say("A status of a verification.")
    for status in Status:
        yield Entry(say("Status"), status.value, text, f"{page}#statuses")


def _sections(language: str) -> Iterator[Entry]:
    for name in prose.NAMES:
        page, kind = reverse(f"lenders:{name}"), say(prose.TITLES[name])
        for section in prose.read(name, language).sections:
            yield Entry(kind, section.title, section.text, f"{page}#{section.anchor}")
