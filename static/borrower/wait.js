/**
 * Asks every second or so whether another page is open, and goes there. It asks less often the longer it takes, and
 * loads the page anew only when the server has named another one, or something else to wait for: a slow check never makes it flicker.
 */

const FIRST_MS = 1_000;
const SLOWEST_MS = 10_000;
const SLOWER = 1.25; // factor from one question to the next
const SLOW_AFTER_MS = 30_000;

const waiting = document.querySelector("#waiting");
const slow = waiting.querySelector("[data-slow]");
const offline = waiting.querySelector("[data-offline]");
const began = Date.now();
let pause = FIRST_MS;

function goOn() {
  location.replace(waiting.dataset.nowUrl);
}

async function ask() {
  try {
    const answer = await fetch(waiting.dataset.stateUrl, { headers: { Accept: "application/json" } });
    offline.hidden = true;
    // A session that has ended is named by the page itself.
    if (answer.status >= 400 && answer.status < 500) return goOn();
    const { page, notice } = answer.ok ? await answer.json() : waiting.dataset;
    if (page !== waiting.dataset.page || notice !== waiting.dataset.notice) return goOn();
  } catch {
    offline.hidden = false;
  }
  slow.hidden = Date.now() - began < SLOW_AFTER_MS;
  pause = Math.min(pause * SLOWER, SLOWEST_MS);
  return setTimeout(ask, pause);
}

setTimeout(ask, FIRST_MS);
