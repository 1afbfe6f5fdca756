// Shows openapi.json with Swagger UI, from this installation's own files. A key typed in stays in this page's memory.
"use strict";

// The library's own search looks at the names of groups only: this one at all that an operation says of itself. What it
// may be refused with is left out: most may be with most codes, which have a page of their own.
function holding(groups, words) {
  const wanted = words.toLowerCase();
  const holds = (operation) => JSON.stringify(operation.deleteIn(["operation", "responses"])).toLowerCase().includes(wanted);
  return groups
    .map((group) => group.update("operations", (operations) => operations.filter(holds)))
    .filter((group) => group.get("operations").size > 0);
}

const place = document.getElementById("reference");
window.SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  plugins: [{ fn: { opsFilter: holding } }],
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});

// What the library leaves unnamed, named whenever it draws anew. Its own texts are English, as the fields are.
function name() {
  for (const input of place.querySelectorAll(".operation-filter-input")) {
    input.placeholder = place.dataset.filter;
    input.setAttribute("aria-label", place.dataset.filter);
  }
  // A link within the button that opens the operation it leads to: a button may hold none, and the press sets its address.
  place.querySelectorAll("button a[href]").forEach((one) => one.removeAttribute("href"));
  place.querySelectorAll("pre").forEach((one) => one.setAttribute("tabindex", "0"));
  // A page has one main part and one title, and ours are round this.
  place.querySelectorAll("h1").forEach((one) => one.setAttribute("role", "presentation"));
  place.querySelectorAll("main, [role=main]").forEach((one) => one.setAttribute("role", "group"));
  for (const select of place.querySelectorAll("select:not([aria-label])")) {
    const of = select.closest(".servers") ? "Server" : select.closest(".content-type-wrapper, .response-controls, .body-param-content-type") ? "Media type" : "Value";
    select.setAttribute("aria-label", of);
  }
}
new MutationObserver(name).observe(place, { childList: true, subtree: true });
