/**
 * Signing by eGov Mobile: asks the server for a code when a button is pressed, shows it, and goes on when the app has
 * sent the signature. The code is kept in this page only: a page that is loaded anew makes a new one, unless the app
 * already has the statement. A phone loads it anew by itself while the app is in front.
 */

import { goOnTo } from "./arrival.js";

const ASK_MS = 2_000;
const TICK_MS = 1_000;

const egov = document.querySelector("#egov");
const form = document.querySelector("#egov-mint");
const turn = Number(form.elements.turn.value);
let ends = 0; // of the code that is shown, by this page's own clock
let asking;
let round = 0; // of questions and codes: whatever belongs to an earlier one is dropped
let minting = false;
let told = false; // whether the newest code was shown here, or is in the app: of another this page says nothing

function show(name) {
  let shown;
  for (const state of egov.querySelectorAll("[data-egov]")) {
    if (state.dataset.egov === name && state.hidden) shown = state;
    state.hidden = state.dataset.egov !== name;
  }
  if (shown?.hasAttribute("tabindex")) shown.focus();
}

/** Whether this looks like a device that has the app itself; NCALayer's part of the page asks the same. */
function isPhone() {
  const touchOnly = matchMedia("(pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
  return navigator.userAgentData?.mobile === true || touchOnly;
}

function draw({ text, qr, link, seconds }) {
  // The reader of HTML knows SVG without being told its name space, and runs nothing in what it reads.
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

/** Draws a fresh code. Gives the state to show, or nothing where the page goes on. */
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
    // A session that has ended is named by the page itself.
    if (answer.status >= 400 && answer.status < 500) return told && goOn();
    if (answer.ok) {
      const now = await answer.json();
      if (mine !== round || minting) return;
      if (now.page !== "statement" || now.turn !== turn) return goOn();
      tell(now.egov_mobile);
      if (!["waiting", "read"].includes(now.egov_mobile)) return;
    }
  } catch {
    // Offline for a moment: a phone that shows the app may be. The next question tells.
  }
  if (mine === round) asking = setTimeout(ask, ASK_MS);
}

const phone = isPhone();
for (const part of egov.querySelectorAll("[data-on]")) part.hidden = (part.dataset.on === "phone") !== phone;
for (const button of egov.querySelectorAll("[data-mint]")) button.addEventListener("click", mint);
// Who comes back from the app does not wait for the next question.
document.addEventListener("visibilitychange", () => {
  if (document.hidden || minting) return;
  clearTimeout(asking);
  ask();
});
// A page taken from the browser's memory by "back" may show a code that is over.
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(tick, TICK_MS);
egov.hidden = false;
ask();
