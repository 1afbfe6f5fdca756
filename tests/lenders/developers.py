"""Every sentence that the developers' pages may say, and their Russian catalogue."""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from lenders import openapi
from lenders.docs import code_pages, pages, prose

ROOT = Path(openapi.__file__).resolve().parents[1]
PO = ROOT / "locale" / "ru" / "LC_MESSAGES" / "developers.po"
_IN_TEMPLATE = re.compile(r"""\{% say (?:"([^"]+)"|'([^']+)')""")
_IN_CODE = re.compile(r'\bsay\("([^"]+)"\)')


def sentences() -> set[str]:
    """Of the templates, the code and the tables of codes."""
    return {*_written(), *_of_tables()}


def catalogue() -> Catalog:
    """The Russian one."""
    with PO.open("rb") as source:
        return read_po(source, locale="ru", domain="developers")


def _written() -> Iterator[str]:
    for path in (ROOT / "lenders" / "templates" / "lenders").glob("*.html"):
        yield from (
            double or single for double, single in _IN_TEMPLATE.findall(path.read_text("utf-8"))
        )
    for path in (ROOT / "lenders" / "docs").glob("*.py"):
        yield from _IN_CODE.findall(path.read_text("utf-8"))


def _of_tables() -> Iterator[str]:
    yield from pages.NAVIGATION.values()
    yield from prose.TITLES.values()
    yield from prose.SUBJECTS.values()
    for item in openapi.document()["paths"].values():
        yield from (operation["summary"] for operation in item.values())
    for meaning in code_pages.table():
        remedy = meaning.remedy
        yield from (meaning.heading, meaning.meaning, remedy.text, remedy.key, remedy.actor)
        yield from [meaning.advice] if meaning.advice else []
