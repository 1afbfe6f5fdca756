"""The sandbox's registers asked through the product's own adapters, and people to register
there.
"""

import io
import secrets
from base64 import b64encode
from itertools import count
from typing import Any

from PIL import Image

from tests.insecure_sandbox_process import SandboxProcess
from verification.core.answers import (
    ConsentAnswer,
    OwnershipAnswer,
    PersonAnswer,
    PhotoAnswer,
)
from verification.core.ids import Iin, Phone, check_digit
from verification.sources.consent import ConsentRequest, HttpConsentSource
from verification.sources.person_registry import HttpPersonRegistry, PersonQuestion
from verification.sources.phone_registry import HttpPhoneRegistry, OwnershipQuestion
from verification.sources.photo_registry import HttpPhotoRegistry, PhotoQuestion
from verification.stages.confirmation.policy import CONSENT

SECONDS = 10.0  # for a question that is to be answered; a fault's test says its own

# Not drawn: Hypothesis sets the module random back, and then it repeats itself. The first are the
# scripted people.
_numbers = count(1000)


def new_iin() -> str:
    """The IIN of an invented person whom no other test of this process knows."""
    elevens = (f"{900201 + number // 10_000 % 28}9{number % 10_000:04}" for number in _numbers)
    return next(eleven + check_digit(eleven) for eleven in elevens if check_digit(eleven) != "x")


def new_id() -> str:
    """An unused request id."""
    return f"test.{secrets.token_hex(8)}"


def picture(width: int = 64, height: int = 48, kind: str = "JPEG", **options: Any) -> bytes:
    """A small picture without a face."""
    kept = io.BytesIO()
    Image.effect_mandelbrot((width, height), (-2, -1, 1, 1), 20).convert("RGB").save(
        kept, kind, **options
    )
    return kept.getvalue()


def register(sandbox: SandboxProcess, **changes: Any) -> str:
    """Registers somebody, with what the test says of them; their IIN."""
    iin = changes.pop("iin", None) or new_iin()
    person = {
        "iin": iin,
        "surname": "ӘБДІҒАЛИЕВА",
        "name": "АЙГҮЛ",
        "patronymic": "ТЕСТҚЫЗЫ",
        "birth_date": "1990-02-01",
        "phone": f"+7702{iin[-7:]}",
        "document": {"number": "098765432", "issued_on": "2020-02-02", "valid_to": "2030-02-01"},
    }
    photo = changes.pop("photo", None)
    if photo is not None:
        person["photo"] = b64encode(photo).decode()
    sandbox.post("/people", **person | changes)
    return iin


def wanted(
    iin: str, *, services: tuple[str, ...] = ("person", "photo", "phone"), **changes: Any
) -> ConsentRequest:
    """A request for this person's consent."""
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "reference": f"ver_of_{iin}",
        "iin": Iin(iin),
        "phone": Phone("+77010000010"),
        "lender_bin": "990240000008",
        "lender_name": "Тест Кредит",
        "purpose": "online microcredit",
        "services": services,
        "text_version": CONSENT.current,
        "language": "kk",
        "text_sha256": CONSENT.sha256(CONSENT.current, "kk"),
        "valid_seconds": 3600,
    }
    return ConsentRequest(**fields | changes)


def consent_source(sandbox: SandboxProcess) -> HttpConsentSource:
    """The product's adapter, pointed at the sandbox."""
    return HttpConsentSource(f"{sandbox.url}/consent", seconds=SECONDS)


def consent_of(sandbox: SandboxProcess, iin: str, **changes: Any) -> ConsentAnswer:
    """What the person says to a request for their consent."""
    return consent_source(sandbox).fetch(wanted(iin, **changes)).parsed


def consent_id_of(sandbox: SandboxProcess, iin: str) -> str:
    """The id of this person's valid consent to everything, or an unknown id if they gave
    none.
    """
    answer = consent_of(sandbox, iin)
    return (
        answer.terms.consent_id
        if answer.terms is not None and answer.status == "valid"
        else "kdp_unknown"
    )


def person_of(
    sandbox: SandboxProcess, iin: str, consent_id: str = "", seconds: float = SECONDS
) -> PersonAnswer:
    """The register's answer about this number."""
    registry = HttpPersonRegistry(f"{sandbox.url}/person", seconds=seconds)
    consent_id = consent_id or consent_id_of(sandbox, iin)
    question = PersonQuestion(request_id=new_id(), iin=Iin(iin), consent_id=consent_id)
    return registry.fetch(question).parsed


def photo_of(
    sandbox: SandboxProcess, iin: str, consent_id: str = "", seconds: float = SECONDS
) -> PhotoAnswer:
    """The register's answer about this number."""
    registry = HttpPhotoRegistry(f"{sandbox.url}/photo", seconds=seconds)
    consent_id = consent_id or consent_id_of(sandbox, iin)
    question = PhotoQuestion(request_id=new_id(), iin=Iin(iin), consent_id=consent_id)
    return registry.fetch(question).parsed


def ownership_of(
    sandbox: SandboxProcess, phone: str, *, iin: str, consent_id: str = "", seconds: float = SECONDS
) -> OwnershipAnswer:
    """The register's answer about this number of a phone."""
    registry = HttpPhoneRegistry(f"{sandbox.url}/phone", seconds=seconds)
    consent_id = consent_id or consent_id_of(sandbox, iin)
    question = OwnershipQuestion(
        request_id=new_id(), iin=Iin(iin), phone=Phone(phone), consent_id=consent_id
    )
    return registry.fetch(question).parsed
