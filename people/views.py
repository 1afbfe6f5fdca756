"""Pages of the people who sign in: sign in, home, the password, passkeys. Signing out is Django's
own view.
"""

from http import HTTPStatus
from typing import Any

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from people import hashing, passkeys, sessions
from people.models import SecondFactor, is_second_factor_done
from people.policy import CHALLENGE_SESSION_S
from people.sign_in import SignInForm
from verification.access import passkeys as door
from verification.core.codes import CODES
from verification.core.errors import Refused


class SignInView(LoginView):
    """Both factors in one form, the second by code or passkey.

    Django's view renews the session key and refuses foreign `next` addresses.
    """

    # Django only calls get_user()
    authentication_form = SignInForm  # type: ignore[assignment]
    template_name = "people/sign_in.html"
    next_page = "people:home"

    def form_valid(self, form: Any) -> HttpResponse:
        """Signs in and starts the session's clocks."""
        response = super().form_valid(form)
        sessions.begin(self.request.session, by=form.opened_by)
        if settings.TULGA_MODES_LIVE and form.opened_by == sessions.CODE:
            # Such a session may only enrol a passkey.
            return redirect("people:passkey")
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, with the status of the refusal."""
        shut = form.has_error("__all__", code="too_many_tries")
        status = HTTPStatus.TOO_MANY_REQUESTS if shut else HTTPStatus.UNPROCESSABLE_ENTITY
        return self.render_to_response(self.get_context_data(form=form), status=status)


class SignInChallengeView(View):
    """The options for a passkey at the sign-in, in a session of its own."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """The options for `navigator.credentials.get`."""
        if request.user.is_anonymous:
            request.session.set_expiry(CHALLENGE_SESSION_S)
        return JsonResponse(passkeys.sign_in_options(request.session))


# `no-store` among others (RFC 9111 §5.2.2.5): after signing out, the browser's back button shows
# nothing.
@method_decorator(never_cache, name="dispatch")
class HomeView(UserPassesTestMixin, TemplateView):
    """The signed-in person, and their pages."""

    template_name = "people/home.html"

    def test_func(self) -> bool:
        """Anybody with both factors."""
        return is_second_factor_done(self.request.user)


@method_decorator(never_cache, name="dispatch")
class PasswordView(UserPassesTestMixin, PasswordChangeView):
    """A new password; it ends every other session of this person."""

    template_name = "people/password.html"
    success_url = reverse_lazy("people:home")

    def test_func(self) -> bool:
        """Anybody with both factors."""
        return is_second_factor_done(self.request.user)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The new password, hashed as for a sign-in."""
        with hashing.place():
            return super().post(request, *args, **kwargs)


class _MayEnrol(UserPassesTestMixin):
    """Anybody with both factors, also by code in live mode."""

    request: HttpRequest

    def test_func(self) -> bool:
        """Whether this session was opened with both factors."""
        user = self.request.user
        is_by_code = user.is_authenticated and sessions.is_by_code(self.request.session)
        return is_by_code or is_second_factor_done(user)


@method_decorator(never_cache, name="dispatch")
class PasskeyView(_MayEnrol, TemplateView):
    """The person's passkeys, and a new one. A lost one ends with all factors, by the operator."""

    template_name = "people/passkey.html"

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """How many there are, and whether a browser makes one here."""
        person: Any = self.request.user
        context: dict[str, Any] = {"number": len(person.passkeys), "origin": door.origin()}
        context["is_possible"] = door.is_possible()
        return super().get_context_data(**context, **more)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Puts a new passkey on record. From now on it opens the person's sessions, as this one."""
        person: Any = request.user
        try:
            key = passkeys.add(request.session, person, request.POST.get("passkey", ""))
        except Refused as refusal:
            sentence = gettext(CODES[refusal.code].staff)
            context = self.get_context_data(refusal=sentence, code=refusal.code)
            return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        request.session.cycle_key()
        django_otp.login(request, SecondFactor.objects.devices_for_user(person).first())
        sessions.begin(request.session, by=key.id)
        messages.success(request, gettext("Your passkey is on record."))
        return redirect("people:passkey")


class PasskeyChallengeView(_MayEnrol, View):
    """The options for a new passkey."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """The options for `navigator.credentials.create`."""
        person: Any = request.user
        return JsonResponse(passkeys.creation_options(request.session, person))
