/** A page's link for another browser: copied, or passed to the phone's share sheet or browser, if possible. */

const [address, copy, share, open, copied] = ["address", "copy", "share", "open", "copied"].map((id) =>
  document.getElementById(id),
);

/** Gives the link of the page's field to its buttons; again, if it has changed. */
export function passOn(link) {
  address.value = link;
  copy.hidden = !navigator.clipboard;
  share.hidden = !navigator.share;
  // This address opens Android's browser from any app; iOS has none.
  if (/Android/.test(navigator.userAgent) && location.protocol === "https:") {
    open.href = link.replace(/^https:(.*)#(.*)$/, "intent:$1#$2#Intent;scheme=https;action=android.intent.action.VIEW;end");
    open.hidden = false;
  }
}

address?.addEventListener("focus", () => address.select());
copy?.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(address.value);
    copied.textContent = copied.dataset.copied;
  } catch {
    address.focus();
    copied.textContent = copied.dataset.failed;
  }
});
// Closing the sheet without a choice is no error.
share?.addEventListener("click", () => navigator.share({ url: address.value }).catch(() => {}));
