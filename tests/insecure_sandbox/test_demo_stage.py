"""The demo's people are known to the sandbox's registers as its lender states them, and read their
own messages.
"""

from pathlib import Path

import pytest

from insecure_sandbox.demo.lender import LenderApi, opening
from insecure_sandbox.demo.processes import Processes
from insecure_sandbox.demo.stage import Stage, phone_of
from tests.insecure_sandbox.asked import (
    consent_of,
    new_id,
    ownership_of,
    person_of,
    photo_of,
    picture,
    register,
)
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.ids import Iin, Phone
from verification.core.spelling import code_sms
from verification.sources.sms import HttpSmsGateway, Message

LANGUAGES = ("en", "ru", "kk")


@pytest.fixture
def stage(sandbox: SandboxProcess, tmp_path: Path) -> Stage:
    """A stage before anybody has opened anything."""
    processes = Processes(environment={}, logs=tmp_path / "logs")
    return Stage(
        LenderApi("http://127.0.0.1:9", ""),
        "http://127.0.0.1:9",
        sandbox.url,
        processes,
        lambda: None,
    )


def test_a_person_of_the_demo_is_who_the_lender_says(
    stage: Stage, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    iin = stage.person(photo)
    subject = opening("reference", iin=iin, routes=["biometric"], phone=phone_of(iin))["subject"]
    known = person_of(sandbox, iin).person
    assert known is not None
    assert (known.surname, known.name, str(known.birth_date)) == (
        subject["surname"],
        subject["name"],
        subject["birth_date"],
    )
    assert known.documents[0].number == subject["document"]["number"]
    assert ownership_of(sandbox, subject["phone"], iin=iin).status == "owned"
    assert photo_of(sandbox, iin).jpeg == picture()


def test_each_person_has_another_number_and_was_born_in_1899(stage: Stage) -> None:
    iins = {stage.iin() for _ in range(50)}
    assert len(iins) == 50
    assert {str(Iin.parse(iin).birth_date)[:4] for iin in iins} == {"1899"}
    assert len({Phone.parse(phone_of(iin)).value for iin in iins}) == 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_is_read_and_not_the_amount(
    stage: Stage, sandbox: SandboxProcess, language: str
) -> None:
    iin = stage.iin()
    register(sandbox, iin=iin, phone=phone_of(iin))
    consent_of(
        sandbox, iin, phone=Phone(phone_of(iin))
    )  # of which a message without a code tells them
    gateway = HttpSmsGateway(f"{sandbox.url}/sms", seconds=2.0)
    for code in ("111111", "482019"):
        text = code_sms(
            code,
            lender="Sandbox Credit LLP",
            amount="150000.00",
            currency="KZT",
            language=language,
            host="127.0.0.1",
        )
        gateway.fetch(Message(request_id=new_id(), phone=Phone(phone_of(iin)), text=text))
    assert stage.code_for(iin) == "482019"
