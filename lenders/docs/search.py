"""The search of the documentation: an index in memory, made once a process of what the pages themselves are made of.

No service, no script and no file of its own: a code, an operation or a paragraph on a page is found, and no more. A
word is found by its beginning, so that its endings do not matter, in Russian above all.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.urls import reverse
from django.utils import translation

from lenders import openapi, policy
from lenders.docs import code_pages, prose
from lenders.docs.words import say
from verification.core.events import TOLD
from verification.core.status import Status

_WORD = re.compile(r"[^\W_][\w./-]*")
_ENDING: Final = 2
"""How many letters at the end of a word may differ: most endings of Russian have one to three."""
_STEM_MIN: Final = 4
"""Letters that are left of it at least."""
_EXACT, _NAME, _TITLE, _TEXT = 4, 3, 2, 1
"""How well it fits: it is the name, it begins or contains it, all words stand in the title, or in title and text."""
PROSE_TITLES: Final = {"guide": "Guide", "threat-model": "Threat model", "changelog": "Changelog"}


@dataclass(frozen=True)
class Hit:
    """One place: what kind of thing, its title and text, its address, and the names by which it is found first."""

    kind: str
    title: str
    text: str
    url: str
    names: Sequence[str] = ()


def find(query: str, language: str) -> Sequence[Hit]:
    """The places that have the query's first `WORDS_MAX` different words, best first, and one of each address."""
    # What is looked for costs a pass over all texts, each.
    wanted = list(dict.fromkeys(map(_stem, _WORD.findall(query.casefold()))))[: policy.WORDS_MAX]
    if not wanted:
        return ()
    name = query.strip().strip("`").casefold()
    best: dict[str, tuple[int, Hit]] = {}
    for hit in _index(language):
        fit = _fit(hit, wanted, name)
        if fit > best.get(hit.url, (0, hit))[0]:
            best[hit.url] = fit, hit
    # The sort is stable: what fits alike stays in the order of the index, codes before prose.
    found = sorted(best.values(), key=lambda scored: -scored[0])[: policy.HITS_MAX]
    return [Hit(hit.kind, hit.title, _excerpt(hit.text, wanted), hit.url) for _, hit in found]


def _fit(hit: Hit, wanted: Sequence[str], name: str) -> int:
    if name in hit.names:
        return _EXACT
    if any(name in known for known in hit.names):
        return _NAME
    title = hit.title.casefold()
    if all(_is_in(stem, title) for stem in wanted):
        return _TITLE
    whole = f"{title} {hit.text.casefold()}"
    return _TEXT if all(_is_in(stem, whole) for stem in wanted) else 0


def _is_in(stem: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(stem)}", text) is not None


def _stem(word: str) -> str:
    return word[: max(_STEM_MIN, len(word) - _ENDING)] if word.isalpha() else word


def _excerpt(text: str, wanted: Sequence[str]) -> str:
    """The text round the first word that was asked for."""
    places = [found.start() for stem in wanted if (found := re.search(rf"(?<!\w){re.escape(stem)}", text.casefold()))]
    start = max(0, min(places, default=0) - policy.EXCERPT_CHARACTERS // 3)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    cut = text[start : start + policy.EXCERPT_CHARACTERS]
    end = "" if start + len(cut) >= len(text) else " …"
    return ("… " if start else "") + (cut.rpartition(" ")[0] or cut if end else cut) + end


@cache
def _index(language: str) -> Sequence[Hit]:
    """All that can be found, in one language."""
    with translation.override(language):
        return [*_codes(), *_operations(), *_words_of_events(), *_paragraphs(language)]


def _codes() -> Iterator[Hit]:
    for meaning in code_pages.table():
        said = (say(part).rstrip(".") for part in (meaning.meaning, meaning.advice, meaning.remedy.text) if part)
        text = f"{'. '.join(said)}."
        url = reverse("lenders:code", args=[meaning.code])
        yield Hit(say(meaning.heading), meaning.code, text.replace("`", ""), url, (meaning.code,))


def _operations() -> Iterator[Hit]:
    for path, item in openapi.document()["paths"].items():
        for method, operation in item.items():
            called, summary = f"{method.upper()} {path}", say(operation["summary"])
            text = f"{summary}. {operation.get('description', '')}".replace("`", "")
            names = (operation["operationId"], called.casefold(), path)
            url = f"{reverse('lenders:docs')}#{operation['operationId']}"
            yield Hit(say("Operation"), called, text, url, names)


def _words_of_events() -> Iterator[Hit]:
    overview = reverse("lenders:docs")
    for event_type in TOLD:
        yield Hit(
            say("Event"),
            event_type,
            say("A webhook, and a row of the list of events."),
            f"{overview}#webhooks",
            (event_type,),
        )
    for status in Status:
        yield Hit(
            say("Status"), status.value, say("A status of a verification."), f"{overview}#statuses", (status.value,)
        )


def _paragraphs(language: str) -> Iterator[Hit]:
    for name in prose.PAGES:
        page = reverse(f"lenders:{name}")
        for section in prose.read(name, language).sections:
            for block in section.blocks or [""]:
                yield Hit(say(PROSE_TITLES[name]), section.title, block, f"{page}#{section.anchor}")
