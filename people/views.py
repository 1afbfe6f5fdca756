"""Pages of the people who sign in: sign in, home, change the password. Signing out is Django's own
view.
"""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from people import hashing, sessions
from people.models import is_second_factor_done
from people.sign_in import SignInForm


class SignInView(LoginView):
    """Both factors in one form; Django's view renews the session key and refuses foreign `next`
    addresses.
    """

    # Django only calls get_user()
    authentication_form = SignInForm  # type: ignore[assignment]
    template_name = "people/sign_in.html"
    next_page = "people:home"

    def form_valid(self, form: Any) -> HttpResponse:
        """Signs in and starts the session's clocks."""
        response = super().form_valid(form)
        sessions.begin(self.request.session)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, with the status of the refusal."""
        shut = form.has_error("__all__", code="too_many_tries")
        status = HTTPStatus.TOO_MANY_REQUESTS if shut else HTTPStatus.UNPROCESSABLE_ENTITY
        return self.render_to_response(self.get_context_data(form=form), status=status)


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
