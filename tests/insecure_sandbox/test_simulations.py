"""The desk that plays borrowers: what it takes, what it refuses, and that its manners are those of
the catalogue.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from insecure_sandbox.manners import MANNERS
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
