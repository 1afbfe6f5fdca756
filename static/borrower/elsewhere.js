/** Copies the link, or hands it to the phone's own way of sending, where the browser can do that. */

const address = document.querySelector("#address");
const copy = document.querySelector("#copy");
const share = document.querySelector("#share");
const copied = document.querySelector("#copied");

copy.hidden = !navigator.clipboard;
share.hidden = !navigator.share;
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
