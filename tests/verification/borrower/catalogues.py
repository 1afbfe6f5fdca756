"""The project's catalogues of translations, read and compiled as the set-up does it."""

import os
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.utils.translation import trans_real

from tests.verification.borrower.msgids import ROOT

LANGUAGES = ("kk", "ru")


def path(language: str) -> Path:
    """Where a language's sentences stand."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """A language's catalogue."""
    with path(language).open("rb") as source:
        return read_po(source, locale=language)


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
