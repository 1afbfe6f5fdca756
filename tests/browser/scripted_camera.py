"""A camera of canvas that shows a face doing what the page asks: warped frames of one portrait,
never a person.

It reads command and time left off the page as a borrower would. No clock moves the face but the
page's own bar: a machine that is late with the command or with its pictures sees the whole gesture
in fewer of them, as it would of a person who hurries. An attacker who can make such frames needs
no live person: this is the attack of docs/security/liveness.md, and here the positive control.
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

_FRAMES = 12  # of one gesture, in the order they are played
_ADDRESS = "/insecure-camera/frames.json"
_GESTURES = cast("tuple[Play, ...]", ("neutral", *capture_policy.TURNS, *capture_policy.OTHERS))

# The page's policy forbids pictures and requests of other origins; this asks its own, and the test
# answers.
_CAMERA = """
({ address, width, height }) => {
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
  const camera = { pictures: null };
  const scale = height > width ? 1.15 : 1; // a phone is held nearer than a screen stands
  const DONE = 0.9; // share of the bar's way after which a gesture is done: the last picture shows what was drawn before it
  let shown = "";
  let began = 0; // of the bar, with the first picture of the command that is shown
  const draw = () => {
    const now = document.querySelector("#camera [data-command]:not([hidden])")?.dataset.command ?? "";
    const bar = document.querySelector("#progress")?.value ?? 0;
    if (now !== shown) [shown, began] = [now, 0];
    began ||= bar;
    const sequence = camera.pictures[now];
    const passed = (bar - began) / (DONE * (1 - began));
    const at = sequence ? Math.floor(Math.min(Math.max(passed, 0) || 0, 0.999) * sequence.length) : 0;
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


@cache
def _gestures() -> str:
    portrait = camera_story.portraits() / "obama3.jpg"
    return _written({name: painted(portrait, name, _FRAMES, seed=7) for name in _GESTURES})


def _written(pictures: Mapping[str, Sequence[bytes]]) -> str:
    return json.dumps(
        {
            name: [base64.b64encode(jpeg).decode() for jpeg in sequence]
            for name, sequence in pictures.items()
        }
    )


def put(
    page: Page, *, upright: bool = False, pictures: Mapping[str, Sequence[bytes]] | None = None
) -> None:
    """From the next page on the camera is ours.

    pictures: sequences by name in place of the gestures, `neutral` among them.
    """

    def answer(route: Route) -> None:
        written = _written(pictures) if pictures else _gestures()
        route.fulfill(body=written, content_type="application/json")

    page.route(f"**{_ADDRESS}", answer)
    width, height = (480, 640) if upright else (640, 480)
    told = {"address": _ADDRESS, "width": width, "height": height}
    page.add_init_script(f"({_CAMERA})({json.dumps(told)})")
