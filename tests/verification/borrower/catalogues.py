"""The catalogues of translations, read and compiled, and each sentence marked for translation."""

import os
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

LANGUAGES = ("kk", "ru")


def path(language: str) -> Path:
    """Where a language's sentences stand."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """A language's catalogue."""
    with path(language).open("rb") as source:
        return read_po(source, locale=language)


@cache
def of_django() -> frozenset[str]:
    """The sentences of Django's admin and forms, whose translations ours complete and mend."""
    found = set[str]()
    for place in ("contrib/admin", "conf"):
        source = Path(django.__file__).parent / place / "locale/en/LC_MESSAGES/django.po"
        with source.open("rb") as text:
            ids = [entry.id for entry in read_po(text, locale="en") if entry.id]
        found |= {each if isinstance(each, str) else each[0] for each in ids}
    return frozenset(found)


def compile_changed() -> None:
    """Compiles catalogues newer than their compiled form, whole or not at all, for tests run beside
    each other.
    """
    for source in sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime > source.stat().st_mtime:
            continue
        half = compiled.with_suffix(f".{os.getpid()}")
        with source.open("rb") as text, half.open("wb") as target:
            write_mo(target, read_po(text, locale=source.parents[1].name))
        half.replace(compiled)
    # What another test has read before is read again.
    vars(trans_real)["_translations"].clear()


ROOT = Path(__file__).resolve().parents[3]

PACKAGES = ("config", "lenders", "operators", "people", "verification")

KEYWORDS = (
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
)

MsgId = str | tuple[str, ...]


@cache
def collect() -> dict[MsgId, set[str]]:
    """Each sentence (a tuple for singular and plural), with the files it stands in."""
    found: dict[MsgId, set[str]] = {}
    for path, source in _sources():
        for function, message in _marked(source):
            if function.startswith("p"):
                raise AssertionError(
                    f"{path}: contexts are not used in this project's translations"
                )
            found.setdefault(message, set()).add(path)
    return found


def _sources() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")
    for folder in ("templates", *(f"{package}/templates" for package in PACKAGES)):
        for path in sorted((ROOT / folder).rglob("*.html")):
            # Django's own reader turns a template into something that looks like Python; its
            # indentation does not.
            lines = templatize(path.read_text("utf-8")).splitlines()
            yield str(path.relative_to(ROOT)), "\n".join(line.lstrip() for line in lines)


def _marked(source: str) -> Iterator[tuple[str, MsgId]]:
    for _line, function, messages, _comments in extract_python(
        BytesIO(source.encode()), dict.fromkeys(KEYWORDS), [], {"encoding": "utf-8"}
    ):
        if isinstance(messages, tuple):
            words = tuple(message for message in messages if message)
            if function.startswith("n"):
                yield function, words[:2]
            elif words:
                yield function, words[0]
        elif isinstance(messages, str) and messages:
            yield function, messages
