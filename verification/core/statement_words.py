"""The words of a statement, by version and language: evidence, so no translation of a page can change them.

A version is never edited, for what was signed must read the same for ever: other words are another version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

CURRENT: Final = "2026-11-28"
_NBSP: Final = "\N{NO-BREAK SPACE}"
# Of the whole country since 1 March 2024. Not by name: what was signed must not change with a table of zones.
_KAZAKHSTAN: Final = timezone(timedelta(hours=5))
_UNITS: Final = {"KZT": "₸", "%": "%"}


@dataclass(frozen=True)
class Words:
    """One language. labels: of each row, by the field of the data it tells. days: a term, by the form of its number.

    test: what a row of its own says where no real loan is paid out. machine: stands before the data.
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
        """A sum or a yearly rate (`%`) with grouped thousands: 150 000 ₸. Whole ones lose their zeros."""
        number = Decimal(decimal)
        shown = f"{number.quantize(Decimal(1)) if number == number.to_integral_value() else number:,f}"
        grouped = shown.replace(",", "\0").replace(".", self.point).replace("\0", self.thousands)
        return f"{grouped}{_NBSP}{_UNITS[unit]}"

    def term(self, days: int) -> str:
        """A term in days."""
        # Of three forms, as in Russian: 1, 21; 2 to 4, 22; all others. Of two: one and many.
        few = 2 <= days % 10 <= 4 and not 12 <= days % 100 <= 14
        form = 0 if days % 10 == 1 and days % 100 != 11 else 1 if few else 2
        return f"{days} {self.days[form if len(self.days) == 3 else min(days != 1, len(self.days) - 1)]}"

    def moment(self, at: str) -> str:
        """A time in Kazakhstan, to the minute."""
        return self.time.format(datetime.fromisoformat(at).astimezone(_KAZAKHSTAN).strftime("%d.%m.%Y %H:%M"))


_2026_11_28 = {
    "kk": Words(
        title="Қарыз туралы мәлімдеме",
        declaration="Осы қарызды осы шарттармен өзім сұраймын және осы мәлімдемеге өз ЭЦҚ-ммен қол қоямын.",
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
        declaration="Я лично прошу этот заём на этих условиях и подписываю это заявление своей ЭЦП.",
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
        declaration="I myself ask for this loan on these terms, and sign this statement with my own EDS.",
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
WORDS: Final[Mapping[str, Mapping[str, Words]]] = {CURRENT: _2026_11_28}
