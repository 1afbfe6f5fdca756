"""What a request may say: one declaration a field, from which all else follows.

A request is a frozen dataclass. Each field is `Annotated` with its `Form` and is another request or
one value; one with a default may be left out. From that follow how it is read
(`lenders/requests.py`), openapi.json (`lenders/openapi.py`), what is sealed (`core/stored.py`),
and, where `is_told` and `is_signed`, the lender's answer (`lenders/resources/verifications.py`) and
the statement that a borrower signs (`stages/statement/dialogue.py`).
"""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, get_type_hints


@dataclasses.dataclass(frozen=True)
class Form:
    """How a field is spelled in JSON.

    kind: what reads it, a word of `lenders/parsing.py:READERS`; empty for a request inside this
    one. limits: what that reader is told. schema: its JSON schema. help: a sentence for lenders'
    developers. called: its name in JSON where that is another. is_told: the lender reads it again
    with the verification. is_signed: it stands in the statement.
    """

    kind: str = ""
    schema: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    help: str = ""
    called: str = ""
    is_told: bool = False
    is_signed: bool = False


def one_of(choices: Sequence[str], **more: Any) -> Form:
    """One of a few words."""
    return Form(
        "one_of", {"type": "string", "enum": list(choices)}, limits={"choices": choices}, **more
    )


VISIBLE: Final = "visible-text"
"""The format of a text without controls, marks that nobody sees, and those that turn the direction:
of `is_plain`.
"""
# Controls, formats, halves of signs, what nobody assigned or means nothing, ends of lines and of
# paragraphs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that are drawn as nothing: Default_Ignorable_Code_Point
# (DerivedCoreProperties.txt of Unicode 15.1) beyond those categories, and the empty Braille
# pattern.
_DRAWN_AS_NOTHING: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)

_MARK: Final = "\N{REPLACEMENT CHARACTER}"


def string(kind: str, schema: Mapping[str, Any], example: str = "", **more: Any) -> Form:
    """A string that this reader reads. schema: what else than its type is to be said of it."""
    return Form(
        kind, {"type": "string", **schema, **({"examples": [example]} if example else {})}, **more
    )


def impersonal(longest: int, example: str = "", **more: Any) -> Form:
    """A text of at most so many characters that names nobody by number."""
    limits = {"longest": longest, "is_impersonal": True}
    # At least one sign of it is no blank: those around it are dropped.
    schema = {"format": VISIBLE, "pattern": r"\S", "minLength": 1, "maxLength": longest}
    return string("text", schema, example, limits=limits, **more)


def decimal(pattern: str, bounds: Mapping[str, int], example: str, **more: Any) -> Form:
    """An exact decimal: a string of this pattern, or a JSON number within bounds where that is
    exact.
    """
    return Form(
        "decimal",
        {
            "oneOf": [{"type": "string", "pattern": pattern}, {"type": "number", **bounds}],
            "examples": [example],
        },
        is_signed=True,
        **more,
    )


def is_plain(text: str) -> bool:
    """Whether all of it is seen, and the ordinary blank is its only blank. Runs of blanks are not
    asked about.
    """
    return not any(
        unicodedata.category(sign) in _UNSEEN
        or _DRAWN_AS_NOTHING.match(sign)
        or (sign != " " and sign.isspace())
        for sign in text
    )


def in_one_line(text: str) -> str:
    """The text with a mark for each sign that hides, and for each blank but an ordinary one behind
    another sign.

    Sign for sign: what two texts differ in can still be told, but for which sign a mark stands for.
    """
    marked = "".join(sign if is_plain(sign) else _MARK for sign in text)
    return re.sub("(?<= ) ", _MARK, marked)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A field of a request: its name in Python, and its form. `type`: the dataclass, where it is a
    request itself.
    """

    attribute: str
    form: Form
    type: Any
    is_required: bool


@cache
def asked_of(kind: Any) -> Mapping[str, Asked]:
    """The fields of a dataclass by their names in JSON. Raises `TypeError` for one that declares no
    form.
    """
    found = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        forms = [
            each
            for each in getattr(hints[field.name], "__metadata__", ())
            if isinstance(each, Form)
        ]
        if len(forms) != 1:
            raise TypeError(f"{kind.__name__}.{field.name} declares no form")
        is_required = field.default is field.default_factory is dataclasses.MISSING
        called = forms[0].called or field.name
        found[called] = Asked(field.name, forms[0], hints[field.name].__origin__, is_required)
    return found
