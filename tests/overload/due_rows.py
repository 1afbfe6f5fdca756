"""Makes verifications whose borrowers do not consent, and leaves the judging to workers: each is
one due row.

`python -m tests.overload.due_rows FIRST COUNT` in a deployment's environment.
"""

import sys
from dataclasses import replace
from datetime import date

import django

django.setup()

from lenders.models import Lender  # noqa: E402
from tests.verification.stories.story import opening  # noqa: E402
from verification import transactions  # noqa: E402
from verification.access import answers, open_page, openings  # noqa: E402
from verification.core.ids import check_digit  # noqa: E402
from verification.core.lender import LenderFacts  # noqa: E402
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT  # noqa: E402


def iin(number: int) -> str:
    """The number-th IIN of somebody born in 1899, so that no living person has it."""
    eleven = (
        f"99{1 + number // 500 % 12:02}{1 + number // 6000 % 28:02}2{5000 + number % 500 * 9:04}"
    )
    while check_digit(eleven) == "x":
        eleven = str(int(eleven) + 1)
    return eleven + check_digit(eleven)


def make(lender: LenderFacts, number: int) -> None:
    """One verification with a judgement due."""
    usual = opening(f"due-{number}", iin=iin(number), routes=("eds",))
    born = date(1899, 1 + number // 500 % 12, 1 + number // 6000 % 28)  # as the IIN says
    asked = replace(usual, person=replace(usual.person, birth_date=born))
    opened = openings.open_verification(
        lender=lender, mode="test", profile_id="KZ-2021-04", opening=asked
    )
    turn = open_page.borrower_page(verification_id=opened.verification_id).turn
    untrusted = {"agreed": False, "version": CURRENT, "language": "ru"}
    answers.answer(
        verification_id=opened.verification_id, turn=turn, untrusted=untrusted, session=""
    )


def main() -> None:
    """Makes them."""
    first, count = (int(word) for word in sys.argv[1:])
    lender = Lender.objects.earliest("created_at")
    facts = LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone)
    for number in range(first, first + count):
        with transactions.running(lender=lender.pk):
            make(facts, number)


if __name__ == "__main__":
    main()
