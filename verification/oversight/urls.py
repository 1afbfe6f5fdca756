"""Addresses of the regulator's pages. None can contain an IIN: queries are posted."""

from django.urls import path

from verification.oversight import case_file, counts, search

app_name = "oversight"
urlpatterns = [
    path("", search.search_page, name="search"),
    path("cases/<str:verification_id>/", case_file.case_page, name="case"),
    path("cases/<str:verification_id>/proof", case_file.proof_page, name="proof"),
    path("cases/<str:verification_id>/leaf", case_file.leaf_page, name="leaf"),
    path("log/<str:mode>/checkpoint", case_file.checkpoint_page, name="checkpoint"),
    path("counts/", counts.counts_page, name="counts"),
    path("readings/", search.readings_page, name="readings"),
]
