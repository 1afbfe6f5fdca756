"""What goes wrong before a camera: each is named within three seconds and has a way out, and
nothing is lost.
"""

import re

import pytest
from playwright.sync_api import Route

from tests.browser import insecure_camera, insecure_clock
from tests.browser.capture_page import ON, Open, opened, turned_on, until_said, words_of
from tests.browser.insecure_dialogue import AMPLE, LIMITS, ORDER, InsecureDialogue
from tests.browser.steps import press, words
from tests.browser.tab import Tab
from verification.engines.liveness import policy
from verification.engines.liveness.frames import decode

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NO_NETWORK = ("net::ERR_FAILED",)


# The camera


@pytest.mark.parametrize(
    ("fault", "state", "language"),
    [
        ("NotAllowedError", "denied", "ru"),
        ("NotFoundError", "absent", "kk"),
        ("NotReadableError", "in_use", "ru"),
        ("silent", "in_use", "kk"),
        ("missing", "insecure", "ru"),
    ],
)
def test_a_camera_that_fails_is_named_and_may_be_tried_again(
    opened: Open, site: str, fault: str, state: str, language: str
) -> None:
    tab, dialogue = opened(language=language, fault=fault, size="phone", own_time=True)
    insecure_clock.keep_times(tab.page)
    turn = dialogue.now.turn
    if fault == "silent":
        # Only of a camera that is allowed may silence be called one: else the browser is asking the
        # person.
        tab.page.context.grant_permissions(["camera"], origin=site)
        press(tab, language, "Continue")
    else:
        press(tab, language, "Continue")
        press(tab, language, ON)
    tab.until_state(state)
    assert insecure_clock.ms_between(tab.page, "asking", state) <= 3_000
    unspent = tab.page.locator(f"[data-state={state}] [data-unspent]")
    assert unspent.inner_text() == words(language, "Nothing was sent, and no attempt was used up.")
    way_out = tab.page.get_by_role(
        "button", name=words(language, "Continue on another device"), exact=True
    )
    assert way_out.is_visible()
    tab.look()
    assert dialogue.now.turn == turn
    if fault != "missing":
        insecure_camera.mend(tab.page)
        press(tab, language, "Try again")
        tab.until_state("live")


_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML)"
# What a browser says of itself; the state that this comes to; the app it is in.
AGENTS = (
    (f"{_IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "insecure", ""),
    (f"{_IPHONE} Mobile/15E148 WhatsApp/24.20", "in_app", "WhatsApp"),
    (f"{_IPHONE} Mobile/15E148 Telegram-iOS/11.2", "in_app", "Telegram"),
    (f"{_IPHONE} Mobile/15E148 Kaspi/5.1", "in_app", "Kaspi.kz"),
    (f"{_IPHONE} Mobile/15E148", "in_app", ""),
    ("Android 14; wv) Instagram 3", "in_app", "Instagram"),
)


def test_a_window_inside_another_app_is_named_and_safari_without_a_camera_is_none(
    opened: Open,
) -> None:
    tab, _ = opened(fault="missing", language="ru", size="phone")
    tab.page.add_init_script(
        "Object.defineProperty(navigator, 'userAgent', { get: () => localStorage.agent })"
    )
    for agent, state, app in AGENTS:
        tab.page.evaluate("agent => { localStorage.agent = agent }", agent)
        tab.page.reload()
        press(tab, "ru", "Continue")
        press(tab, "ru", ON)
        tab.until_state(state)
        assert tab.page.locator("[data-app-named]").is_visible() == bool(app)
        assert app in tab.page.locator(f"[data-state={state}]").inner_text()
    primary = tab.page.locator("[data-state=in_app] .button-primary")
    assert primary.all_inner_texts() == [words("ru", "Get a link for another browser")]
    tab.look()
    with tab.page.expect_request("**/v/now/elsewhere/") as sent:
        primary.click()
    assert "by=link" in (sent.value.post_data or "").split("&")
    tab.until_heading(words("ru", "Continue elsewhere"))


def test_a_camera_that_is_pulled_out_is_named_and_the_capture_goes_on(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:3], limits=AMPLE), own_time=True)
    turned_on(tab)
    press(tab, "en", "Begin")
    until_said(tab, words_of("en", "turn_left"))
    insecure_camera.break_off(tab.page)
    tab.until_state("ended")
    assert not tab.page.locator("[data-state=ended] [data-unspent]").is_visible()
    press(tab, "en", "Try again")
    tab.until_heading("One moment")
    # What was taken of it is gone, so another command took its place.
    assert dialogue.lost == ["turn_left"]
    assert "turn_left" in [dialogue.step(number).sent.command for number in (2, 3)]


_HOLD_BACK = """muted => {
  for (const stream of window.insecureCamera.streams) {
    const [track] = stream.getVideoTracks();
    Object.defineProperty(track, "muted", { value: muted, configurable: true });
  }
}"""
_SLOW = """() => {
  const { toBlob } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.toBlob = function (...given) {
    setTimeout(() => toBlob.apply(this, given), 1_500);
  };
}"""


def test_a_camera_that_is_held_back_for_a_moment_is_named_and_no_other_programme_is(
    opened: Open,
) -> None:
    tab, _ = opened(InsecureDialogue(order=ORDER[:3], limits=AMPLE), language="ru")
    turned_on(tab, "ru")
    press(tab, "ru", "Begin")
    until_said(tab, words_of("ru", "turn_left"))
    tab.page.evaluate(_HOLD_BACK, True)
    tab.page.wait_for_timeout(1_500)
    tab.page.evaluate(_HOLD_BACK, False)
    tab.until_state("muted")
    tab.look()


def test_a_task_for_which_the_device_is_too_slow_is_cut_short_and_nothing_else_is_blamed(
    opened: Open,
) -> None:
    tab, _ = opened(InsecureDialogue(order=ORDER[:3], limits=LIMITS), language="kk")
    turned_on(tab, "kk")
    press(tab, "kk", "Begin")
    until_said(tab, words_of("kk", "turn_left"))
    tab.page.evaluate(_SLOW)
    tab.until_state("cut")
    tab.look()


# Interruptions


def test_a_command_in_which_the_phone_was_turned_is_lost_and_another_follows_once_it_is_turned_back(
    opened: Open,
) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=ORDER[:3], limits=AMPLE),
        language="ru",
        size="phone",
        touch=True,
        own_time=True,
    )
    turned_on(tab, "ru")
    upright = tab.page.locator("#view.upright")
    tab.until(lambda: upright.count() == 1, "a picture that stands")
    press(tab, "ru", "Begin")
    until_said(tab, words_of("ru", "turn_left"))
    insecure_camera.turn(tab.page)
    tab.until(lambda: upright.count() == 0, "a picture that lies")
    until_said(tab, words("ru", "The phone was turned. Turn it back: then another task follows."))
    assert tab.page.locator("[data-stuck]").is_visible()
    tab.look()
    assert dialogue.lost == []
    insecure_camera.turn(tab.page)
    tab.until_heading(words("ru", "One moment"))
    assert dialogue.lost == ["turn_left"]
    sent = [dialogue.step(number).sent for number in range(4) if dialogue.is_sent(number)]
    assert len(sent) == 3
    # A capture whose frames differ in size is refused.
    assert {
        decode(frame, limits=policy.FRAMES).shape for step in sent for frame in step.stills
    } == {(640, 480, 3)}
    assert {decode(frame, limits=policy.CHAIN).shape for step in sent for frame in step.chain} == {
        (320, 240, 3)
    }


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_reload_in_the_middle_goes_on_with_another_command_once_the_phone_is_held_as_before(
    opened: Open, is_turned: bool
) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=ORDER[:3], limits=AMPLE), size="phone", touch=True, own_time=True
    )
    turned_on(tab)
    press(tab, "en", "Begin")
    until_said(tab, words_of("en", "turn_left"))
    if is_turned:
        tab.page.add_init_script("window.insecureCamera.turn()")
    tab.page.reload()
    if is_turned:
        turned = "The phone was turned. Turn it back: then another task follows."
        until_said(tab, words("en", turned))
        assert dialogue.lost == []
        insecure_camera.turn(tab.page)
    tab.until_heading("One moment")
    assert dialogue.lost == ["turn_left"]
    assert tab.problems == []


def test_a_page_that_is_left_turns_the_camera_off_and_waits(opened: Open) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=ORDER[:3], limits=AMPLE), language="ru", size="phone", own_time=True
    )
    turned_on(tab, "ru")
    hide(tab, hidden=True)
    assert not insecure_camera.is_on(tab.page)
    hide(tab, hidden=False)
    tab.until_state("paused")
    tab.look()
    press(tab, "ru", "Continue")
    tab.until_state("live")
    press(tab, "ru", "Begin")
    until_said(tab, words_of("ru", "turn_left"))
    hide(tab, hidden=True)
    tab.until_state("paused")
    hide(tab, hidden=False)
    tab.page.locator("[data-state=paused] button").click()
    tab.until_heading(words("ru", "One moment"))
    assert dialogue.lost == ["turn_left"]


def hide(tab: Tab, *, hidden: bool) -> None:
    """The person looks at another app, or is back."""
    tab.page.evaluate(
        """hidden => { Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
           document.dispatchEvent(new Event("visibilitychange")); }""",  # noqa: E501
        hidden,
    )


@pytest.mark.parametrize("lost", ["question", "answer"])
def test_a_lost_connection_is_named_and_the_same_post_is_repeated(opened: Open, lost: str) -> None:
    order = ORDER[:2]
    tab, dialogue = opened(
        InsecureDialogue(order=order),
        language="kk",
        size="phone",
        expected=(*NO_NETWORK, "status of 409"),
    )
    turned_on(tab, "kk")
    bodies: list[list[str]] = []

    def break_twice(route: Route) -> None:
        # Between boundaries that are new each time stands what the page says.
        bodies.append(re.findall(r"\{.*\}", route.request.post_data or ""))
        if route.request.method != "POST" or len(bodies) > 2:
            route.continue_()
            return
        if lost == "answer":
            route.fetch()
        route.abort()

    tab.page.route("**/v/now/", break_twice)
    press(tab, "kk", "Begin")
    tab.until(lambda: tab.page.locator("[data-offline]").is_visible(), "the notice")
    tab.look()
    until_said(tab, words_of("kk", "turn_left"))
    assert not tab.page.locator("[data-offline]").is_visible()
    assert bodies[0] == bodies[1] == bodies[2] != []
    tab.until_heading(words("kk", "One moment"))
    # Where the answer was lost, too little was left of the first window: it was asked for again.
    sent = [dialogue.step(number).sent.command for number in range(4) if dialogue.is_sent(number)]
    assert sent == list(order)


def test_pictures_that_cannot_be_read_are_named_and_may_be_sent_again(opened: Open) -> None:
    tab, dialogue = opened(
        InsecureDialogue(unreadable=1), expected=("status of 422",), own_time=True
    )
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_state("unread")
    press(tab, "en", "Try again")
    tab.until_state("live")
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    assert dialogue.step(3).is_bound


def test_a_session_that_ended_meanwhile_is_named_by_its_page(opened: Open) -> None:
    tab, _ = opened(expected=("status of 410",))
    turned_on(tab)
    tab.page.context.clear_cookies(name="tulga_borrower")
    tab.until_heading("Nothing is open in this browser")
