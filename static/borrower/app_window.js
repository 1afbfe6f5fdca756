/** Detects a window inside an app, the camera permission, and earlier choices. */

// Windows inside apps: those that say so, and those of iOS without the name of Safari, such as WhatsApp's, Telegram's and
// Kaspi's, which give a page no camera.
const INSIDE_AN_APP =
  /; wv\)|FBA[NV]|Instagram|Line\/|MicroMessenger|musical_ly|Bytedance|TikTok|VKAndroidApp|OKApp|Snapchat|WhatsApp|Telegram|Kaspi|\((iPhone|iPad|iPod)(?!.* (Safari|CriOS|FxiOS|EdgiOS)\/)/i;
const APPS = {
  WhatsApp: /WhatsApp/i, Telegram: /Telegram/i, "Kaspi.kz": /Kaspi/i, Instagram: /Instagram/i, Facebook: /FBA[NV]/,
  TikTok: /musical_ly|Bytedance|TikTok/i,
};

/** The app's name, if known, in the words of the page; whether this is an app's window. */
export function nameApp(place) {
  const app = Object.keys(APPS).find((name) => APPS[name].test(navigator.userAgent));
  const named = place.querySelector("[data-app-named]");
  named.hidden = !app;
  named.textContent = named.dataset.words.replace("{app}", app ?? "");
  place.querySelector("[data-app-unnamed]").hidden = Boolean(app);
  return INSIDE_AN_APP.test(navigator.userAgent);
}

/** Whether the camera is already allowed; some browsers do not say. */
export async function allowed() {
  const asked = navigator.permissions?.query({ name: "camera" });
  return asked?.then(({ state }) => state === "granted", () => false) ?? false;
}

/** Whether the camera starts by itself, as last chosen on this device. */
export function remember(box) {
  try { // some browsers store nothing for a page; then the question comes again
    box.checked = localStorage.getItem("camera-begins") !== "by-hand";
  } catch {}
  box.addEventListener("change", () => {
    try {
      localStorage.setItem("camera-begins", box.checked ? "by-itself" : "by-hand");
    } catch {}
  });
}
