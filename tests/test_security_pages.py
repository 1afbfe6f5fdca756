"""The pages for regulators and security engineers name only files of the repository."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_PAGES = [*(_ROOT / "docs" / "security").glob("*.md"), *(_ROOT / "docs" / "regulator").glob("*.md")]
_FILE = re.compile(r"`((?:config|lenders|scripts|tests|tools|verification)/[\w./]+)`")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(_ROOT).as_posix())
def test_each_file_that_a_page_names_is_there(page: Path) -> None:
    names = _FILE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not (_ROOT / name).exists()] == []


def test_the_pages_name_files() -> None:
    assert len(_FILE.findall("".join(page.read_text(encoding="utf-8") for page in _PAGES))) > 10
