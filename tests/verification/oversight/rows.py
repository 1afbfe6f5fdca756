"""Verifications for tests of the regulator's window: real ones through the workflow, and bare rows
in numbers.
"""

from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from lenders.models import Lender
from tests import registered
from verification.access import answers, openings
from verification.core.ids import Iin, Phone
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Opening, Person
from verification.evidence import vault
from verification.log import keys, sequencer, tlog_proof
from verification.models import Attempt, AuditEntry, Verification
from verification.oversight import counts, search
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue
from verification.worker import run as advance

# Born in 1899, so no living person holds them.
IIN, OTHER_IIN = "990101100010", "990101100020"
_BINS = ("150140000002", "150140000012", "150140000022")
READINGS = ("oversight.searched", "oversight.viewed", "oversight.counted")


def lender(name: str = "First Credit LLP", *, number: int = 0) -> Lender:
    """A lender; `number` keeps two of them apart."""
    known = Lender.objects.filter(name=name).first()
    return known or registered.lender(name=name, bin=_BINS[number], phone="+77270000044")


def opened(owner: Lender, *, iin: str = IIN, reference: str = "loan-1", mode: str = "test") -> str:
    """A verification opened through the workflow; gives its id."""
    return just_opened(owner, iin=iin, reference=reference, mode=mode).verification_id


def just_opened(
    owner: Lender, *, iin: str = IIN, reference: str = "loan-1", mode: str = "test"
) -> openings.Opened:
    """A verification opened through the workflow, as its lender is shown it."""
    person = Person(
        iin=Iin.parse(iin),
        surname="Ахметова",
        name="Айгүл",
        patronymic="",
        birth_date=date(1899, 1, 1),
        phone=Phone.parse("+77011234567"),
        document=Document(type="id_card", number="012345678", valid_to=date(2030, 1, 1)),
    )
    loan = Loan(
        amount="150000.00",
        currency="KZT",
        term_days=30,
        annual_rate="46.00",
        total_repayable="155700.00",
        payout_account="KZ86125KZT5004100100",
        contract_sha256="ab" * 32,
    )
    opening = Opening(
        purpose="credit",
        person=person,
        loan=loan,
        routes=("eds",),
        client_reference=reference,
        locale="ru",
    )
    facts = LenderFacts(id=owner.pk, name=owner.name, bin=owner.bin, phone=owner.phone)
    return openings.open_verification(
        lender=facts, mode=mode, profile_id="KZ-2021-04", opening=opening
    )


def declined(owner: Lender, *, iin: str = IIN, reference: str = "loan-1") -> str:
    """A verification whose borrower did not consent: judged by a worker, decided, and ordered in
    the log.
    """
    verification_id = opened(owner, iin=iin, reference=reference)
    turn = Attempt.objects.get(verification_id=verification_id).turn
    untrusted = {"agreed": False, "version": CURRENT, "language": "ru"}
    answers.answer(verification_id=verification_id, turn=turn, untrusted=untrusted, session="")
    work(verification_id)
    sequencer.order("test")
    return verification_id


def work(verification_id: str) -> None:
    """What a worker does with the step that is due."""
    claimed = queue.claim(verification_id)
    assert claimed is not None
    advance.run(claimed)


def bare(
    owner: Lender,
    *,
    created_at: datetime,
    iin: str = IIN,
    index_key: bytes | None = None,
    **columns: Any,
) -> str:
    """A row as another year may have left it, without a case behind it; gives its id."""
    value = index_key or next(iter(vault.blind_index(purpose="borrower", value=iin).values()))
    settled = {
        "mode": "live",
        "client_reference": f"loan-{Verification.objects.count()}",
        "expires_at": created_at,
        "status": "verified",
        "locale": "kk",
        "profile_id": "KZ-2021-04",
        "profile_sha256": "0" * 64,
        "combinations": [["eds"]],
        "route": "eds",
        "sealed_case": b"",
        "borrower_index": value,
    }
    return Verification.objects.create(lender=owner, created_at=created_at, **settled | columns).pk


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A time in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def person(role: str, **columns: Any) -> Any:
    """Somebody who may sign in."""
    return registered.person(
        email=f"{role}@example.kz",
        password="correct horse battery",
        full_name="Somebody",
        role=role,
        **columns,
    )


def signed_in(user: Any, *, both_factors: bool = True) -> Client:
    """A client in whose session this person has given one factor or both.

    In live mode the second one is a passkey.
    """
    client = Client()
    client.force_login(user)
    if both_factors:
        device = registered.factor_of(user)
        session = client.session
        session["otp_device_id"] = device.persistent_id
        session.save()
    if settings.TULGA_MODES_LIVE:
        by_passkey(client, user)
    return client


def by_passkey(client: Client, user: Any = None) -> None:
    """The session goes on as one that a passkey opened; by default of its own person."""
    session = client.session
    person = user or get_user_model().objects.get(pk=session["_auth_user_id"])
    session["people_opened_by"] = registered.passkey_of(person)
    session.save()


def reading_entries() -> list[AuditEntry]:
    """Everything the log says about readings, oldest first."""
    return list(AuditEntry.objects.filter(type__in=READINGS).order_by("at", "id"))


def verify_proof(proof: str, *, leaf: bytes) -> None:
    """What anybody who holds the test log's public key does with a proof and a leaf."""
    tlog_proof.verify(proof, leaf=leaf, key=keys.verification_key("test"))


def months_ago(months: int) -> datetime:
    """The first morning of a month so many months ago."""
    first = counts.first_month(months + 1)
    return datetime.combine(first, time(9), tzinfo=search.ZONE)


def forged(verification_id: str) -> None:
    """Its row alone says that it was verified, which any writer of rows can make it say."""
    changed = {"status": "verified", "code": "code_of_a_forger", "finished_at": datetime.now(UTC)}
    Verification.objects.filter(pk=verification_id).update(**changed)
