"""The search form: what a regulator typed becomes a question, or a sentence with a stable code for
each field.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.translation import gettext_lazy as _

from verification.case import stages
from verification.core.errors import BadInput
from verification.core.ids import Iin, numbered
from verification.core.status import Status
from verification.oversight import labels, search

MONTHS_OFFERED: Final = (12, 24, 36)
# Django's own codes say what is wrong, ours also say where.
_OF_DJANGO: Final = {
    "invalid_choice": "unknown",
    "invalid": "malformed",
    "max_length": "malformed",
    "required": "missing",
}
_CHOOSE = {"invalid_choice": _("Choose one from the list.")}
_OF_A_DAY: Final[Mapping[str, Any]] = {
    "required": False,
    "widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    "input_formats": ["%Y-%m-%d"],
    "error_messages": {"invalid": _("Write a day as year, month and day: 2026-11-24.")},
}
_IIN = _("An IIN is 12 digits with a valid date and check digit.")
_CASE_NUMBER = _("A case number is 13 digits, as the borrower's last page shows them.")
_ANY: tuple[str, Any] = ("", _("Any"))


class SearchForm(forms.Form):
    """Filters, all optional. It is only ever sent by POST, so nothing of it stands in an
    address.
    """

    iin = forms.CharField(
        label=_("IIN"),
        required=False,
        max_length=32,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={"max_length": _IIN},
    )
    case_number = forms.CharField(
        label=_("Case number"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": _CASE_NUMBER},
    )
    lender = forms.ChoiceField(
        label=_("Lender"),
        required=False,
        choices=partial(
            search.lender_choices, _ANY
        ),  # asked for each form: lenders come while we run
        error_messages=_CHOOSE,
    )
    date_from = forms.DateField(label=_("Opened from"), **_OF_A_DAY)
    date_to = forms.DateField(label=_("Opened to"), **_OF_A_DAY)
    route = forms.ChoiceField(
        label=_("Route"),
        required=False,
        choices=[_ANY, *((name, stages.titles().get(name, name)) for name in search.ROUTES)],
        error_messages=_CHOOSE,
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[_ANY, *((status.value, labels.STATUSES[status.value]) for status in Status)],
        error_messages=_CHOOSE,
    )
    mode = forms.ChoiceField(
        label=_("Log"),
        choices=list(labels.MODES.items()),
        error_messages={**_CHOOSE, "required": _("Choose one from the list.")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, auto_id: str = "id_%s") -> None:
        super().__init__(data, auto_id=auto_id, initial={"mode": "live"})

    def clean_iin(self) -> str:
        """The IIN, blanks around it dropped; no error repeats what was typed."""
        typed: str = self.cleaned_data["iin"]
        if not typed:
            return ""
        try:
            return Iin.parse(typed).value
        except BadInput:
            raise forms.ValidationError(_IIN, code="iin_malformed") from None

    def clean_case_number(self) -> str:
        """The number as the borrower reads it out."""
        typed: str = self.cleaned_data["case_number"]
        try:
            return typed if not typed or numbered(typed, prefix="ver") else ""
        except BadInput:
            raise forms.ValidationError(_CASE_NUMBER, code="case_number_malformed") from None

    def clean(self) -> dict[str, Any]:
        """The fields together: a period ends after it begins."""
        first, last = self.cleaned_data.get("date_from"), self.cleaned_data.get("date_to")
        if first and last and first > last:
            reversed_dates = forms.ValidationError(
                _("The period ends before it begins."), code="dates_reversed"
            )
            self.add_error("date_to", reversed_dates)
        return self.cleaned_data

    def question(self, *, untrusted_after: str) -> search.Question:
        """The question of a valid form, for the page after a cursor or the first one."""
        data = self.cleaned_data
        return search.Question(
            iin=data["iin"],
            case_number=data["case_number"],
            lender_id=data["lender"],
            date_from=data["date_from"],
            date_to=data["date_to"],
            route=data["route"],
            outcome=data["outcome"],
            mode=data["mode"],
            after=untrusted_after,
        )

    def following(self, *, after: str) -> "SearchForm":
        """The same valid question once more, as hidden fields; they have ids of their own on the
        page.
        """
        values = {name: value or "" for name, value in self.cleaned_data.items()}
        return SearchForm({**values, "after": after}, auto_id="next_%s")


class PeriodForm(forms.Form):
    """Which log, and for the counts how many months. It names nobody, so it may stand in an
    address.
    """

    mode = forms.ChoiceField(
        label=_("Log"),
        choices=list(labels.MODES.items()),
        initial="live",
        required=False,
        error_messages=_CHOOSE,
    )
    months = forms.ChoiceField(
        label=_("Months"),
        choices=[(number, str(number)) for number in MONTHS_OFFERED],
        initial=MONTHS_OFFERED[0],
        required=False,
        error_messages=_CHOOSE,
    )

    def clean_mode(self) -> str:
        """Live, unless test is asked for: exercises are never shown as if they were people."""
        return self.cleaned_data["mode"] or "live"

    def clean_months(self) -> int:
        """A year, unless more is asked for."""
        return int(self.cleaned_data["months"] or MONTHS_OFFERED[0])


def problems(form: forms.Form) -> list[tuple[str, str, str]]:
    """Label, sentence and stable code of each mistake, in the order of the fields; those of none
    come last.
    """
    found, messages = form.errors.as_data(), []
    for name in (*form.fields, NON_FIELD_ERRORS):
        label = str(form.fields[name].label) if name in form.fields else ""
        for error in found.get(name, []):
            code = error.code or ""
            stable = f"{name}_{_OF_DJANGO[code]}" if code in _OF_DJANGO else code
            messages.append((label, error.messages[0], stable))
    return messages
