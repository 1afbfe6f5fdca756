/** Whether a page is shown in a window inside an app, and in which; whether it may use the camera; what was chosen here. */

// Windows inside apps: those that say so, and those of iOS that leave out the name of Safari, as WhatsApp's, Telegram's and
// Kaspi's do; of these none gives a page the camera.
const INSIDE_AN_APP =
  /; wv\)|FBA[NV]|Instagram|Line\/|MicroMessenger|musical_ly|Bytedance|VKAndroidApp|OKApp|Snapchat|WhatsApp|Telegram|Kaspi|\((iPhone|iPad|iPod)(?!.* (Safari|CriOS|FxiOS|EdgiOS)\/)/i;
const APPS = { WhatsApp: /WhatsApp/i, Telegram: /Telegram/i, "Kaspi.kz": /Kaspi/i, Instagram: /Instagram/i };

/** Names the app, if it says which it is, in the words of the page; whether it is one at all. */
export function nameApp(camera) {
  const app = Object.keys(APPS).find((name) => APPS[name].test(navigator.userAgent));
  const named = camera.querySelector("[data-app-named]");
  named.hidden = !app;
  named.textContent = named.dataset.words.replace("{app}", app ?? "");
  camera.querySelector("[data-app-unnamed]").hidden = Boolean(app);
  return INSIDE_AN_APP.test(navigator.userAgent);
}

/** Whether the camera is allowed already; not every browser says. */
export async function allowed() {
  const asked = navigator.permissions?.query({ name: "camera" });
  return asked?.then(({ state }) => state === "granted", () => false) ?? false;
}

/** Whether the camera begins by itself, as the borrower last chose on this device. */
export function remember(box) {
  try { // some browsers keep nothing for a page; then it is asked anew
    box.checked = localStorage.getItem("camera-begins") !== "by-hand";
  } catch {}
  box.addEventListener("change", () => {
    try {
      localStorage.setItem("camera-begins", box.checked ? "by-itself" : "by-hand");
    } catch {}
  });
}
