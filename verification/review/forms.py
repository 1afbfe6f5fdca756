"""What a reviewer says: a word and its reason, or the reference of a case they look for."""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from verification.workflow import policy

PASS, FAIL = "pass", "fail"
# Longest reference that is read, characters: as the lenders' API takes them.
_REFERENCE_MAX: Final = 64


class VoteForm(forms.Form):
    """One vote. Nothing is chosen beforehand."""

    word = forms.ChoiceField(
        label=_("What do you see?"),
        choices=[(PASS, _("It is the borrower, alive and alone")), (FAIL, _("It is not, or I cannot tell"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the two."), "invalid_choice": _("Choose one of the two.")},
    )
    reason = forms.CharField(
        label=_("Why?"),
        help_text=_("10 to 500 characters. It is sealed: neither the other reviewer nor the log sees it."),
        min_length=policy.REVIEW_REASON_MIN,
        max_length=policy.REVIEW_REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages=dict.fromkeys(("required", "min_length", "max_length"), _("Write 10 to 500 characters.")),
    )

    def clean_reason(self) -> str:
        """On one line, as it is kept. Signs that cannot be printed are refused."""
        words = " ".join(self.cleaned_data["reason"].split())
        if len(words) < policy.REVIEW_REASON_MIN or not words.isprintable():
            raise forms.ValidationError(_("Write 10 to 500 characters."), code="reason_malformed")
        return words


class ReferenceForm(forms.Form):
    """Which open case; posted, so that nothing of it stands in an address."""

    reference = forms.CharField(
        label=_("Your reference"),
        required=False,
        max_length=_REFERENCE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": _("A reference has at most 64 characters.")},
    )
