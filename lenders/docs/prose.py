"""The documents of docs/ as pages: Markdown in, safe HTML and what a search needs out.

Raw HTML in a document is shown as text, never taken; a link leads to another of these pages or to a
place in this one,
and any other is text: the pages work without a network, and the repository is not served.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from lenders.docs.words import ENGLISH

PAGES: Final[Mapping[str, str]] = {
    "guide": "docs/lender-guide",
    "threat-model": "docs/threat-model",
}
"""What is served under /docs/, by its file without `.md`; `….ru.md` is the same in Russian."""
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKS = re.compile(r"[`*]|\[(?=[^\]]*\]\()|\]\([^)]*\)")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_OWN = re.compile(r"^(?:#|/)")


@dataclass(frozen=True)
class Section:
    """What stands under one heading: its level, its anchor, and its blocks as plain text."""

    level: int
    anchor: str
    title: str
    blocks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Prose:
    """One document: its language, which may be another than was asked for, its HTML and its
    sections. The HTML comes in two parts, up to the end of its title and what follows, for a page
    that puts something of its own between.
    """

    language: str
    title: SafeString
    text: SafeString
    sections: Sequence[Section]


@cache
def read(name: str, language: str) -> Prose:
    """A page of `PAGES`. Read once a process: a document changes only with the release."""
    # A translation has the anchors of the original, so that a link leads to the same place in both.
    anchors = (
        None
        if language == ENGLISH
        else [section.anchor for section in read(name, ENGLISH).sections]
    )
    ending = ".md" if language == ENGLISH else f".{language}.md"
    text = (settings.BASE_DIR / f"{PAGES[name]}{ending}").read_text(encoding="utf-8")
    return render(text, language=language, anchors=anchors)


def render(text: str, *, language: str, anchors: Sequence[str] | None = None) -> Prose:
    """Markdown as a page; `anchors` are those of its headings in order, else they are made of their
    words.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Pages).enable("table")
    tokens = parser.parse(_COMMENT.sub("", text))
    sections = list(_sections(tokens, anchors))
    headings, column = list[str](), 0
    for place, token in enumerate(tokens):
        _keep_our_links(token)
        # Each cell of a table has the heading of its column, which stands before it on a phone.
        if token.type == "thead_open":
            headings = []
        elif token.type == "th_open":
            headings.append(_plain(tokens[place + 1].content))
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.meta["label"] = headings[column]
            column += 1
    title, end, text = parser.renderer.render(tokens, parser.options, {}).partition("</h1>")
    # The parser escapes whatever is no Markdown.
    return Prose(language, mark_safe(title + end), mark_safe(text), sections)  # noqa: S308


def _sections(tokens: Sequence[Token], anchors: Sequence[str] | None) -> Iterator[Section]:
    """Gives headings their anchors, tables their names, and each section its text."""
    taken: set[str] = set()
    current = Section(1, "", "")
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = _plain(tokens[place + 1].content)
            slug = slugify(title, allow_unicode=True) or "section"
            number = len(taken)
            anchor = anchors[number] if anchors and number < len(anchors) else slug
            anchor = f"{anchor}-{number}" if anchor in taken else anchor
            taken.add(anchor)
            token.attrSet("id", anchor)
            current = Section(int(token.tag[1]), anchor, title)
            yield current
        elif token.type == "inline" and tokens[place - 1].type != "heading_open":
            current.blocks.append(_plain(token.content))
        elif token.type in ("fence", "code_block"):
            current.blocks.append(token.content)
        elif token.type == "table_open":
            token.meta["name"] = current.title


def _plain(markdown: str) -> str:
    return " ".join(_MARKS.sub("", markdown).split())


def _keep_our_links(token: Token) -> None:
    """Leaves links within these pages, and the text of all others."""
    names = {path.rpartition("/")[2]: name for name, path in PAGES.items()}
    opened: list[bool] = []
    for child in token.children or ():
        if child.type == "link_open":
            address = str(child.attrGet("href"))
            if not _OWN.match(address) or address.startswith("//"):
                file, _, anchor = address.partition("#")
                stem = file.rpartition("/")[2].removesuffix(".md").removesuffix(".ru")
                is_served = "://" not in address and file.endswith(".md") and stem in names
                address = (
                    f"/docs/{names[stem]}" + (f"#{anchor}" if anchor else "") if is_served else ""
                )
            opened.append(bool(address))
            child.attrSet("href", address)
        if child.type in ("link_open", "link_close"):
            is_kept = opened[-1] if child.type == "link_open" else opened.pop()
            if not is_kept:
                child.type, child.tag, child.nesting, child.attrs = "text", "", 0, {}
        elif child.type == "image":
            child.type, child.children = "text", None


class _Pages(RendererHTML):
    """Tables and code as our style sheet has them: they scroll by themselves, by the keyboard
    too.
    """

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A table in a place of its own."""
        name = escape(tokens[at].meta.get("name", ""))
        return (
            f'<div class="table-scroll" role="group" tabindex="0" aria-label="{name}"><table'
            ' class="table stack">'
        )

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """Its end."""
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A block of code."""
        return f'<pre class="code" tabindex="0"><code>{escape(tokens[at].content)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """The same, by indentation."""
        return self.fence(tokens, idx, options, env)

    def th_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A heading of a column. The policy of our pages forbids the library's inline style."""
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A cell; likewise."""
        return f'<td data-label="{escape(tokens[at].meta["label"])}">'

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Text, in which a date stays on one line."""
        return _DATE.sub(r'<span class="nowrap">\g<0></span>', escape(tokens[idx].content))

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Code within a sentence; likewise."""
        kind = ' class="nowrap"' if _DATE.fullmatch(tokens[idx].content) else ""
        return f"<code{kind}>{escape(tokens[idx].content)}</code>"
