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
