"""The camera's page on a cheap phone and a slow line: the processor a sixth as fast, 400 kbit/s,
400 ms there and back.

So it is by `make prove PART=slow_phone`; beside other tests the processor is slow enough. `make
test` plays a capture, the keyboard and the narrow screen; what goes wrong there goes wrong on a
quick line too, and is test_camera_words.py, test_camera_failures.py and test_hand_over.py. The
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
from tests.browser.conftest import Launch
from tests.browser.insecure_dialogue import AMPLE, InsecureDialogue
from tests.browser.steps import arrived, press, scanned, words
from tests.browser.tab import Tab, open_context, open_tab, picture
from tests.proofs import Figures
from tests.verification.stories.story import Story
from verification.access.tokens import PHONES, SESSIONS
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
_WHATSAPP = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148 WhatsApp/24.20"
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

languages = pytest.mark.parametrize("language", ["kk", "ru"])
# In one language, and in both by `make prove`.
kazakh = pytest.mark.parametrize("language", ["kk", pytest.param("ru", marks=pytest.mark.whole)])

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


@kazakh
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
@languages
def test_a_missed_command_is_named_and_another_follows(
    opened: Open, slowed: Slow, language: str
) -> None:
    order = ("look_straight", "blink", "turn_left", "turn_right")
    missing = InsecureDialogue(order=order, misses=("blink",), replaced_max=1, limits=AMPLE)
    tab, dialogue = opened(
        missing,
        language=language,
        size="phone",
        real=True,
        switches=REAL,
        touch=True,
        script=_WATCH,
    )
    slowed(tab)
    camera_on(tab, language)
    keep_words(tab)
    press(tab, language, "Begin")
    unseen = words(language, "Not seen. Look straight: another task follows.")
    tab.until(lambda: unseen in kept_words(tab), "that it was not seen")
    assert shift(tab) <= SHIFT_MAX
    tab.until_heading(words(language, "One moment"))
    assert dialogue.is_sent(len(order))


@pytest.mark.whole
@languages
def test_a_line_that_is_lost_costs_the_command_and_nothing_else(
    opened: Open, slowed: Slow, language: str
) -> None:
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


@pytest.mark.whole
@pytest.mark.parametrize(
    ("language", "fault", "agent", "state"),
    [
        ("kk", "NotAllowedError", "", "denied"),
        ("ru", "missing", _WHATSAPP, "in_app"),
        ("ru", "NotAllowedError", "", "denied"),
        ("kk", "missing", _WHATSAPP, "in_app"),
    ],
)
def test_a_camera_that_is_not_given_is_named(
    opened: Open, slowed: Slow, language: str, fault: str, agent: str, state: str
) -> None:
    script = _WATCH + (
        f"Object.defineProperty(navigator, 'userAgent', {{ value: {agent!r} }})" if agent else ""
    )
    tab, dialogue = opened(language=language, fault=fault, size="phone", touch=True, script=script)
    slowed(tab)
    turn = dialogue.now.turn
    press(tab, language, "Continue")
    press(tab, language, ON)
    tab.until_state(state)
    assert shift(tab) <= SHIFT_MAX
    tab.look(f"slow-{state}-{language}-phone")
    assert dialogue.now.turn == turn


@pytest.mark.whole
@languages
def test_a_check_is_handed_over_to_the_phone(
    launch: Launch, slowed: Slow, site: str, story: Story, language: str
) -> None:
    desk = arrived(launch, site, story, language=language)
    press(desk, language, "Continue")
    press(desk, language, "Continue on another device or in another browser")
    desk.until_heading(words(language, "Continue elsewhere"))
    phone = open_tab(open_context(launch(), size="phone", language=language, touch=True), site=site)
    phone.page.add_init_script(_WATCH)
    slowed(phone)
    phone.page.goto(scanned(desk))
    phone.page.locator(f"form.languages button[value={language}]").click()
    press(phone, language, "Continue")
    phone.until_heading(words(language, "Is somebody on the phone telling you what to press?"))
    assert shift(phone) <= SHIFT_MAX
    press(phone, language, "No, I want this loan myself")
    phone.until_heading(words(language, "Type this number in on the other screen"))
    assert shift(phone) <= SHIFT_MAX
    desk.page.get_by_label(
        words(language, "Type in here the number that the phone shows."), exact=True
    ).fill(PHONES.rows.get().number)
    press(desk, language, "Continue on the phone")
    phone.until_heading(words(language, "Your consent"))
    assert SESSIONS.rows.filter(spent_at=None).count() == 1


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


@kazakh
def test_nothing_is_cut_off_on_a_screen_of_320_pixels(opened: Open, language: str) -> None:
    tab, _ = opened(language=language, size="phone", touch=True)
    tab.page.set_viewport_size({"width": 320, "height": 568})
    tab.look(f"narrow-ready-{language}")
    turned_on(tab, language)
    tab.until(lambda: tab.page.locator("#hint.good").count() == 1, "a face that fits")
    # One hand reaches it: the button stands below the picture, within the screen, and is as large
    # as a thumb needs.
    box = tab.page.locator("[data-begin]").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 568
    assert min(box["width"], box["height"]) >= 44
    picture(tab.page, f"narrow-guide-{language}", is_whole=False)
    press(tab, language, "Begin")
    tab.until(lambda: tab.page.locator("#progress").is_visible(), "the first task")
    assert fits(tab, "#order", "#progress")
