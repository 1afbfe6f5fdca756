"""A case of nobody, for commands that judge files: what they do not know stands empty in it."""

from datetime import UTC, date, datetime

from verification.core.ids import Iin, Phone
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Person
from verification.core.person import Case


def case(iin: Iin | None, *, amount: str = "", currency: str = "") -> Case:
    """A case of which only these are known; the checks that are asked must look at nothing else."""
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
