"""A page's own clock, which passes faster where the page only waits, and stands while a test looks.

Timers and `performance.now` agree on it. While it hurries it stands for as long as a picture, a JPEG or an answer is
under way: a busy machine that needs longer for them is given that time, and takes as many pictures as an idle one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page

RATE = 8  # of our seconds

_CLOCK = """
() => {
  const now = performance.now.bind(performance);
  const [set, clear, ask] = [setTimeout, clearTimeout, fetch].map((own) => own.bind(window));
  const sleeping = new Map();
  let rate = 1;
  let busy = 0; // what is under way
  let at = now(); // our time, at which the page's was `told`
  let told = at;
  let last = 1_000_000; // no id of the browser's own timers
  let [halts, shown] = [false, ""];
  const pace = () => (busy && rate !== 1 ? 0 : rate);
  const time = () => told + (now() - at) * pace();
  const change = (by) => {
    [told, at] = [time(), now()];
    by();
    if (pace()) for (const id of sleeping.keys()) rest(id);
  };
  const takesTime = () => {
    let open = true;
    const end = () => { if (open) change(() => { open = false; busy -= 1; }); };
    change(() => { busy += 1; });
    set(end, 2_000); // what has not come by then is waited for
    return end;
  };
  const rest = (id) => {
    const sleeper = sleeping.get(id);
    clear(sleeper.own);
    if (pace()) sleeper.own = set(() => wake(id), (sleeper.due - time()) / pace());
  };
  const wake = (id) => {
    const { due, every, call } = sleeping.get(id);
    if (time() < due) return rest(id);
    if (every === undefined) sleeping.delete(id);
    else sleeping.get(id).due = Math.max(due + every, time());
    call();
    if (sleeping.has(id)) rest(id);
  };
  const sleep = (call, ms, every) => {
    last += 1;
    sleeping.set(last, { call, every, due: time() + Math.max(0, Number(ms) || 0) });
    rest(last);
    return last;
  };
  const stop = (id) => { clear(sleeping.get(id)?.own ?? id); sleeping.delete(id); };
  performance.now = time;
  const later = (call, ms, ...given) => sleep(() => call(...given), ms);
  window.setTimeout = later;
  window.setInterval = (call, ms, ...given) => sleep(() => call(...given), ms, Math.max(4, Number(ms) || 0));
  window.clearTimeout = window.clearInterval = stop;
  window.fetch = (...asked) => { const end = takesTime(); return ask(...asked).finally(end); };
  for (const [kind, name] of [[HTMLVideoElement, "requestVideoFrameCallback"], [HTMLCanvasElement, "toBlob"]]) {
    const own = kind.prototype[name];
    kind.prototype[name] = function (call, ...given) {
      const end = takesTime();
      return own.call(this, (...found) => { end(); call(...found); }, ...given);
    };
  }
  const hurry = (times, halting) => change(() => { [rate, halts] = [times, halting]; });
  new MutationObserver(() => {
    const command = document.querySelector("#camera [data-command]:not([hidden])")?.dataset.command ?? "";
    if (command && command !== shown && halts) hurry(0, true);
    shown = command;
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["hidden"] });
  // What a camera does goes by our clock: it stands for nobody.
  const draws = (call, ms) => set(() => { call(); draws(call, ms); }, rate === 1 ? ms : Math.min(ms, 20));
  const lend = (yes) => { window.setTimeout = yes ? set : later; };
  window.quickClock = { hurry, draws, lend };
}
"""


def put(context: BrowserContext) -> None:
    """Every page of this profile has such a clock. It goes as ours does until it is told otherwise."""
    context.add_init_script(f"({_CLOCK})()")


def hurry(page: Page, *, halts: bool = False) -> None:
    """From now on the open page's waits pass faster. `halts`: the clock stands at each new command of a capture."""
    page.evaluate("([rate, halts]) => window.quickClock.hurry(rate, halts)", [RATE, halts])


def stand(page: Page) -> None:
    """The open page waits for as long as the test likes."""
    page.evaluate("() => window.quickClock.hurry(0, false)")


def go_as_ours(page: Page) -> None:
    """The open page waits in real time again."""
    page.evaluate("() => window.quickClock.hurry(1, false)")


@contextmanager
def lent(page: Page) -> Iterator[None]:
    """What the test itself does in the page waits by our clock, whatever the page's does."""
    page.evaluate("() => window.quickClock?.lend(true)")
    yield
    page.evaluate("() => window.quickClock?.lend(false)")
