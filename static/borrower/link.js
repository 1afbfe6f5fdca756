/**
 * The page a link leads to. The token stands in the fragment, which no server sees; it leaves the address bar at once
 * and is posted when the borrower presses Continue. The entry of the history keeps it, so that a reload loses nothing.
 */

const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;
const form = document.querySelector("#link-form");
const missing = document.querySelector("#no-link");

function take() {
  const fragment = location.hash.slice(1);
  const token = fragment || history.state?.token || "";
  const usable = TOKEN.test(token);
  history.replaceState(usable ? { token } : null, "", location.pathname);
  form.elements.token.value = usable ? token : "";
  form.hidden = !usable;
  missing.hidden = usable;
  // The switch of languages comes back to this page: a fragment on its address survives the redirect.
  for (const languages of document.querySelectorAll("form.languages")) {
    languages.action = usable ? `${languages.action.split("#")[0]}#${token}` : languages.action;
  }
}

// It works once: a second tap would be told that it was used.
form.addEventListener("submit", ({ submitter }) => setTimeout(() => (submitter.disabled = true)));

// Pasting another link into the same tab changes the fragment only, and loads nothing.
addEventListener("hashchange", take);
take();
