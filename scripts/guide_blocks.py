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
# The lender's pages, in the order in which they are read.
PAGES: Final = (
    "start",
    "concepts",
    "payout",
    "webhooks",
    "php",
    "node",
    "errors",
    "verify-offline",
    "sandbox",
)

# Steps of the page `start`: how the reader gets a key, and two ways to a consumed clearance.
BEGIN, BY_CURL, BY_CLIENT = (1, 1), (2, 7), (8, 8)
# Pages for another language than Python, with the interpreter of their files.
INTERPRETERS: Final = {"php": "php", "node": "node"}
PROGRAMS: Final = ("python", "php", "js")
# A fenced block: its language, empty for what a command prints, and its text.
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_STEP = re.compile(r"^## (?P<number>\d)\. .+?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:# |// |<\?php // )(?P<name>\w+\.(?:py|mjs|php))\n")


@dataclass(frozen=True)
class Part:
    """A part of the pages: its shell commands in order, and the files that the reader saves."""

    commands: str
    files: Mapping[str, str]


def text_of(page: str) -> str:
    """A page in English, as Markdown."""
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def steps(first: int, last: int) -> Part:
    """The numbered sections of the page `start` from the first to the last."""
    return part_of(
        "".join(
            match["text"]
            for match in _STEP.finditer(text_of("start"))
            if first <= int(match["number"]) <= last
        )
    )


def part_of(text: str) -> Part:
    """The commands of some Markdown, and its files: a program begins with its file's name.

    Commands of other pages continue in the terminal of `start`.
    """
    return Part(
        commands="".join(code for language, code in BLOCK.findall(text) if language == "sh"),
        files={
            match["name"]: code
            for language, code in BLOCK.findall(text)
            if language in PROGRAMS and (match := _FILE.match(code))
        },
    )
