"""The admin site: operators only, with both factors."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from people.access import is_second_factor_done, may
from people.roles import OPERATE


class OperatorSite(AdminSite):
    """Django's admin site behind our own sign-in."""

    site_header = site_title = "Tulga"
    index_title = "Operation"
    site_url = "/people/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this is an operator who gave both factors."""
        return may(request.user, permission=OPERATE)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sends strangers to our sign-in, because Django's own form asks for one factor only."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if is_second_factor_done(request.user):
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), login_url=reverse("people:login"))
