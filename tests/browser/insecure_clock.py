"""A clock for the page of the capture that stands while the page is busy: how loaded a machine is
decides no test.

In real time a busy machine takes fewer pictures of a command's window than a phone does, down to
none of what lasts a quarter of a second. By this clock each picture costs the page the time it
pauses for and no more, so their number and their moments are the same everywhere; and what is only
waiting passes ten times as fast.
"""

from playwright.sync_api import Page

_CLOCK = """
(() => {
  const [TICK_MS, PASS_MS, GONE_MS] = [5, 50, 2_000]; // real, the page's at most, real: then no picture comes any more
  const real = window.setTimeout;
  const due = new Map();
  let [now, busy, last] = [performance.now(), 0, 0];
  const atWork = async (done) => { busy += 1; try { return await done; } finally { busy -= 1; } };
  const next = () => [...due].sort(([first, one], [second, other]) => one.at - other.at || first - second)[0];
  const tick = () => {
    if (!busy) {
      now = Math.min(now + PASS_MS, Math.max(now, next()?.[1].at ?? Infinity));
      for (let one = next(); one && one[1].at <= now && !busy; one = next()) {
        due.delete(one[0]);
        one[1].call();
      }
    }
    real(tick, TICK_MS);
  };
  real(tick, TICK_MS);
  performance.now = () => now;
  window.setTimeout = (call, ms = 0, ...given) => {
    due.set((last += 1), { at: now + ms, call: () => call(...given) });
    return last;
  };
  window.clearTimeout = (number) => due.delete(number);

  // What the page works at, or waits for from outside: a request, a picture to be made small, the camera and its next.
  const { prototype: permissions } = Permissions;
  const { prototype: media } = HTMLMediaElement;
  for (const [kind, name] of [[window, "fetch"], [permissions, "query"], [media, "play"]]) {
    const asked = kind[name];
    kind[name] = function (...given) { return atWork(asked.apply(this, given)); };
  }
  const { toBlob } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.toBlob = function (call, ...given) {
    atWork(new Promise((made) => toBlob.call(this, (blob) => { call(blob); made(); }, ...given)));
  };
  const { requestVideoFrameCallback } = HTMLVideoElement.prototype;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (call) {
    const came = new Promise((came) => requestVideoFrameCallback.call(this, (...given) => { call(...given); came(); }));
    atWork(Promise.race([came, new Promise((gone) => real(gone, GONE_MS))]));
  };
})();
"""  # noqa: E501


def put(page: Page) -> None:
    """From the next page on its time is ours."""
    page.add_init_script(_CLOCK)


def keep_times(page: Page) -> None:
    """From now on the open page's clock is read whenever another of its states is shown."""
    page.evaluate("""() => {
          const shown = (window.insecureShown = {});
          new MutationObserver(() => {
            for (const state of document.querySelectorAll("#camera [data-state]:not([hidden])"))
              shown[state.dataset.state] ??= performance.now();
          }).observe(document.querySelector("#camera"), { subtree: true, attributeFilter: ["hidden"] });
        }""")  # noqa: E501


def ms_between(page: Page, first: str, then: str) -> float:
    """What passed, by the page's clock, from the first showing of one state to that of another."""
    return float(
        page.evaluate(
            "([first, then]) => insecureShown[then] - insecureShown[first]", [first, then]
        )
    )
