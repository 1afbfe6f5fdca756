"""The one application all vectors are about: who borrows, what is signed, and when. All of it is
made up.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from verification.core.ids import Iin, Phone
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Person
from verification.core.person import Case
from verification.stages.statement.dialogue import statement

FOLDER = Path(__file__).resolve().parent
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)  # the signature came
JUDGED = AT + timedelta(seconds=1)
IIN, OTHER_IIN = "990101100010", "990101100020"
OCSP_NONCE = bytes(range(32))
TIMESTAMP_NONCE = 77
_NONCE = "00112233445566778899aabbccddeeff"

CASE = Case(
    verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    mode="test",
    profile="KZ-2021-04",
    lender=LenderFacts(id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044"),
    person=Person(
        iin=Iin.parse(IIN),
        surname="ТЕСТОВ",
        name="ТЕСТ",
        patronymic="ТЕСТОВИЧ",
        birth_date=date(1899, 1, 1),
        phone=Phone.parse("+77011234567"),
        document=Document(type="id_card", number="012345678", valid_to=date(2033, 1, 1)),
    ),
    loan=Loan(
        amount="150000.00",
        currency="KZT",
        term_days=30,
        annual_rate="46.00",
        total_repayable="155000.00",
        payout_account="KZ86125KZT5004100100",
    ),
    purpose="microcredit",
    locale="ru",
    expires_at=AT + timedelta(hours=1),
)
STATEMENT = statement(
    CASE,
    language="kk",
    words="2026-11-28",  # the signatures beside are over these
    nonce=_NONCE,
    issued=(AT - timedelta(minutes=1)).isoformat(),
    expires=(AT + timedelta(minutes=14)).isoformat(),
)
