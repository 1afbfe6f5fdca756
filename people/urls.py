"""Addresses of the people who sign in."""

from django.contrib.auth.views import LogoutView
from django.urls import path, reverse_lazy

from people.views import (
    HomeView,
    InvitationChallengeView,
    InvitationView,
    PasskeyChallengeView,
    PasskeyView,
    PasswordView,
    SignInChallengeView,
    SignInView,
)

app_name = "people"
urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("sign-in/", SignInView.as_view(), name="login"),
    path("sign-in/challenge/", SignInChallengeView.as_view(), name="login_challenge"),
    path("invitation/", InvitationView.as_view(), name="invitation"),
    path("invitation/challenge/", InvitationChallengeView.as_view(), name="invitation_challenge"),
    path("sign-out/", LogoutView.as_view(next_page=reverse_lazy("people:login")), name="logout"),
    path("password/", PasswordView.as_view(), name="password"),
    path("passkey/", PasskeyView.as_view(), name="passkey"),
    path("passkey/challenge/", PasskeyChallengeView.as_view(), name="passkey_challenge"),
]
