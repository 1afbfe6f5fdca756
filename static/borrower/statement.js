/**
 * Signing the statement: asks NCALayer on this computer for a CMS signature and posts it with the page's form.
 *
 * NCALayer's module basics is tried first; an old NCALayer without it is asked once more, through commonUtils.
 * The page has one element per state, translated by the server; one of them is shown at a time. NCALayer's text never
 * becomes markup, and the browser stores nothing.
 */

import { arriveAt } from "./arrival.js";

// Milliseconds. NCALayer answers on the same computer, so seconds are generous; a person looks for a key for minutes.
const CONNECT_MS = 8_000;
const PERMISSION_MS = 120_000;
const GREETING_MS = 5_000;
const TOKENS_MS = 20_000; // an old NCALayer checks each card reader
const CHOOSING_MS = 300_000;
const SAID_MAX = 300; // displayed characters of an NCALayer message

const CANCELED = "action.canceled";
const NO_BASICS = /MODULE_NOT_FOUND|kz\.gov\.pki\.knca\.basics/;

// Chromium 147 and later asks before a page may reach this computer. The permission's name changed over versions.
const PERMISSION_NAMES = ["loopback-network", "local-network-access"];

const signing = document.querySelector("#signing");
const form = document.querySelector("#signed");
let stop = () => {};
let watched = null; // the browser's permission; without a reference it reports no change

function reveal(name) {
  for (const state of signing.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== name;
  return signing.querySelector(`[data-state="${name}"]`);
}

function show(name, said = "") {
  const state = reveal(name);
  const words = state.querySelector("[data-said]");
  if (words) words.textContent = said.slice(0, SAID_MAX);
  if (state.hasAttribute("tabindex")) arriveAt(state);
}

function shown() {
  return signing.querySelector("[data-state]:not([hidden])")?.dataset.state;
}

/** The browser's permission to reach this computer, or null if a page cannot read one. */
async function permission() {
  for (const name of PERMISSION_NAMES) {
    try {
      return await navigator.permissions.query({ name });
    } catch {
      // This browser does not know the name, or has no permissions.
    }
  }
  return null;
}

/** The text about the browser's question depends on whether it will ask, may have asked, or has a final answer. */
function tellPermission(state) {
  for (const words of signing.querySelectorAll("[data-asks]")) words.hidden = state !== "prompt";
  for (const words of signing.querySelectorAll("[data-may-ask]")) words.hidden = state === "granted";
  // Revealed without focus: there was no press, and the person may still be reading the statement.
  if (state === "denied" && ["ready", "absent"].includes(shown())) reveal("blocked");
  if (state !== "denied" && shown() === "blocked") reveal("ready");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether an NCALayer without the module basics answered: by naming it, or in the older module's form. */
function lacksBasics(answer) {
  if (typeof answer?.status !== "boolean" && String(answer?.code) === "500") return true;
  return NO_BASICS.test([answer?.errorCode, answer?.code, answer?.message].join(" "));
}

/** The meaning of an answer of the module basics: [state, detail]. */
function basicsMeaning(answer) {
  if (answer?.status === true) {
    const result = [answer.body?.result].flat()[0];
    return typeof result === "string" && result !== "" ? ["signed", result] : ["canceled", ""];
  }
  if (answer?.message === CANCELED) return ["canceled", ""];
  if (lacksBasics(answer)) return ["old", ""];
  if (answer?.status === false) return ["refused", [answer.code, answer.message].filter(Boolean).join(": ")];
  return ["strange", ""];
}

/** The meaning of an answer of the module commonUtils: [state, detail]. */
function commonMeaning(answer) {
  if (answer?.message === CANCELED) return ["canceled", ""];
  const result = answer?.responseObject;
  if (String(answer?.code) === "200") return typeof result === "string" && result ? ["signed", result] : ["strange", ""];
  if (answer?.code || answer?.errorCode) return ["refused", String(answer.message || answer.errorCode || answer.code)];
  return ["strange", ""];
}

/** commonUtils needs the key's place: on a connected token, else in a file. */
function commonRequest(tokens) {
  const request = JSON.parse(signing.dataset.commonRequest);
  const [plugged] = [tokens?.responseObject].flat();
  if (typeof plugged === "string" && plugged !== "") request.args[0] = plugged;
  return JSON.stringify(request);
}

const BASICS = { request: () => signing.dataset.request, meaning: basicsMeaning };
const COMMON = { tokens: () => signing.dataset.commonTokens, request: commonRequest, meaning: commonMeaning };

/** One exchange: connect, greeting, request, answer. Resolves to [state, detail], never rejects. */
function converse(module, connectMs) {
  return new Promise((resolve) => {
    let stage = "connecting";
    let timer;
    const socket = new WebSocket(signing.dataset.url);
    const end = (state, detail = "") => {
      clearTimeout(timer);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      resolve([state, detail]);
    };
    const wait = (ms, state) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(state), ms);
    };
    const choose = (request) => {
      stage = "choosing";
      show("choosing");
      wait(CHOOSING_MS, "timeout");
      socket.send(request);
    };
    stop = () => end("canceled");
    wait(connectMs, "absent");
    socket.onopen = () => {
      stage = "greeting";
      wait(GREETING_MS, "strange");
    };
    socket.onclose = () => end(stage === "connecting" ? "absent" : "lost");
    socket.onmessage = (message) => {
      const said = parsed(message.data);
      if (stage === "choosing") return end(...module.meaning(said));
      if (stage === "tokens") return choose(module.request(said));
      if (typeof said?.result?.version !== "string") return end("strange");
      if (!module.tokens) return choose(module.request());
      stage = "tokens";
      wait(TOKENS_MS, "timeout");
      return socket.send(module.tokens());
    };
  });
}

/** Basics, or commonUtils for an NCALayer without it, on a new connection: an old one may have closed this. */
async function askForSignature() {
  const asks = (await permission())?.state === "prompt";
  const [state, detail] = await converse(BASICS, asks ? PERMISSION_MS : CONNECT_MS);
  if (state !== "old") return [state, detail];
  const [again, said] = await converse(COMMON, CONNECT_MS);
  return [again === "absent" ? "lost" : again, said]; // it was there a moment ago
}

async function sign() {
  show("connecting");
  const [state, detail] = await askForSignature();
  if (state === "signed") {
    show("sending");
    form.elements.signature.value = detail;
    form.requestSubmit();
  } else if (state === "absent" && (await permission())?.state === "denied") {
    show("blocked");
  } else {
    show(state, detail);
  }
}

/** Whether NCALayer probably cannot run on this device; the person may correct this. */
function isPhone() {
  const touchOnly = matchMedia("(pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
  return navigator.userAgentData?.mobile === true || touchOnly;
}

async function begin() {
  // Without focus: the statement above comes first.
  reveal(isPhone() ? "phone" : "ready");
  watched = await permission();
  tellPermission(watched?.state ?? "unknown");
  // The person may change the browser's settings while the page is open.
  if (watched) watched.onchange = (event) => tellPermission(event.target.state);
}

/** The person says that this is a computer. */
function leavePhone() {
  show("ready");
  tellPermission(watched?.state ?? "unknown");
}

for (const button of signing.querySelectorAll("[data-sign]")) button.addEventListener("click", sign);
for (const button of signing.querySelectorAll("[data-stop]")) button.addEventListener("click", () => stop());
for (const button of signing.querySelectorAll("[data-computer]")) button.addEventListener("click", leavePhone);
// A page restored by "back" may show an outdated state.
addEventListener("pageshow", (event) => event.persisted && begin());
begin();
