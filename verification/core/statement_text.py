"""The text of a statement: words for a person, then the same data for programs in one line.

    title, declaration, an empty line
    one row a line: label, colon, value
    an empty line, a sentence
    tulga.statement.v2
    canonical JSON

The words follow from the data alone. A reader derives them again and compares every byte.
So a text cannot tell a person and a program different things.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from verification.core.errors import BadInput, Refused
from verification.core.ids import Iin
from verification.core.opening import Loan, asked_of, in_one_line
from verification.core.stored import canonical_json

CURRENT: Final = "2026-12-02"
"""The version of the words in use: the newest of `WORDS`."""
KIND: Final = "statement.text"
"""The kind of evidence that is the statement; a rewrite in another language has a number suffix.

It holds a nonce of 128 bits, so its plain hash does not reveal its content.
"""
FORMS_NAMED: Final = "tulga.statement."
"""Prefix of every form of a statement, and of no other text that a person would sign."""
FORM: Final = f"{FORMS_NAMED}v2"
MAX_BYTES: Final = 16 * 1024
"""Maximum size. Ours: the longest names and purposes reach a fifth of it."""
SIGNED: Final = tuple(name for name, field in asked_of(Loan).items() if field.form.is_signed)
"""The loan's fields that the statement repeats from the lender."""

_PLAIN: Final = (
    "mode",
    "verification",
    "lender_bin",
    "lender_name",
    "iin",
    "purpose",
    "payout_account",
)
_FIELDS: Final = {
    "type",
    "words",
    "language",
    *_PLAIN,
    *SIGNED,
    "payout_account_sha256",
    "nonce",
    "issued",
    "expires",
}
_TIME: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00")
_FORMS: Final = {
    "mode": re.compile("test|live"),
    "currency": re.compile("KZT"),
    "amount": re.compile(r"[0-9]{1,13}\.[0-9]{2}"),
    "total_repayable": re.compile(r"[0-9]{1,13}\.[0-9]{2}"),
    "annual_rate": re.compile(r"[0-9]{1,4}\.[0-9]{2}([0-9]?[1-9])?"),
    "payout_account_sha256": re.compile("[0-9a-f]{64}"),
    "contract_sha256": re.compile("([0-9a-f]{64})?"),
    "nonce": re.compile("[0-9a-f]{32}"),
    "issued": _TIME,
    "expires": _TIME,
}
_TEXTS: Final = re.compile(rf"{re.escape(KIND)}(?:\.[1-9][0-9]*)?")
_NBSP: Final = "\N{NO-BREAK SPACE}"
# Of the whole country since 1 March 2024. A fixed offset, so that signed text is independent of
# zone tables.
_KAZAKHSTAN: Final = timezone(timedelta(hours=5))
_UNITS: Final = {"KZT": "₸", "%": "%"}


@dataclass(frozen=True)
class Words:
    """One language. labels: of each row, by field. days: a term, by its plural form.

    test: the row's label where no real loan is paid out.
    machine: the line before the data.
    """

    title: str
    declaration: str
    labels: Mapping[str, str]
    days: tuple[str, ...]
    time: str
    no_contract: str
    test: str
    machine: str
    thousands: str = _NBSP
    point: str = ","

    def number(self, decimal: str, unit: str) -> str:
        """A sum or a yearly rate (`%`) with grouped thousands: 150 000 ₸. Whole ones lose their
        zeros.
        """
        number = Decimal(decimal)
        text = (
            f"{number.quantize(Decimal(1)) if number == number.to_integral_value() else number:,f}"
        )
        # Swap by a placeholder, because comma and point trade places in some languages.
        grouped = text.replace(",", "\0").replace(".", self.point).replace("\0", self.thousands)
        return f"{grouped}{_NBSP}{_UNITS[unit]}"

    def term(self, days: int) -> str:
        """A term in days."""
        # Three forms, as in Russian: 1, 21; 2 to 4, 22; all others. Two forms: one and many.
        few = 2 <= days % 10 <= 4 and not 12 <= days % 100 <= 14
        form = 0 if days % 10 == 1 and days % 100 != 11 else 1 if few else 2
        return (
            f"{days}"
            f" {self.days[form if len(self.days) == 3 else min(days != 1, len(self.days) - 1)]}"
        )


@dataclass(frozen=True)
class Shown:
    """What a statement says to a person; all of it is in the signed text."""

    language: str
    title: str
    declaration: str
    rows: tuple[tuple[str, str], ...]


def is_text(kind: str) -> bool:
    """Whether evidence of this kind is a statement. In an attempt, the highest number is signed."""
    return _TEXTS.fullmatch(kind) is not None


def write(data: Mapping[str, Any]) -> bytes:
    """The bytes to sign.

    Raises: `Refused` (eds_statement_mismatch) for data outside the form.
    """
    statement = show(data)
    lines = [
        statement.title,
        statement.declaration,
        "",
        *(f"{label}: {value}" for label, value in statement.rows),
    ]
    lines += ["", WORDS[data["words"]][data["language"]].machine, FORM]
    return "\n".join(lines).encode() + b"\n" + canonical_json(dict(data))


def read(text: bytes) -> dict[str, Any]:
    """The data of a text whose words match its data byte for byte.

    Raises: `Refused` (eds_statement_mismatch) for any other text.
    """
    if len(text) > MAX_BYTES:
        raise _mismatch("too long")
    try:
        # The last line is all data: canonical JSON escapes line breaks.
        data = json.loads(text.rpartition(b"\n")[2])
        is_same = isinstance(data, dict) and write(data) == text
    except (ValueError, TypeError, RecursionError) as fault:
        raise _mismatch("its data cannot be read") from fault
    if not is_same:
        raise _mismatch("the words do not say what the data say")
    return dict(data)


def show(data: Mapping[str, Any]) -> Shown:
    """The words for these data.

    Raises: as `write`.
    """
    # Check presence, type and printability of each field; other fields are refused.
    texts = {name: value for name, value in data.items() if name != "term_days"}
    if data.keys() != _FIELDS or not all(isinstance(value, str) for value in texts.values()):
        raise _mismatch("not the fields of a statement")
    if data["type"] != FORM or data["language"] not in WORDS.get(data["words"], {}):
        raise _mismatch("a form, words or a language that we do not know")
    strange = [name for name, form in _FORMS.items() if not form.fullmatch(data[name])]
    if strange or type(data["term_days"]) is not int:
        raise _mismatch(f"{', '.join(strange) or 'term_days'} cannot be said in words")
    try:
        iin = Iin.parse(data["iin"])
        times = {name: datetime.fromisoformat(data[name]) for name in ("issued", "expires")}
    except (BadInput, ValueError) as fault:
        raise _mismatch("an IIN or a time that is none") from fault
    wording = WORDS[data["words"]][data["language"]]
    values = {
        # A lender's text cannot hide, break or reverse its line, or fake a row with blanks.
        **{name: in_one_line(str(data[name])) for name in wording.labels},
        "mode": wording.test,
        "iin": iin.masked,
        "amount": wording.number(data["amount"], data["currency"]),
        "total_repayable": wording.number(data["total_repayable"], data["currency"]),
        "term_days": wording.term(data["term_days"]),
        "annual_rate": wording.number(data["annual_rate"], "%"),
        "contract_sha256": data["contract_sha256"] or wording.no_contract,
        **{
            name: wording.time.format(f"{at.astimezone(_KAZAKHSTAN):%d.%m.%Y %H:%M}")
            for name, at in times.items()
        },
    }
    names = [name for name in wording.labels if name != "mode" or data["mode"] != "live"]
    rows = tuple((wording.labels[name], values[name]) for name in names)
    return Shown(data["language"], wording.title, wording.declaration, rows)


def _mismatch(detail: str) -> Refused:
    return Refused("eds_statement_mismatch", f"the statement: {detail}")


# Evidence, so independent of page translations. A version is never edited: signed text must stay
# reproducible. New words need a new version.
_2026_11_28 = {
    "kk": Words(
        title="Қарыз туралы мәлімдеме",
        declaration=(
            "Осы қарызды осы шарттармен өзім сұраймын және осы мәлімдемеге өз ЭЦҚ-ммен қол қоямын."
        ),
        labels={
            "mode": "Сынақ",
            "lender_name": "Кредитор",
            "lender_bin": "Кредитордың БСН-і",
            "iin": "Қарыз алушының ЖСН-і",
            "amount": "Қарыз сомасы",
            "purpose": "Мақсаты",
            "term_days": "Мерзімі",
            "annual_rate": "Жылдық мөлшерлеме",
            "total_repayable": "Барлығы қайтарылады",
            "payout_account": "Аударылатын шот",
            "contract_sha256": "Шарт (SHA-256)",
            "issued": "Мәлімдеме жасалған уақыт",
            "expires": "Осы уақытқа дейін қол қою керек",
            "verification": "Тексеру",
        },
        days=("күн",),
        time="{} (Астана уақыты)",
        no_contract="қоса берілмеген; кредитор оны ақша төленгенге дейін қосады",
        test="мұнда нақты қарыз берілмейді",
        machine="Дәл сол мәліметтер бағдарламалар үшін, бір жолмен:",
    ),
    "ru": Words(
        title="Заявление о займе",
        declaration=(
            "Я лично прошу этот заём на этих условиях и подписываю это заявление своей ЭЦП."
        ),
        labels={
            "mode": "Тест",
            "lender_name": "Кредитор",
            "lender_bin": "БИН кредитора",
            "iin": "ИИН заёмщика",
            "amount": "Сумма займа",
            "purpose": "Цель",
            "term_days": "Срок",
            "annual_rate": "Годовая ставка",
            "total_repayable": "Всего к возврату",
            "payout_account": "Счёт зачисления",
            "contract_sha256": "Договор (SHA-256)",
            "issued": "Заявление составлено",
            "expires": "Подписать до",
            "verification": "Проверка",
        },
        days=("день", "дня", "дней"),
        time="{} (время Астаны)",
        no_contract="не приложен; кредитор добавит его до выплаты денег",
        test="настоящий заём здесь не выдаётся",
        machine="То же самое для программ, одной строкой:",
    ),
    "en": Words(
        title="Statement about a loan",
        declaration=(
            "I myself ask for this loan on these terms, and sign this statement with my own EDS."
        ),
        labels={
            "mode": "Test",
            "lender_name": "Lender",
            "lender_bin": "Lender's BIN",
            "iin": "Borrower's IIN",
            "amount": "Loan amount",
            "purpose": "Purpose",
            "term_days": "Term",
            "annual_rate": "Annual rate",
            "total_repayable": "To be repaid in total",
            "payout_account": "Paid out to the account",
            "contract_sha256": "Contract (SHA-256)",
            "issued": "Statement written",
            "expires": "To be signed before",
            "verification": "Verification",
        },
        days=("day", "days"),
        time="{} (Astana time)",
        no_contract="not attached; the lender adds it before the money is paid",
        test="no real loan is paid out here",
        machine="The same for programs, in one line:",
        thousands=",",
        point=".",
    ),
}
# Russian names the loan as the law does.
_2026_12_02 = {
    **_2026_11_28,
    "ru": replace(
        _2026_11_28["ru"],
        declaration=(
            "Я лично прошу предоставить мне этот микрокредит на указанных условиях и подписываю"
            " это заявление своей ЭЦП."
        ),
    ),
}
WORDS: Final[Mapping[str, Mapping[str, Words]]] = {
    "2026-11-28": _2026_11_28,
    CURRENT: _2026_12_02,
}
"""The words of a statement, by version and language."""
