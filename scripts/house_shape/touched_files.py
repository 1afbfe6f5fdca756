"""Which files name something that is there already: as many a new thing of its kind would touch."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_READ = {".py", ".html", ".js", ".md", ".json"}
_NOT_READ = {"__pycache__", "migrations", "locale"}
_WRITTEN_BY_US = "docs/evidence"


def files_naming(word: str, root: Path, places: Iterable[str]) -> list[str]:
    """The files in these places, each a folder or a file, in which the word stands: whole, in code
    or in a text.
    """
    whole = re.compile(rf"\b{re.escape(word)}\b")
    paths = {path for place in places for path in _files(root / place)}
    named = [
        path.relative_to(root) for path in paths if whole.search(path.read_text(encoding="utf-8"))
    ]
    return sorted(path.as_posix() for path in named if _is_read(path))


def _files(place: Path) -> Iterator[Path]:
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.suffix in _READ and path.is_file():
            yield path


def _is_read(path: Path) -> bool:
    return _NOT_READ.isdisjoint(path.parts) and not path.is_relative_to(_WRITTEN_BY_US)
