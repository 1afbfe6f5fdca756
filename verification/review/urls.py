"""Addresses of the review desk: opaque ids only. What is searched for and decided is posted."""

from django.urls import path

from verification.review import confirming, views

app_name = "review"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("open/", views.open_cases, name="open"),
    path("confirm/", confirming.to_confirm, name="to_confirm"),
    path("confirm/<slug:verification_id>/", confirming.confirmation, name="confirmation"),
    path("confirm/<slug:verification_id>/<slug:what>", confirming.attest, name="attest"),
    path("cases/<slug:verification_id>/", views.case, name="case"),
    path("cases/<slug:verification_id>/pictures/<slug:evidence_id>", views.picture, name="picture"),
    path("cases/<slug:verification_id>/vote", views.give_vote, name="vote"),
    path("cases/<slug:verification_id>/link", views.send_link, name="link"),
]
