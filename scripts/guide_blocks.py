"""Reads the commands of docs/lender/, so that tests and measurements run what the pages print and
nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "lender"
PAGES: Final = (
    "start",
    "concepts",
    "payout",
    "webhooks",
    "errors",
    "verify-offline",
    "sandbox",
)
"""The lender's pages, in the order in which they are read."""

_STEP = re.compile(r"^## (?P<number>\d)\. .+?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<name>\w+\.py)\n")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, empty for what a command prints, and its text."""

    language: str
    code: str


@dataclass(frozen=True)
class Part:
    """A part of the pages: its shell commands in order, and the files that the reader saves."""

    commands: str
    files: Mapping[str, str]


def text_of(page: str) -> str:
    """A page in English, as Markdown."""
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of some Markdown, in order."""
    return [Block(match["language"], match["code"]) for match in _BLOCK.finditer(text)]


def steps(first: int, last: int) -> Part:
    """The numbered sections of the page `start` from the first to the last."""
    texts = [
        match["text"]
        for match in _STEP.finditer(text_of("start"))
        if first <= int(match["number"]) <= last
    ]
    return _part("".join(texts))


def begin() -> Part:
    """How the reader gets a Tulga and a key."""
    return steps(1, 1)


def pay_by_curl() -> Part:
    """From the receiver to the consumed clearance."""
    return steps(2, 7)


def pay_by_client() -> Part:
    """The same way by the Python client."""
    return steps(8, 8)


def page(name: str) -> Part:
    """All commands of a page, which continue in the terminal of `start`."""
    return _part(text_of(name))


def _part(text: str) -> Part:
    """A block of Python begins with a comment that names its file."""
    files = [
        (_FILE.match(block.code), block.code)
        for block in blocks(text)
        if block.language == "python"
    ]
    return Part(
        commands="".join(block.code for block in blocks(text) if block.language == "sh"),
        files={match["name"]: code for match, code in files if match},
    )
