"""The operators' view of lenders. Commands make and revoke keys, never these pages, and no
secret is shown.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from lenders import register
from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint
from verification import transactions


def never(self: object, request: HttpRequest, obj: Any = None) -> bool:
    """No, even for an operator: the answer to permission questions of Django's admin."""
    return False


class KeyInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """A lender's keys, read-only. `manage.py add_key` prints one once; a page could be cached
    and filmed.
    """

    model = ApiKey
    fields = readonly_fields = (
        "id",
        "mode",
        "shown",
        "scopes",
        "cidrs",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    extra = 0
    can_delete = False
    has_add_permission = has_change_permission = never


@admin.register(Lender)
class LenderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Names, telephones, calendars, addresses. `manage.py add_lender` checks the BIN; the log
    identifies the lender.
    """

    list_display = ("name", "bin", "phone", "test_calendar", "live_calendar", "created_at")
    search_fields = ("name", "bin")
    readonly_fields = ("id", "bin", "created_at")
    inlines = (KeyInline,)
    has_add_permission = has_delete_permission = never

    def save_model(self, request: HttpRequest, obj: Lender, form: Any, change: bool) -> None:
        """Saves and states the lender."""
        with transactions.writing():
            register.lock(obj)
            super().save_model(request, obj, form, change)
            register.keep_lender(obj, by=str(request.user.pk))


@admin.register(WebhookEndpoint)
# not subscriptable at run time
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Endpoints, read-only: their lender makes, changes and ends them."""

    list_display = (
        "id",
        "lender",
        "mode",
        "url",
        "cursor",
        "failures",
        "paused_until",
        "disabled_at",
        "disabled_reason",
    )
    list_filter = ("mode",)
    exclude = ("sealed_secret", "sealed_previous_secret", "sealed_signing_key")
    has_add_permission = has_change_permission = has_delete_permission = never


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Deliveries and their answers, read-only."""

    list_display = (
        "id",
        "endpoint",
        "type",
        "status",
        "tries",
        "due_at",
        "response_status",
        "failure",
    )
    list_filter = ("status", "mode")
    exclude = ("body", "fence")
    has_add_permission = has_change_permission = has_delete_permission = never
