/**
 * Signing the statement: asks NCALayer on this computer for a CMS signature and posts it with the page's form.
 *
 * The page holds one element per state, translated by the server; here one of them is shown at a time. Nothing that
 * NCALayer says becomes markup, and nothing is kept in the browser.
 */

// Milliseconds. NCALayer answers on the same computer, so seconds are generous; a person looks for a key for minutes.
const CONNECT_MS = 8_000;
const PERMISSION_MS = 120_000;
const GREETING_MS = 5_000;
const CHOOSING_MS = 300_000;
const SAID_MAX = 300; // characters of a message of NCALayer that are shown

// Chromium 147 and later asks before a page may reach this computer. The word for it changed over the versions.
const PERMISSION_NAMES = ["loopback-network", "local-network-access"];

const signing = document.querySelector("#signing");
const form = document.querySelector("#signed");
let stop = () => {};

function show(name, said = "") {
  for (const state of signing.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== name;
  const shown = signing.querySelector(`[data-state="${name}"]`);
  const words = shown.querySelector("[data-said]");
  if (words) words.textContent = said.slice(0, SAID_MAX);
  if (shown.tabIndex === -1 && shown.hasAttribute("tabindex")) shown.focus();
}

async function permission() {
  for (const name of PERMISSION_NAMES) {
    try {
      return (await navigator.permissions.query({ name })).state;
    } catch {
      // This browser does not know the word, or has no permissions at all: it will not ask either.
    }
  }
  return "unknown";
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What an answer of NCALayer means: [state, detail]. */
function meaning(answer) {
  if (answer?.status === true) {
    const result = [answer.body?.result].flat()[0];
    return typeof result === "string" && result !== "" ? ["signed", result] : ["canceled", ""];
  }
  if (answer?.message === "action.canceled") return ["canceled", ""];
  if (answer?.status === false) return ["refused", [answer.code, answer.message].filter(Boolean).join(": ")];
  return ["strange", ""];
}

/** One conversation: connect, hear the greeting, ask, hear the answer. Resolves to [state, detail], never rejects. */
function converse(connectMs) {
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
    stop = () => end("canceled");
    wait(connectMs, "absent");
    socket.onopen = () => {
      stage = "greeting";
      wait(GREETING_MS, "strange");
    };
    socket.onclose = () => end(stage === "connecting" ? "absent" : "lost");
    socket.onmessage = (message) => {
      const said = parsed(message.data);
      if (stage === "choosing") return end(...meaning(said));
      if (typeof said?.result?.version !== "string") return end("strange");
      stage = "choosing";
      show("choosing");
      wait(CHOOSING_MS, "timeout");
      return socket.send(signing.dataset.request);
    };
  });
}

async function sign() {
  show("connecting");
  const asks = (await permission()) === "prompt";
  const [state, detail] = await converse(asks ? PERMISSION_MS : CONNECT_MS);
  if (state === "signed") {
    show("sending");
    form.elements.signature.value = detail;
    form.requestSubmit();
  } else if (state === "absent" && (await permission()) === "denied") {
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
  show(isPhone() ? "phone" : "ready");
  const asks = (await permission()) === "prompt";
  for (const words of signing.querySelectorAll("[data-asks]")) words.hidden = !asks;
}

for (const button of signing.querySelectorAll("[data-sign]")) button.addEventListener("click", sign);
for (const button of signing.querySelectorAll("[data-stop]")) button.addEventListener("click", () => stop());
for (const button of signing.querySelectorAll("[data-computer]")) button.addEventListener("click", () => show("ready"));
// A page taken from the browser's memory by "back" may stand at a state that is over.
addEventListener("pageshow", (event) => event.persisted && begin());
begin();
