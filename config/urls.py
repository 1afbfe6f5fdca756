"""The root addresses. Every package lists its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import healthz, readyz
from verification.borrower import public

urlpatterns = [
    # A visitor without an address is a borrower who lost the link's end: that page gives advice.
    path("", RedirectView.as_view(pattern_name="borrower:link")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("lenders.urls")),
    path("rules", public.rules, name="rules"),
    path("", include("verification.borrower.urls")),
    path("mine", include("verification.subject.urls")),
    path("oversight/", include("verification.oversight.urls")),
    path("review/", include("verification.review.urls")),
    path("people/", include("people.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]

handler400 = "config.page_problems.bad_request"
handler403 = "config.page_problems.forbidden"
handler404 = "config.page_problems.not_found"
handler500 = "config.page_problems.server_error"
