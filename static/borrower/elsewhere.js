/**
 * Copies the link, or passes it to the phone's share sheet or browser, if possible. Reports an expired code for a phone:
 * the number may still be typed in, because the phone has a few minutes after the scan.
 */

import { goOnTo } from "./arrival.js";

const STATE_MS = 3_000; // interval of polls whether the phone has ended it

const address = document.querySelector("#address");
if (address) {
  const copy = document.querySelector("#copy");
  const share = document.querySelector("#share");
  const open = document.querySelector("#open");
  const copied = document.querySelector("#copied");
  copy.hidden = !navigator.clipboard;
  share.hidden = !navigator.share;
  // This address opens Android's browser from any app; iOS has none.
  if (/Android/.test(navigator.userAgent) && location.protocol === "https:") {
    open.href = address.value.replace(/^https:(.*)#(.*)$/, "intent:$1#$2#Intent;scheme=https;action=android.intent.action.VIEW;end");
    open.hidden = false;
  }
  address.addEventListener("focus", () => address.select());
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.value);
      copied.textContent = copied.dataset.copied;
    } catch {
      address.focus();
      copied.textContent = copied.dataset.failed;
    }
  });
  // Closing the sheet without a choice is no error.
  share.addEventListener("click", () => navigator.share({ url: address.value }).catch(() => {}));
}

const phone = document.querySelector("#phone");
if (phone) {
  setTimeout(() => {
    for (const part of phone.querySelectorAll(".before-end, .at-end")) part.hidden = part.matches(".before-end");
  }, phone.dataset.seconds * 1000);
  // One try: a second tap must not find it spent.
  phone.querySelector("form").addEventListener("submit", ({ submitter }) => setTimeout(() => (submitter.disabled = true)));
  setInterval(async () => {
    try {
      const answer = await fetch(phone.dataset.stateUrl, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).page === "finished") goOnTo(phone.dataset.nowUrl);
    } catch {
      // No connection: poll again.
    }
  }, STATE_MS);
}
