"""Addresses of the people who sign in."""

from django.contrib.auth.views import LogoutView
from django.urls import path, reverse_lazy

from people.views import HomeView, PasswordView, SignInView

app_name = "people"
urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("sign-in/", SignInView.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(next_page=reverse_lazy("people:login")), name="logout"),
    path("password/", PasswordView.as_view(), name="password"),
]
