/**
 * Asks whether another page is open, and goes there: soon at first, for most checks take less than a second, and then
 * each time half as long again later, so that a slow one is asked after five times in its first five seconds and six
 * times a minute from then on. It loads the page anew only when the server has named another one, or something else to
 * wait for: a slow check never makes it flicker.
 */

import { goOnTo } from "./arrival.js";

const FIRST_MS = 400;
const SLOWEST_MS = 10_000;
const SLOWER = 1.5; // factor from one pause to the next
const SLOW_AFTER_MS = 30_000;

const waiting = document.querySelector("#waiting");
const slow = waiting.querySelector("[data-slow]");
const offline = waiting.querySelector("[data-offline]");
const began = Date.now();
let pause = FIRST_MS;

function goOn() {
  goOnTo(waiting.dataset.nowUrl);
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
