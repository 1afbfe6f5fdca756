"""The sandbox's registers, asked through the product's adapters, answer what the sandbox was told,
and nothing else.
"""

import json
import re
from datetime import date
from typing import Any

import pytest
import urllib3

from scripts.guide_blocks import text_of
from tests.insecure_sandbox.asked import (
    new_id,
    new_iin,
    ownership_of,
    person_of,
    photo_of,
    picture,
    register,
)
from tests.insecure_sandbox_process import SandboxProcess


def test_a_registered_person_is_found_as_registered(sandbox: SandboxProcess) -> None:
    iin = register(sandbox)
    answer = person_of(sandbox, iin)
    assert (answer.status, answer.iin.value) == ("found", iin)
    assert answer.person is not None
    assert (answer.person.surname, answer.person.name, answer.person.life_status) == (
        "ӘБДІҒАЛИЕВА",
        "АЙГҮЛ",
        "alive",
    )
    document = answer.person.documents[0]
    assert (document.number, document.valid_to, document.status) == (
        "098765432",
        date(2030, 2, 1),
        "valid",
    )


def test_the_photo_is_the_registered_one_with_its_origin(sandbox: SandboxProcess) -> None:
    jpeg = picture()
    iin = register(sandbox, photo=jpeg, photo_source="PROVIDER")
    answer = photo_of(sandbox, iin)
    assert (answer.status, answer.source, answer.jpeg) == ("found", "PROVIDER", jpeg)


def test_a_phone_is_its_owners_and_no_one_elses(sandbox: SandboxProcess) -> None:
    one, other = register(sandbox, phone="+77055550001"), register(sandbox, phone="+77055550002")
    assert ownership_of(sandbox, "+77055550001", iin=one).status == "owned"
    assert ownership_of(sandbox, "+77055550001", iin=one).owned_since == date(2020, 2, 2)
    assert ownership_of(sandbox, "+77055550001", iin=other).status == "owned_by_another"
    assert ownership_of(sandbox, "+77055550009", iin=other).status == "not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"iin": "1" * 65},
        {"surname": None},
        {"document": "none"},
        {"document": {"number": 5}},
        {"document": {"number": "1", "colour": "blue"}},
        {"phone": 7},
        {"photo": "no base64!"},
        {"shoe_size": "42"},
    ],
)
def test_a_registration_that_is_not_right_is_rejected(
    sandbox: SandboxProcess, changes: dict[str, Any]
) -> None:
    person = {
        "iin": new_iin(),
        "surname": "А",
        "name": "Б",
        "birth_date": "1899-01-01",
        "phone": "+77010000010",
    }
    with pytest.raises(AssertionError, match="error"):
        sandbox.post("/people", **person | {"document": {"number": "1"}} | changes)


def test_a_photo_larger_than_any_is_rejected_unread(sandbox: SandboxProcess) -> None:
    head = {"Content-Type": "application/json", "Content-Length": str(10**9)}
    response = urllib3.request(
        "POST", f"{sandbox.url}/people", headers=head, body=b"{", retries=False, timeout=10
    )
    assert response.status == 413


@pytest.mark.parametrize(
    "path", ["/person", "/photo", "/phone", "/sms", "/consent/request", "/consent/read"]
)
@pytest.mark.parametrize(
    "changes", [{"request_id": "short"}, {"request_id": 5}, {"more": "x"}, {"iin": 5, "phone": 5}]
)
def test_a_question_that_is_not_right_is_rejected(
    sandbox: SandboxProcess, path: str, changes: dict[str, Any]
) -> None:
    fields = {"request_id": new_id(), "iin": new_iin(), "consent_id": "kdp_of_nobody"} | changes
    response = urllib3.request("POST", sandbox.url + path, json=fields, timeout=10)
    assert response.status == 400


def test_the_person_of_the_lenders_first_page_is_known(sandbox: SandboxProcess) -> None:
    asked = re.search(r"-d '(\{.*?\n  \})'", text_of("start"), re.DOTALL)
    assert asked is not None
    subject = json.loads(asked[1].replace("'\"$LOAN\"'", "loan-1"))["subject"]
    person = person_of(sandbox, subject["iin"]).person
    assert person is not None
    names = (person.surname, person.name, person.patronymic)
    assert names == (
        subject["surname"].upper(),
        subject["name"].upper(),
        subject.get("patronymic", ""),
    )
    assert person.birth_date.isoformat() == subject["birth_date"]
    document = person.documents[0]
    assert document.valid_to is not None
    found = {
        "type": document.type,
        "number": document.number,
        "valid_to": document.valid_to.isoformat(),
    }
    assert found == subject["document"]
    assert ownership_of(sandbox, subject["phone"], iin=subject["iin"]).status == "owned"
