/**
 * Signing the statement: asks NCALayer on this computer for a CMS signature and posts it with the page's form.
 *
 * NCALayer's module basics is asked first; an old NCALayer that lacks it is asked once more, by commonUtils.
 * The page holds one element per state, translated by the server; here one of them is shown at a time. Nothing that
 * NCALayer says becomes markup, and nothing is kept in the browser.
 */

// Milliseconds. NCALayer answers on the same computer, so seconds are generous; a person looks for a key for minutes.
const CONNECT_MS = 8_000;
const PERMISSION_MS = 120_000;
const GREETING_MS = 5_000;
const TOKENS_MS = 20_000; // an old NCALayer looks into each card reader
const CHOOSING_MS = 300_000;
const SAID_MAX = 300; // characters of a message of NCALayer that are shown

const CANCELED = "action.canceled";
const NO_BASICS = /MODULE_NOT_FOUND|kz\.gov\.pki\.knca\.basics/;

// Chromium 147 and later asks before a page may reach this computer. The word for it changed over the versions.
const PERMISSION_NAMES = ["loopback-network", "local-network-access"];

const signing = document.querySelector("#signing");
const form = document.querySelector("#signed");
let stop = () => {};
let watched = null; // the browser's permission; unreferenced, it would tell no change

function reveal(name) {
  for (const state of signing.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== name;
  return signing.querySelector(`[data-state="${name}"]`);
}

function show(name, said = "") {
  const state = reveal(name);
  const words = state.querySelector("[data-said]");
  if (words) words.textContent = said.slice(0, SAID_MAX);
  if (state.hasAttribute("tabindex")) state.focus();
}

function shown() {
  return signing.querySelector("[data-state]:not([hidden])")?.dataset.state;
}

/** The browser's permission to reach this computer, or null where it has none that a page may read. */
async function permission() {
  for (const name of PERMISSION_NAMES) {
    try {
      return await navigator.permissions.query({ name });
    } catch {
      // This browser does not know the word, or has no permissions at all.
    }
  }
  return null;
}

/** What is said of the browser's question fits whether it will ask, may have asked, or was answered for good. */
function tellPermission(state) {
  for (const words of signing.querySelectorAll("[data-asks]")) words.hidden = state !== "prompt";
  for (const words of signing.querySelectorAll("[data-may-ask]")) words.hidden = state === "granted";
  // Revealed without the focus: nobody pressed anything, and the person may still be reading the statement.
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

/** Whether this is how an NCALayer without the module basics answers: by naming it, or in the older module's way. */
function lacksBasics(answer) {
  if (typeof answer?.status !== "boolean" && String(answer?.code) === "500") return true;
  return NO_BASICS.test([answer?.errorCode, answer?.code, answer?.message].join(" "));
}

/** What an answer of the module basics means: [state, detail]. */
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

/** What an answer of the module commonUtils means: [state, detail]. */
function commonMeaning(answer) {
  if (answer?.message === CANCELED) return ["canceled", ""];
  const result = answer?.responseObject;
  if (String(answer?.code) === "200") return typeof result === "string" && result ? ["signed", result] : ["strange", ""];
  if (answer?.code || answer?.errorCode) return ["refused", String(answer.message || answer.errorCode || answer.code)];
  return ["strange", ""];
}

/** commonUtils must be told where the key is: on the token that is plugged in, else in a file. */
function commonRequest(tokens) {
  const request = JSON.parse(signing.dataset.commonRequest);
  const [plugged] = [tokens?.responseObject].flat();
  if (typeof plugged === "string" && plugged !== "") request.args[0] = plugged;
  return JSON.stringify(request);
}

const BASICS = { request: () => signing.dataset.request, meaning: basicsMeaning };
const COMMON = { tokens: () => signing.dataset.commonTokens, request: commonRequest, meaning: commonMeaning };

/** One conversation: connect, hear the greeting, ask, hear the answer. Resolves to [state, detail], never rejects. */
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

/** Basics, and for an NCALayer without it commonUtils, in a connection of its own: an old one may have closed this. */
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

/** Whether this looks like a device NCALayer cannot run on; the person may say otherwise. */
function isPhone() {
  const touchOnly = matchMedia("(pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
  return navigator.userAgentData?.mobile === true || touchOnly;
}

async function begin() {
  // Without the focus: the statement stands above, and is read first.
  reveal(isPhone() ? "phone" : "ready");
  watched = await permission();
  tellPermission(watched?.state ?? "unknown");
  // The person may answer in the browser's settings while the page is open.
  if (watched) watched.onchange = (event) => tellPermission(event.target.state);
}

/** The person says that this is a computer after all. */
function leavePhone() {
  show("ready");
  tellPermission(watched?.state ?? "unknown");
}

for (const button of signing.querySelectorAll("[data-sign]")) button.addEventListener("click", sign);
for (const button of signing.querySelectorAll("[data-stop]")) button.addEventListener("click", () => stop());
for (const button of signing.querySelectorAll("[data-computer]")) button.addEventListener("click", leavePhone);
// A page taken from the browser's memory by "back" may stand at a state that is over.
addEventListener("pageshow", (event) => event.persisted && begin());
begin();
