"""The search of the documentation: an index in memory, made once a process of what the pages
themselves are made of.

No service, no script and no file of its own: a code, an operation or a paragraph on a page is
found, and no more. A word is found by its beginning, so that its endings do not matter, in Russian
above all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from django.urls import reverse
from django.utils import translation

from lenders import openapi, policy
from lenders.docs import code_pages, prose
from lenders.docs.thesaurus import STOP_WORDS, others
from lenders.docs.words import say
from verification.core.codes import Place
from verification.core.events import TOLD
from verification.core.status import Status

_WORD = re.compile(r"[^\W_][\w./-]*")
_ENDING: Final = 2
"""How many letters at the end of a word may differ: most endings of Russian have one to three."""
_STEM_MIN: Final = 4
"""Letters that are left of it at least."""
_IS_NAME, _IN_NAME = 2, 1
"""The question is the name, or a part of it."""
PROSE_TITLES: Final = {"guide": "Guide", "threat-model": "Threat model"}


@dataclass(frozen=True)
class Hit:
    """One place: what kind of thing, its title and text, its address, and the names by which it is
    found first.

    `heading`, `whole`: what is looked at, in small letters; `known_as`: words that count as its
        title's.
    """

    kind: str
    title: str
    text: str
    url: str
    names: Sequence[str] = ()
    known_as: str = ""

    @cached_property
    def heading(self) -> str:
        """Its title, once more by its single words, and what else it is known as."""
        return f"{self.title} {self.title.replace('_', ' ')} {self.known_as}".casefold()

    @cached_property
    def whole(self) -> str:
        """Heading and text."""
        return f"{self.heading} {self.text.casefold()}"


def find(query: str, language: str) -> Sequence[Hit]:
    """The places that have at least half of the query's first `WORDS_MAX` different words, those
    with most first.

    Words that say nothing of what is looked for do not count, unless there are no others.
    """
    words = list(dict.fromkeys(_WORD.findall(query.casefold())))
    wanted: list[re.Pattern[str]] = []
    # What is looked for costs a pass over all texts, each.
    for word in ([word for word in words if word not in STOP_WORDS] or words)[: policy.WORDS_MAX]:
        # It is found by its beginning, or by another word for it.
        stem = word[: max(_STEM_MIN, len(word) - _ENDING)] if word.isalpha() else word
        wanted.append(re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, others(stem, word)))})"))
    if not wanted:
        return ()
    name = query.strip().strip("`").casefold()
    best: dict[str, tuple[tuple[int, int, int], Hit]] = {}
    for hit in _index(language):
        # Whether it is called so, how many of the words it has, and how many of these in its title.
        called = (
            _IS_NAME
            if name in hit.names
            else _IN_NAME
            if any(name in known for known in hit.names)
            else 0
        )
        fitting = [word for word in wanted if word.search(hit.whole)]
        fit = called, len(fitting), sum(1 for word in fitting if word.search(hit.heading))
        if fit > best.get(hit.url, ((0, 0, 0), hit))[0]:
            best[hit.url] = fit, hit
    enough = [(fit, hit) for fit, hit in best.values() if fit[0] or 2 * fit[1] >= len(wanted)]
    # The sort is stable: what fits alike stays in the order of the index, codes before prose.
    found = sorted(enough, key=lambda scored: scored[0], reverse=True)[: policy.HITS_MAX]
    return [Hit(hit.kind, hit.title, _excerpt(hit.text, wanted), hit.url) for _, hit in found]


def _excerpt(text: str, wanted: Sequence[re.Pattern[str]]) -> str:
    """The text round the first place where most of the words stand together."""
    small, before = text.casefold(), policy.EXCERPT_CHARACTERS // 3
    places = sorted({found.start() for word in wanted for found in word.finditer(small)})

    def near(place: int) -> int:
        cut = small[max(0, place - before) : place + policy.EXCERPT_CHARACTERS - before]
        return sum(1 for word in wanted if word.search(cut))

    start = max(0, max(places, key=near, default=0) - before)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    cut = text[start : start + policy.EXCERPT_CHARACTERS]
    end = "" if start + len(cut) >= len(text) else " …"
    return ("… " if start else "") + (cut.rpartition(" ")[0] or cut if end else cut) + end


@cache
def _index(language: str) -> Sequence[Hit]:
    """All that can be found, in one language."""
    hits: list[Hit] = []
    with translation.override(language):
        # 1. Codes.
        for meaning in code_pages.table():
            said = (
                say(part).rstrip(".")
                for part in (meaning.meaning, meaning.advice, meaning.remedy.text)
                if part
            )
            text, url = (
                f"{'. '.join(said)}.".replace("`", ""),
                reverse("lenders:code", args=[meaning.code]),
            )
            known_as = f"{meaning.status} error" if meaning.place is Place.PROBLEM else ""
            hits.append(
                Hit(say(meaning.heading), meaning.code, text, url, (meaning.code,), known_as)
            )
        # 2. Operations.
        for path, item in openapi.document()["paths"].items():
            for method, operation in item.items():
                called, summary = f"{method.upper()} {path}", say(operation["summary"])
                text = f"{summary}. {operation.get('description', '')}".replace("`", "")
                names = (operation["operationId"], called.casefold(), path)
                anchor = f"{operation['tags'][0]}/{operation['operationId']}"
                url = f"{reverse('lenders:reference')}#/{anchor}"
                hits.append(Hit(say("Operation"), called, text, url, names))
        # 3. The words of events and statuses.
        docs, text = reverse("lenders:docs"), say("A webhook, and a row of the list of events.")
        hits += [Hit(say("Event"), word, text, f"{docs}#webhooks", (word,)) for word in TOLD]
        text = say("A status of a verification.")
        hits += [
            Hit(say("Status"), word.value, text, f"{docs}#statuses", (word.value,))
            for word in Status
        ]
        # 4. Prose, and the version.
        for name in prose.PAGES:
            page, kind = reverse(f"lenders:{name}"), say(PROSE_TITLES[name])
            sections = prose.read(name, language).sections
            hits += [
                Hit(kind, one.title, " ".join(one.blocks), f"{page}#{one.anchor}")
                for one in sections
            ]
        page, kind = reverse("lenders:changelog"), say("Changelog")
        text = say("A version of the API is a day; every answer names it in `Tulga-Version`.")
        hits.append(Hit(kind, say("Versions of the API"), text.replace("`", ""), page))
    return hits
