"""Durable data: lines of JSON appended one by one, and files replaced as a whole. Owner-only."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def add_line(path: Path, content: Mapping[str, Any]) -> None:
    """One more line."""
    if not path.exists():
        path.touch(mode=0o600)
    with path.open("a", encoding="ascii") as file:
        file.write(json.dumps(content) + "\n")


def replace_lines(path: Path, contents: Iterable[Mapping[str, Any]]) -> None:
    """Replaces all lines, so that no file keeps a deleted one."""
    keep_bytes(path, "".join(json.dumps(content) + "\n" for content in contents).encode("ascii"))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every line, in order; an incomplete last one, after a killed process, is skipped."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="ascii").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def keep_bytes(path: Path, content: bytes) -> None:
    """Replaces the file atomically, so that a killed process leaves the old one."""
    successor = path.with_suffix(".new")
    successor.unlink(missing_ok=True)
    successor.touch(mode=0o600)
    successor.write_bytes(content)
    os.replace(successor, path)
