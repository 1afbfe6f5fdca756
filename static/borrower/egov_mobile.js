/**
 * Signing by eGov Mobile: a button requests a code from the server; the page shows it, and continues when the app has
 * sent the signature. Only this page has the code: a reloaded page makes a new one, unless the app already has the
 * statement. A phone reloads the page by itself while the app is in front.
 */

import { arriveAt, goOnTo } from "./arrival.js";

const ASK_MS = 2_000;
const TICK_MS = 1_000;

const egov = document.querySelector("#egov");
const form = document.querySelector("#egov-mint");
const turn = Number(form.elements.turn.value);
let ends = 0; // of the code on display, by this page's clock
let asking;
let round = 0; // of polls and codes: results of an earlier one are dropped
let minting = false;
let told = false; // whether the newest code was shown here, or is in the app: others are ignored

function show(name) {
  let shown;
  for (const state of egov.querySelectorAll("[data-egov]")) {
    if (state.dataset.egov === name && state.hidden) shown = state;
    state.hidden = state.dataset.egov !== name;
  }
  if (shown?.hasAttribute("tabindex")) arriveAt(shown);
}

/** Whether this device probably has the app; NCALayer's part of the page asks the same. */
function isPhone() {
  const touchOnly = matchMedia("(pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
  return navigator.userAgentData?.mobile === true || touchOnly;
}

function draw({ text, qr, link, seconds }) {
  // The HTML parser needs no namespace for SVG, and executes nothing in it.
  const drawing = new DOMParser().parseFromString(qr, "text/html").querySelector("svg");
  for (const place of egov.querySelectorAll("[data-qr]")) place.replaceChildren(document.importNode(drawing, true));
  egov.querySelector("[data-link]").href = link;
  egov.querySelector("[data-scheme]").href = text;
  const words = egov.querySelector("[data-text]");
  if (words) words.textContent = text;
  ends = performance.now() + seconds * 1000;
  tick();
}

function tick() {
  const seconds = Math.max(0, Math.round((ends - performance.now()) / 1000));
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const left = egov.querySelector("[data-left]");
  left.textContent = left.dataset.words.replace("{time}", time);
}

/** Draws a fresh code. Returns the state to show, or nothing if the page continues. */
async function drawFresh() {
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    if (answer.status === 409 && (await answer.json()).code !== "mobile_codes_exhausted") return goOn();
    if (!answer.ok) return "failed";
    draw(await answer.json());
    return "waiting";
  } catch {
    return "failed";
  }
}

async function mint() {
  if (minting) return;
  clearTimeout(asking);
  round += 1;
  told = false;
  minting = true;
  const state = await drawFresh();
  minting = false;
  if (state) show(state);
  if (state !== "waiting") return;
  told = true;
  asking = setTimeout(ask, ASK_MS);
}

function goOn() {
  goOnTo(egov.dataset.nowUrl);
}

function tell(word) {
  told ||= word === "read";
  if (!told) return;
  if (["waiting", "read", "expired"].includes(word)) return show(word);
  const known = egov.querySelector(`[data-refusal="${CSS.escape(word)}"]`);
  for (const sentence of egov.querySelectorAll("[data-refusal]")) {
    sentence.hidden = sentence !== (known ?? egov.querySelector('[data-refusal=""]'));
  }
  return show("refused");
}

async function ask() {
  const mine = (round += 1);
  try {
    const answer = await fetch(egov.dataset.stateUrl, { headers: { Accept: "application/json" } });
    // The page itself reports an ended session.
    if (answer.status >= 400 && answer.status < 500) return told && goOn();
    if (answer.ok) {
      const now = await answer.json();
      if (mine !== round || minting) return;
      if (now.page !== "statement" || now.turn !== turn) return goOn();
      tell(now.egov_mobile);
      if (!["waiting", "read"].includes(now.egov_mobile)) return;
    }
  } catch {
    // Offline for a moment, as a phone with the app in front may be. The next poll decides.
  }
  if (mine === round) asking = setTimeout(ask, ASK_MS);
}

const phone = isPhone();
for (const part of egov.querySelectorAll("[data-on]")) part.hidden = (part.dataset.on === "phone") !== phone;
for (const button of egov.querySelectorAll("[data-mint]")) button.addEventListener("click", mint);
// A return from the app polls at once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden || minting) return;
  clearTimeout(asking);
  ask();
});
// A page restored by "back" may show an expired code.
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(tick, TICK_MS);
egov.hidden = false;
ask();
