// Shows openapi.json with Swagger UI, from this installation's own files. A key typed in stays in this page's memory.
"use strict";

const place = document.getElementById("reference");
window.SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
