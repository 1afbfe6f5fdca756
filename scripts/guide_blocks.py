"""Reads the commands of docs/lender-guide.md, so that tests and measurements run exactly what it
prints.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "lender-guide.md"
_PART = re.compile(
    r"^### \d\. (?P<title>.+?)\n(?P<text>.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL
)
_BLOCK = re.compile(r"^```(?P<language>sh|python)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<name>\w+\.py)\n")


@dataclass(frozen=True)
class Part:
    """A numbered part of the guide: its shell commands in order, and the files for the reader to
    save.
    """

    commands: str
    files: Mapping[str, str]


def parts() -> dict[str, Part]:
    """The numbered parts of the guide, by title. A Python block begins with a comment that names
    its file.
    """
    return {
        match["title"]: _part(match["text"])
        for match in _PART.finditer(GUIDE.read_text(encoding="utf-8"))
    }


def _part(text: str) -> Part:
    blocks = [(match["language"], match["code"]) for match in _BLOCK.finditer(text)]
    files = [(_FILE.match(code), code) for language, code in blocks if language == "python"]
    return Part(
        commands="".join(code for language, code in blocks if language == "sh"),
        files={match["name"]: code for match, code in files if match},
    )
