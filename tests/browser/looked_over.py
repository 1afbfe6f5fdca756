"""One page looked over: in every language and size, read narrow and enlarged, its picture kept
where that is wanted.
"""

import io
from collections.abc import Callable, Iterator, Sequence

import pytest
from PIL import Image

from tests.browser import axe, every_page
from tests.browser.conftest import Launch
from tests.browser.every_page import Shown
from tests.browser.tab import KEEP, SIZES, Tab, open_context, open_tab
from tests.proofs import Figures

# Each language on a phone and on a desk, as the borrowers of each have them; for the pictures, all
# of them.
_LOOKS = (("kk", "phone"), ("ru", "phone"), ("ru", "desk"), ("en", "desk"))
_PICTURE_HEIGHTS = {
    "phone": 1_800,
    "desk": 1_100,
}  # a long page is shown to where one sees what it is
_WIDER = "document.documentElement.scrollWidth > innerWidth"
_PIN = "how => document.querySelectorAll('.foot').forEach((e) => (e.style.position = how))"
_NARROW = (320, 568)
_ENLARGED = (640, 400)  # what 1280×800 holds at 200 %
Sit = Callable[..., Tab]
Looks = Callable[..., Iterator[tuple[str, str, list[Shown]]]]


@pytest.fixture
def looks(proof_scale: float, proof_figures: Figures) -> Looks:
    """Deals pages out to the looks: language, size, and those to look at so.

    `make prove` looks at each page in each way; otherwise each is looked at in one, and its
    neighbours in the others. For pictures it is every language, in the size of the picture.
    """
    is_whole = KEEP or proof_scale == 1.0

    def dealt(pages: Sequence[Shown], *, pictured: str) -> Iterator[tuple[str, str, list[Shown]]]:
        ways = [(language, pictured) for language in every_page.LANGUAGES] if KEEP else list(_LOOKS)
        for way in ways:
            there = [shown for shown in pages if way in _ways_of(shown, ways, is_whole=is_whole)]
            proof_figures["looks"] = proof_figures.get("looks", 0) + len(there)
            if there:
                yield *way, there

    return dealt


def _ways_of(
    shown: Shown, ways: Sequence[tuple[str, str]], *, is_whole: bool
) -> Sequence[tuple[str, str]]:
    fitting = [way for way in ways if way[0] in shown.languages]
    return fitting if is_whole else [fitting[every_page.EVERY.index(shown) % len(fitting)]]


def seen(tab: Tab, shown: Shown, *, language: str, size: str) -> None:
    """The open page is this one, and nothing is wrong with it."""
    page, place = tab.page, f"{shown.name} in {language} on a {size}"
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.lang.slice(0, 2)") == language, place
    assert page.locator("h1").count() >= 1, place
    if KEEP:
        page.evaluate("scrollTo(0, 0)")
        page.evaluate(_PIN, "static")  # in a picture of the whole page it would lie in the middle
        most = _PICTURE_HEIGHTS[size]
        _keep(page.screenshot(full_page=True), f"{shown.name}.{language}", height_max=most)
        page.evaluate(_PIN, "")
    # What axe says of those for developers, light and dark, is asked in tests/lenders/test_docs.py.
    wrong = [] if shown in every_page.DEVELOPERS else axe.serious(page)
    assert not wrong, f"{place}: {wrong}"
    for width, height in (_NARROW, _ENLARGED):
        page.set_viewport_size({"width": width, "height": height})
        assert not page.evaluate(_WIDER), f"{place}, {width} px"
    page.set_viewport_size(SIZES[size])
    assert not page.evaluate(_WIDER), place
    assert not tab.problems, f"{place}: {tab.problems}"


def _keep(png: bytes, name: str, *, height_max: int) -> None:
    """Keeps one picture, as good as its size lets it be."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, height_max)))
    every_page.PICTURES.mkdir(parents=True, exist_ok=True)
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
        context.add_cookies(
            [{"name": name, "value": value, "url": site} for name, value in given.items()]
        )
        return open_tab(context, site=site, expected=("status of 4",))

    return opened
