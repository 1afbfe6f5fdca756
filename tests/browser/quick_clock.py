"""A page's own clock, which passes faster where the page only waits, and stands while a test looks.

Timers and `performance.now` agree on it. While it hurries it goes from one timer to the next, and stands for as long as
a picture, a JPEG or an answer is under way. What the page computes takes no time on it: a busy machine takes as many
pictures as an idle one.
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
  let next; // our timer, for the first that is due
  let last = 1_000_000; // no id of the browser's own timers
  let [halts, shown] = [false, ""];
  const time = () => (rate === 1 ? told + now() - at : told);
  const stands = () => rate === 0 || (busy > 0 && rate !== 1);
  const first = () => [...sleeping].reduce((one, other) => (other[1].due < one[1].due ? other : one));
  const arm = () => {
    clear(next);
    if (stands() || sleeping.size === 0) return;
    next = set(wake, Math.max(0, first()[1].due - time()) / rate);
  };
  const wake = () => {
    const [id, { due, every, call }] = first();
    if (rate === 1 && time() < due) return arm();
    if (rate !== 1) told = Math.max(told, due); // in between no time has passed, however long it took
    if (every === undefined) sleeping.delete(id);
    else sleeping.get(id).due = Math.max(due + every, time());
    arm();
    call();
  };
  const change = (by) => {
    [told, at] = [time(), now()];
    by();
    arm();
  };
  const takesTime = () => {
    let open = true;
    const end = () => { if (open) change(() => { open = false; busy -= 1; }); };
    change(() => { busy += 1; });
    set(end, 5_000); // what has not come by then is waited for
    return end;
  };
  const sleep = (call, ms, every) => {
    last += 1;
    sleeping.set(last, { call, every, due: time() + Math.max(0, Number(ms) || 0) });
    arm();
    return last;
  };
  const stop = (id) => { if (sleeping.delete(id)) arm(); else clear(id); };
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
      if (rate !== 1 && name !== "toBlob") set(draw, 0);
      return own.call(this, (...found) => { end(); call(...found); }, ...given);
    };
  }
  const hurry = (times, halting) => change(() => { [rate, halts] = [times, halting]; });
  new MutationObserver(() => {
    const command = document.querySelector("#camera [data-command]:not([hidden])")?.dataset.command ?? "";
    if (command && command !== shown && halts) hurry(0, true);
    shown = command;
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["hidden"] });
  // A camera goes by our clock, and shows a hurrying page a picture when it asks: drawn oftener, none would be encoded.
  let draw = () => {};
  const draws = (call, ms) => { draw = call; set(() => { call(); draws(call, ms); }, ms); };
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
