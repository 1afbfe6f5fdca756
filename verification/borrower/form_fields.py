"""The page of a form: the fields a stage asks for, in the borrower's words, each with what is wrong about it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from verification.workflow.reading.queries import BorrowerPage


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
        gettext_lazy("As it stands in the document."),
        gettext_lazy("Write the day, the month and the year of your birth."),
        "bday",
    ),
}


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """The fields, empty."""
    return returned(page, untrusted=QueryDict(), pointer="")


def returned(page: BorrowerPage, *, untrusted: QueryDict, pointer: str) -> Mapping[str, Any]:
    """The fields as they were sent, the one that could not be read marked. `pointer` is that of the refusal."""
    fields = []
    for field in page.data["fields"]:
        name = field["name"]
        words = _FIELDS.get(name, _Words(name, "", "", "off"))
        fields.append(
            {
                "name": name,
                "kind": field["kind"],
                "max_length": field.get("max_length"),
                "label": words.label,
                "hint": words.hint,
                "autocomplete": words.autocomplete,
                "value": untrusted.get(name, ""),
                "wrong": words.wrong if pointer == f"/{name}" else "",
            }
        )
    return {"fields": fields, "today": timezone.localdate().isoformat()}
