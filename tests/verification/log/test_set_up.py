"""The log says which sources are asked, and with which settings each kind of process starts."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from tests.service.at_once import at_once
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from verification import transactions
from verification.core import events
from verification.core.errors import Misconfigured
from verification.log import log, set_up
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry
from verification.sources import descriptions
from verification.worker import set_up as starting

pytestmark = pytest.mark.django_db(transaction=True)

REGISTER = {
    "purpose": "person_registry",
    "adapter": "http",
    "origins": ["https://register.example"],
    "protocol": "tulga v1",
    "is_sandbox": False,
}
WORKER = {"process": "worker", "settings": "ab" * 32, "law": "", "software": "cd" * 32}


@pytest.fixture
def started(settings: Settings) -> Iterator[Settings]:
    """A worker that starts."""
    settings.TULGA_PROCESS = "worker"
    starting._stated.is_done = False
    yield settings
    starting._stated.is_done = False


def start() -> list[str]:
    """The actors that a new process states, with their versions."""
    starting._stated.is_done = False
    before = statements()
    with transactions.running(scope=transactions.ALL):
        assert starting.keep()
    return [stated for pk, stated in statements().items() if pk not in before]


def statements() -> dict[str, str]:
    """Actor and version of each statement, by its entry."""
    rows = AuditEntry.objects.filter(type__in=events.SET_UP)
    return {row.pk: f"{row.body['actor']} {row.body['version']}" for row in rows}


def test_a_worker_states_its_sources_and_settings_once(started: Settings) -> None:
    stated = start()
    names = {name for name in started.TULGA_SOURCES["test"] if name != "trust_anchors"}
    assert set(stated) == {f"src_{name} 1" for name in names} | {"process_worker 1"}
    assert start() == []
    bodies = [row.body for row in AuditEntry.objects.filter(type=events.SOURCE)]
    assert {body["is_sandbox"] for body in bodies} == {True}
    assert {tuple(body["origins"]) for body in bodies} == {(started.TULGA_SANDBOX_URL,)}
    assert {body["protocol"] for body in bodies} == {"tulga v1", "rfc3161", "rfc5280 rfc6960"}
    order_all()
    assert findings() == []


@pytest.mark.parametrize("process", ["web", "sender", "tick"])
def test_another_process_states_its_settings_alone(started: Settings, process: str) -> None:
    started.TULGA_PROCESS = process
    assert start() == [f"process_{process} 1"]
    assert start() == []
    order_all()
    assert findings() == []


def test_a_changed_source_is_the_next_statement_and_a_removed_one_ends(started: Settings) -> None:
    start()
    test = dict(started.TULGA_SOURCES["test"])
    test["sms"] = {"adapter": "smsc", "options": {"token_file": "/nowhere"}}
    del test["simulation"]
    started.TULGA_SOURCES = {**started.TULGA_SOURCES, "test": test}
    assert set(start()) == {"src_sms 2", "src_simulation 2", "process_worker 2"}
    actors = set_up.read("test")
    assert not actors["src_simulation"].is_active
    sms = actors["src_sms"].fields
    assert (sms["origins"], sms["protocol"], sms["is_sandbox"]) == (
        ["https://smsc.kz"],
        "smsc",
        False,
    )
    assert start() == []
    assert list(verify_actors()) == []


def test_each_log_has_its_own_sources(started: Settings) -> None:
    started.TULGA_MODES_LIVE = True
    live = {"sms": {"adapter": "mobizon", "options": {"token_file": "/nowhere"}}}
    started.TULGA_SOURCES = {**started.TULGA_SOURCES, "live": live}
    start()
    assert set_up.read("live").keys() == {"process_worker", "src_sms"}
    assert "src_person_registry" in set_up.read("test")


def test_a_process_without_its_key_or_in_a_test_states_nothing(started: Settings) -> None:
    held = started.TULGA_SIGNING_KEYS
    started.TULGA_SIGNING_KEYS = {**held, "decision": {}}
    assert start() == []
    started.TULGA_SIGNING_KEYS, started.TULGA_PROCESS = held, "every"
    assert start() == []


def test_a_fault_is_logged_and_the_next_call_states_it(
    started: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sources = started.TULGA_SOURCES
    started.TULGA_SOURCES = None
    assert not starting.keep()
    assert "could not be stated (Misconfigured)" in caplog.text
    started.TULGA_SOURCES = sources
    assert starting.keep()
    assert "process_worker" in set_up.read("test")


def test_a_source_that_cannot_be_imported_is_stated_without_a_protocol(started: Settings) -> None:
    away = {"adapter": "bank.registers.People", "options": {}}
    test = {**started.TULGA_SOURCES["test"], "person_registry": away}
    started.TULGA_SOURCES = {**started.TULGA_SOURCES, "test": test}
    start()
    fields = set_up.read("test")["src_person_registry"].fields
    assert (fields["adapter"], fields["protocol"]) == ("bank.registers.People", "")


@pytest.mark.service
def test_of_workers_that_start_at_once_each_version_has_one_statement() -> None:
    def begin() -> None:
        with transactions.running(scope=transactions.ALL):
            set_up.state("test", WORKER, {"person_registry": REGISTER})

    def change() -> None:
        with transactions.running(scope=transactions.ALL):
            set_up.state("test", {**WORKER, "settings": "ef" * 32}, {"person_registry": REGISTER})

    assert at_once(begin, times=8) == 8
    assert sorted(statements().values()) == ["process_worker 1", "src_person_registry 1"]
    assert at_once(begin, change, times=8) == 8
    stated = {row for row in statements().values() if row.startswith("process_worker")}
    assert len(stated) + 1 == len(statements())
    assert stated == {f"process_worker {number}" for number in range(1, len(stated) + 1)}
    order_all()
    assert list(verify_actors()) == []


@pytest.mark.parametrize("process", ["web", "sender", "tick"])
def test_no_process_states_the_settings_of_another(settings: Settings, process: str) -> None:
    kinds = {kind for kind, name in events.PROCESSES.items() if name == process}
    keys = settings.TULGA_SIGNING_KEYS
    settings.TULGA_SIGNING_KEYS = {kind: keys[kind] if kind in kinds else {} for kind in keys}
    with pytest.raises(Misconfigured, match="holds no decision key"):
        set_up.state("test", WORKER)
    assert set_up.state("test", {**WORKER, "process": process}) == [f"process_{process}"]


def test_a_source_is_stated_by_a_worker_alone(settings: Settings) -> None:
    settings.TULGA_SIGNING_KEYS = {**settings.TULGA_SIGNING_KEYS, "decision": {}}
    with pytest.raises(Misconfigured, match="holds no decision key"):
        set_up.state("test", {**WORKER, "process": "web"}, {"person_registry": REGISTER})


@pytest.mark.forges
def test_a_statement_out_of_turn_is_named_without_a_row_to_compare() -> None:
    set_up.state("test", WORKER, {"person_registry": REGISTER})
    body = {"actor": "src_person_registry", "version": 3, "by": "", **REGISTER, "status": "active"}
    with transaction.atomic():
        log.append(log="test", type=events.SOURCE, body=body)
    assert [(one.code, one.entry) for one in verify_actors()] == [
        ("illegal_actor", AuditEntry.objects.get(body__version=3).pk)
    ]


SECRETS = ("KEY", "SECRET", "PASSWORD", "TOKEN")


def test_no_secret_enters_the_hash(started: Settings, tmp_path: Path) -> None:
    assert not [
        name
        for name in (*starting.DECISIVE, *starting.FILES)
        if any(word in name for word in SECRETS)
    ]
    before, own = starting.decisive(), starting.description("worker")
    changed = 0
    for name in dir(configured):
        if any(word in name for word in SECRETS) and name != "TULGA_KEYS_DIR":
            setattr(started, name, "another")
            changed += 1
    assert changed > 8
    started.CELERY_BROKER_URL = "redis://user:hidden@broker"
    assert starting.decisive() == before
    assert starting.description("worker") == own


def test_credentials_of_sources_stay_out(started: Settings) -> None:
    options = {
        "url": "https://user:hidden@register.example:8443/hidden?apikey=hidden",
        "token_file": "/run/hidden",
        "api_key": "hidden",
        "other": "hidden",
        "sender": "TULGA",
    }
    test = {**started.TULGA_SOURCES["test"], "sms": {"adapter": "http", "options": options}}
    started.TULGA_SOURCES = {**started.TULGA_SOURCES, "test": test}
    assert "hidden" not in json.dumps(starting.decisive())
    assert "hidden" not in json.dumps(descriptions.in_use("test"))
    sms = starting.decisive()["sources"]["test"]["sms"]
    assert sms["origins"] == ["https://register.example:8443"]
    assert sms["options"] == {"sender": "TULGA"}


@pytest.mark.parametrize("name", starting.DECISIVE)
def test_each_setting_of_the_table_decides(started: Settings, name: str) -> None:
    before = starting.description("worker")["settings"]
    setattr(started, name, "another")
    assert starting.description("worker")["settings"] != before


@pytest.mark.parametrize("name", starting.FILES)
def test_each_named_file_decides_by_its_content(
    started: Settings, tmp_path: Path, name: str
) -> None:
    path, hashes = tmp_path / "file", set[str]()
    setattr(started, name, path)
    for content in (None, "a", "b"):
        if content:
            path.write_text(content)
        hashes.add(starting.description("worker")["settings"])
    assert len(hashes) == 3


def test_pins_and_the_root_decide(started: Settings, tmp_path: Path) -> None:
    hashes = {starting.description("worker")["settings"]}
    anchors = {"trust_anchors": {"directory": str(tmp_path)}}
    started.TULGA_SOURCES = {"test": {**started.TULGA_SOURCES["test"], **anchors}, "live": {}}
    hashes.add(starting.description("worker")["settings"])
    (tmp_path / "pins.txt").write_text("mode test\n")
    hashes.add(starting.description("worker")["settings"])
    started.TULGA_ROOT = b"another"
    hashes.add(starting.description("worker")["settings"])
    assert len(hashes) == 4


def test_a_name_that_speaks_of_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "DECISIVE", {"TULGA_INDEX_KEYS": "never"})
    with pytest.raises(ValueError, match="may hold a secret"):
        starting.decisive()


def test_the_command_prints_what_opens_the_hash(started: Settings) -> None:
    start()
    out = StringIO()
    call_command("show_settings", stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    assert printed["stated"] == set_up.read("test")["process_worker"].fields
    assert printed["decisive"] == starting.decisive()


def test_an_absent_database_does_not_keep_a_process_from_its_start(
    started: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise DatabaseError

    with connection.execute_wrapper(fails):
        starting.keep_at_start()
    assert "could not be stated" in caplog.text
    starting.keep_at_start()
    assert "process_worker" in set_up.read("test")
