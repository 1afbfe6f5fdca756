"""The desk that plays borrowers: what it takes, what it refuses, and that its manners are those of
the catalogue.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from insecure_sandbox.manners import MANNERS
from insecure_sandbox.people import People
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.scenarios import SCENARIOS, SCRIPTED

SUBJECT: dict[str, Any] = {
    "iin": "990101100010",
    "surname": "Асанов",
    "name": "Асан",
    "patronymic": "",
    "birth_date": "1899-01-01",
    "phone": "+77011234567",
    "document": {"type": "id_card", "number": "045678912", "valid_to": "2031-05-01"},
}
ASKED: dict[str, Any] = {
    "verification": "ver_1",
    "lender": "0f",
    "link": "http://127.0.0.1:9/v/#token",
    "scenario": "verified",
    "routes": ["eds"],
    "subject": SUBJECT,
    "account": "KZ86125KZT5004100100",
}


@contextmanager
def silent_pages() -> Iterator[str]:
    """The address of pages that never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v/#token"


def ask(sandbox: SandboxProcess, **changes: Any) -> int:
    return urllib3.request(
        "POST", f"{sandbox.url}/simulations", json={**ASKED, **changes}, timeout=30
    ).status


def test_each_scenario_has_its_manner_and_each_scripted_person_a_scenario() -> None:
    assert set(MANNERS) == set(SCENARIOS)
    assert set(SCRIPTED.values()) <= set(SCENARIOS)
    assert len(SCRIPTED) == 12


def test_it_answers_at_once_and_plays_one_verification_once(sandbox: SandboxProcess) -> None:
    with silent_pages() as link:
        name = f"ver_{os.urandom(8).hex()}"
        assert [ask(sandbox, verification=name, link=link) for _ in range(2)] == [202, 409]


@pytest.mark.parametrize(
    "changes",
    [
        {"scenario": "nonsense"},
        {"link": "ftp://127.0.0.1/#x"},
        {"link": "http://127.0.0.1/v/"},
        {"routes": []},
        {"routes": "eds"},
        {"subject": {"iin": "990101100010"}},
        {"subject": {**SUBJECT, "consent": "invalid"}},
        {"status": "verified"},
        {"lender": None},
        {"lender": "0" * 65},
    ],
)
def test_what_it_cannot_play_is_refused(sandbox: SandboxProcess, changes: dict[str, Any]) -> None:
    assert ask(sandbox, **changes) == 400


def test_who_stands_in_is_known_for_their_verification_alone(tmp_path: Any) -> None:
    people, iin = People(tmp_path), SUBJECT["iin"]
    known = people.find(iin)
    assert known is not None
    people.stand_in("ver_1", replace(known, surname="ДРУГОЙ"), b"photo")
    assert [_surname(people, iin, reference) for reference in ("ver_1", "ver_2", "")] == [
        "ДРУГОЙ",
        known.surname,
        known.surname,
    ]
    assert (people.photo(iin, reference="ver_1"), people.photo(iin)) == (b"photo", None)
    assert people.find("990101100020", reference="ver_1") == people.find("990101100020")
    assert not any("ДРУГОЙ" in file.read_text("utf-8") for file in tmp_path.rglob("*.jsonl"))


def test_who_was_never_registered_is_known_as_they_stood_in_last(tmp_path: Any) -> None:
    people, nobody = People(tmp_path), "990202100013"
    assert people.find(nobody) is None
    known = people.find(SUBJECT["iin"])
    assert known is not None
    for surname in ("ПЕРВЫЙ", "ВТОРОЙ"):
        people.stand_in(f"ver_{surname}", replace(known, iin=nobody, surname=surname))
    assert _surname(people, nobody, "") == "ВТОРОЙ"


def _surname(people: People, iin: str, reference: str) -> str:
    found = people.find(iin, reference=reference)
    return found.surname if found else ""
