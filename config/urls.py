"""Where each door stands. Every package lists its own addresses."""

from django.contrib import admin
from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("lenders.urls")),
    path("v/", include("verification.borrower.urls")),
    path("oversight/", include("verification.oversight.urls")),
    path("people/", include("people.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]

handler400 = "config.page_problems.bad_request"
handler403 = "config.page_problems.forbidden"
handler404 = "config.page_problems.not_found"
handler500 = "config.page_problems.server_error"
