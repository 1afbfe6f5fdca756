"""What axe finds wrong on a page for people with disabilities."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()  # reads half a megabyte of script


def violations(page: Page) -> list[dict[str, Any]]:
    """Every rule that is broken. A document that axe has looked at before is not given the script again."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(_AXE.axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)"
    )
    return found


def serious(page: Page) -> list[str]:
    """The rules whose breach is serious or critical, each with the element that breaks it."""
    return [
        f"{one['id']}: {node['html']}"
        for one in violations(page)
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
