"""What operators see of the lenders. Keys are made and revoked by commands, never here, and no secret is shown."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint


class KeyInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """The keys of a lender, to look at."""

    model = ApiKey
    fields = readonly_fields = ("id", "mode", "shown", "scopes", "cidrs", "expires_at", "revoked_at", "last_used_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: `manage.py add_key` prints a key once, a page would be cached and filmed."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


@admin.register(Lender)
class LenderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Names, legal profiles and return addresses of lenders."""

    list_display = ("name", "bin", "test_profile", "live_profile", "created_at")
    search_fields = ("name", "bin")
    readonly_fields = ("id", "bin", "created_at")
    inlines = (KeyInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: `manage.py add_lender` checks the BIN and makes the first key."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: the log names it."""
        return False


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Endpoints, to look at."""

    list_display = ("id", "lender", "mode", "url", "cursor", "failing", "disabled_at", "disabled_reason")
    list_filter = ("mode", "failing")
    exclude = ("sealed_secret", "sealed_previous_secret", "sealed_signing_key")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: its lender makes it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Deliveries and what was answered, to look at."""

    list_display = ("id", "endpoint", "type", "status", "tries", "due_at", "response_status", "failure")
    list_filter = ("status", "mode")
    exclude = ("body", "fence")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False
