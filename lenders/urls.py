"""The addresses of the lenders' door: the API, its description and its documentation."""

from typing import Any

from django.urls import path, re_path
from rest_framework.renderers import JSONRenderer

from lenders.api import documents, log, payout, sandbox, unknown, verifications, webhooks
from lenders.docs import pages, prose
from lenders.keys import ApiKeyAuthentication, HasKey, KeyRate
from lenders.requests import AlwaysJSON, ByHeader, StrictJSONParser

app_name = "lenders"

# The common options of all API views, without inheritance.
VIEW_OPTIONS: dict[str, Any] = {
    "authentication_classes": (ApiKeyAuthentication,),
    "permission_classes": (HasKey,),
    "throttle_classes": (KeyRate,),
    "parser_classes": (StrictJSONParser,),
    "renderer_classes": (JSONRenderer,),
    "versioning_class": ByHeader,
    "content_negotiation_class": AlwaysJSON,
    "metadata_class": None,
}
# Test mode only.
TEST_VIEW_OPTIONS = VIEW_OPTIONS | {"permission_classes": (unknown.InTestMode,)}
# For unknown addresses: the answer is the same with and without a key, except for the version
# header.
NOWHERE_OPTIONS = VIEW_OPTIONS | {
    "authentication_classes": (unknown.PerhapsKey,),
    "permission_classes": (unknown.Nowhere,),
    "throttle_classes": (),
}

urlpatterns = [
    path("v1/verifications", verifications.Verifications.as_view(**VIEW_OPTIONS)),
    path(
        "v1/verifications/<slug:verification_id>",
        verifications.VerificationDetail.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/link",
        verifications.VerificationLink.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/cancel",
        verifications.VerificationCancel.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/redact",
        verifications.VerificationRedact.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/contract",
        payout.Contract.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/documents",
        documents.Documents.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/statement",
        documents.Statement.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/signature",
        documents.SignatureFile.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/receipt",
        documents.ReceiptFile.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/documents/<slug:attempt_id>",
        documents.DocumentFile.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/clearances",
        payout.Clearances.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/verifications/<slug:verification_id>/obligation",
        payout.Obligation.as_view(**VIEW_OPTIONS),
    ),
    path("v1/test/scenarios", sandbox.Scenarios.as_view(**TEST_VIEW_OPTIONS)),
    path(
        "v1/test/verifications/<slug:verification_id>/simulate",
        sandbox.Simulation.as_view(**TEST_VIEW_OPTIONS),
    ),
    path("v1/clearances", payout.ClearanceList.as_view(**VIEW_OPTIONS)),
    path("v1/clearances/<slug:clearance_id>", payout.ClearanceDetail.as_view(**VIEW_OPTIONS)),
    path(
        "v1/clearances/<slug:clearance_id>/consume",
        payout.ClearanceConsume.as_view(**VIEW_OPTIONS),
    ),
    path("v1/webhook-endpoints", webhooks.WebhookEndpoints.as_view(**VIEW_OPTIONS)),
    path(
        "v1/webhook-endpoints/<slug:endpoint_id>",
        webhooks.WebhookEndpointDetail.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/webhook-endpoints/<slug:endpoint_id>/test",
        webhooks.WebhookEndpointTest.as_view(**VIEW_OPTIONS),
    ),
    path(
        "v1/webhook-endpoints/<slug:endpoint_id>/rotate-secret",
        webhooks.WebhookEndpointSecret.as_view(**VIEW_OPTIONS),
    ),
    path("v1/events", log.Events.as_view(**VIEW_OPTIONS)),
    path("v1/deliveries", webhooks.Deliveries.as_view(**VIEW_OPTIONS)),
    path("v1/deliveries/redeliver", webhooks.DeliveriesAgain.as_view(**VIEW_OPTIONS)),
    path(
        "v1/deliveries/<slug:delivery_id>/redeliver",
        webhooks.DeliveryAgain.as_view(**VIEW_OPTIONS),
    ),
    path("v1/test/clock", sandbox.Clock.as_view(**TEST_VIEW_OPTIONS)),
    path("v1/log/checkpoint", log.LogCheckpoint.as_view(**VIEW_OPTIONS)),
    path("v1/log/proof", log.LogProof.as_view(**VIEW_OPTIONS)),
    path("v1/log/consistency", log.LogConsistency.as_view(**VIEW_OPTIONS)),
    re_path(r"^v[0-9]+(?:/(?P<rest>.*))?$", unknown.Unknown.as_view(**NOWHERE_OPTIONS)),
    path(".well-known/jwks.json", documents.jwks, name="jwks"),
    path("openapi.json", pages.openapi_json, name="openapi"),
    path(
        "openapi-operations.json",
        pages.openapi_json,
        {"has_webhooks": False},
        name="openapi-operations",
    ),
    path("docs", pages.overview, name="docs"),
    *(path(f"docs/{name}", pages.document, {"name": name}, name=name) for name in prose.NAMES),
    path("docs/problems", pages.problems_page, name="problems"),
    path("docs/problems/<slug:code>", pages.code_page, name="code"),
    path("docs/reference", pages.reference, name="reference"),
    path("docs/search", pages.search_page, name="search"),
]
