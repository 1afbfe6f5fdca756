"""The documents on `/docs`: Markdown of docs/ and the changelog, with their sections.

Raw HTML in a document is shown as text. A link leads to another of these pages or to a place in
this one.
Any other link becomes text, because the pages work without a network.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from lxml import html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lenders import policy
from lenders.docs.words import ENGLISH

FILES: Final[Mapping[str, str]] = {
    "start": "docs/lender/start",
    "concepts": "docs/lender/concepts",
    "payout": "docs/lender/payout",
    "webhooks": "docs/lender/webhooks",
    "php": "docs/lender/php",
    "node": "docs/lender/node",
    "errors": "docs/lender/errors",
    "verify-offline": "docs/lender/verify-offline",
    "sandbox": "docs/lender/sandbox",
    "threat-model": "docs/security/threat-model",
}
"""Each document by the end of its address: its file without `.md`; `….ru.md` is the Russian one."""

TITLES: Final[Mapping[str, str]] = {
    "start": "Start",
    "concepts": "Concepts",
    "payout": "Payout",
    "webhooks": "Webhooks",
    "php": "In PHP",
    "node": "In Node.js",
    "errors": "Errors",
    "verify-offline": "Verify offline",
    "sandbox": "Sandbox",
    "threat-model": "Threat model",
    "changelog": "Changelog",
}
"""The short title of each document, in the navigation and in a hit of the search."""

SUBJECTS: Final[Mapping[str, str]] = {
    "start": "Pay a test loan: the commands, word for word.",
    "concepts": "Statuses, routes, legal profiles, safe repeats, versions.",
    "payout": "Contract, clearance, gates, waits, attestations, obligation.",
    "webhooks": "Signatures, repeats, order, the list of events.",
    "php": "A loan and a webhook in PHP, without packages.",
    "node": "A loan and a webhook in Node.js, without packages.",
    "errors": "The form of errors, and which requests you send again.",
    "verify-offline": "Receipts, documents, signatures and proofs, without Tulga.",
    "sandbox": "Scenarios, people, the test clock, faults.",
    "threat-model": "What a `verified` is worth, and what you must check before you pay.",
}
"""What each document of `FILES` is about, in one sentence."""

CHANGELOG: Final = "changelog"
"""The API's version history. Other changes of a release concern its operator: CHANGELOG.md."""

NAMES: Final = (*FILES, CHANGELOG)

_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@dataclass(frozen=True)
class Section:
    """The content under one heading: its level, its anchor, and its plain text."""

    level: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class Document:
    """One document: its HTML and its sections, the first of which bears its title."""

    html: SafeString
    sections: Sequence[Section]


@cache
def read(name: str, language: str) -> Document:
    """A document of `NAMES`. It is read once per process, because it changes only with the
    release.
    """
    if name == CHANGELOG:
        with translation.override(language):
            markup = render_to_string("lenders/versions.html", {"version": policy.API_VERSION})
        return Document(markup, list(_sections(html.fragment_fromstring(markup))))
    if language == ENGLISH:
        return render((settings.BASE_DIR / f"{FILES[name]}.md").read_text(encoding="utf-8"))
    # A translation has the anchors of the original, so that a link leads to the same place in both.
    anchors = [section.anchor for section in read(name, ENGLISH).sections]
    text = (settings.BASE_DIR / f"{FILES[name]}.{language}.md").read_text(encoding="utf-8")
    return render(text, anchors)


def render(text: str, anchors: Sequence[str] = ()) -> Document:
    """Markdown as a page. `anchors` are those of its headings; by default their words make them."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.add_render_rule("text", _text_with_whole_dates)
    page = html.fragment_fromstring(parser.render(_COMMENT.sub("", text)), create_parent="div")
    headings = list(page.iter(*_HEADINGS))
    slugs = anchors or [slugify(item.text_content(), allow_unicode=True) for item in headings]
    for heading, anchor in zip(headings, slugs, strict=False):
        heading.set("id", anchor)
    title = ""
    for element in list(page.iter()):
        match element.tag:
            case "a":
                _keep_our_link(element)
            case "code" if _DATE.fullmatch(element.text or ""):
                element.set("class", "nowrap")
            case "pre":
                # The keyboard can scroll it, too.
                element.attrib.update({"class": "code", "tabindex": "0"})
            case "table":
                _fit_table(element, title)
            case tag if tag in _HEADINGS:
                title = element.text_content()
    markup = "".join(html.tostring(block, encoding="unicode") for block in page)
    # The parser escapes everything outside Markdown.
    return Document(mark_safe(markup), list(_sections(page)))  # noqa: S308


def _sections(page: html.HtmlElement) -> Iterator[Section]:
    """Each heading with the blocks that follow it, up to the next heading."""
    for heading in page.iter(*_HEADINGS):
        blocks = takewhile(lambda block: block.tag not in _HEADINGS, heading.itersiblings())
        text = " ".join(" ".join(block.text_content() for block in blocks).split())
        title = " ".join(heading.text_content().split())
        yield Section(int(heading.tag[1]), heading.get("id", ""), title, text)


def _keep_our_link(link: html.HtmlElement) -> None:
    """Keeps a link within these pages, and the text of any other."""
    address = urlsplit(link.get("href", ""))
    stem = address.path.rpartition("/")[2].removesuffix(".md").removesuffix(".ru")
    name = {file.rpartition("/")[2]: name for name, file in FILES.items()}.get(stem)
    if address.scheme or address.netloc:
        link.drop_tag()
    elif address.path.endswith(".md") and name:
        link.set("href", urlunsplit(address._replace(path=f"/docs/{name}")))
    elif address.path and not address.path.startswith("/"):
        link.drop_tag()


def _fit_table(table: html.HtmlElement, title: str) -> None:
    """Makes a table scroll by itself, and each cell name its column, which a phone shows above."""
    columns = [cell.text_content() for cell in table.iter("th")]
    for row in table.iter("tr"):
        for cell, column in zip(row, columns, strict=True):
            # Our pages' policy forbids inline style, with which the parser aligns.
            cell.attrib.pop("style", None)
            cell.set(*(("scope", "col") if cell.tag == "th" else ("data-label", column)))
    table.set("class", "table stack")
    group = html.Element("div", {"class": "table-scroll", "role": "group", "tabindex": "0"})
    group.set("aria-label", title)
    table.addprevious(group)
    group.append(table)


def _text_with_whole_dates(
    _renderer: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any
) -> str:
    """Text, in which a date stays on one line."""
    return _DATE.sub(r'<span class="nowrap">\g<0></span>', escape(tokens[place].content))
