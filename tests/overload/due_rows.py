"""Makes verifications whose borrowers do not consent, and leaves the judging to workers: each is one due row.

`python -m tests.overload.due_rows FIRST COUNT` in a deployment's environment.
"""

import sys
from datetime import date

import django

django.setup()

from lenders.models import Lender  # noqa: E402
from verification import transactions  # noqa: E402
from verification.core.ids import Iin, Phone, check_digit  # noqa: E402
from verification.core.opening import Document, Loan, Person  # noqa: E402
from verification.core.person import LenderFacts  # noqa: E402
from verification.stages.consent.policy import CURRENT  # noqa: E402
from verification.workflow.moving import commands  # noqa: E402
from verification.workflow.reading import queries  # noqa: E402


def iin(number: int) -> str:
    """The number-th IIN of somebody born in 1899, so that it is nobody's."""
    eleven = f"99{1 + number // 500 % 12:02}{1 + number // 6000 % 28:02}2{5000 + number % 500 * 9:04}"
    while check_digit(eleven) == "x":
        eleven = str(int(eleven) + 1)
    return eleven + check_digit(eleven)


def make(lender: LenderFacts, number: int) -> None:
    """One verification with a judgement due."""
    person = Person(
        iin=Iin.parse(iin(number)),
        surname="ТЕСТОВ",
        name="ТЕСТ",
        patronymic="ТЕСТОВИЧ",
        birth_date=date(1899, 1 + number // 500 % 12, 1 + number // 6000 % 28),
        phone=Phone.parse("+77011234567"),
        document=Document(type="id_card", number="012345678", valid_to=date(2033, 1, 1)),
    )
    loan = Loan(
        amount="150000.00",
        currency="KZT",
        term_days=30,
        annual_rate="46.00",
        total_repayable="155000.00",
        payout_account="KZ86125KZT5004100100",
    )
    opening = commands.Opening(
        purpose="microcredit",
        person=person,
        loan=loan,
        routes=("eds",),
        client_reference=f"due-{number}",
        locale="ru",
    )
    opened = commands.open_verification(lender=lender, mode="test", profile_id="KZ-2021-04", opening=opening)
    turn = queries.borrower_page(verification_id=opened.verification_id).turn
    untrusted = {"agreed": False, "version": CURRENT, "language": "ru"}
    commands.answer(verification_id=opened.verification_id, turn=turn, untrusted=untrusted)


def main() -> None:
    """Makes them."""
    first, count = (int(word) for word in sys.argv[1:])
    lender = Lender.objects.get()
    facts = LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin)
    for number in range(first, first + count):
        with transactions.running(lender=lender.pk):
            make(facts, number)


if __name__ == "__main__":
    main()
