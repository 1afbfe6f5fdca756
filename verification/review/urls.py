"""Addresses of the review desk: opaque ids only. Searches and decisions are posted."""

from django.urls import path

from verification.review import attesting, desk, voting

app_name = "review"
urlpatterns = [
    path("", desk.queue_page, name="queue"),
    path("open/", desk.open_cases_page, name="open"),
    path("confirm/", attesting.to_confirm_page, name="to_confirm"),
    path("confirm/<slug:verification_id>/", attesting.confirmation_page, name="confirmation"),
    path("confirm/<slug:verification_id>/<slug:kind>", attesting.attest_page, name="attest"),
    path(
        "confirm/<slug:verification_id>/<slug:kind>/challenge",
        attesting.attest_challenge,
        name="attest_challenge",
    ),
    path("cases/<slug:verification_id>/", voting.case_page, name="case"),
    path(
        "cases/<slug:verification_id>/pictures/<slug:evidence_id>",
        voting.picture_page,
        name="picture",
    ),
    path("cases/<slug:verification_id>/vote", voting.vote_page, name="vote"),
    path(
        "cases/<slug:verification_id>/vote/challenge", voting.vote_challenge, name="vote_challenge"
    ),
    path("cases/<slug:verification_id>/link", desk.link_page, name="link"),
]
