/**
 * Polls which page is open, and goes there. Most checks take less than a second, so it polls soon at first, and then at
 * intervals that grow by half: five times in the first five seconds, and six times a minute later.
 * It reloads only when the server names another page or another reason to wait, so a slow check never flickers.
 */

import { goOnTo } from "./arrival.js";

const FIRST_MS = 400;
const SLOWEST_MS = 10_000;
const SLOWER = 1.5; // growth factor of the interval
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
    // The page itself reports an ended session.
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
