/**
 * The live capture: camera on, face into the oval, then one command after another, each filmed whole.
 *
 * The server reveals one command at a time and judges; no model runs here. The page has one element per state,
 * translated by the server. Every post carries its turn, so a repeated one is taken once.
 */

import { allowed, nameApp, remember } from "./app_window.js";
import { arriveAt, goOnTo } from "./arrival.js";
import { hinter } from "./hints.js";
import { bound, capture, jpeg, pause, sizeOf } from "./pictures.js";
import { speaker } from "./voice.js";

// Milliseconds, unless stated otherwise.
const CAMERA = { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } };
const NAMED_MS = 3_000; // a camera without a picture, or a post without an answer, is reported after this
const RETRY_MS = { first: 1_000, longest: 8_000 };
const HINT_MS = 600; // interval of hints: fewer than two a second
const FITS_MS = 1_000; // a face that fits this long is ready
const HINT = { side: 240, bytes: 4_096 }; // pixels, bytes
const SLOW_MS = 500; // a line without a faster hint carries only the smaller pictures
const LOOKED_MS = 250; // interval of polls for a worker's look
const LEFT = 0.5; // share of a window that a person needs to see and follow a command
const STUCK_MS = 20_000; // after this time without a fitting face other ways are offered
const STRAIGHT_MS = 900; // between two commands, to look straight again
const FAULTS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "absent" };

const camera = document.querySelector("#camera");
const [video, view, order, count, hint, progress, begin, explained] = [
  "preview", "view", "order", "count", "hint", "progress", "begin", "explained",
].map((id) => document.getElementById(id));
const button = camera.querySelector("[data-begin]");
const alone = camera.querySelector("[data-alone]");
const speak = speaker(camera.querySelector("[data-aloud]"));
const offline = camera.querySelector("[data-offline]");
const stuck = camera.querySelector("[data-stuck]");
const token = camera.querySelector("[name=csrfmiddlewaretoken]").value;
let told = { ...JSON.parse(camera.dataset.told), heard: performance.now() };
let [stream, hidden] = [null, false]; // hidden: the page was left while the camera was on
let size = history.state?.size ?? ""; // of the pictures at the start: frames of another size are refused
let soonest = Infinity; // milliseconds, from a hint to its answer: the least measures the line
let round = 0; // counts the uses of the camera; a loop of an earlier round ends

const shake = (pattern) => navigator.userActivation?.hasBeenActive && navigator.vibrate?.(pattern); // once touched
const late = async (ms) => { await pause(ms); throw new DOMException("no picture", "NotReadableError"); };

function show(name) {
  // Until the camera is on the card never shrinks: content below must not move under a finger.
  camera.style.minHeight = name === "live" ? "" : `${camera.offsetHeight}px`;
  for (const state of camera.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== name;
  document.querySelector(".of-ready").hidden = name !== "ready";
  document.body.classList.toggle("camera-on", name === "live");
  for (const words of camera.querySelectorAll("[data-unspent]")) words.hidden = told.data.state !== "ready";
  const state = camera.querySelector(`[data-state="${name}"][tabindex]`);
  if (state) arriveAt(state);
  if (name === "live") camera.scrollIntoView({ block: "start" });
}

/** Shows a command, or one of the page's own words; also reads it out, if wanted. */
function tell(words, command = "") {
  for (const sign of camera.querySelectorAll("[data-command]")) sign.hidden = sign.dataset.command !== command;
  order.textContent = camera.querySelector(`[data-command="${command}"]`)?.dataset.words ?? words;
  speak(order.textContent);
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
}

function fail(state) {
  round += 1;
  close();
  const isInside = nameApp(camera) && ["denied", "insecure"].includes(state);
  show(isInside ? "in_app" : state);
}

/** The obstacle to continuing now, as the name of a state; empty without one. */
function trouble() {
  if (hidden || document.hidden) return "paused";
  const track = stream?.getVideoTracks()[0];
  if (track?.readyState !== "live") return "ended";
  return track.muted ? "muted" : "";
}

/** Goes to the page that is open now; the last call. */
function leave() {
  close();
  goOnTo(camera.dataset.nowUrl);
  return new Promise(() => {});
}

function posted(body, type) {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  return { method: "POST", body, headers: type ? { ...headers, "Content-Type": type } : headers };
}

/** Sends an answer, or polls the state, until the server responds. */
async function exchange(answer, files = []) {
  const form = new FormData(); // binary, to spare a slow line
  form.append("answer", JSON.stringify(answer ?? {}));
  for (const file of files) form.append("file", file);
  const asked = answer ? posted(form) : { headers: { Accept: "application/json" } };
  for (let wait = RETRY_MS.first; ; wait = Math.min(2 * wait, RETRY_MS.longest)) {
    const slow = setTimeout(() => (offline.hidden = false), NAMED_MS);
    try {
      const response = await fetch(camera.dataset.nowUrl, asked);
      if (response.ok || response.status === 409 || response.status === 422) {
        offline.hidden = true;
        if (response.status === 204) return told; // a part was stored, which changes nothing
        return { ...(await response.json()), heard: performance.now(), unread: response.status === 422 };
      }
      // The page itself reports an ended session or an outdated form.
      if (response.status < 500) return leave();
    } catch {
      // No connection, or an answer from another server: retried below.
    } finally {
      clearTimeout(slow);
    }
    offline.hidden = false;
    await Promise.race([pause(wait), new Promise((resolve) => addEventListener("online", resolve, { once: true }))]);
  }
}

/** Shows one command, takes and sends its pictures. Returns the name of an interrupting state, if any. */
async function step() {
  const { data: asked, turn } = told;
  tell("", asked.command);
  count.textContent = count.dataset.words.replace("{step}", asked.step).replace("{steps}", asked.steps);
  progress.value = 0; // the previous task's bar was full
  shake(80);
  camera.scrollIntoView({ block: "start" }); // on a small phone the button was below
  let [reply, turned, halted] = [told, sizeOf(video) !== size, ""]; // halted: by what, though it be over
  const spent = told.elapsed_ms + performance.now() - told.heard;
  if (turned || spent > asked.window_ms * (1 - LEFT)) return again(); // or the answer was slow
  await capture(video, asked, {
    spent,
    stopped: () => (halted ||= trouble()) || (turned ||= sizeOf(video) !== size) || reply.unread || reply.turn !== turn,
    at: (share) => (progress.value = share),
    taken: () => {
      tell(order.dataset.sent);
      shake([40, 60, 40]); // for people whose eyes are closed
    },
    send: async (part, frames, camera) => {
      const answer = { turn, part, parts: asked.parts, camera, frames: await bound(frames, asked, part) };
      reply = await exchange(answer, frames.map((frame) => frame.jpeg));
    },
  });
  told = reply;
  if (told.page === "commands" && told.turn === turn && !told.unread) {
    return halted || trouble() || (turned ? again() : "cut");
  }
  const between = await looked();
  if (between || told.unread) return between || "unread";
  if (told.data.state !== "command") return "";
  tell(order.dataset[outcome(asked, told.data)]);
  await pause(STRAIGHT_MS);
  return "";
}

/** The server holds its answer until a worker has looked; after a long wait the page asks again. */
async function looked() {
  while (told.is_looked_at) {
    if (trouble()) return trouble();
    await pause(LOOKED_MS);
    told = await exchange();
  }
  return "";
}

/**
 * The open command's pictures are lost, or its time is over: another one replaces it, as soon as the phone is held
 * again as at the start of the capture.
 */
async function again() {
  for (size ||= sizeOf(video); sizeOf(video) !== size; await pause(LOOKED_MS)) {
    if (trouble()) return trouble();
    if (order.textContent !== order.dataset.turned) tell(order.dataset.turned);
    stuck.hidden = false; // another camera cannot be turned back
  }
  stuck.hidden = true;
  told = await exchange({ turn: told.turn, lost: true });
  return looked();
}

/** The text before the next command. */
function outcome(asked, following) {
  if (following.seen === null) return "lost"; // the pictures were too slow
  if (asked.command === "look_straight") return following.seen ? "ready" : "unfit";
  return following.seen ? "seen" : "unseen";
}

async function run() {
  round += 1;
  progress.hidden = false;
  while (told.page === "commands" && told.data.state === "command") {
    const between = await step();
    if (between) return fail(between);
  }
  return leave();
}

/** Guides the face into the oval. Begin works only while it fits; after a second the capture starts by itself. */
async function guide() {
  const mine = (round += 1);
  let [fits, unfit] = [null, performance.now()]; // since when
  const hinted = hinter(hint);
  tell(order.dataset.guide);
  begin.hidden = explained.hidden = false;
  camera.scrollIntoView({ block: "start" }); // once more: the page has grown
  while (mine === round) {
    const between = trouble();
    if (between) return fail(between);
    const asked = await ask(mine);
    if (mine !== round) return undefined;
    const word = hinted(asked);
    fits = word === "" ? fits ?? performance.now() : null;
    const isReady = fits !== null && performance.now() - fits >= FITS_MS;
    if (isReady) unfit = performance.now();
    const isStuck = performance.now() - unfit >= STUCK_MS;
    // A beard may look like a mask: a person who cannot take it off may begin, and people review.
    button.disabled = fits === null && !(word === "mask_on" && isStuck);
    stuck.hidden = !isStuck;
    if (isReady && alone.checked) return commence();
    await pause(HINT_MS);
  }
  return undefined;
}

/** Asks the server about the picture; returns its word, or nothing without an answer. */
async function ask(mine) {
  try {
    const body = await jpeg(video, { longest: HINT.side }, HINT.bytes, "hint");
    if (!body) return undefined;
    const began = performance.now();
    const response = await fetch(camera.dataset.hintUrl, posted(body, "image/jpeg"));
    if (response.ok) soonest = Math.min(soonest, performance.now() - began);
    if (mine !== round) return undefined;
    // The page itself reports an ended session; too many hints a second are no fault.
    if (!response.ok && response.status < 500 && response.status !== 429) return leave();
    offline.hidden = response.ok || response.status === 429; // a server in trouble gives no hint
    return response.ok ? (await response.json()).hint : undefined;
  } catch {
    if (mine === round) offline.hidden = false;
    return undefined;
  }
}

/** Says "ready", and begins. */
async function commence() {
  round += 1;
  size = sizeOf(video);
  history.replaceState({ size }, "");
  begin.hidden = explained.hidden = stuck.hidden = true;
  hint.textContent = "";
  const without = [...camera.querySelectorAll("[data-without]:checked")].map((box) => box.dataset.without);
  told = await exchange({ turn: told.turn, ready: true, slow: soonest > SLOW_MS, without });
  return told.unread ? fail("unread") : run();
}

/** Turns the camera on. Returns the name of a state if impossible. */
async function open() {
  if (!navigator.mediaDevices?.getUserMedia) return "insecure";
  // While the browser asks the person, there is no time limit.
  const silent = (await allowed()) ? late(NAMED_MS) : new Promise(() => {});
  const asked = navigator.mediaDevices.getUserMedia({ video: CAMERA, audio: false });
  try {
    stream = await Promise.race([asked, silent]);
    video.srcObject = stream;
    await Promise.race([video.play(), late(NAMED_MS)]);
    return "";
  } catch (fault) {
    asked.then((given) => given.getTracks().forEach((track) => track.stop()), () => {});
    return FAULTS[fault.name] ?? "in_use";
  }
}

async function start() {
  hidden = false;
  show("asking");
  const fault = await open();
  if (fault) return fail(fault);
  navigator.wakeLock?.request("screen").catch(() => {});
  show("live");
  if (told.data.state !== "command") return guide();
  const between = await again();
  return between ? fail(between) : run();
}

for (const button of camera.querySelectorAll("[data-start]")) button.addEventListener("click", start);
document.querySelector("[data-primer]").addEventListener("click", async () => {
  return (await allowed()) ? start() : show("primer");
});
button.addEventListener("click", commence);
video.addEventListener("resize", () => view.classList.toggle("upright", video.videoHeight > video.videoWidth));
matchMedia("(orientation: landscape)").addEventListener("change", () => stream && camera.scrollIntoView({ block: "start" }));
document.addEventListener("visibilitychange", () => {
  hidden ||= document.hidden && stream !== null;
  if (hidden) close();
});
addEventListener("pagehide", close);
// A page restored by "back" may show an outdated state.
addEventListener("pageshow", (event) => event.persisted && location.reload());
remember(alone);
const missed = camera.querySelector("[data-missed]");
missed.hidden = !told.data.missed;
missed.querySelector("[data-was]").textContent = camera.querySelector(`[data-command="${told.data.missed}"]`)?.dataset.words ?? "";
if (told.data.state === "command") start();
else show("ready");
