"""What axe finds wrong on a page for people with disabilities."""

import json
from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that another colour scheme can break, where only colours are other ones."""
_AXE = Axe()  # reads half a megabyte of script


def violations(page: Page, rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every rule that is broken, of all or of these. A document that axe has looked at before is
    not given the script again.
    """
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(_AXE.axe_script)
    # Only for sounds that play by themselves would axe load anew what the page has loaded.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = list(rules)
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run({json.dumps(options)}).then(({{ violations }}) => violations)"
    )
    return found


def serious(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The rules whose breach is serious or critical, each with the element that breaks it."""
    return [
        f"{one['id']}: {node['html']}"
        for one in violations(page, rules)
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
