/**
 * The one-time code: digits only, whatever is pasted; the seconds until a new code can be sent; the end of this one.
 * Nothing is sent by itself: a slip of the finger would cost a try. If the browser supports it, it offers the code from
 * the SMS, whose last line names our host, and fills it in.
 */

const TICK_MS = 250;

const card = document.querySelector("#code");
const field = document.querySelector("#field-code");
const expired = card.querySelector("[data-expired]");
const resend = document.querySelector("#resend");
const countdown = document.querySelector("#countdown");
// The server gives seconds from now, so a wrong browser clock does no harm.
const began = performance.now();

function left(seconds) {
  return Math.ceil(Number(seconds) - (performance.now() - began) / 1000);
}

function tick() {
  expired.hidden = left(card.dataset.expiresIn) > 0;
  if (!resend) return;
  const seconds = left(card.dataset.resendIn);
  resend.disabled = seconds > 0;
  countdown.hidden = seconds <= 0;
  countdown.textContent = countdown.dataset.words.replace("{seconds}", seconds);
}

// A pasted "123 456" is longer than the field: its digits are taken before the browser cuts it.
field.addEventListener("paste", (event) => {
  event.preventDefault();
  field.value = event.clipboardData.getData("text").replace(/\D/g, "").slice(0, field.maxLength);
});
field.addEventListener("input", () => {
  const digits = field.value.replace(/\D/g, "");
  if (digits !== field.value) field.value = digits;
});

/** Waits for the SMS until the page is left or the code is sent; the person may have typed it by then. */
async function takeFromMessage() {
  if (!("OTPCredential" in window)) return;
  const waiting = new AbortController();
  addEventListener("pagehide", () => waiting.abort());
  card.addEventListener("submit", () => waiting.abort());
  try {
    const { code } = await navigator.credentials.get({ otp: { transport: ["sms"] }, signal: waiting.signal });
    field.value = code;
    field.focus();
  } catch {
    // Refused, left, or no SMS: the person types it.
  }
}

takeFromMessage();
tick();
setInterval(tick, TICK_MS);
