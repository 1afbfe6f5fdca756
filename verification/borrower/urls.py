"""The borrower's addresses. None holds an id or a secret: the cookie says whose page it is."""

from django.urls import path

from verification.borrower import views

app_name = "borrower"

urlpatterns = [
    path("", views.link, name="link"),
    path("unusable/", views.unusable, name="unusable"),
    path("now/", views.now, name="now"),
    path("now/state/", views.state, name="state"),
    path("now/hint/", views.hint, name="hint"),
    path("now/route/", views.route, name="route"),
    path("now/resume/", views.resume, name="resume"),
    path("now/elsewhere/", views.elsewhere, name="elsewhere"),
]
