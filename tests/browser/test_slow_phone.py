"""The camera's page on a cheap phone and a slow line: the processor a sixth as fast, 400 kbit/s,
400 ms there and back.

So it is by `make prove PART=slow_phone`; beside other tests the processor is slow enough. `make
test` plays a capture, the keyboard and the narrow screen; what goes wrong there goes wrong on a
quick line too, and is test_camera_words.py and test_camera_failures.py. The
camera is Chromium's own fake device, or a canvas where a test must do more than look; the canvas is
slowed with the page. The server is not slowed. What is measured of the chain is what the gate of
lines and cameras asks for.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from tests.browser.capture_page import (
    COMMANDS,
    ON,
    Open,
    fits,
    keep_words,
    kept_words,
    opened,
    turned_on,
)
from tests.browser.insecure_dialogue import AMPLE, HELD, InsecureDialogue
from tests.browser.steps import press, words
from tests.browser.tab import Tab
from tests.proofs import Figures
from verification.stages.live_capture.policy import LiveCapturePolicy

__all__ = ["opened"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.proof("slow_phone"),
]

LINE = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}  # ms, bytes/s
SHIFT_MAX = 0.1  # cumulative layout shift; Web Vitals call more "needs improvement"
REAL = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
POLICY = LiveCapturePolicy()

# A shift within half a second of a press is the answer to it, and is not counted: Layout
# Instability, hadRecentInput.
_WATCH = """
window.insecureShift = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.insecureShift += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""

Slow = Callable[[Tab], Callable[..., None]]


@pytest.fixture
def slowed(proof_scale: float) -> Slow:
    """Slows a tab from now on; gives what cuts its line and puts it back."""

    def slow(tab: Tab) -> Callable[..., None]:
        tab.page.emulate_media(
            reduced_motion="no-preference"
        )  # what moves is a part of what a phone has to do
        devtools = tab.page.context.new_cdp_session(tab.page)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": 6 if proof_scale == 1 else 1})
        devtools.send("Network.enable")

        def line(*, is_cut: bool) -> None:
            devtools.send("Network.emulateNetworkConditions", LINE | {"offline": is_cut})

        line(is_cut=False)
        return line

    return slow


def shift(tab: Tab) -> float:
    """How much of the page has moved under the borrower's eyes since it was loaded."""
    return float(tab.page.evaluate("window.insecureShift"))


def camera_on(tab: Tab, language: str) -> None:
    """To the guide, whether the browser asks for the camera or not."""
    press(tab, language, "Continue")
    tab.until(lambda: tab.state() in ("primer", "live"), "the camera")
    if tab.state() == "primer":
        press(tab, language, ON)
    tab.until_state("live")
    tab.until(lambda: tab.page.locator("#hint.good").count() == 1, "a face that fits")
    assert fits(tab, "#order", "#begin")


@pytest.mark.parametrize("language", ["kk", pytest.param("ru", marks=pytest.mark.whole)])
def test_a_whole_capture_is_taken_as_densely_as_cuts_show_in(
    opened: Open, slowed: Slow, language: str, proof_scale: float, proof_figures: Figures
) -> None:
    order = ("look_straight", "turn_left", "blink", "turn_right")
    tab, dialogue = opened(
        InsecureDialogue(order=order, limits=AMPLE), language=language, size="phone", real=True, switches=REAL,  # noqa: E501
        touch=True, script=_WATCH,
    )  # fmt: skip
    slowed(tab)
    camera_on(tab, language)
    press(tab, language, "Begin")
    moved = 0.0
    for number in range(len(order)):
        tab.until(lambda: tab.page.locator("#progress").is_visible(), "a task")
        assert fits(tab, "#order", "#progress")
        moved = max(moved, shift(tab))
        tab.until(partial(dialogue.is_sent, number), "what came for it")
    tab.until_heading(words(language, "One moment"))
    assert moved <= SHIFT_MAX
    steps = [dialogue.step(number) for number in range(len(order))]
    gaps = [[later - earlier for earlier, later in pairwise(step.taken_ms)] for step in steps]
    rate, gap = min(len(each) / sum(each) * 1_000 for each in gaps), max(map(max, gaps))
    proof_figures |= {
        f"{language}_rate": round(rate, 2),
        f"{language}_gap_ms": gap,
        f"{language}_shift": moved,
    }
    assert all(step.is_bound for step in steps)
    assert tab.problems == []
    # Beside other tests the machine is slower than any phone.
    assert proof_scale < 1 or (
        rate >= POLICY.chain_rate_min and gap <= POLICY.chain_gap_max * 1_000
    )


@pytest.mark.whole
def test_a_line_that_is_lost_costs_the_command_and_nothing_else(opened: Open, slowed: Slow) -> None:
    language = "kk"
    order = ("look_straight", "turn_left", "turn_right")
    tab, dialogue = opened(
        InsecureDialogue(order=order, limits=AMPLE), language=language, size="phone", real=True, switches=REAL,  # noqa: E501
        touch=True, script=_WATCH, expected=("ERR_INTERNET_DISCONNECTED",),
    )  # fmt: skip
    line = slowed(tab)
    camera_on(tab, language)
    keep_words(tab)
    press(tab, language, "Begin")
    turn = words(language, COMMANDS["turn_left"])
    tab.until(lambda: turn in kept_words(tab), "the command")
    line(is_cut=True)
    tab.page.wait_for_timeout(9_000)
    assert tab.page.locator("[data-offline]").is_visible()
    assert shift(tab) <= SHIFT_MAX
    line(is_cut=False)
    tab.until_heading(words(language, "One moment"), seconds=90)
    assert dialogue.lost == ["turn_left"]


def test_by_the_keyboard_alone_and_the_tree_a_screen_reader_is_given(opened: Open) -> None:
    order = ("look_straight", "turn_left", "turn_right")
    tab, dialogue = opened(
        InsecureDialogue(order=order, limits=AMPLE),
        language="en",
        size="phone",
        real=True,
        switches=REAL,
    )

    def by_key(name: str) -> None:
        """Goes on by Tab until the button has the focus, and presses it."""
        for _ in range(40):
            tab.page.keyboard.press("Tab")
            if tab.page.evaluate("document.activeElement?.textContent?.trim()") == name:
                tab.page.keyboard.press("Enter")
                return
        raise AssertionError(f"no Tab leads to {name}")

    tab.until_state("ready")
    by_key("Continue")
    tab.until(lambda: tab.state() in ("primer", "live"), "the camera")
    if tab.state() == "primer":
        by_key("Turn on the camera")
    tab.until_state("live")
    tab.until(lambda: tab.page.locator("[data-begin]").is_enabled(), "a face that fits")
    tree = tab.page.locator("main").aria_snapshot()
    assert "Fit your face into the oval" in tree
    assert 'button "Begin"' in tree
    keep_words(tab)
    by_key("Begin")
    tab.until(lambda: COMMANDS["turn_left"] in kept_words(tab), "the command")
    # The command is told at once, whatever else is being said; the arrow beside it is no second
    # word for it.
    assert tab.page.locator("#order").get_attribute("aria-live") == "assertive"
    assert tab.page.locator("[data-command=turn_left] svg").get_attribute("aria-hidden") == "true"
    assert COMMANDS["turn_left"] in tab.page.locator("main").aria_snapshot()
    tab.until_heading("One moment")
    assert dialogue.is_sent(2)
    assert tab.problems == []


def test_nothing_is_cut_off_on_a_screen_of_320_pixels(opened: Open) -> None:
    language = "kk"
    tab, _ = opened(InsecureDialogue(limits=HELD), language=language, size="phone", touch=True)
    tab.page.set_viewport_size({"width": 320, "height": 568})
    tab.look()
    turned_on(tab, language)
    tab.until(lambda: tab.page.locator("#hint.good").count() == 1, "a face that fits")
    # One hand reaches it: the button stands below the picture, within the screen, and is as large
    # as a thumb needs.
    box = tab.page.locator("[data-begin]").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 568
    assert min(box["width"], box["height"]) >= 44
    press(tab, language, "Begin")
    tab.until(lambda: tab.page.locator("#progress").is_visible(), "the first task")
    assert fits(tab, "#order", "#progress")
    counts = tab.page.locator(".counts span")
    assert counts.all_inner_texts() == ["1/4-тапсырма", "1/3-талпыныс"]
    tops = counts.evaluate_all("all => all.map((each) => each.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
