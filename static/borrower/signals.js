/**
 * The browser's data on camera and phone during a command: a label and a few numbers. The page's own claim, for
 * reviewers; the person is asked nothing for it, and it has no id.
 */

const LABEL = 200; // characters
const MOST = 1_000_000_000; // of any number
const FACING = ["user", "environment", "left", "right"];

let pictures = null; // by the camera's clock: the first, the last, and the extremes of one picture's time
let motion = null; // of the phone: how many events, and the extremes of each axis

const whole = (number) => Math.min(MOST, Math.max(0, Math.round(number))) || 0;

/** One event of the motion sensor; a device without one sends an event without numbers. */
function felt({ accelerationIncludingGravity: pull }) {
  const axes = [pull?.x, pull?.y, pull?.z];
  if (!motion || !axes.every(Number.isFinite)) return;
  motion.events += 1;
  motion.least = axes.map((value, at) => Math.min(value, motion.least?.[at] ?? value));
  motion.most = axes.map((value, at) => Math.max(value, motion.most?.[at] ?? value));
}

/** A command begins. A sensor that needs another permission (iOS) stays silent: the page never asks for it. */
export function begin() {
  pictures = null;
  motion = { events: 0, least: null, most: null };
  addEventListener("devicemotion", felt);
}

/** A picture that the page waited for, from `requestVideoFrameCallback`; nothing without that. */
export function came(picture) {
  if (!picture?.presentedFrames) return;
  if (!pictures) pictures = { first: picture, last: picture, shortest: Infinity, longest: 0 };
  const given = picture.presentedFrames - pictures.last.presentedFrames;
  if (given < 1) return;
  const each = (picture.mediaTime - pictures.last.mediaTime) / given;
  pictures.shortest = Math.min(pictures.shortest, each);
  pictures.longest = Math.max(pictures.longest, each);
  pictures.last = picture;
}

/** The data sent with a part: on the track, and since the command began. */
export function told(track) {
  const { facingMode, width, height } = track?.getSettings?.() ?? {};
  const label = [...(track?.label ?? "").replaceAll("\0", "")].slice(0, LABEL).join("");
  const facing = FACING.includes(facingMode) ? facingMode : "";
  const said = { label, facing, width: whole(width), height: whole(height) };
  if (pictures && pictures.last !== pictures.first) {
    said.pictures = pictures.last.presentedFrames - pictures.first.presentedFrames;
    said.span_us = whole(1e6 * (pictures.last.mediaTime - pictures.first.mediaTime));
    said.shortest_us = whole(1e6 * pictures.shortest);
    said.longest_us = whole(1e6 * pictures.longest);
  }
  if (motion?.events) {
    said.events = motion.events;
    said.moved = whole(1e3 * Math.max(...motion.most.map((value, at) => value - motion.least[at])));
  }
  return said;
}
