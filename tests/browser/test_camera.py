"""The page of the live capture in a real browser: the camera is a canvas, the dialogue is the real
one.
"""

import io
import time
from dataclasses import replace
from functools import partial

import pytest
from PIL import Image

from tests.browser import insecure_camera
from tests.browser.capture_page import (
    ON,
    Open,
    fits,
    opened,
    turned_on,
    until_said,
    words_of,
)
from tests.browser.insecure_dialogue import AMPLE, HELD, LIMITS, ORDER, InsecureDialogue
from tests.browser.steps import press, words
from verification.engines.liveness import policy
from verification.engines.liveness.frames import decode
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import policy as capture_policy

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


FAR = {
    "offline": False,
    "latency": 700,
    "downloadThroughput": -1,
    "uploadThroughput": -1,
}  # milliseconds there and back
EVERY = (live_capture.NEUTRAL, *capture_policy.TURNS, *capture_policy.OTHERS)


def colour(picture: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """The red, green and blue of one point."""
    found = picture.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return found


# The whole way


@pytest.mark.parametrize(
    ("language", "size", "commands"), [("kk", "phone", EVERY), ("ru", "desk", EVERY[:2])]
)
def test_every_page_of_a_capture_is_whole_on_the_screen(
    opened: Open, language: str, size: str, commands: tuple[str, ...]
) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=commands, limits=HELD, keeps=True),
        language=language,
        size=size,
        touch=size == "phone",
    )
    assert tab.page.locator(".handheld").is_visible() == (size == "phone")
    press(tab, language, "Continue")
    tab.until_state("primer")
    tab.look()
    press(tab, language, ON)
    tab.until_state("live")
    tab.until(lambda: len(dialogue.asked) > 1, "a second hint")
    assert fits(tab, "#order", "#begin")
    tab.look()
    press(tab, language, "Begin")
    for step, command in enumerate(commands):
        if step:
            dialogue.reveal(step)
            tab.page.reload()
        until_said(tab, words_of(language, command))
        assert fits(tab, "#order", "#progress")
        tab.look()


def test_every_command_sends_a_thin_chain_and_few_full_frames_bound_and_within_the_budget(
    opened: Open,
) -> None:
    tab, dialogue = opened(InsecureDialogue(order=EVERY, limits=AMPLE), own_time=True)
    turned_on(tab)
    shown = tab.page.locator("#preview").evaluate("e => getComputedStyle(e).transform")
    assert shown.startswith("matrix(-1"), "the preview is no mirror"
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    # The frames are none: the camera's red edge stays at its side.
    first = Image.open(io.BytesIO(dialogue.step(0).sent.stills[0]))
    for at, is_red in (((20, 240), True), ((600, 240), False)):
        red, green, _ = colour(first, at)
        assert (red > 3 * green, red < 2 * green) == (is_red, not is_red)
    assert tab.problems == []
    for number, command in enumerate(EVERY):
        step = dialogue.step(number)
        assert step.sent.command == command
        assert step.is_bound
        assert len(step.sent.stills) == (AMPLE.rest_stills if number == 0 else AMPLE.stills)
        ends = AMPLE.rest_ms if number == 0 else AMPLE.window_ms
        assert step.taken_ms[0] >= 500
        assert ends - 3 * AMPLE.chain_ms <= step.taken_ms[-1] <= ends + AMPLE.chain_ms
        assert len(step.sent.chain) >= 0.8 * (ends - 500) / AMPLE.chain_ms
        assert max(map(len, step.sent.chain)) <= AMPLE.chain_bytes
        assert max(map(len, step.sent.stills)) <= AMPLE.still_bytes
        assert len(set(step.sent.stills)) == len(step.sent.stills)
        assert {decode(frame, limits=policy.CHAIN).shape for frame in step.sent.chain} == {
            (240, 320, 3)
        }
        assert {decode(frame, limits=policy.FRAMES).shape for frame in step.sent.stills} == {
            (480, 640, 3)
        }
        parts = [kind for kind in dialogue.taken if kind.startswith(f"live_capture.{number}.part.")]
        assert len(parts) == AMPLE.parts


def test_a_picture_that_does_not_fit_is_compressed_more_and_never_made_smaller(
    opened: Open,
) -> None:
    tight = replace(LIMITS, still_bytes=4_600, chain_bytes=1_500)
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2], limits=tight), own_time=True)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    sent = [dialogue.step(number) for number in (0, 1)]
    assert {
        decode(frame, limits=policy.FRAMES).shape for step in sent for frame in step.sent.stills
    } == {(480, 640, 3)}
    assert {
        decode(frame, limits=policy.CHAIN).shape for step in sent for frame in step.sent.chain
    } == {(240, 320, 3)}


def test_over_a_slow_line_the_pictures_of_the_chain_are_smaller(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2]))
    line = tab.page.context.new_cdp_session(tab.page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", FAR)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    chain = [frame for number in (0, 1) for frame in dialogue.step(number).sent.chain]
    assert {decode(frame, limits=policy.CHAIN).shape for frame in chain} == {(160, 213, 3)}


def test_a_slow_camera_sends_no_picture_twice(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER[:2], limits=AMPLE), every_ms=350)
    turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    for number in (0, 1):
        chain = dialogue.step(number).sent.chain
        assert len(chain) >= 4
        assert len(set(chain)) == len(chain)


def test_what_differs_most_from_the_first_picture_is_sent_in_full(opened: Open) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=("look_straight", "blink"), limits=AMPLE), own_time=True
    )
    turned_on(tab)
    insecure_camera.flash(tab.page, command="blink", after_ms=(2_850,), ms=350)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    brows = [
        colour(Image.open(io.BytesIO(frame)), (320, 150)) for frame in dialogue.step(1).sent.stills
    ]
    assert [min(brow) > 200 for brow in brows] == [False, True]


# Hints


def test_hints_are_words_of_ours_and_at_most_two_a_second(opened: Open) -> None:
    tab, dialogue = opened(
        InsecureDialogue(hints=("no_face",) * 5 + ("<b>9.81</b>",) + ("two_faces",) * 5 + ("",))
    )
    began = time.monotonic()
    turned_on(tab)
    seen: list[str] = []

    def watch() -> bool:
        shown = tab.page.locator("#hint").inner_text()
        if seen[-1:] != [shown]:
            seen.append(shown)
        return len(dialogue.asked) > 11 and shown.startswith("Your face fits")

    tab.until(watch, "the last hint")
    assert len(dialogue.asked) <= 2 * (time.monotonic() - began)
    assert tab.page.locator("#hint").get_attribute("role") == "status"
    assert [line for line in seen if line] == [
        words("en", "We see no face. Look into the camera."),
        words("en", "More than one face. Be alone in the picture."),
        words("en", "Your face fits. Stay like that."),
    ]
    assert max(Image.open(io.BytesIO(dialogue.asked[0])).size) == 240


# What is not for everybody


def test_nothing_moves_for_who_asked_for_less_motion(opened: Open) -> None:
    tab, _ = opened()
    tab.page.emulate_media(reduced_motion="no-preference")
    moving = "e => getComputedStyle(e).animationName"
    arrow = tab.page.locator("[data-command=turn_left] svg")
    tab.until(lambda: arrow.evaluate(moving) == "to-left", "the style sheet")
    tab.page.emulate_media(reduced_motion="reduce")
    assert arrow.evaluate(moving) == "none"


def test_a_phone_held_sideways_is_told_to_turn_and_has_all_on_the_screen(opened: Open) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=ORDER[:2], limits=HELD, hints=("not_centred", ""), keeps=True),
        language="kk",
        size="phone",
        touch=True,
    )
    turned_on(tab, "kk")
    told = tab.page.locator(".landscape")
    assert not told.is_visible()
    tab.page.set_viewport_size({"width": 568, "height": 320})
    tab.until(lambda: len(dialogue.asked) > 2, "a face that fits")
    for place in ("#order", ".landscape", "#hint", "#view", "[data-begin]"):
        tab.until(partial(fits, tab, place, place), place)
    tab.look()
    press(tab, "kk", "Begin")
    tab.until(lambda: not told.is_visible(), "a capture that stays upright")
    dialogue.reveal(1)
    tab.page.reload()
    until_said(tab, words_of("kk", "turn_left"))
    for place in ("#order", "#count", "#view", "#progress"):
        tab.until(partial(fits, tab, place, place), place)
    tab.look()
