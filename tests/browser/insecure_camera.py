"""A camera of canvas in place of a real one: a drawing that moves, its left side red, or one of the
known failures.

It gives a picture so often, or where the page's clock is a test's own, whenever the page waits for
the next one: what the page then takes was drawn at that moment, and not some pictures before.
"""

from playwright.sync_api import Page

_CAMERA = """
(fault, width, height, every) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const draw = () => {
    const turn = performance.now() / 400;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#31434f";
    context.fillRect(0, 0, width, height);
    context.fillStyle = "#c01010";
    context.fillRect(0, 0, 60, height);
    context.setTransform(1, 0, 0, 1, width / 2 - 320, height / 2 - 240);
    context.fillStyle = "#d9a58a";
    context.beginPath();
    context.ellipse(320 + 18 * Math.sin(turn), 240, 105, 145, 0, 0, 7);
    context.fill();
    context.fillStyle = "#2a2326";
    for (const eye of [275, 365]) context.fillRect(eye - 14 + 26 * Math.sin(turn), 205, 28, 10);
    context.fillRect(290 + 22 * Math.sin(turn), 310, 60, 10);
    context.fillStyle = "#ffffff";
    if (performance.now() < window.insecureCamera?.flashUntil) context.fillRect(60, 60, 520, 200);
    for (let spot = 0; spot < 200; spot += 1) {
      context.fillStyle = `rgb(${90 * Math.random()} 90 120 / .3)`;
      context.fillRect(640 * Math.random(), 480 * Math.random(), 3, 3);
    }
  };
  const show = () => {
    draw();
    for (const stream of window.insecureCamera.streams) stream.getVideoTracks()[0].requestFrame();
  };
  draw();
  if (every) setInterval(draw, every);
  else {
    const { requestVideoFrameCallback } = HTMLVideoElement.prototype;
    HTMLVideoElement.prototype.requestVideoFrameCallback = function (call) {
      const again = setInterval(show, 1_000); // a browser may drop a picture
      requestVideoFrameCallback.call(this, (...given) => {
        clearInterval(again);
        call(...given);
      });
      show();
    };
  }
  const turn = () => {
    [width, height] = [height, width];
    Object.assign(canvas, { width, height });
    const again = setInterval(() => {
      show(); // also to a page that waits for no picture
      if (document.querySelector("video")?.videoWidth === width) clearInterval(again);
    }, 50);
  };
  window.insecureCamera = { fault, streams: [], turn };
  const give = async () => {
    const fault = window.insecureCamera.fault;
    if (fault === "silent") return new Promise(() => {});
    if (fault) {
      await new Promise((later) => setTimeout(later, 700)); // a person takes a moment to answer the browser
      throw new DOMException("made by a test", fault);
    }
    const stream = canvas.captureStream(every ? 15 : 0);
    window.insecureCamera.streams.push(stream);
    if (!every) show();
    return stream;
  };
  if (fault === "missing") Object.defineProperty(navigator, "mediaDevices", { value: undefined });
  else navigator.mediaDevices.getUserMedia = give;
}
"""  # noqa: E501


def put(page: Page, *, fault: str = "", upright: bool = False, every_ms: int = 66) -> None:
    """From the next page on the camera is ours; `fault` is the name of what goes wrong: an error,
    silent, missing.

    every_ms: from one picture to the next; 0 for one whenever the page waits for it.
    """
    width, height = (480, 640) if upright else (640, 480)
    page.add_init_script(f"({_CAMERA})({fault!r}, {width}, {height}, {every_ms})")


def mend(page: Page) -> None:
    """The camera of the open page works from now on."""
    page.evaluate("window.insecureCamera.fault = ''")


def turn(page: Page) -> None:
    """The phone is turned by a quarter: its pictures are as high from now on as they were wide."""
    page.evaluate("window.insecureCamera.turn()")


def flash(page: Page, *, command: str, after_ms: tuple[int, ...], ms: int) -> None:
    """Something short happens in the picture, so long after a command is shown: white on the
    brow.
    """
    page.evaluate(
        """([command, all, ms]) => new MutationObserver((_, watch) => {
          if (document.querySelector(`#camera [data-command=${command}]`).hidden) return;
          watch.disconnect();
          for (const at of all) setTimeout(() => {
            window.insecureCamera.flashUntil = performance.now() + ms;
          }, at);
        }).observe(document.querySelector("#camera"), { subtree: true, attributeFilter: ["hidden"] })""",  # noqa: E501
        [command, list(after_ms), ms],
    )


def break_off(page: Page) -> None:
    """The camera is pulled out: what it gave ends, as it does when another programme takes it."""
    page.evaluate(
        "window.insecureCamera.streams.forEach((stream) => stream.getTracks().forEach((t) =>"
        " t.stop()))"
    )


def is_on(page: Page) -> bool:
    """Whether any picture still comes."""
    live = (
        "window.insecureCamera.streams.some((stream) => stream.getTracks().some((t) => t.readyState"
        " === 'live'))"
    )
    return bool(page.evaluate(live))
