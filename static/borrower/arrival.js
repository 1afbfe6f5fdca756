/**
 * A page that goes to another one by itself: there the focus is on the heading, so that whoever cannot see the page
 * change hears which one it is now, and goes on from its beginning. A press needs nothing of the kind: who presses knows.
 */

const BY_ITSELF = "arrives-by-itself";

/** Goes to another page without a press. */
export function goOnTo(address) {
  try { // some browsers keep nothing for a page; then the new page's title alone is said
    sessionStorage.setItem(BY_ITSELF, "yes");
  } catch {}
  location.replace(address);
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
