"""The look of the pages: readable colours, and nothing that the content security policy would
block.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CSS = (ROOT / "static" / "tulga.css").read_text()
BOTH = ["light", "dark"]


def _colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[0]))
    return (
        light
        if scheme == "light"
        else light | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[1]))
    )


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(text: str, ground: str) -> float:
    lighter, darker = sorted((_luminance(text), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", BOTH)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (text, ground)
        for text in ("ink", "muted", "accent", "accent-strong")
        for ground in ("page", "surface", "sunken")
    ]
    + [
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("on-bad", "bad"),
        ("bad", "surface"),
    ]
    + [
        (text, f"{kind}-tint")
        for kind in ("info", "ok", "warn", "bad")
        for text in ("ink", "muted", kind, "accent")
    ]
    + [("surface", kind) for kind in ("info", "ok", "warn", "bad")],
)
def test_text_has_enough_contrast(scheme: str, text: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", BOTH)
@pytest.mark.parametrize(
    ("edge", "ground"),
    [("edge", "surface"), ("edge", "page"), ("focus", "page"), ("focus", "surface")],
)
def test_edges_of_fields_and_focus_can_be_seen(scheme: str, edge: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[edge], colours[ground]) >= 3


def test_the_stylesheet_loads_nothing_from_elsewhere() -> None:
    assert not re.search(r"url\(|@import|https?:", CSS)
