"""What a reviewer says: a word and its reason, what they attest, or the reference of a case they
look for.
"""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from verification.case import policy
from verification.review.labels import HOWS

PASS, FAIL = "pass", "fail"
# Longest reference that is read, characters: as the lenders' API takes them.
_REFERENCE_MAX: Final = 64


class VoteForm(forms.Form):
    """One vote. Nothing is chosen beforehand."""

    word = forms.ChoiceField(
        label=_("What do you see?"),
        choices=[
            (PASS, _("It is the borrower, alive and alone")),
            (FAIL, _("It is not, or I cannot tell")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose one of the two."),
            "invalid_choice": _("Choose one of the two."),
        },
    )
    reason = forms.CharField(
        label=_("Why?"),
        help_text=_(
            "10 to 500 characters. It is sealed: neither the other reviewer nor the log sees it."
        ),
        min_length=policy.REVIEW_REASON_MIN,
        max_length=policy.REVIEW_REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Write 10 to 500 characters.")
        ),
    )

    def clean_reason(self) -> str:
        """On one line, as it is kept. Signs that cannot be printed are refused."""
        words = " ".join(self.cleaned_data["reason"].split())
        if len(words) < policy.REVIEW_REASON_MIN or not words.isprintable():
            raise forms.ValidationError(_("Write 10 to 500 characters."), code="reason_malformed")
        return words


class _Word(forms.Form):
    """What every attestation has: a remark on one line."""

    comment = forms.CharField(
        label=_("How do you know?"),
        help_text=_("10 to 500 characters: what you saw, and its number or date. It is sealed."),
        min_length=policy.REVIEW_REASON_MIN,
        max_length=policy.REVIEW_REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Write 10 to 500 characters.")
        ),
    )

    def clean_comment(self) -> str:
        """On one line, as it is kept."""
        return " ".join(self.cleaned_data["comment"].split())


class AgeForm(_Word):
    """That the borrower confirmed their consent once more, and how. Nothing is chosen
    beforehand.
    """

    how = forms.ChoiceField(
        label=_("How did the borrower confirm?"),
        choices=list(HOWS.items()),
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose one.")),
    )
    field_order = ("how", "comment")


class VisitForm(_Word):
    """That the borrower came in person: when and where."""

    day = forms.DateField(
        label=_("Day of the visit"),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("required", "invalid"), _("Give the day.")),
    )
    place = forms.CharField(
        label=_("Place"),
        help_text=_("Your office: town and address. It is sealed."),
        min_length=policy.VISIT_PLACE_MIN,
        max_length=policy.REVIEW_REASON_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Give the place.")
        ),
    )
    field_order = ("day", "place", "comment")


class ReferenceForm(forms.Form):
    """Which open case; posted, so that nothing of it stands in an address."""

    reference = forms.CharField(
        label=_("Your reference or the case number"),
        required=False,
        max_length=_REFERENCE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": _("A reference has at most 64 characters.")},
    )
