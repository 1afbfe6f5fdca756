/**
 * Passes the link on, if possible. Reports an expired code for a phone: the number may still be typed in, because the
 * phone has a few minutes after the scan.
 */

import { goOnTo } from "./arrival.js";
import { passOn } from "./pass_on.js";

const STATE_MS = 3_000; // interval of polls whether the phone has ended it

const address = document.querySelector("#address");
if (address) passOn(address.value);

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
