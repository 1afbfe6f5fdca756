"""Addresses of the regulator's pages. None of them has room for an IIN: what is searched for is
posted.
"""

from django.urls import path

from verification.oversight import views

app_name = "oversight"
urlpatterns = [
    path("", views.find, name="search"),
    path("cases/<str:verification_id>/", views.case, name="case"),
    path("cases/<str:verification_id>/proof", views.decision_proof, name="proof"),
    path("cases/<str:verification_id>/leaf", views.decision_leaf, name="leaf"),
    path("log/<str:mode>/checkpoint", views.checkpoint, name="checkpoint"),
    path("counts/", views.counts, name="counts"),
    path("readings/", views.readings, name="readings"),
]
