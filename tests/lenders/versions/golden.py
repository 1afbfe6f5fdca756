"""The files that say how a version answers. Those of an old version never change, but for what came
for all.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
WRITES = "WRITE_ANSWERS_OF"
"""Of the environment: the version whose files are written, instead of compared."""
ADDED: dict[str, frozenset[str]] = {
    "2026-11-25": frozenset({"EndpointAnswer.version", "OpenedAnswer.warnings"}),
    "2026-11-28": frozenset({"OpenedAnswer.warnings"}),
}
"""Fields that came for all versions after a version's files were written, each by its component of
openapi.json.
"""
OPEN = frozenset(
    {
        "get_consistency",
        "get_signature",
        "get_statement",
        "get_test_clock",
        "advance_test_clock",
        "list_scenarios",
        "simulate",
    }
)
"""Those that came with the newest version: how they answer is written down before the next."""
ENDPOINTS = frozenset(
    f"{name}_webhook_{'secret' if name == 'rotate' else 'endpoint'}"
    for name in ("create", "get", "change", "rotate")
) | {"list_webhook_endpoints"}


def agree(version: str, found: Mapping[str, str]) -> None:
    """Holds answers against the files of a version, byte for byte; or writes them."""
    folder = FOLDER / version
    if os.environ.get(WRITES) == version:
        folder.mkdir(exist_ok=True)
        for name, text in found.items():
            (folder / f"{name}.json").write_text(text, "utf-8")
    for name, text in found.items():
        assert _without_added(version, name, text) == (folder / f"{name}.json").read_text(
            "utf-8"
        ), name


def kept(version: str) -> dict[str, Any]:
    """What the files of a version say, by name; those of empty answers are left out."""
    found = {
        path.stem: path.read_text("utf-8") for path in sorted((FOLDER / version).glob("*.json"))
    }
    return {name: json.loads(text) for name, text in found.items() if text.strip()}


def _without_added(version: str, name: str, text: str) -> str:
    added = ADDED.get(version, frozenset())
    if name in ENDPOINTS and "EndpointAnswer.version" in added:
        field = "version"
    elif name.partition(".")[0] == "open_verification" and "OpenedAnswer.warnings" in added:
        field = "warnings"
    else:
        return text
    said = json.loads(text)
    for one in said.get("data", [said]):
        del one[field]
    return f"{json.dumps(said, ensure_ascii=False, indent=1)}\n"
