/**
 * Camera pictures as files: one of this moment, or those of a command, each bound to it. No model runs here.
 *
 * A command has two streams: a thin chain of small frequent pictures, in which the server sees the gesture and any cut;
 * and few full frames, the first and the one that differs most from it. Parts are sent meanwhile.
 */

import * as signals from "./signals.js";

// Milliseconds, unless stated otherwise.
const FIRST_MS = 500; // a person's reading time; the server's `not_before_ms` may be longer
const MISSED = 3; // pictures: a camera that misses so many is no longer awaited
const WORST = 0.1; // quality at which even noise of 60 grey levels fits

const canvas = () => document.createElement("canvas");
const picture = canvas();
const farthest = canvas(); // the full frame that differs most from the first
const thumbnail = Object.assign(canvas(), { width: 32, height: 24 });
const quality = { chain: 0.7, still: 0.85, hint: 0.7 }; // the last fitting quality is tried first

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
// A camera in the dark gives fewer pictures than sampled, and a picture sent twice looks like a recording.
const nextPicture = (video) =>
  new Promise((resolve) => (video.requestVideoFrameCallback?.((_, picture) => resolve(picture)) ?? resolve()));
export const sizeOf = (video) => `${video.videoWidth}×${video.videoHeight}`;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Draws a video or canvas with at most `longest` pixels on the longer side, or `shortest` on the shorter. */
function drawn(source, into, { longest, shortest }) {
  const [wide, high] = [source.videoWidth ?? source.width, source.videoHeight ?? source.height];
  const scale = Math.min(1, shortest ? shortest / Math.min(wide, high) : longest / Math.max(wide, high));
  const [width, height] = [wide, high].map((pixels) => Math.round(pixels * scale));
  const context = Object.assign(into, { width, height }).getContext("2d");
  context.imageSmoothingQuality = "high"; // remaining noise costs bytes
  context.drawImage(source, 0, 0, width, height);
  return into;
}

/**
 * The present picture as JPEG at the best fitting quality; null if the camera just went off. Never a smaller one: frames
 * of another size are refused.
 */
export async function jpeg(source, size, mostBytes, kind) {
  const made = drawn(source, picture, size);
  for (;;) {
    const file = await new Promise((resolve) => made.toBlob(resolve, "image/jpeg", quality[kind]));
    if (!file || file.size <= mostBytes || quality[kind] < WORST) return file;
    quality[kind] -= quality[kind] > 0.45 ? 0.1 : 0.05;
  }
}

/** The green values of a very small present picture. */
function greens(video) {
  const context = thumbnail.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, thumbnail.width, thumbnail.height);
  return context.getImageData(0, 0, thumbnail.width, thumbnail.height).data.filter((_, at) => at % 4 === 1);
}

const apart = (one, other) => one.reduce((sum, value, at) => sum + Math.abs(value - other[at]), 0);

/**
 * Takes the pictures of a command and sends its parts, until all are acknowledged or `stopped` says so.
 *
 * `spent`: elapsed milliseconds of the command's window. `at` receives the elapsed share, `taken` the last picture's end.
 * `send` receives the number of a part, its pictures, and the browser's data on the camera.
 */
export async function capture(video, asked, { spent, stopped, at, taken, send }) {
  const began = performance.now() - spent;
  const passed = () => Math.round(performance.now() - began);
  const first = Math.max(asked.not_before_ms, FIRST_MS, passed());
  const last = asked.window_ms;
  const isRest = asked.command === "look_straight";
  let sending = Promise.resolve();
  signals.begin();
  let part = { chain: [], stills: [] };
  let [number, stills, most, peak, start] = [0, 0, -1, 0, null];
  const still = async (source, at_ms) => {
    const file = await jpeg(source, { longest: asked.still_side }, asked.still_bytes, "still");
    if (file) part.stills.push({ at_ms, still: true, jpeg: file });
    stills += 1;
  };
  const hand = () => {
    const [full, place, told] = [part, number, signals.told(video.srcObject?.getVideoTracks()[0])];
    sending = sending.then(() => (stopped() ? undefined : send(place, [...full.chain, ...full.stills], told)));
    part = { chain: [], stills: [] };
    number += 1;
  };
  for (let due = first; due <= last; due = Math.max(due + asked.chain_ms, passed())) {
    await pause(due - passed());
    signals.came(await Promise.race([nextPicture(video), pause(asked.chain_ms * MISSED)]));
    if (stopped() || passed() > last) break;
    const at_ms = passed();
    const now = greens(video);
    start ??= now;
    // At rest full frames are taken evenly; for a command the first, and finally the farthest from it.
    const due_stills = isRest ? Math.ceil((asked.stills * (at_ms - first + 1)) / (last - first)) : 1;
    if (stills < Math.min(due_stills, asked.stills)) await still(video, at_ms);
    if (!isRest && apart(now, start) > most) {
      [most, peak] = [apart(now, start), at_ms];
      drawn(video, farthest, { longest: asked.still_side });
    }
    const file = await jpeg(video, { shortest: asked.chain_side }, asked.chain_bytes, "chain");
    if (stopped() || !file) break;
    part.chain.push({ at_ms, still: false, jpeg: file });
    at(at_ms / last);
    if (at_ms - first >= ((number + 1) * (last - first)) / asked.parts && number + 1 < asked.parts) hand();
  }
  if (!stopped()) {
    taken();
    if (!isRest) await still(farthest, Math.max(peak, 1 + Math.max(0, ...part.stills.map((one) => one.at_ms))));
    hand();
  }
  await sending;
}

/** The description of a part's pictures: a code under their key binds each to command, part, place and time. */
export async function bound(frames, asked, part) {
  const key = await crypto.subtle.importKey("raw", utf8(asked.key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return Promise.all(frames.map(async ({ at_ms, still, jpeg: file }, seq) => {
    const sum = hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const said = utf8(`${asked.step}:${part}:${seq}:${at_ms}:${sum}`);
    return { at_ms, still, mac: hex(await crypto.subtle.sign("HMAC", key, said)) };
  }));
}
