"""What a real browser tells of its camera with each part, and which signs of injection that
raises.
"""

import json

import pytest

from tests.browser.capture_page import ON, Open, opened, turned_on
from tests.browser.insecure_dialogue import AMPLE, InsecureDialogue
from tests.browser.steps import press
from tests.browser.tab import Tab
from verification.engines.liveness.injection import Injection, injection_of
from verification.stages.live_capture.policy import INJECTION

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FAKE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
ORDER = ("look_straight", "blink", "nod")  # so many pictures that their moments tell
SHORT = ORDER[:2]
RENAMED = """
Object.defineProperty(MediaStreamTrack.prototype, "label", { get: () => "OBS Virtual Camera" });
"""
# A stream of a page's own making: a script in the page can give it any picture at any
# time.
MADE = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d");
  const track = new MediaStreamTrackGenerator({ kind: "video" });
  const writer = track.writable.getWriter();
  let shown = 0;
  const shows = setInterval(() => {
    if (track.readyState === "ended") return clearInterval(shows);
    for (let spot = 0; spot < 200; spot += 1) {
      context.fillStyle = `rgb(${255 * Math.random()} 90 120)`;
      context.fillRect(640 * Math.random(), 480 * Math.random(), 30, 30);
    }
    writer.write(new VideoFrame(canvas, { timestamp: 40_000 * shown })).catch(() => clearInterval(shows));
    shown += 1;
    return undefined;
  }, 40);
  return new MediaStream([track]);
};
"""  # noqa: E501
# A phone that lies still gives the same numbers again and again.
LYING = """
setInterval(() => {
  const pull = { x: 0.1, y: 0.2, z: 9.8 + (window.insecureMove ?? 0) * Math.random() };
  window.dispatchEvent(new DeviceMotionEvent("devicemotion", { accelerationIncludingGravity: pull, interval: 16 }));
}, 16);
"""  # noqa: E501
NEVER_ASKED = (
    "DeviceMotionEvent.requestPermission = async () => { window.insecureAsked = true; return"
    " 'granted'; };"
)


def captured(tab: Tab, dialogue: InsecureDialogue) -> Injection:
    """Plays a capture; gives what its parts told, without the pictures."""
    if tab.state() != "live":
        turned_on(tab)
    press(tab, "en", "Begin")
    tab.until_heading("One moment")
    assert tab.problems == []
    told = [dialogue.step(number).cameras for number in range(len(dialogue.order))]
    assert [len(parts) for parts in told] == [AMPLE.parts] * len(dialogue.order)
    return injection_of([], told, limits=INJECTION)


def test_a_camera_that_is_named_as_software_raises_one_sign_and_a_phone_that_lies_still_says_so(
    opened: Open,
) -> None:
    tab, dialogue = opened(InsecureDialogue(order=SHORT, limits=AMPLE), script=RENAMED + LYING)
    found = captured(tab, dialogue)
    assert INJECTION.raised(found) == ("virtual_camera",)
    assert (found.virtual, found.cameras) == ("obs virtual camera", 1)
    assert found.events >= INJECTION.events
    assert found.moved == 0


def test_a_stream_of_a_canvas_on_a_phone_that_moves_raises_none_and_no_id_is_told(
    opened: Open,
) -> None:
    moving = "window.insecureMove = 0.5;" + NEVER_ASKED + LYING
    tab, dialogue = opened(InsecureDialogue(order=ORDER, limits=AMPLE), script=moving)
    found = captured(tab, dialogue)
    assert INJECTION.raised(found) == ()
    assert found.pictures >= INJECTION.pictures
    assert found.off_us is not None
    assert found.off_us > 10 * INJECTION.off_us
    assert 200 <= found.moved <= 500
    assert found.events >= INJECTION.events
    assert tab.page.evaluate("window.insecureAsked ?? false") is False, "asked for leave"
    parts = [json.loads(said) for kind, said in dialogue.taken.items() if ".part." in kind]
    assert not any("Id" in name for part in parts for name in part["camera"])


def test_the_camera_of_chromium_for_tests_is_known_by_its_label_alone(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER, limits=AMPLE), real=True, switches=FAKE)
    press(tab, "en", "Continue")
    tab.until(lambda: tab.state() in ("primer", "live"), "the camera")
    if tab.state() == "primer":
        press(tab, "en", ON)
    tab.until_state("live")
    found = captured(tab, dialogue)
    assert INJECTION.raised(found) == ("virtual_camera",)
    assert found.virtual == "fake_device"
    assert found.off_us is not None
    assert found.off_us > 10 * INJECTION.off_us


def test_a_stream_that_a_script_makes_is_found_by_its_clock(opened: Open) -> None:
    tab, dialogue = opened(InsecureDialogue(order=ORDER, limits=AMPLE), real=True, script=MADE)
    found = captured(tab, dialogue)
    assert INJECTION.raised(found) == ("regular_frames",)
