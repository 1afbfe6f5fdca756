"""A camera of canvas that shows a face doing what the page asks: warped frames of one portrait,
never a person.

It reads the command off the page as a borrower would. Whoever can make such frames needs no live
person: this is the attack of docs/security/liveness.md, and here the positive control.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from playwright.sync_api import Page, Route

from insecure_sandbox.warp import Play
from tests.painted import painted
from tests.verification.stories import camera_story
from verification.stages.live_capture import policy as capture_policy

FRAMES = 12  # of one gesture, in the order they are played
_ADDRESS = "/insecure-camera/frames.json"
_GESTURES = cast("tuple[Play, ...]", ("neutral", *capture_policy.TURNS, *capture_policy.OTHERS))

# The page's policy forbids pictures and requests of other origins; this asks its own, and the test
# answers.
_CAMERA = """
({ address, width, height, plays }) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const noise = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
  const grain = noise.getContext("2d").createImageData(noise.width, noise.height);
  for (let at = 0; at < grain.data.length; at += 4) {
    grain.data.fill(256 * Math.random(), at, at + 3);
    grain.data[at + 3] = 5;
  }
  noise.getContext("2d").putImageData(grain, 0, 0);
  const decode = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  };
  const camera = (window.insecureCamera = { plays, pictures: null });
  const scale = height > width ? 1.15 : 1; // a phone is held nearer than a screen stands
  // Of a window of 7 s the page captures 4.6: not while the head comes back to straight, nor for the way to the server.
  const GESTURE_MS = 4_000;
  let shown = "";
  let since = 0;
  const draw = () => {
    const now = document.querySelector("#camera [data-command]:not([hidden])")?.dataset.command ?? "";
    if (now !== shown) [shown, since] = [now, performance.now()];
    const sequence = camera.pictures[camera.plays[now] ?? now];
    const passed = (performance.now() - since - 400) / GESTURE_MS;
    const at = sequence ? Math.floor(Math.min(Math.max(passed, 0), 0.999) * sequence.length) : 0;
    const still = camera.pictures.neutral;
    const picture = sequence?.[at] ?? still[Math.floor(Math.random() * still.length)];
    context.fillStyle = "#787878";
    context.fillRect(0, 0, width, height);
    const [wide, high] = [picture.width * scale, picture.height * scale];
    context.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
    context.drawImage(noise, -width * Math.random(), -height * Math.random());
  };
  navigator.mediaDevices.getUserMedia = async () => {
    const sequences = Object.entries(await (await fetch(address)).json());
    camera.pictures = Object.fromEntries(
      await Promise.all(sequences.map(async ([name, texts]) => [name, await Promise.all(texts.map(decode))])));
    draw();
    setInterval(draw, 100); // as often as the page looks: oftener would only cost a busy machine pictures
    const stream = canvas.captureStream(15);
    // A canvas has another name each time, a camera keeps its own.
    for (const track of stream.getVideoTracks()) Object.defineProperty(track, "label", { value: "camera" });
    return stream;
  };
}
"""  # noqa: E501


def at_rest() -> tuple[bytes, ...]:
    """The frames in which the face does nothing."""
    return painted(camera_story.portraits() / "obama3.jpg", "neutral", FRAMES, seed=7)


def paint(seed: int) -> None:
    """Paints what `put` shows by this seed, where that may take its time."""
    _gestures(seed)


@cache
def _gestures(seed: int) -> str:
    portrait = camera_story.portraits() / "obama3.jpg"
    return _written(
        {gesture: painted(portrait, gesture, FRAMES, seed=seed) for gesture in _GESTURES}
    )


def _written(pictures: Mapping[str, Sequence[bytes]]) -> str:
    return json.dumps(
        {
            name: [base64.b64encode(jpeg).decode() for jpeg in sequence]
            for name, sequence in pictures.items()
        }
    )


def put(
    page: Page,
    *,
    upright: bool = False,
    plays: dict[str, str] | None = None,
    pictures: Mapping[str, Sequence[bytes]] | None = None,
    seed: int = 7,
) -> None:
    """From the next page on the camera is ours. `plays` names what is shown for a command instead
    of it.

    pictures: sequences by name in place of the gestures, `neutral` among them. seed: of the
    gestures; with another one they are done in another way, for nobody does a thing twice alike.
    """
    _serve(page, _written(pictures) if pictures else _gestures(seed))
    width, height = (480, 640) if upright else (640, 480)
    told = {"address": _ADDRESS, "width": width, "height": height, "plays": plays or {}}
    page.add_init_script(f"({_CAMERA})({json.dumps(told)})")


def move_otherwise(page: Page, *, seed: int) -> None:
    """When the camera is next turned on, gestures are done in another way: what is shown again is a
    replay.
    """
    _serve(page, _gestures(seed))


def _serve(page: Page, sequences: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=sequences, content_type="application/json")

    page.route(f"**{_ADDRESS}", answer)


def play(page: Page, plays: dict[str, str]) -> None:
    """From now on the open page's camera shows this instead of what is asked."""
    page.evaluate("plays => { window.insecureCamera.plays = plays }", plays)
