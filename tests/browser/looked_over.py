"""One page looked over: in every language and size, read narrow and enlarged, its picture kept where that is wanted."""

import io
import os
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from tests.browser import axe, every_page
from tests.browser.conftest import Launch
from tests.browser.every_page import Shown
from tests.browser.tab import SIZES, Tab, open_context, open_tab

KEEP = bool(os.environ.get("KEEP_PICTURES"))
# Each language on a phone and on a desk, as the borrowers of each have them; for the pictures, all of them.
_LOOKS = (("kk", "phone"), ("ru", "phone"), ("ru", "desk"), ("en", "desk"))
_PICTURE_HEIGHTS = {"phone": 1_800, "desk": 1_100}  # a long page is shown to where one sees what it is
_WIDER = "document.documentElement.scrollWidth > innerWidth"
_NARROW = (320, 568)
_ENLARGED = (640, 400)  # what 1280×800 holds at 200 %
Sit = Callable[..., Tab]


def looks(*, pictured: str) -> Iterator[tuple[str, str]]:
    """The languages and sizes to look at; for pictures every language, in the size of the picture."""
    yield from ((language, pictured) for language in every_page.LANGUAGES) if KEEP else _LOOKS


def seen(tab: Tab, shown: Shown, *, language: str, size: str) -> None:
    """The open page is this one, and nothing is wrong with it."""
    page, place = tab.page, f"{shown.name} in {language} on a {size}"
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.lang.slice(0, 2)") == language, place
    assert page.locator("h1").count() >= 1, place
    if KEEP:
        page.evaluate("scrollTo(0, 0)")
        most = _PICTURE_HEIGHTS[size]
        _keep(page.screenshot(full_page=True), f"{shown.name}.{language}", height_max=most)
    wrong = axe.serious(page)
    assert not wrong, f"{place}: {wrong}"
    for width, height in (_NARROW, _ENLARGED):
        page.set_viewport_size({"width": width, "height": height})
        assert not page.evaluate(_WIDER), f"{place}, {width} px"
    page.set_viewport_size(SIZES[size])
    assert not page.evaluate(_WIDER), place
    assert not tab.problems, f"{place}: {tab.problems}"


def _keep(png: bytes, name: str, *, height_max: int) -> None:
    """One picture of docs/pages.md, as good as its size lets it be."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, height_max)))
    every_page.PICTURES.mkdir(exist_ok=True)
    for quality in (80, 60, 40):
        written = io.BytesIO()
        picture.save(written, "WEBP", quality=quality, method=6)
        if len(written.getvalue()) <= every_page.PICTURE_MAX_BYTES:
            break
    (every_page.PICTURES / f"{name}.webp").write_bytes(written.getvalue())


@pytest.fixture
def sit(launch: Launch, site: str) -> Sit:
    """Opens a tab in a language, with these cookies."""

    def opened(*, language: str, size: str, **cookies: str) -> Tab:
        context = open_context(launch(), size=size, language=language, touch=size == "phone")
        given = cookies | {"django_language": language}
        context.add_cookies([{"name": name, "value": value, "url": site} for name, value in given.items()])
        return open_tab(context, site=site, expected=("status of 4",))

    return opened
