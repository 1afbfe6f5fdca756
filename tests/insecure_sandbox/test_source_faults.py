"""Each scripted fault of a register or gateway is the product's fault, exactly n times; and no log
knows whom of.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.insecure_sandbox.asked import consent_id_of, new_id, picture, register, wanted
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.sources import consent as consents
from verification.sources.asking import Fetched
from verification.sources.consent import HttpConsentSource
from verification.sources.person_registry import REGISTRY as PEOPLE
from verification.sources.person_registry import HttpPersonRegistry, PersonQuestion
from verification.sources.phone_registry import REGISTRY as PHONES
from verification.sources.phone_registry import HttpPhoneRegistry, OwnershipQuestion
from verification.sources.photo_registry import REGISTRY as PHOTOS
from verification.sources.photo_registry import HttpPhotoRegistry, PhotoQuestion
from verification.sources.sms import GATEWAY, HttpSmsGateway, Message

SECONDS = 0.8
SOURCES = ("person", "photo", "phone", "consent", "sms")
PHONE = "+77055553001"
MESSAGE = "Code 654321."


@pytest.fixture(autouse=True)
def _mended(sandbox: SandboxProcess) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.mend()


def question(sandbox: SandboxProcess, source: str, iin: str) -> Callable[[], Fetched[Any]]:
    """A question that is answered, unless a fault is scripted; its request id is new each time."""
    consent_id, url = consent_id_of(sandbox, iin), sandbox.url
    person = HttpPersonRegistry(f"{url}/person", seconds=SECONDS)
    photo = HttpPhotoRegistry(f"{url}/photo", seconds=SECONDS)
    phone = HttpPhoneRegistry(f"{url}/phone", seconds=SECONDS)
    consent = HttpConsentSource(f"{url}/consent", seconds=SECONDS)
    sms = HttpSmsGateway(f"{url}/sms", seconds=SECONDS)
    about: dict[str, Any] = {"iin": Iin(iin), "consent_id": consent_id}
    questions: dict[str, Callable[[], Fetched[Any]]] = {
        "person": lambda: PEOPLE.ask(person, PersonQuestion(request_id=new_id(), **about)),
        "photo": lambda: PHOTOS.ask(photo, PhotoQuestion(request_id=new_id(), **about)),
        "phone": lambda: PHONES.ask(
            phone, OwnershipQuestion(request_id=new_id(), phone=Phone(PHONE), **about)
        ),
        "consent": lambda: consents.ask(consent, wanted(iin)),
        "sms": lambda: GATEWAY.ask(sms, message(Phone(PHONE), new_id())),
    }
    return questions[source]


def message(phone: Phone, request_id: str) -> Message:
    return Message(request_id=request_id, phone=phone, text=MESSAGE)


def test_a_message_whose_answer_was_lost_is_sent_once(sandbox: SandboxProcess) -> None:
    gateway, request_id, phone = (
        HttpSmsGateway(f"{sandbox.url}/sms", seconds=5.0),
        new_id(),
        Phone("+77055553002"),
    )
    sandbox.post("/faults", source="sms", kind="http_500", times=1)
    with pytest.raises(SourceUnavailable):
        gateway.fetch(message(phone, request_id))
    first = gateway.fetch(message(phone, request_id))
    assert gateway.fetch(message(phone, request_id)) == first
    assert len(sandbox.post("/inbox", phone=phone.value)["messages"]) == 1


def test_no_log_knows_whom_it_was_about(
    sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    iin = register(sandbox, phone=PHONE, photo=picture())
    for source in SOURCES:
        ask = question(sandbox, source, iin)
        ask()
        sandbox.post("/faults", source=source, kind="garbage", times=1)
        with pytest.raises(SourceUnavailable) as caught:
            ask()
        logging.getLogger("tulga").exception("fault", exc_info=caught.value)
    sandbox_log = sandbox.state.parent / f"{sandbox.state.name}.log"
    told = caplog.text + sandbox_log.read_text()
    assert all(
        f"POST /{path}" in told for path in ("person", "photo", "phone", "sms", "consent/request")
    )
    for secret in (iin, PHONE, PHONE[1:], "ӘБДІҒАЛИЕВА", "АЙГҮЛ", "098765432", "654321", "/9j/"):
        assert secret not in told
