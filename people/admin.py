"""What an operator sees of people: who they are and whether they may sign in. No password, no
second factor.

People are added by `manage.py add_person`, which alone makes both factors; roles and lenders do not
change, because the log says what a person was when they read.
"""

from django.contrib import admin
from django.http import HttpRequest

from people.models import User


@admin.register(User)
# Django's class takes no parameter at run time
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Name and whether the account is open may change; everything else is read."""

    fields = ("email", "full_name", "role", "lender", "is_active", "last_login", "created_at")
    readonly_fields = ("email", "role", "lender", "last_login", "created_at")
    list_display = ("email", "full_name", "role", "lender", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("lender",)
    ordering = ("email",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: a person without a second factor could not sign in."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: the log names people. An account is closed by clearing `is_active`."""
        return False
