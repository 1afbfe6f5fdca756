"""Common parts of commands that judge files: exit codes, values of a command line, and a mostly
empty case.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, TypeVar

from django.core.management.base import BaseCommand

from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Person
from verification.core.person import Case

REFUSED: Final = 3


class JudgingCommand(BaseCommand):
    """Django's command with another exit code for mistakes on the command line: argparse's 2
    means undecided here.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        """As usual; such a mistake exits with `REFUSED`."""
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as leaving:
            raise SystemExit(REFUSED if leaving.code else 0) from None
        super().run_from_argv(argv)


Value = TypeVar("Value")


def read_by(
    read: Callable[[str], Value],
    *,
    expected: str = "",
    is_right: Callable[[Value], bool] | None = None,
) -> Callable[[str], Value]:
    """A `type` for argparse. expected: the sentence for an unreadable or wrong value; by default
    `read`'s own.
    """

    def argument(untrusted: str) -> Value:
        try:
            value = read(untrusted)
        except BadInput as error:
            raise ArgumentTypeError(expected or error.detail) from None
        except (ValueError, ArithmeticError):
            raise ArgumentTypeError(expected) from None
        if is_right is not None and not is_right(value):
            raise ArgumentTypeError(expected)
        return value

    return argument


def empty_case(iin: Iin | None, *, amount: str = "", currency: str = "") -> Case:
    """A case with only these facts; the requested checks must use no others."""
    document = Document(type="", number="", valid_to=date.max)
    person = Person(
        iin=iin or Iin(""),
        surname="",
        name="",
        patronymic="",
        birth_date=date.min,
        phone=Phone(""),
        document=document,
    )
    loan = Loan(
        amount, currency, term_days=0, annual_rate="", total_repayable="", payout_account=""
    )
    lender, ends = LenderFacts(id="", name="", bin="", phone=""), datetime.max.replace(tzinfo=UTC)
    return Case(
        verification_id="",
        mode="",
        profile="",
        lender=lender,
        person=person,
        loan=loan,
        purpose="",
        locale="",
        expires_at=ends,
    )
