"""The page of a form: the fields a stage asks for, in the borrower's words, each with what is wrong
about it.

A day has three fields, which are typed as they stand in the document: whoever picks the year of
their birth in a calendar turns many pages. What was typed comes back after a mismatch, in the same
browser: `borrower/form_draft.py`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy

from verification.access.open_page import BorrowerPage


class _Words(NamedTuple):
    label: Any
    hint: Any
    wrong: Any
    autocomplete: str


_FIELDS: Mapping[str, _Words] = {
    "document_number": _Words(
        gettext_lazy("Document number"),
        gettext_lazy("9 digits on an identity card; a passport has a letter too."),
        gettext_lazy("Write the number as it stands in the document: letters and digits only."),
        "off",
    ),
    "birth_date": _Words(
        gettext_lazy("Date of birth"),
        gettext_lazy("As it stands in the document, for example 27 3 1985."),
        gettext_lazy("Write the day, the month and the year of your birth."),
        "bday",
    ),
}
# The parts of a day, each with the most signs that are typed.
_PARTS = (
    ("day", gettext_lazy("Day"), 2),
    ("month", gettext_lazy("Month"), 2),
    ("year", gettext_lazy("Year"), 4),
)
_TYPED = ("document_number", *(f"birth_date_{part}" for part, _, _ in _PARTS))


def typed(untrusted: Mapping[str, Any]) -> Mapping[str, str]:
    """What of an answer was typed into a form; nothing where it answers another page."""
    return {name: untrusted[name] for name in _TYPED if isinstance(untrusted.get(name), str)}


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """The fields, empty."""
    return returned(page, untrusted={}, pointer="")


def returned(
    page: BorrowerPage, *, untrusted: Mapping[str, Any], pointer: str
) -> Mapping[str, Any]:
    """The fields as they were sent, the one that could not be read marked. `pointer` is that of the
    refusal.
    """
    fields: list[Mapping[str, Any]] = []
    for asked in page.data["fields"]:
        name = asked["name"]
        words = _FIELDS.get(name, _Words(name, "", "", "off"))
        parts = [
            {
                "name": f"{name}_{part}",
                "label": label,
                "longest": longest,
                # A browser fills in the parts of one's own birthday, and of no other day.
                "autocomplete": f"{words.autocomplete}-{part}"
                if words.autocomplete == "bday"
                else "off",
                "value": untrusted.get(f"{name}_{part}", ""),
            }
            for part, label, longest in (_PARTS if asked["kind"] == "date" else ())
        ]
        field = {
            "name": name,
            "parts": parts,
            "max_length": asked.get("max_length"),
            "label": words.label,
            "hint": words.hint,
            "autocomplete": words.autocomplete,
            "value": untrusted.get(name, ""),
            "wrong": words.wrong if pointer == f"/{name}" else "",
        }
        fields.append(field)
    return {"fields": fields}
