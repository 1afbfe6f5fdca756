/**
 * The live capture: camera on, face into the oval, then one command after another, each answered by a few frames.
 *
 * The server reveals one command at a time and judges; here no model runs. The page holds one element per state,
 * translated by the server. Every post carries its turn, so one that is sent twice is taken once.
 */

// Milliseconds, unless said otherwise.
const CAMERA = { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } };
const NAMED_MS = 3_000; // a camera without a picture, or a post without an answer, for so long is named
const RETRY_MS = { first: 1_000, longest: 8_000 };
const HINT_MS = 600; // from one hint to the next: fewer than two a second
const HINT = { side: 320, bytes: 40_960 }; // pixels, bytes
const FRAME_SIDE = 640; // pixels
const FIRST_MS = 500; // a person needs so long to read anything; the server's `not_before_ms` may be longer
const SAMPLE_MS = 100; // a blink lasts 150 to 400
const UPLOAD_MS = 1_500; // of the window, kept for the way to the server
const NEUTRAL_MS = 2_500; // looking straight takes no longer
const SHORTEST_MS = 1_500; // what is captured of a window that is almost over
const STRAIGHT_MS = 900; // between two commands, to come back to straight
const WORST = 0.1; // quality at which even noise of 60 grey levels fits
const TIMED = 0.5; // share of the choice of frames that follows time; the rest follows movement
const FAULTS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "absent" };
const INSIDE_AN_APP = /; wv\)|FBA[NV]|Instagram|Line\/|MicroMessenger|musical_ly|Bytedance|VKAndroidApp|OKApp|Snapchat/;

const camera = document.querySelector("#camera");
const [video, view, order, count, hint, progress, begin, explained] = [
  "preview", "view", "order", "count", "hint", "progress", "begin", "explained",
].map((id) => document.getElementById(id));
const offline = camera.querySelector("[data-offline]");
const token = camera.querySelector("[name=csrfmiddlewaretoken]").value;
const picture = document.createElement("canvas");
const thumbnail = Object.assign(document.createElement("canvas"), { width: 32, height: 24 });
const quality = { frame: 0.9, hint: 0.8 }; // what fitted last time is tried first
let told = { ...JSON.parse(camera.dataset.told), heard: performance.now() };
let stream = null;
let hidden = false; // the page was left while the camera was on
let before; // the last thumbnail, to see what moved
let round = 0; // counts what the camera is used for; a loop of an earlier round ends

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
// A camera in the dark gives fewer pictures than are sampled, and one that is sent twice looks like a recording.
const nextPicture = () => new Promise((resolve) => (video.requestVideoFrameCallback?.(resolve) ?? resolve()));
const shake = (pattern) => navigator.userActivation?.hasBeenActive && navigator.vibrate?.(pattern); // once touched
const utf8 = (text) => new TextEncoder().encode(text);
const late = async (ms) => { await pause(ms); throw new DOMException("no picture", "NotReadableError"); };
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));

function show(name) {
  for (const state of camera.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== name;
  document.body.classList.toggle("camera-on", name === "live");
  for (const words of camera.querySelectorAll("[data-unspent]")) words.hidden = told.data.state !== "ready";
  camera.querySelector(`[data-state="${name}"][tabindex]`)?.focus({ preventScroll: true });
  if (name === "live") camera.scrollIntoView({ block: "start" });
}

/** Says a command, or one of the page's own words. */
function tell(words, command = "") {
  for (const sign of camera.querySelectorAll("[data-command]")) sign.hidden = sign.dataset.command !== command;
  order.textContent = camera.querySelector(`[data-command="${command}"]`)?.dataset.words ?? words;
}

/** Says a hint of the server by its name. A word said already is not said again, nor one this page does not know. */
function say(name) {
  const words = document.querySelector(`#hints [data-hint="${CSS.escape(name)}"]`)?.textContent ?? "";
  if (hint.textContent !== words) hint.textContent = words;
  hint.classList.toggle("good", name === "");
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
}

function fail(state) {
  round += 1;
  close();
  show(state === "denied" && INSIDE_AN_APP.test(navigator.userAgent) ? "in_app" : state);
}

/** What stands in the way of going on now, as the name of a state; empty for nothing. */
function trouble() {
  if (hidden || document.hidden) return "paused";
  const track = stream?.getVideoTracks()[0];
  return track?.readyState === "live" && !track.muted ? "" : "in_use";
}

/** Goes to the page that is open now. Nothing comes after this. */
function leave() {
  close();
  location.replace(camera.dataset.nowUrl);
  return new Promise(() => {});
}

function posted(type, body) {
  return { method: "POST", body, headers: { Accept: "application/json", "Content-Type": type, "X-CSRFToken": token } };
}

/** Sends an answer, or asks how things stand, as often as it takes to be heard. */
async function exchange(answer) {
  const read = { headers: { Accept: "application/json" } };
  const asked = answer ? posted("application/json", JSON.stringify(answer)) : read;
  for (let wait = RETRY_MS.first; ; wait = Math.min(2 * wait, RETRY_MS.longest)) {
    const slow = setTimeout(() => (offline.hidden = false), NAMED_MS);
    try {
      const response = await fetch(camera.dataset.nowUrl, asked);
      if (response.ok || response.status === 409 || response.status === 422) {
        const page = await response.json();
        offline.hidden = true;
        return { ...page, heard: performance.now(), unread: response.status === 422 };
      }
      // A session that has ended, or a form that is too old, is named by the page itself.
      if (response.status < 500) return leave();
    } catch {
      // No connection, or something on the way that is not our server: tried again below.
    } finally {
      clearTimeout(slow);
    }
    offline.hidden = false;
    await Promise.race([pause(wait), new Promise((resolve) => addEventListener("online", resolve, { once: true }))]);
  }
}

/** The picture of this moment as JPEG, as good as fits. Never a smaller one: frames that differ in size are refused. */
async function jpeg(side, mostBytes, kind) {
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [video.videoWidth, video.videoHeight].map((pixels) => Math.round(pixels * scale));
  Object.assign(picture, { width, height }).getContext("2d").drawImage(video, 0, 0, width, height);
  for (;;) {
    const made = await new Promise((resolve) => picture.toBlob(resolve, "image/jpeg", quality[kind]));
    if (made.size <= mostBytes || quality[kind] < WORST) return made;
    quality[kind] -= quality[kind] > 0.45 ? 0.1 : 0.05;
  }
}

/** How much of the picture changed since the last call: mean difference of green, 0 to 255. */
function moved() {
  const context = thumbnail.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, thumbnail.width, thumbnail.height);
  const green = context.getImageData(0, 0, thumbnail.width, thumbnail.height).data.filter((_, at) => at % 4 === 1);
  const last = before ?? green;
  before = green;
  return green.reduce((sum, value, at) => sum + Math.abs(value - last[at]), 0) / green.length;
}

/** The few samples to send, each once: half by time, half by movement, so that a short gesture is not missed. */
function chosen(samples, most) {
  if (samples.length <= most) return samples;
  const movement = samples.reduce((sum, sample) => sum + sample.moved, 0) || 1;
  let reached = 0;
  const places = samples.map(({ moved }) => (reached += TIMED / samples.length + ((1 - TIMED) * moved) / movement));
  const picked = [];
  for (let at = 0; picked.length < most; at += 1) {
    const last = samples.length - (most - picked.length);
    while (at < last && places[at] < (reached * picked.length) / (most - 1)) at += 1;
    picked.push(samples[at]);
  }
  return picked;
}

/** The frames of one command; `spent` milliseconds of its window are over. None if something came between. */
async function capture(asked, spent) {
  const began = performance.now();
  const left = asked.window_ms - UPLOAD_MS - spent;
  const ends = Math.max(SHORTEST_MS, asked.command === "look_straight" ? Math.min(left, NEUTRAL_MS) : left);
  const samples = [];
  before = undefined;
  const passed = () => Math.round(performance.now() - began);
  for (let at = Math.max(asked.not_before_ms, FIRST_MS); at <= ends; at = Math.max(at + SAMPLE_MS, passed())) {
    await pause(at - passed());
    await Promise.race([nextPicture(), pause(SAMPLE_MS * 3)]);
    if (trouble()) return [];
    samples.push({ at_ms: passed(), moved: moved(), jpeg: await jpeg(FRAME_SIDE, asked.frame_max_bytes, "frame") });
    progress.value = at / ends;
  }
  return chosen(samples, asked.frames);
}

/** Frames as they are sent: each bound to its command and place by a code under the command's own key. */
async function bound(frames, asked) {
  const key = await crypto.subtle.importKey("raw", utf8(asked.key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return Promise.all(frames.map(async (frame, seq) => {
    const bytes = await frame.jpeg.arrayBuffer();
    const said = utf8(`${asked.step}:${seq}:${hex(await crypto.subtle.digest("SHA-256", bytes))}`);
    return { seq, at_ms: frame.at_ms, jpeg: base64(bytes), mac: hex(await crypto.subtle.sign("HMAC", key, said)) };
  }));
}

/** Shows one command, captures it and sends it. Gives the name of the state that came between, if one did. */
async function step() {
  const asked = told.data;
  tell("", asked.command);
  count.textContent = count.dataset.words.replace("{step}", asked.step).replace("{steps}", asked.steps);
  progress.value = 0; // the bar of the task before was full
  shake(80);
  camera.scrollIntoView({ block: "start" }); // on a small phone the button stood below
  const frames = await capture(asked, told.elapsed_ms + performance.now() - told.heard);
  if (frames.length === 0) return trouble() || "in_use";
  const sent = performance.now();
  tell(asked.step === asked.steps ? order.dataset.done : order.dataset.sent);
  shake([40, 60, 40]); // for those whose eyes are closed
  told = await exchange({ turn: told.turn, frames: await bound(frames, asked) });
  if (told.unread) return "unread";
  if (told.data.state === "command") await pause(STRAIGHT_MS - (performance.now() - sent));
  return "";
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

/** Helps the face into the oval, until the borrower presses Begin. */
async function guide() {
  const mine = (round += 1);
  tell(order.dataset.guide);
  begin.hidden = explained.hidden = false;
  while (mine === round) {
    const between = trouble();
    if (between) return fail(between);
    await ask(mine);
    await pause(HINT_MS);
  }
}

/** Asks the server how the picture is. */
async function ask(mine) {
  try {
    const body = await jpeg(HINT.side, HINT.bytes, "hint");
    const response = await fetch(camera.dataset.hintUrl, posted("image/jpeg", body));
    if (mine !== round) return;
    offline.hidden = true;
    if (response.ok) say((await response.json()).hint);
  } catch {
    if (mine === round) offline.hidden = false;
  }
}

async function allowed() {
  const asked = navigator.permissions?.query({ name: "camera" });
  return asked?.then(({ state }) => state === "granted", () => false) ?? false; // not every browser says
}

/** Turns the camera on. Gives the name of the state if it cannot be. */
async function open() {
  if (!navigator.mediaDevices?.getUserMedia) return INSIDE_AN_APP.test(navigator.userAgent) ? "in_app" : "insecure";
  // While the browser asks the person, silence is theirs and takes as long as it takes.
  const silent = (await allowed()) ? late(NAMED_MS) : new Promise(() => {});
  const asked = navigator.mediaDevices.getUserMedia({ video: CAMERA, audio: false });
  try {
    stream = await Promise.race([asked, silent]);
    video.srcObject = stream;
    await Promise.race([video.play(), late(NAMED_MS)]);
    view.classList.toggle("upright", video.videoHeight > video.videoWidth);
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
  told = await exchange(); // time has passed, and with it perhaps the turn
  return run();
}

for (const button of camera.querySelectorAll("[data-start]")) button.addEventListener("click", start);
camera.querySelector("[data-primer]").addEventListener("click", async () => {
  return (await allowed()) ? start() : show("primer");
});
camera.querySelector("[data-begin]").addEventListener("click", async () => {
  round += 1;
  begin.hidden = explained.hidden = true;
  hint.textContent = "";
  told = await exchange({ turn: told.turn, ready: true });
  return told.unread ? fail("unread") : run();
});
document.addEventListener("visibilitychange", () => {
  hidden ||= document.hidden && stream !== null;
  if (hidden) close();
});
addEventListener("pagehide", close);
// A page taken from the browser's memory by "back" may show what is over.
addEventListener("pageshow", (event) => event.persisted && location.reload());
// After a reload in the middle of a command its time is going on: no tap is waited for where none is needed.
if (told.data.state === "command") start();
else show("ready");
