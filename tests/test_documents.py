"""Documents are short, and every link in them leads somewhere."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html
from markdown_it import MarkdownIt

_ROOT = Path(__file__).resolve().parent.parent
_NOT_OURS = {"var", "mutants", "build", "static_root", "node_modules", "__pycache__"}
_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def _documents() -> Iterator[Path]:
    for folder, folders, names in os.walk(_ROOT):
        folders[:] = [name for name in folders if name not in _NOT_OURS and name[0] != "."]
        yield from (Path(folder) / name for name in names if name.endswith(".md"))


_EVERY = sorted(path.relative_to(_ROOT).as_posix() for path in _documents())


def _text(name: str) -> str:
    return (_ROOT / name).read_text("utf-8")


@cache
def _page(path: Path) -> html.HtmlElement:
    markup = _PARSER.render(path.read_text("utf-8"))
    return html.fragment_fromstring(markup, create_parent="div")


def _words(text: str) -> int:
    """Words of a page; the bar of a table is not a word."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _slug(title: str) -> str:
    """The anchor that a forge gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@cache
def anchors(path: Path) -> frozenset[str]:
    """All places of a page that a link may name.

    A translation has the anchors of its original too: /docs gives it those.
    """
    page, seen = _page(path), Counter[str]()
    given = {element.get("id") or element.get("name") for element in page.iter("a")} - {None}
    for heading in page.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        slug = _slug(heading.text_content())
        given.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    original = path.with_name(path.name.replace(".ru.md", ".md"))
    if original != path and original.exists():
        given |= anchors(original)
    return frozenset(str(anchor) for anchor in given)


def faults(path: Path) -> list[str]:
    """The links and pictures of a page that lead nowhere.

    An address that begins with a slash is one of a running Tulga.
    """
    wrong = []
    for _, attribute, link, _ in _page(path).iterlinks():
        address = urlsplit(link)
        if attribute not in {"href", "src"} or address.scheme or link.startswith("/"):
            continue
        target = (path.parent / unquote(address.path)).resolve() if address.path else path
        is_there = target.exists() and target.is_relative_to(_ROOT)
        anchor = unquote(address.fragment)
        if not is_there or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("README.md", 120, 1_300),
        ("ARCHITECTURE.md", 200, 1_500),
        ("CONTRIBUTING.md", 80, 900),
        ("CHANGELOG.md", 120, 1_500),
    ],
)
def test_a_first_page_is_short(name: str, lines: int, words: int) -> None:
    text = _text(name)
    assert len(text.splitlines()) <= lines
    assert _words(text) <= words


def test_docs_in_one_language_are_short() -> None:
    names = [name for name in _EVERY if name.startswith("docs/") and not name.endswith(".ru.md")]
    counts = {name: _words(_text(name)) for name in names}
    assert sum(counts.values()) <= 30_000, sorted(counts.items(), key=lambda count: -count[1])


@pytest.mark.parametrize("name", _EVERY)
def test_every_link_leads_somewhere(name: str) -> None:
    assert faults(_ROOT / name) == []


@pytest.mark.parametrize("name", [name for name in _EVERY if name.endswith(".ru.md")])
def test_a_translation_stands_beside_its_original(name: str) -> None:
    assert name.replace(".ru.md", ".md") in _EVERY


@pytest.mark.parametrize(
    "link",
    [
        "[a](absent.md)",
        "[a](there.md#absent)",
        "[a](there.md#twice-2)",
        "[a](#absent)",
        "[a](../outside.md)",
        "![a](absent.webp)",
        '<img src="absent.webp">',
    ],
)
def test_a_link_that_leads_nowhere_is_found(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_documents._ROOT", tmp_path / "ours")
    (tmp_path / "ours").mkdir()
    (tmp_path / "outside.md").write_text("# Outside")
    (tmp_path / "ours" / "there.md").write_text("# Here: it is\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "ours" / "page.md"
    page.write_text(
        "# Page\n\n[a](there.md#here-it-is) [b](there.md#twice-1) [c](#page) [d](/docs)"
        f" [e](https://example.org/x)\n\n{link}\n"
    )
    assert len(faults(page)) == 1


def test_every_obligation_that_the_code_names_stands_on_its_page_and_no_other() -> None:
    stated = set(
        re.findall(r"^\| (O-\d{2}) \|", _text("docs/regulator/obligations.md"), re.MULTILINE)
    )
    code = [
        path
        for folder in ("config", "lenders", "people", "verification", "tools")
        for path in (_ROOT / folder).rglob("*.py")
    ]
    named = {name for path in code for name in re.findall(r"\bO-\d{2}\b", path.read_text("utf-8"))}
    assert named == stated
