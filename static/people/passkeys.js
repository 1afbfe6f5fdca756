/**
 * Passkeys: a form is posted with the answer of the person's key to a challenge of ours.
 *
 * `data-passkey` is the address of the challenge. It stands on a form, which its button sends, or on a part of one with a
 * button of its own. If the server gives no challenge, the form is posted without an answer, and the next page says why.
 */

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const spelled = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (keys = []) => keys.map((key) => ({ ...key, id: bytes(key.id) }));

/** The answer of a key as JSON. Old browsers neither read nor write it, so we do. */
async function ask(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  let credential;
  if (options.user) {
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    publicKey.excludeCredentials = known(options.excludeCredentials);
    credential = await navigator.credentials.create({ publicKey });
  } else {
    publicKey.allowCredentials = known(options.allowCredentials);
    credential = await navigator.credentials.get({ publicKey });
  }
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (credential.response[part]) response[part] = spelled(credential.response[part]);
  }
  return JSON.stringify({ id: credential.id, type: credential.type, response });
}

/** The challenge for what the form has, or nothing if the server gives none. */
async function challenge(form, address) {
  const fields = new FormData(form);
  for (const secret of ["password", "code"]) fields.delete(secret);
  const answered = await fetch(address, { method: "POST", body: fields });
  return answered.ok && !answered.redirected ? answered.json() : null;
}

/** Which word of the page says what went wrong. A browser does not tell a refusal from the end of the time. */
function wordOf(fault, isLate) {
  if (fault instanceof TypeError) return "offline";
  return { InvalidStateError: "known", SecurityError: "place" }[fault.name] ?? (isLate ? "late" : "cancelled");
}

function tell(place, name) {
  for (const word of place.querySelectorAll("[data-word]")) word.hidden = word.dataset.word !== name;
}

async function send(place, form, button) {
  if (!window.PublicKeyCredential) return tell(place, "unsupported");
  tell(place, "");
  button.disabled = true;
  let ends = Infinity;
  try {
    const options = await challenge(form, place.dataset.passkey);
    ends = performance.now() + (options?.timeout ?? Infinity);
    form.elements.passkey.value = options ? await ask(options) : "";
    form.submit();
  } catch (fault) {
    tell(place, wordOf(fault, performance.now() >= ends));
    button.disabled = false;
  }
}

for (const place of document.querySelectorAll("[data-passkey]")) {
  const [form, button] = [place.closest("form"), place.querySelector("button")];
  place.hidden = false;
  place.addEventListener(place === form ? "submit" : "click", (event) => {
    if (place !== form && event.target !== button) return;
    event.preventDefault();
    send(place, form, button);
  });
}
addEventListener("pageshow", (event) => event.persisted && location.reload()); // back: a spent answer is useless
