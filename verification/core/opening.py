"""The lender's request to open a verification: each field is declared once.

A request is a frozen dataclass. Each field is `Annotated` with its `Form` and is a request or one
value.
A field with a default is optional.
These modules derive from the declaration:
- `lenders/requests.py`: reading the request
- `lenders/openapi.py`: openapi.json
- `core/stored.py`: the sealed record
- `lenders/resources/verifications.py`: the lender's answer, for fields with `is_told`
- `stages/statement/dialogue.py`: the borrower's statement, for fields with `is_signed`

A new field is an entry here, and words where it is shown. Printing a request shows no personal
data.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

from verification.core.errors import BadInput
from verification.core.ids import NAME_MAX, Iin, Phone


@dataclass(frozen=True)
class Form:
    """The form of a field in JSON.

    kind: its reader, a word of `lenders/parsing.py:READERS`; empty for a nested request.
    limits: the reader's arguments.
    schema: its JSON schema.
    help: a sentence for lenders' developers.
    called: its name in JSON, if different.
    is_told: the lender's answer has it.
    is_signed: the statement has it.
    """

    kind: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
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
"""The format of a text without controls, invisible marks and direction marks: see `is_plain`."""
# Letters and marks without a glyph: Default_Ignorable_Code_Point (DerivedCoreProperties.txt of
# Unicode 15.1) beyond what Python does not print, and the empty Braille pattern.
_DRAWN_AS_NOTHING: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
_MARK: Final = "\N{REPLACEMENT CHARACTER}"


def string(kind: str, schema: Mapping[str, Any], example: str = "", **more: Any) -> Form:
    """A string for this reader. schema: additions to its JSON schema."""
    return Form(
        kind, {"type": "string", **schema, **({"examples": [example]} if example else {})}, **more
    )


def impersonal(longest: int, example: str = "", **more: Any) -> Form:
    """A text of limited length without a personal number."""
    limits = {"longest": longest, "is_impersonal": True}
    # At least one character that is not blank: outer blanks are dropped.
    schema = {"format": VISIBLE, "pattern": r"\S", "minLength": 1, "maxLength": longest}
    return string("text", schema, example, limits=limits, **more)


def decimal(pattern: str, bounds: Mapping[str, int], example: str, **more: Any) -> Form:
    """An exact decimal: a string of this pattern, or a JSON number within exact bounds."""
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
    """Whether every character is visible, and every blank an ordinary one. Runs of blanks are
    not checked.
    """
    # Python prints all but controls, formats, surrogates, private and unassigned characters, and
    # the separators beside the ordinary blank.
    return text.isprintable() and not _DRAWN_AS_NOTHING.search(text)


def in_one_line(text: str) -> str:
    """The text with a mark for each hidden character, and for each unusual or repeated blank.

    The length stays, so texts differ where they differed before, except between marks.
    """
    marked = "".join(sign if is_plain(sign) else _MARK for sign in text)
    return re.sub("(?<= ) ", _MARK, marked)


@dataclass(frozen=True)
class Asked:
    """A field of a request: its Python name and its form. `type`: the dataclass of a nested
    request.
    """

    attribute: str
    form: Form
    type: Any
    is_required: bool


@cache
def asked_of(kind: Any) -> Mapping[str, Asked]:
    """The fields of a dataclass by their JSON names.

    Raises: `TypeError` for a field without a form.
    """
    requested = {}
    hints = get_type_hints(kind, include_extras=True)
    for declared in fields(kind):
        hint = hints[declared.name]
        forms = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Form)]
        if len(forms) != 1:
            raise TypeError(f"{kind.__name__}.{declared.name} declares no form")
        is_required = declared.default is declared.default_factory is MISSING
        name_in_json = forms[0].called or declared.name
        requested[name_in_json] = Asked(declared.name, forms[0], hint.__origin__, is_required)
    return requested


NAME_SPELLED_MAX: Final = (
    4 * NAME_MAX
)  # characters as sent, before blanks are dropped and accents composed
DOCUMENT_TYPES = ("id_card", "passport", "residence_permit", "stateless_certificate")  # law: O-07
CURRENCIES: Final = ("KZT",)  # microcredits of individuals are given in tenge
LOCALES: Final = ("kk", "ru", "en")
DOCUMENT_NUMBER_MAX: Final = 20  # characters, as are the next six
PURPOSE_MAX: Final = 200
OPENED_BY_MAX: Final = 100
REFERENCE_MAX: Final = 64
REFERENCE: Final = f"^[A-Za-z0-9_.:-]{{1,{REFERENCE_MAX}}}$"
URL_MAX: Final = 2048
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
METADATA_KEYS_MAX: Final = 20
ROUTES_MAX: Final = 10
AMOUNT_MAX: Final = 10**12  # tenge; a larger sum is a typing error, not a microcredit
RATE_MAX: Final = 1000  # % a year; the legal ceiling is far below and is the lender's duty
TERM_MAX_DAYS: Final = 3653  # ten years
# full capacity to act: Civil Code, articles 17 and 22; a minor needs a parent's consent
ADULT_YEARS: Final = 18
_NAMED: Final = {"format": "person-name", "minLength": 1, "maxLength": NAME_SPELLED_MAX}
_DAY: Final = {"format": "date", "pattern": "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"}
# Above 0, at most 10^12, without leading zeros.
AMOUNT: Final = decimal(
    r"^([1-9][0-9]{0,11}(\.[0-9]{1,2})?|10{12}(\.0{1,2})?|0\.(0[1-9]|[1-9][0-9]?))$",
    {"exclusiveMinimum": 0, "maximum": AMOUNT_MAX},
    "150000.00",
    limits={"places": 2, "most": AMOUNT_MAX, "above_zero": True},
)
_RATE: Final = decimal(
    r"^((0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?|1000(\.0{1,4})?)$",
    {"minimum": 0, "maximum": RATE_MAX},
    "46.00",
    limits={"places": 4, "most": RATE_MAX},
    help="Per cent a year.",
)
_TERM: Final = Form(
    "whole_number",
    {"type": "integer", "minimum": 1, "maximum": TERM_MAX_DAYS, "examples": [30]},
    limits={"least": 1, "most": TERM_MAX_DAYS},
    is_signed=True,
)
SHA256: Final = {"pattern": "^[0-9a-fA-F]{64}$"}
IIN: Final = string("iin", {"format": "iin", "pattern": "^[0-9]{12}$"}, "900101900015")
_SIGN: Final = "0-9A-Za-zА-Яа-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі"
DOCUMENT_NUMBER: Final = f"^[{_SIGN}][ {_SIGN}]{{0,{DOCUMENT_NUMBER_MAX - 1}}}$"
_NUMBER: Final = string(
    "document_number",
    {"pattern": DOCUMENT_NUMBER},
    "045678912",
    limits={"longest": DOCUMENT_NUMBER_MAX},
    help="Letters and digits; blanks are dropped.",
)
ACCOUNT: Final = string(
    "iban",
    {"format": "kz-iban", "pattern": "^[ 0-9A-Za-z]+$", "minLength": 20, "maxLength": 40},
    "KZ86125KZT5004100100",
    help="A Kazakh IBAN; blanks are dropped.",
)
_PORT: Final = (
    "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
)
# RFC 3986 characters without `#` and brackets. Browsers read a backslash or a blank as another
# address.
HTTPS_URL: Final = rf"^https://[A-Za-z0-9._-]+(:({_PORT}))?([/?][!$&-;=?-Z_a-z~%]*)?$"
_ROUTES: Final = Form(
    "route_names",
    {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-z_]{1,32}$"},
        "minItems": 1,
        "maxItems": ROUTES_MAX,
        "uniqueItems": True,
        "examples": [["eds"]],
    },
    limits={"most": ROUTES_MAX},
    help="Leave out to let the borrower choose among all that the profile allows.",
)
_NOTES: Final = Form(
    "metadata",
    {
        "type": "object",
        "propertyNames": {"pattern": f"^[A-Za-z0-9_.-]{{1,{METADATA_KEY_MAX}}}$"},
        "additionalProperties": {
            "type": "string",
            "format": VISIBLE,
            "maxLength": METADATA_VALUE_MAX,
        },
        "maxProperties": METADATA_KEYS_MAX,
    },
    limits={
        "keys": METADATA_KEYS_MAX,
        "longest_key": METADATA_KEY_MAX,
        "longest": METADATA_VALUE_MAX,
    },
    help="Given back to you as it is. No personal data.",
    is_told=True,
)


@dataclass(frozen=True)
class Document:
    """The identity document the borrower named."""

    type: Annotated[str, one_of(DOCUMENT_TYPES)]
    number: Annotated[str, _NUMBER] = field(repr=False)
    valid_to: Annotated[
        date, string("last_day", _DAY, help="Its last day: today in Kazakhstan, or later.")
    ]


@dataclass(frozen=True)
class Person:
    """The borrower's stated identity: a claim to be checked."""

    iin: Annotated[Iin, IIN]
    surname: Annotated[str, string("name", _NAMED, "Асанов")] = field(repr=False)
    name: Annotated[str, string("name", _NAMED, "Асанов")] = field(repr=False)
    birth_date: Annotated[
        date,
        string(
            "birth_date",
            _DAY,
            limits={"least_age": ADULT_YEARS},
            help="That of the IIN, and 18 years ago or longer.",
        ),
    ] = field(repr=False)
    phone: Annotated[
        Phone, string("phone", {"format": "kz-mobile", "maxLength": 32}, "+77011234567")
    ]
    document: Annotated[Document, Form()]
    patronymic: Annotated[
        str, string("name", _NAMED | {"minLength": 0}, "Асанов", limits={"optional": True})
    ] = field(default="", repr=False)

    def refuse_together(self) -> None:
        """Raises: `BadInput` for an IIN with another birth date."""
        if not self.iin.fits(self.birth_date):
            raise BadInput(
                "the IIN has another birth date", code="birth_date_mismatch", pointer="/birth_date"
            )


@dataclass(frozen=True)
class Loan:
    """The borrower's future debt; decimals as strings, or as JSON numbers where these are exact."""

    amount: Annotated[str, AMOUNT]
    currency: Annotated[str, one_of(CURRENCIES, is_signed=True)]
    term_days: Annotated[int, _TERM]
    annual_rate: Annotated[str, _RATE]
    total_repayable: Annotated[str, AMOUNT]
    payout_account: Annotated[str, ACCOUNT] = field(repr=False)
    contract_sha256: Annotated[str, string("sha256", SHA256, is_signed=True)] = ""
    region: Annotated[str, string("kato", {"pattern": "^[0-9]{9}$"}, help="A KATO code.")] = ""

    def refuse_together(self) -> None:
        """Raises: `BadInput` for a repayment below the amount: the two fields are probably
        swapped.
        """
        # Both are strings with two places: exact, but not comparable as strings.
        if Decimal(self.total_repayable) < Decimal(self.amount):
            raise BadInput(
                "less than the amount", code="total_below_amount", pointer="/total_repayable"
            )


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A borrower to be identified for one loan.

    It is sealed and handed to the edges unchanged, so a new field needs a default for older rows.
    `routes` None offers every route.
    """

    purpose: Annotated[
        str,
        impersonal(
            PURPOSE_MAX,
            "Consumer microcredit",
            help="Shown to the borrower and written into the statement.",
            is_told=True,
        ),
    ]
    person: Annotated[Person, Form(called="subject")]
    loan: Annotated[Loan, Form()]
    routes: Annotated[tuple[str, ...] | None, _ROUTES] = None
    client_reference: Annotated[
        str,
        string(
            "client_reference",
            {"pattern": REFERENCE},
            "loan-2026-000123",
            help="Your own id of this request. Refused if it contains an IIN or a mobile number.",
            is_told=True,
        ),
    ]
    locale: Annotated[str, one_of(LOCALES, is_told=True)]
    return_url: Annotated[
        str,
        string(
            "https_url",
            {"format": "uri", "pattern": HTTPS_URL, "maxLength": URL_MAX},
            limits={"longest": URL_MAX},
            help=(
                "Where the borrower goes afterwards: https, registered for you. It carries no"
                " result."
            ),
        ),
    ] = ""
    opened_by: Annotated[
        str,
        impersonal(
            OPENED_BY_MAX,
            help="Your officer, if a person opened this: they have no vote in a review of it.",
            is_told=True,
        ),
    ] = ""
    metadata: Annotated[Mapping[str, str], _NOTES] = field(default_factory=dict)
