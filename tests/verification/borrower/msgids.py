"""Every sentence of the project that is marked for translation, read from the templates and the
Python files.
"""

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("config", "lenders", "people", "verification")
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
