"""Pages of the people who sign in: sign in, invitation, home, the password, passkeys.

Signing out is Django's own view.
"""

from http import HTTPStatus
from typing import Any

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView, View

from people import hashing, passkeys, sessions, sign_in
from people.models import SecondFactor, is_second_factor_done
from people.policy import CHALLENGE_SESSION_S
from people.sign_in import InvitationForm, SignInForm
from verification import transactions
from verification.access import passkeys as door
from verification.core.codes import CODES
from verification.core.errors import Refused

SIGN = "sign"
"""The act of a known passkey that signs a new one."""


class SignInView(LoginView):
    """Both factors in one form, the second by code or passkey.

    Django's view renews the session key and refuses foreign `next` addresses.
    """

    # Django only calls get_user()
    authentication_form = SignInForm  # type: ignore[assignment]
    template_name = "people/sign_in.html"
    next_page = "people:home"

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Whether a passkey alone signs in."""
        return super().get_context_data(is_by_passkey=settings.TULGA_MODES_LIVE, **more)

    def form_valid(self, form: Any) -> HttpResponse:
        """Signs in and starts the session's clocks."""
        response = super().form_valid(form)
        sessions.begin(self.request.session, by=form.opened_by)
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


class _SignedIn(UserPassesTestMixin):
    """Anybody with both factors."""

    request: HttpRequest

    def test_func(self) -> bool:
        """Whether this session was opened with both factors."""
        return is_second_factor_done(self.request.user)


# `no-store` among others (RFC 9111 §5.2.2.5): after signing out, the browser's back button shows
# nothing.
@method_decorator(never_cache, name="dispatch")
class HomeView(_SignedIn, TemplateView):
    """The signed-in person, and their pages."""

    template_name = "people/home.html"


@method_decorator(never_cache, name="dispatch")
class PasswordView(_SignedIn, PasswordChangeView):
    """A new password; it ends every other session of this person."""

    template_name = "people/password.html"
    success_url = reverse_lazy("people:home")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The new password, hashed as for a sign-in."""
        with hashing.place():
            return super().post(request, *args, **kwargs)


@method_decorator(never_cache, name="dispatch")
class PasskeyView(_SignedIn, TemplateView):
    """The person's passkeys, and a new one. A lost one ends with all factors, by the operators.

    In live mode a new passkey waits until a known one has signed it.
    """

    template_name = "people/passkey.html"

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """How many there are, and whether a browser makes one here."""
        person: Any = self.request.user
        context: dict[str, Any] = {"number": len(person.passkeys), "origin": door.origin()}
        context["is_possible"] = door.is_possible()
        context["is_waiting"] = passkeys.is_waiting(self.request.session)
        return super().get_context_data(**context, **more)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Puts a new passkey on record. From now on it opens the person's sessions, as this one."""
        person: Any = request.user
        answer, put = request.POST.get("passkey", ""), passkeys.add
        if request.POST.get("act") == SIGN:
            put = passkeys.sign
        try:
            key = put(request.session, person, answer)
        except Refused as refusal:
            sentence = gettext(CODES[refusal.code].staff)
            context = self.get_context_data(refusal=sentence, code=refusal.code)
            return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        if key is None:
            return redirect("people:passkey")
        request.session.cycle_key()
        django_otp.login(request, SecondFactor.objects.devices_for_user(person).first())
        sessions.begin(request.session, by=key.id)
        messages.success(request, gettext("Your passkey is on record."))
        return redirect("people:passkey")


class PasskeyChallengeView(_SignedIn, View):
    """The options for a new passkey, or for a known one that signs it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """The options for `navigator.credentials`."""
        person: Any = request.user
        options = passkeys.creation_options
        if request.POST.get("act") == SIGN:
            options = passkeys.signing_options
        try:
            return JsonResponse(options(request.session, person))
        except Refused as refusal:
            return JsonResponse({"code": refusal.code}, status=HTTPStatus.CONFLICT)


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password", "invitation"), name="dispatch")
# not subscriptable at run time
class InvitationView(FormView):  # type: ignore[type-arg]
    """An invited person chooses a password, makes their first passkey, and is signed in."""

    template_name = "people/invitation.html"
    form_class = InvitationForm

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Whether a browser makes passkeys here."""
        context = {"is_possible": door.is_possible(), "origin": door.origin()}
        return super().get_context_data(**context, **more)

    def form_valid(self, form: Any) -> HttpResponse:
        """Puts both on record."""
        fields, code = form.cleaned_data, ""
        try:
            with hashing.place(), transactions.looking_up("sign_in"):
                user, key = sign_in.accept(
                    self.request,
                    email=fields["email"],
                    code=fields["invitation"],
                    password=fields["password"],
                    passkey=fields["passkey"],
                )
        except ValidationError as error:
            form.add_error(
                None if getattr(error, "code", "") == "too_many_tries" else "password", error
            )
        except Refused as refusal:
            code = refusal.code
            form.add_error(None, gettext(CODES[code].staff))
        else:
            login(self.request, user)
            sessions.begin(self.request.session, by=key)
            return redirect("people:home")
        context = self.get_context_data(form=form, code=code)
        return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again."""
        context = self.get_context_data(form=form)
        return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


class InvitationChallengeView(View):
    """The options for the first passkey of an invited person."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """The options for `navigator.credentials.create`; none without the invitation."""
        email, code = request.POST.get("email", ""), request.POST.get("invitation", "")
        try:
            with transactions.looking_up("sign_in"):
                user = sign_in.invited(request, email=email, code="".join(code.split()))
        except (Refused, ValidationError):
            return JsonResponse({}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        if request.user.is_anonymous:
            request.session.set_expiry(CHALLENGE_SESSION_S)
        return JsonResponse(passkeys.creation_options(request.session, user))
