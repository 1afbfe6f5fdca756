"""The admin site: for operators with both factors, and its view of people.

One page of it is ours: the log's refused entries.
`manage.py add_person` adds people, because only it makes both factors.
Roles and lenders are immutable, because the log states a person's role at each reading.
No password and no second factor is shown.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse

from people import register
from people.models import OPERATE, User, is_second_factor_done, may
from verification import transactions
from verification.oversight import refusals


# Django's class takes no parameter at run time
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Name and account status may change; all else is read-only."""

    fields = ("email", "full_name", "role", "lender", "is_active", "last_login", "created_at")
    readonly_fields = ("email", "role", "lender", "last_login", "created_at")
    list_display = ("email", "full_name", "role", "lender", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("lender",)
    ordering = ("email",)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Saves and states the person."""
        with transactions.writing():
            register.lock(obj)
            super().save_model(request, obj, form, change)
            register.keep(obj, by=str(request.user.pk))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: a person without a second factor could not sign in."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: the log names people. An account is closed by clearing `is_active`."""
        return False


class OperatorSite(admin.AdminSite):
    """Django's admin site behind our own sign-in."""

    site_title = "Tulga"
    site_header = "Tulga · Astana time (UTC+5)"  # for all times on its pages
    index_title = "Operation"
    site_url = "/people/"
    index_template = "people/operation.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.register(User, UserAdmin)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this is an operator with both factors."""
        return may(request.user, permission=OPERATE)

    def get_urls(self) -> list[Any]:
        """Django's own addresses, and ours."""
        return [
            path("refused/", self.admin_view(self.refused_entries), name="refused"),
            *super().get_urls(),
        ]

    def refused_entries(self, request: HttpRequest) -> HttpResponse:
        """The log's refused entries, each with its case's last ordered state, and advice."""
        entries, has_more = refusals.refused_entries()
        context = self.each_context(request)
        context |= {"entries": entries, "has_more": has_more}
        context["title"] = "Entries that the log refuses"
        return render(request, "people/refused.html", context)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sends anonymous users to our sign-in, because Django's own form asks for one factor
        only.
        """
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if is_second_factor_done(request.user):
            raise PermissionDenied
        return redirect_to_login(
            request.GET.get("next", reverse("admin:index")), login_url=reverse("people:login")
        )
