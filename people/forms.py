"""The sign-in form: both factors on one page, so a wrong password and a wrong code look the
same.
"""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from people.models import User
from people.policy import CODE_DIGITS, PASSWORD_MAX_LENGTH
from people.sign_in import prove
from verification import transactions


class CodeInput(forms.PasswordInput):
    """A text field that comes back empty: a code that was refused is of no more use."""

    input_type = "text"


class CodeField(forms.CharField):
    """A code as people type it: apps show it in two groups, so spaces are dropped."""

    def to_python(self, value: Any) -> str:
        """The digits without spaces."""
        return "".join((super().to_python(value) or "").split())


class SignInForm(forms.Form):
    """E-mail address, password and code; valid once all three are proved."""

    email = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MAX_LENGTH,
        # NIST SP 800-63B-3 §5.1.1.2: a blank may be a part of a password, at its end too.
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = CodeField(
        label=_("Code"),
        help_text=_("6 digits from your authenticator app."),
        max_length=16,
        validators=[
            RegexValidator(
                rf"\A[0-9]{{{CODE_DIGITS}}}\Z",
                _("Enter the 6 digits your app shows."),
                "code_malformed",
            )
        ],
        widget=CodeInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "input-code"}
        ),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        self._user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Proves both factors once the fields can be read. A form that cannot be read costs no
        try.
        """
        given = super().clean() or {}
        if not self.errors:
            with transactions.looking_up("sign_in"):
                self._user = prove(
                    self._request,
                    email=given["email"],
                    password=given["password"],
                    code=given["code"],
                )
        return given

    def get_user(self) -> User | None:
        """Who was proved; none until the form is valid. Django's LoginView asks under this name."""
        return self._user
