"""A camera of canvas in place of a real one: a drawing that moves, its left side red, or one of the known failures."""

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
    if (performance.now() < window.insecureCamera?.flashUntil) context.fillRect(215, 95, 210, 100);
    for (let spot = 0; spot < 200; spot += 1) {
      context.fillStyle = `rgb(${90 * Math.random()} 90 120 / .3)`;
      context.fillRect(640 * Math.random(), 480 * Math.random(), 3, 3);
    }
  };
  draw();
  setInterval(draw, every);
  window.insecureCamera = { fault, streams: [] };
  const give = async () => {
    const fault = window.insecureCamera.fault;
    if (fault === "silent") return new Promise(() => {});
    if (fault) throw new DOMException("made by a test", fault);
    const stream = canvas.captureStream(15);
    window.insecureCamera.streams.push(stream);
    return stream;
  };
  if (fault === "missing") Object.defineProperty(navigator, "mediaDevices", { value: undefined });
  else navigator.mediaDevices.getUserMedia = give;
}
"""


def put(page: Page, *, fault: str = "", upright: bool = False, every_ms: int = 66) -> None:
    """From the next page on the camera is ours; `fault` is the name of what goes wrong: an error, silent, missing."""
    width, height = (480, 640) if upright else (640, 480)
    page.add_init_script(f"({_CAMERA})({fault!r}, {width}, {height}, {every_ms})")


def mend(page: Page) -> None:
    """The camera of the open page works from now on."""
    page.evaluate("window.insecureCamera.fault = ''")


def flash(page: Page, *, after_ms: tuple[int, ...], ms: int) -> None:
    """Something short happens in the picture, at these times from now: white on the brow."""
    page.evaluate(
        """([all, ms]) => all.forEach((at) => setTimeout(() => {
          window.insecureCamera.flashUntil = performance.now() + ms;
        }, at))""",
        [list(after_ms), ms],
    )


def break_off(page: Page) -> None:
    """The camera is pulled out: what it gave ends, as it does when another programme takes it."""
    page.evaluate("window.insecureCamera.streams.forEach((stream) => stream.getTracks().forEach((t) => t.stop()))")


def is_on(page: Page) -> bool:
    """Whether any picture still comes."""
    live = "window.insecureCamera.streams.some((stream) => stream.getTracks().some((t) => t.readyState === 'live'))"
    return bool(page.evaluate(live))
