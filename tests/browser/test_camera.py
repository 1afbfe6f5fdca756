"""The page of the live capture in a real browser: the camera is a canvas, the dialogue is the real one."""

import io
import time
from dataclasses import replace

import pytest
from PIL import Image

from tests.browser import insecure_camera
from tests.browser.capture_page import ON, Open, commands_shown, fits, opened, turned_on
from tests.browser.insecure_dialogue import AMPLE, HELD, LIMITS, ORDER, InsecureDialogue
from tests.browser.steps import press, words
from verification.engines.liveness import policy
from verification.engines.liveness.frames import decode
from verification.stages.live_capture import dialogue as live_capture

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


EVERY = (live_capture.NEUTRAL, *live_capture.TURNS, *live_capture.OTHERS)


def colour(picture: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """The red, green and blue of one point."""
    found = picture.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return found


# The whole way


@pytest.mark.parametrize(("language", "size"), [("kk", "phone"), ("ru", "phone"), ("ru", "desk"), ("kk", "desk")])
def test_every_page_of_a_capture_is_whole_on_the_screen(opened: Open, language: str, size: str) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=EVERY, limits=HELD), language=language, size=size, touch=size == "phone"
    )

    def look(name: str) -> None:
        tab.look(f"camera-{name}-{language}-{size}")

    look("1-ready")
    assert tab.page.locator(".handheld").is_visible() == (size == "phone")
    press(tab, language, "Continue")
    tab.until_state("primer")
    look("2-primer")
    press(tab, language, ON)
    tab.until_state("live")
    tab.until(lambda: len(dialogue.asked) > 1, "a second hint")
    assert fits(tab, "#order", "#begin")
    look("3-guide")
    commands_shown(tab, dialogue, lambda command: look(f"4-{command}"), language=language, order=EVERY)
    assert tab.problems == []


def test_a_borrower_is_led_through_every_command(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=EVERY), own_time=True)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    assert [dialogue.facts(step)["command"] for step in range(len(EVERY))] == list(EVERY)
    assert tab.problems == []


def test_frames_are_few_small_bound_and_in_order(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:3], limits=AMPLE), own_time=True)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    for step in range(3):
        facts = dialogue.facts(step)
        assert facts["sent"] == facts["bound"] == list(range(len(facts["sent"])))
        assert 8 <= len(facts["sent"]) <= LIMITS.frames_max
        assert all(len(frame) <= LIMITS.frame_max_bytes for frame in dialogue.frames(step))
        assert len(set(dialogue.frames(step))) == len(dialogue.frames(step))


def test_a_picture_that_does_not_fit_is_compressed_more_and_never_made_smaller(opened: Open) -> None:
    tight = replace(LIMITS, frame_max_bytes=4_600)
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2], limits=tight), own_time=True)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    sent = [frame for step in (0, 1) for frame in dialogue.frames(step)]
    assert {decode(frame, limits=policy.FRAMES).shape for frame in sent} == {(480, 640, 3)}


def test_a_slow_camera_sends_no_picture_twice(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2], limits=AMPLE), every_ms=250)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    for step in (0, 1):
        assert len(dialogue.frames(step)) >= 4
        assert len(set(dialogue.frames(step))) == len(dialogue.frames(step))


def test_what_happens_in_a_quarter_of_a_second_is_among_the_frames(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=("look_straight", "blink"), limits=AMPLE), own_time=True)
    turned_on(tab)
    # Ten frames spread over the window by time alone are some 450 ms apart, the second at 900: these fall in between.
    # Half the choice follows movement, most of which are these four changes: each is more than a ninth of the way.
    insecure_camera.flash(tab.page, command="blink", after_ms=(950, 2_850), ms=250)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    brows = [colour(Image.open(io.BytesIO(frame)), (320, 150)) for frame in dialogue.frames(1)]
    assert 2 <= sum(min(brow) > 200 for brow in brows) < 8


def test_the_preview_is_a_mirror_and_the_frames_are_not(opened: Open) -> None:
    tab, dialogue = opened(own_time=True)
    turned_on(tab)
    assert tab.page.locator("#preview").evaluate("e => getComputedStyle(e).transform").startswith("matrix(-1")
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    frame = Image.open(io.BytesIO(dialogue.frames(0)[0]))
    assert frame.size == (640, 480)
    red, green, _ = colour(frame, (20, 240))
    assert red > 3 * green
    red, green, _ = colour(frame, (600, 240))
    assert red < 2 * green


def test_a_real_camera_of_the_browser_is_taken_too(opened: Open) -> None:
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2], limits=AMPLE), real=True, switches=fake)
    press(tab, "en", "Continue")
    tab.until(lambda: tab.state() in ("primer", "live"), "the camera")
    if tab.state() == "primer":
        press(tab, "en", ON)
    tab.until_state("live")
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    assert len(dialogue.facts(1)["bound"]) >= 8
    assert tab.problems == []


# Hints


def test_hints_are_words_of_ours_and_at_most_two_a_second(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(hints=("no_face", "no_face", "<b>9.81</b>", "two_faces", "")))
    began = time.monotonic()
    turned_on(tab)
    seen: list[str] = []

    def watch() -> bool:
        shown = tab.page.locator("#hint").inner_text()
        if seen[-1:] != [shown]:
            seen.append(shown)
        return len(dialogue.asked) > 5 and shown.startswith("Good")

    tab.until(watch, "the last hint")
    assert len(dialogue.asked) <= 2 * (time.monotonic() - began)
    assert tab.page.locator("#hint").get_attribute("role") == "status"
    assert [line for line in seen if line] == [
        words("en", "We see no face. Look into the camera."),
        words("en", "More than one face. Be alone in the picture."),
        words("en", "Good. Press “Begin” when you are ready."),
    ]
    assert max(Image.open(io.BytesIO(dialogue.asked[0])).size) == 320


# What is not for everybody


def test_nothing_moves_for_who_asked_for_less_motion(opened: Open) -> None:
    tab, _ = opened()
    moving = "e => getComputedStyle(e).animationName"
    arrow = tab.page.locator("[data-command=turn_left] svg")
    tab.until(lambda: arrow.evaluate(moving) == "to-left", "the style sheet")
    tab.page.emulate_media(reduced_motion="reduce")
    assert arrow.evaluate(moving) == "none"


def test_a_phone_held_sideways_is_told_to_turn(opened: Open) -> None:
    tab, _ = opened(size="phone", touch=True)
    turned_on(tab)
    told = tab.page.get_by_text("then your whole face fits")
    assert not told.is_visible()
    tab.page.set_viewport_size({"width": 844, "height": 390})
    tab.until(told.is_visible, "the words")
