/**
 * Copies the link, or hands it to the phone's own way of sending or to its browser, where that can be done. Says when the
 * code for a phone has run out: the number may still be typed in, for the phone has a few minutes from the scanning on.
 */

import { goOnTo } from "./arrival.js";

const STATE_MS = 3_000; // from one question to the next whether the phone has ended it

const address = document.querySelector("#address");
if (address) {
  const copy = document.querySelector("#copy");
  const share = document.querySelector("#share");
  const open = document.querySelector("#open");
  const copied = document.querySelector("#copied");
  copy.hidden = !navigator.clipboard;
  share.hidden = !navigator.share;
  // Android opens its browser by this address from inside of any app; iOS knows none.
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
  // Closing the sheet without choosing anything is no error.
  share.addEventListener("click", () => navigator.share({ url: address.value }).catch(() => {}));
}

const phone = document.querySelector("#phone");
if (phone) {
  setTimeout(() => {
    for (const part of phone.querySelectorAll(".before-end, .at-end")) part.hidden = part.matches(".before-end");
  }, phone.dataset.seconds * 1000);
  // One try: a second tap must not find it used.
  phone.querySelector("form").addEventListener("submit", ({ submitter }) => setTimeout(() => (submitter.disabled = true)));
  setInterval(async () => {
    try {
      const answer = await fetch(phone.dataset.stateUrl, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).page === "finished") goOnTo(phone.dataset.nowUrl);
    } catch {
      // No connection: asked again.
    }
  }, STATE_MS);
}
