"""A borrower never meets an empty or lost screen: in each state of each page the heading and the
main button are in the window, on small phones too.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser import every_page, insecure_camera, insecure_dialogue
from tests.browser.capture_page import ON, Open, fits, opened
from tests.browser.insecure_dialogue import HELD, InsecureDialogue
from tests.browser.looked_over import Sit, sit
from tests.browser.steps import press, words
from tests.verification.borrower.pages import made
from tests.verification.stories.story import Story
from verification.access import links
from verification.borrower import browsers

__all__ = ["opened", "sit"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOWS: tuple[ViewportSize, ...] = (
    {"width": 390, "height": 664},
    {"width": 320, "height": 568},
)
_OUTSIDE = tuple(
    shown
    for shown in every_page.PUBLIC
    if shown.name in ("link", "phone-link", "link-unusable", "nowhere")
)
# Pages that ask for nothing, or go on by themselves.
_WITHOUT_BUTTON = ("wait", "checking", "ended-verified", "ended-review", "ended-renewed")
# The browser, NCALayer or the app is to act; or eGov Mobile has the main button.
_STATES_WITHOUT_BUTTON = ("asking", "connecting", "choosing", "sending", "read", "phone")
# Bar above, pinned buttons below, and what is asked to be between them or on top.
_LOST = """([scope, heading]) => {
  const seen = (each) => each.getClientRects().length && getComputedStyle(each).visibility === "visible";
  const place = document.querySelector(scope);
  const title = [...place.querySelectorAll(heading)].find(seen);
  let buttons = [...place.querySelectorAll(".button-primary")].filter(seen).slice(0, 1);
  if (!buttons.length) buttons = [...place.querySelectorAll(".answers .button")].filter(seen);
  const bar = document.querySelector(".summary")?.getBoundingClientRect().bottom ?? 0;
  const lost = buttons.length ? [] : ["no button"];
  for (const each of [title, ...buttons]) {
    if (!each) { lost.push("no heading"); continue; }
    const { top, bottom, left, width, height } = each.getBoundingClientRect();
    if (top < bar - 1 || bottom > innerHeight + 1) lost.push(`${each.tagName} at ${Math.round(top)} to ${Math.round(bottom)}`);
    else for (const y of [top + 3, bottom - 3]) {
      const hit = document.elementFromPoint(left + width / 2, y);
      if (!each.contains(hit) && !hit?.contains(each)) lost.push(`${each.tagName} is under ${hit?.className}`);
    }
  }
  return lost;
}"""  # noqa: E501
_SHOW = """async ([group, name]) => {
  for (const state of document.querySelectorAll(`[${group}]`)) state.hidden = state.getAttribute(group) !== name;
  scrollTo(0, document.documentElement.scrollHeight);
  const { arriveAt } = await import("/static/borrower/arrival.js");
  arriveAt(document.querySelector(`[${group}="${name}"]`));
}"""  # noqa: E501


_FAULTS = {"NotAllowedError": "denied", "NotFoundError": "absent", "NotReadableError": "in_use"}
_UNDER = """() => {
  const foot = document.querySelector(".foot");
  const under = [];
  for (const each of document.querySelectorAll("main :is(a, button, input, summary)")) {
    if (!each.checkVisibility() || foot.contains(each)) continue;
    scrollTo(0, 0);
    document.activeElement.blur();
    each.focus();
    const { bottom } = each.getBoundingClientRect();
    if (bottom > foot.getBoundingClientRect().top && each.compareDocumentPosition(foot) & 4) under.push(each.outerHTML.slice(0, 80));
  }
  return under;
}"""  # noqa: E501


def lost(page: Page, scope: str = "main", heading: str = "h1") -> list[str]:
    """The heading and the main buttons that are not whole in the window, or covered."""
    return [str(each) for each in page.evaluate(_LOST, [scope, heading])]


def states_of(page: Page) -> Iterator[tuple[str, str]]:
    """The states of the open page that its script brings to the top: attribute and name."""
    for group in ("data-state", "data-egov"):
        for each in page.locator(f"[{group}]").all():
            if each.get_attribute("tabindex"):
                yield group, str(each.get_attribute(group))


@pytest.mark.parametrize("language", every_page.LANGUAGES)
def test_every_page_shows_its_heading_and_its_main_button_at_once(
    sit: Sit, site: str, story: Story, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    session = links.redeem(untrusted_token=story.token)
    tab = sit(language=language, size="phone", **{browsers.SESSION: session})
    missed = {}
    for window in WINDOWS:
        tab.page.set_viewport_size(window)
        for shown in (*_OUTSIDE, *every_page.BORROWER):
            tab.page.goto("about:blank")
            insecure_dialogue.put(monkeypatch, lambda *_, page=shown.page, **__: page)
            path = shown.path.format(token="a" * 32) if shown.path else "/v/now/"
            tab.page.goto(f"{site}{path}")
            tab.page.wait_for_load_state("load")
            tab.until(
                lambda: not tab.page.locator("[data-waits]").count(), "the first page's words"
            )
            place = f"{shown.name} {window['width']}"
            missed[place] = lost(tab.page)
            if shown.name in _WITHOUT_BUTTON:
                missed[place] = [each for each in missed[place] if each != "no button"]
    assert {place: what for place, what in missed.items() if what} == {}


@pytest.mark.parametrize("language", every_page.LANGUAGES)
def test_the_consent_in_short_and_its_button_are_in_the_window_of_a_phone(
    sit: Sit, site: str, story: Story, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    session = links.redeem(untrusted_token=story.token)
    tab = sit(language=language, size="phone", **{browsers.SESSION: session})
    shown = next(shown for shown in every_page.BORROWER if shown.name == "consent")
    insecure_dialogue.put(monkeypatch, lambda *_, **__: shown.page)
    tab.page.goto(f"{site}/v/now/")
    tab.page.wait_for_load_state("load")
    assert tab.page.viewport_size == {"width": 390, "height": 844}
    lines = tab.page.locator(".plain-lines").bounding_box()
    button = tab.page.locator("main .button-primary").bounding_box()
    assert lines is not None
    assert button is not None
    assert lines["y"] + lines["height"] <= button["y"]
    assert button["y"] + button["height"] <= 844
    # The whole text takes no room before it is opened.
    whole = tab.page.locator("details.whole")
    assert not whole.locator(".statement").is_visible()
    whole.locator("summary").click()
    assert whole.locator(".statement").is_visible()


@pytest.mark.parametrize("language", every_page.LANGUAGES)
@pytest.mark.parametrize("name", ["commands", "statement"])
def test_every_state_shows_its_heading_and_its_main_button_at_once(
    sit: Sit, site: str, story: Story, monkeypatch: pytest.MonkeyPatch, language: str, name: str
) -> None:
    page = made(name, attempt=2, attempts=3, notice="liveness_frame_frozen")
    session = links.redeem(untrusted_token=story.token)
    tab = sit(language=language, size="phone", **{browsers.SESSION: session})
    insecure_dialogue.put(monkeypatch, lambda *_, **__: page)
    tab.page.goto(f"{site}/v/now/")
    tab.page.wait_for_load_state("load")
    missed = {}
    for window in WINDOWS:
        tab.page.set_viewport_size(window)
        for group, state in states_of(tab.page):
            if state == "live":  # test_every_page_of_a_capture_is_whole_on_the_screen
                continue
            tab.page.evaluate(_SHOW, [group, state])
            place = f"{state} {window['width']}"
            missed[place] = lost(tab.page, f'[{group}="{state}"]', "h2")
            if state in _STATES_WITHOUT_BUTTON:
                missed[place] = [each for each in missed[place] if each != "no button"]
    assert {place: what for place, what in missed.items() if what} == {}


@pytest.mark.parametrize(("language", "window"), [("kk", WINDOWS[1]), ("ru", WINDOWS[0])])
def test_no_press_before_the_camera_leads_to_an_empty_screen(
    opened: Open, language: str, window: ViewportSize
) -> None:
    tab, dialogue = opened(
        InsecureDialogue(limits=HELD, keeps=True), language=language, size="phone", touch=True
    )
    tab.page.set_viewport_size(window)
    tab.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    press(tab, language, "Continue")

    def is_whole(state: str) -> None:
        tab.until_state(state)
        assert lost(tab.page, f"[data-state={state}]", "h2") == [], state
        tab.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    is_whole("primer")
    button = ON
    for fault, state in _FAULTS.items():
        tab.page.evaluate(f"window.insecureCamera.fault = '{fault}'")
        press(tab, language, button)
        is_whole(state)
        button = "Try again"
    insecure_camera.mend(tab.page)
    press(tab, language, button)
    tab.until_state("live")
    tab.until(lambda: len(dialogue.asked) > 1, "a second hint")
    assert fits(tab, "#order", "#begin")
    insecure_camera.break_off(tab.page)
    is_whole("ended")


@pytest.mark.parametrize("language", every_page.LANGUAGES)
def test_the_way_to_another_device_shows_its_heading_and_its_main_button_at_once(
    sit: Sit, site: str, story: Story, language: str
) -> None:
    session = links.redeem(untrusted_token=story.token)
    tab = sit(language=language, size="phone", **{browsers.SESSION: session})
    for window in WINDOWS:
        tab.page.set_viewport_size(window)
        tab.page.goto(f"{site}/v/now/")
        press(tab, language, "Continue on another device or in another browser")
        tab.until_heading(words(language, "Continue elsewhere"))
        # A pinned button would lie over the code, which a camera has to see whole.
        assert not tab.page.locator(".foot").count()
        press(tab, language, "In another browser instead: get a link")
        tab.until(tab.page.locator("#copy").is_visible, "the link")
        assert lost(tab.page) == []


def test_nothing_that_gets_the_focus_is_under_the_button_and_a_low_window_has_none_pinned(
    opened: Open,
) -> None:
    tab, dialogue = opened(language="kk", size="phone", touch=True)
    for name in ("consent", "form", "code", "question"):
        dialogue.now = made(name)
        tab.page.goto(f"{tab.site}/v/now/")
        tab.page.set_viewport_size(WINDOWS[1])
        assert tab.page.evaluate(_UNDER) == [], name
        tab.page.set_viewport_size({"width": 390, "height": 340})  # what a keyboard leaves
        assert tab.page.locator(".foot").first.evaluate("e => getComputedStyle(e).position") == (
            "static"
        )
