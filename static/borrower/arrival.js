/**
 * A page that goes to another one by itself: the new page focuses its heading, so that a person who cannot see the
 * change hears which page it is, and continues from its start. After a press this is not needed.
 */

const BY_ITSELF = "arrives-by-itself";

/** Goes to another page without a press. */
export function goOnTo(address) {
  try { // some browsers store nothing for a page; then only the new page's title is read out
    sessionStorage.setItem(BY_ITSELF, "yes");
  } catch {}
  location.replace(address);
}

/** Brings a state's heading to the top of the window, under the bar; a screen reader hears the state. */
export function arriveAt(state) {
  state.focus({ preventScroll: true });
  const heading = [...state.querySelectorAll("h2")].find((each) => each.getClientRects().length);
  (heading ?? state).scrollIntoView({ block: "start" });
}

function arrive() {
  try {
    if (!sessionStorage.getItem(BY_ITSELF)) return;
    sessionStorage.removeItem(BY_ITSELF);
  } catch {
    return;
  }
  const heading = document.querySelector("main h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus();
}

arrive();
