"""Addresses of a person who reads what is kept about them. None holds an id or an IIN."""

from django.urls import path

from verification.subject import pages

app_name = "subject"
urlpatterns = [
    path("", pages.start, name="start"),
    path("/now", pages.now, name="now"),
    path("/now/state", pages.state, name="state"),
    path("/now/file", pages.file, name="file"),
]
