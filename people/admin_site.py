"""The admin site: operators only, with both factors. One page of it is ours: what the log
refuses.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse

from people.access import is_second_factor_done, may
from people.roles import OPERATE
from verification.oversight import refusals


class OperatorSite(AdminSite):
    """Django's admin site behind our own sign-in."""

    site_title = "Tulga"
    site_header = "Tulga · Astana time (UTC+5)"  # of whatever time a page shows
    index_title = "Operation"
    site_url = "/people/"
    index_template = "people/operation.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this is an operator who gave both factors."""
        return may(request.user, permission=OPERATE)

    def get_urls(self) -> list[Any]:
        """Django's own addresses, and ours."""
        return [
            path("refused/", self.admin_view(self.refused_entries), name="refused"),
            *super().get_urls(),
        ]

    def refused_entries(self, request: HttpRequest) -> HttpResponse:
        """The entries that the log refuses, each with its case's last ordered state, and how to go
        on.
        """
        entries, has_more = refusals.refused_entries()
        shown = {"entries": entries, "has_more": has_more, "title": "Entries that the log refuses"}
        return render(request, "people/refused.html", {**self.each_context(request), **shown})

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sends strangers to our sign-in, because Django's own form asks for one factor only."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if is_second_factor_done(request.user):
            raise PermissionDenied
        return redirect_to_login(
            request.GET.get("next", reverse("admin:index")), login_url=reverse("people:login")
        )
