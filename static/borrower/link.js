/**
 * The target page of a link. The token stands in the fragment, which no server sees; it leaves the address bar at once
 * and is posted when the borrower presses Continue. The history entry keeps it, so that a reload loses nothing.
 * Before that it is posted to show the link's sender and purpose, which spends nothing.
 */

import { nameApp } from "./app_window.js";
import { passOn } from "./pass_on.js";

const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;
const form = document.querySelector("#link-form");
const missing = document.querySelector("#no-link");
const inApp = document.querySelector("#in-app");
const asked = document.querySelector("#asked");

function take() {
  const fragment = location.hash.slice(1);
  const token = fragment || history.state?.token || "";
  const usable = TOKEN.test(token);
  history.replaceState(usable ? { token } : null, "", location.pathname);
  form.elements.token.value = usable ? token : "";
  form.hidden = !usable;
  delete form.dataset.waits;
  // Said while the link is unspent: another browser can still open it.
  inApp.hidden = !nameApp(inApp) || !usable;
  passOn(`${location.origin}${location.pathname}#${token}`);
  missing.hidden = usable;
  // The language switch returns to this page: the fragment survives the redirect.
  for (const languages of document.querySelectorAll("form.languages")) {
    languages.action = usable ? `${languages.action.split("#")[0]}#${token}` : languages.action;
  }
  if (asked) {
    tell(usable);
  }
}

async function tell(usable) {
  const card = asked.firstElementChild;
  card.hidden = true;
  const token = form.elements.token.value;
  const body = new URLSearchParams(new FormData(form));
  // A fault here must not stop the borrower: Continue reports it.
  const answer = usable ? await fetch(asked.dataset.url, { method: "POST", body }).catch(() => null) : null;
  const said = answer?.status === 200 ? await answer.json().catch(() => null) : null;
  delete asked.dataset.waits;
  if (!said || token !== form.elements.token.value) {
    return;
  }
  card.querySelector("[data-lender]").textContent = said.lender;
  for (const words of card.querySelectorAll("[data-asks]")) {
    words.hidden = words.dataset.asks !== said.asks;
  }
  card.querySelector("[data-test]").hidden = !said.is_test;
  card.hidden = false;
}

// It works once: a second tap would find it spent.
form.addEventListener("submit", ({ submitter }) => setTimeout(() => (submitter.disabled = true)));
// A browser may keep the page as it was left: Back, then Continue, leads to the open step.
addEventListener("pageshow", () => (form.querySelector("button").disabled = false));

// Pasting another link into the same tab changes only the fragment, without a load.
addEventListener("hashchange", take);
take();
