"""When a capture begins, and what its page says of what was seen, aloud too."""

import json
from itertools import pairwise

import pytest

from tests.browser.capture_page import (
    COMMANDS,
    Open,
    keep_words,
    kept_words,
    opened,
    said,
    turned_on,
    until_said,
)
from tests.browser.insecure_dialogue import ORDER, InsecureDialogue
from tests.browser.steps import press, words
from verification.stages.live_capture.dialogue import OTHER_ORDER

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# Begin

# Every change of the hint, by the page's clock in milliseconds.
_KEEP_TIMES = """() => {
  const [hint, times] = [document.querySelector("#hint"), (window.insecureTimes = [])];
  new MutationObserver(() => times.push(performance.now())).observe(hint, { childList: true });
}"""


def test_begin_works_only_while_the_face_fits(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(hints=("too_far", "too_far", "", "", "too_dark")))
    turned_on(tab)
    button = tab.page.locator("[data-begin]")
    tab.until(lambda: len(dialogue.asked) == 2, "two hints")
    assert button.is_disabled()
    tab.until(button.is_enabled, "a face that fits")
    tab.until(button.is_disabled, "a face that fits no longer")
    dark = words("en", "It is too dark. Turn on a light.")
    tab.until(lambda: tab.page.locator("#hint").inner_text() == dark, "the hint")


def test_one_hint_of_three_that_tells_a_mask_is_not_said_and_two_are(opened: Open) -> None:
    hints = ("", "", "mask_on", "", "", "mask_on", "", "mask_on")
    tab, dialogue = opened(InsecureDialogue(hints=hints))
    keep_words(tab, "#hint")
    turned_on(tab)
    tab.until(lambda: len(dialogue.asked) > len(hints), "all hints")
    tab.until(lambda: tab.page.locator("[data-begin]").is_disabled(), "a mask")
    fits, mask_off = (
        words("en", each)
        for each in (
            "Your face fits. Stay like that.",
            "Take the mask off: mouth and nose must be seen.",
        )
    )
    tab.until(lambda: kept_words(tab) == [fits, mask_off], "two hints")


def test_a_hint_stays_for_two_seconds_however_often_the_picture_changes(opened: Open) -> None:
    flapping = ("too_far", "too_near", "not_centred", "too_dark") * 5
    tab, dialogue = opened(InsecureDialogue(hints=flapping))
    tab.page.evaluate(_KEEP_TIMES)
    turned_on(tab)
    tab.until(lambda: len(dialogue.asked) >= len(flapping) - 2, "the hints")
    times = [float(each) for each in tab.page.evaluate("window.insecureTimes")]
    assert len(times) >= 4
    assert min(later - sooner for sooner, later in pairwise(times)) >= 1_990
    assert tab.page.locator("#hint").get_attribute("role") == "status"  # each change is announced


def test_a_capture_begins_by_itself_when_the_face_has_fitted_for_a_second(opened: Open) -> None:
    order = ORDER[:2]
    tab, dialogue = opened(
        InsecureDialogue(order=order, hints=("too_far", "", "too_far", "")), by_itself=True
    )
    turned_on(tab)
    tab.until_heading("One moment")
    assert len(dialogue.asked) >= 5
    assert dialogue.is_sent(1)
    assert tab.problems == []


def test_whoever_switches_that_off_begins_by_hand_the_next_time_too(opened: Open) -> None:
    tab, dialogue = opened(by_itself=True)
    tab.page.get_by_label(words("en", "Start automatically when my face is in the oval")).uncheck()
    tab.page.reload()
    assert not tab.page.get_by_label(
        words("en", "Start automatically when my face is in the oval")
    ).is_checked()
    turned_on(tab)
    tab.until(lambda: len(dialogue.asked) > 4, "hints")
    assert tab.page.locator("[data-begin]").is_enabled()
    assert not dialogue.is_sent(0)


# Aloud

_VOICE = """
(() => {
  window.insecureSpoken = [];
  const voices = [{ lang: "ru-RU", name: "made by a test" }];
  Object.defineProperty(window, "speechSynthesis", { value: {
    getVoices: () => voices, addEventListener: () => {}, cancel: () => {},
    speak: (said) => window.insecureSpoken.push(said.text),
  } });
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
})();
"""


@pytest.mark.parametrize(("language", "is_offered"), [("ru", True), ("kk", False)])
def test_tasks_are_said_aloud_where_that_is_wanted_and_the_device_has_the_language(
    opened: Open, language: str, is_offered: bool
) -> None:
    tab, dialogue = opened(
        InsecureDialogue(order=ORDER[:2], stays=True),
        language=language,
        own_time=True,
        script=_VOICE,
    )
    box = tab.page.get_by_label(words(language, "Say the tasks aloud"))
    if is_offered:
        tab.until(box.is_visible, "the box")
        box.check()
    else:
        tab.until_state("ready")
        assert not box.is_visible()
    turned_on(tab, language)
    press(tab, language, "Begin")
    tab.until(lambda: dialogue.is_sent(1), "the last command")
    spoken = tab.page.evaluate("window.insecureSpoken ?? []")
    assert (words(language, COMMANDS["turn_left"]) in spoken) == is_offered


# What was seen


def test_what_was_seen_is_told_and_never_of_what_was_not(opened: Open) -> None:
    language = "ru"
    dialogue = InsecureDialogue(order=ORDER[:3], misses=("turn_left",), replaced_max=1, stays=True)
    tab, dialogue = opened(dialogue, language=language, size="phone")
    keep_words(tab)
    turned_on(tab, language)
    press(tab, language, "Begin")
    until_said(tab, words(language, "Not seen. Look straight: another task follows."))
    tab.look()
    tab.until(
        lambda: dialogue.is_sent(3) and said(tab) == words(language, "One moment."),
        "the last command",
    )
    told = kept_words(tab)
    assert told.index(words(language, "Now the tasks.")) < told.index(
        words(language, COMMANDS["turn_left"])
    )
    after_left = told[told.index(words(language, COMMANDS["turn_left"])) + 1 :]
    assert after_left[:2] == [words(language, each) for each in ("One moment.", _UNSEEN)]
    assert words(language, "Seen. Look straight again.") in after_left


def test_the_command_that_ended_the_last_capture_is_named_before_the_next(opened: Open) -> None:
    dialogue = InsecureDialogue(order=ORDER[:2], missed="nod")
    tab, _ = opened(dialogue, language="ru", size="phone")
    named = tab.page.locator("[data-missed] [data-was]")
    tab.until(lambda: named.inner_text() == words("ru", COMMANDS["nod"]), "the command")
    tab.look()


_UNSEEN = "Not seen. Look straight: another task follows."


# Who cannot do some of it


def test_who_cannot_do_some_of_it_says_so_first_and_is_asked_for_the_rest(opened: Open) -> None:
    language = "ru"
    tab, dialogue = opened(language=language, own_time=True)
    tab.page.get_by_text(
        words(language, "I cannot turn my head, close my eyes or open my mouth")
    ).click()
    for message in ("Turn my head to the side", "Open my mouth wide"):
        tab.page.get_by_label(words(language, message)).check()
    tab.look()
    turned_on(tab, language)
    press(tab, language, "Begin")
    tab.until_heading(words(language, "One moment"))
    assert json.loads(dialogue.taken[OTHER_ORDER])["without"] == ["open_mouth", "turn"]
    shown = {dialogue.step(number).sent.command for number in range(4)}
    assert shown == {"look_straight", "blink", "come_closer", "nod"}
    assert tab.problems == []
