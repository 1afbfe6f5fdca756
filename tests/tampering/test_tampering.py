"""The proof of the log against an attacker who changes what lies beside it or in it: `make prove
PART=tampering`.

On SQLite, which knows no roles, each hand is held to the rights that PostgreSQL grants it
(`grant_application_role`); on PostgreSQL the application's role is the connection's own, and the
database says itself what it may.
"""

import os
import random
from collections import Counter
from itertools import cycle, islice

import pytest
from django.db import IntegrityError, connection
from pytest_django import Settings

from tests.proofs import Figures
from tests.tampering import disk, entries, hands, put_back, reader, stories
from tests.tampering import world as worlds
from tests.tampering.hands import Hand, Refused
from tests.tampering.record import Record
from tests.tampering.sampling import all_columns, is_found
from tests.tampering.world import World
from tests.verification import lawful
from tests.verification.log.rows import order_all
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from verification.core import events
from verification.core.findings import Finding
from verification.core.status import Status

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.proof("tampering"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

ROWS, DEEDS, FORGED, INVENTED, ELSEWHERE, HONEST, PUT_BACK = 2_200, 240, 90, 160, 110, 1_000, 1_000
"""How many of each a whole proof tries. Ours: over 2 000 that matter, and each column of each table
several times.
"""
_ON_FILE = pytest.mark.skipif(
    "postgresql" in os.environ.get("TULGA_TEST_DATABASE_URL", ""), reason="rewrites SQLite"
)


@pytest.fixture(scope="module")
def played() -> dict[str, World]:
    """The world once it has been played."""
    return {}


@pytest.fixture
def world(
    played: dict[str, World],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    issued: Issued,  # noqa: F811
) -> World:
    """As it was played, and nothing is wrong with it. PostgreSQL plays it anew: rows are not put
    back as they were.
    """
    lawful.know_routes(monkeypatch)
    if "world" in played and connection.vendor == "sqlite":
        played["world"].last.put()
    else:
        played["world"] = worlds.play(tmp_path_factory.mktemp("world"), settings, issued)
        lawful.know_routes(monkeypatch)  # also those by which it was played
    assert list(reader.findings()) == []
    return played["world"]


@pytest.fixture
def chance(proof_seed: int) -> random.Random:
    """What is chosen by chance; its seed stands in the evidence."""
    print(f"seed {proof_seed}")
    return random.Random(proof_seed)


def _number(whole: int, scale: float) -> int:
    """Of a whole proof all; else a quarter of the usual share, for each has the whole log read."""
    return whole if scale >= 1 else max(1, round(whole * scale / 4))


def test_whatever_is_changed_in_rows_is_found(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    record, wanted = Record(), _number(ROWS, proof_scale)
    is_server = connection.vendor == "postgresql"
    for change in all_columns(chance, ours=True):
        if not is_server or change.hand is Hand.APPLICATION:
            is_found(change, record)
        if sum(record.tried.values()) >= wanted:
            break
    proof_figures["rows"] = record.figures()
    assert not record.missed, "\n".join(record.missed)


@_ON_FILE
def test_whatever_is_rewritten_on_disk_without_a_key_is_found(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    record = Record()
    for word in islice(cycle(disk.DEEDS), max(len(disk.DEEDS), _number(DEEDS, proof_scale))):
        with hands.taken_back():
            try:
                disk.DEEDS[word](world, chance)
            except IntegrityError:  # a second end of one verification, say
                record.refused += 1
                continue
            record.deed(word, is_found=reader.first() is not None)
        if word in disk.OF_FILES:
            world.last.put_folders()
    assert list(reader.findings()) == []
    proof_figures["disk"] = record.figures()
    assert not record.missed, record.missed


def test_what_is_forged_by_the_applications_role_is_found(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    record, names = Record(), sorted(entries.FORGERIES)
    for number, name in enumerate(
        islice(cycle(names), max(2 * len(names), _number(FORGED, proof_scale)))
    ):
        with hands.taken_back():
            entries.FORGERIES[name](chance)
            if number % (2 * len(names)) >= len(names):
                order_all()
            record.deed(name, is_found=reader.first() is not None)
    proof_figures["forged"] = record.figures()
    assert not record.missed, record.missed


def test_an_entry_that_no_process_signed_is_found(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    record = Record()
    types = sorted(events.ENTRY_TYPES)
    for number, entry_type in enumerate(
        islice(cycle(chance.sample(types, len(types))), _number(INVENTED, proof_scale))
    ):
        with hands.taken_back():
            try:
                entries.invented(entry_type, chance, is_ordered=number % 2 == 0)
            except IntegrityError:  # a second decision, say
                record.refused += 1
                continue
            found = reader.first() is not None
        record.deed(entry_type, is_found=found)
    proof_figures["invented"] = record.figures()
    assert not record.missed, record.missed


@_ON_FILE
def test_what_is_put_back_once_workers_have_acted_by_it_is_found(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    record, ends = Counter[str](), put_back.act()
    missed: list[str] = []
    world.last.put()
    tried = list(islice(put_back.of_columns(chance), _number(PUT_BACK, proof_scale)))
    for number, change in enumerate(tried):
        try:
            hands.do(change)
        except Refused:
            record["refused"] += 1
            continue
        led = put_back.act(chance if number % 2 else None)
        put_back.put_back(change)
        otherwise, failed = put_back.apart(ends, led)
        record.update(tried=1, moved=bool(otherwise), failed=failed)
        is_unseen = bool(otherwise) and reader.first() is None
        is_open = (change.table, change.column) in put_back.OPEN_TO_IT
        record.update(open=is_unseen and is_open)
        if is_unseen and not is_open:
            missed.append(f"{change} led to {otherwise}")
        world.last.put()
    proof_figures["put_back"] = {**record, "undetected": len(missed)}
    assert not missed, "\n".join(missed)


@_ON_FILE
def test_a_whole_world_put_back_is_shown_by_a_checkpoint_that_somebody_kept(
    world: World, proof_figures: Figures
) -> None:
    found = Counter[str]()
    for copy in world.earlier:
        copy.put()
        found.update(
            tried=1,
            by_audit_verify=reader.first() is not None,
            by_a_kept_checkpoint=_contradicts(world),
        )
    proof_figures["rolled_back"] = dict(found)
    assert found["by_a_kept_checkpoint"] == found["tried"] > 0
    world.last.put()
    assert not _contradicts(world)


def _contradicts(world: World) -> bool:
    return reader.contradicts(world.kept)


def test_people_and_lenders_are_counted_apart(
    world: World, chance: random.Random, proof_scale: float, proof_figures: Figures
) -> None:
    worlds.people_and_lenders()
    record, wanted = Record(), _number(ELSEWHERE, proof_scale)
    for change in islice(all_columns(chance, ours=False), wanted * 3):
        if connection.vendor != "postgresql" or change.hand is Hand.APPLICATION:
            is_found(change, record)
        if sum(record.tried.values()) >= wanted:
            break
    proof_figures["elsewhere"] = record.figures()


def test_an_honest_log_raises_no_alarm(
    chance: random.Random, proof_scale: float, proof_figures: Figures, settings: Settings
) -> None:
    alarms: list[tuple[int, list[Finding]]] = []
    told, ends, stands = 0, Counter[str](), list[str]()
    with pytest.MonkeyPatch.context() as monkeypatch:
        lawful.know_routes(monkeypatch)
        stories.put_in(monkeypatch, settings)
        for number in range(_number(HONEST, proof_scale)):
            for stand in stories.play(chance):
                stands, told = stand, told + 1
                if found := list(reader.findings()):
                    alarms.append((number, found))
            ends.update(stands)
            stories.forget()
    proof_figures["honest"] = {
        "logs": _number(HONEST, proof_scale),
        "readings": told,
        "alarms": len(alarms),
        "verifications_by_status": dict(sorted(ends.items())),
    }
    assert not alarms, alarms[0]
    assert proof_scale < 1 or set(Status) <= ends.keys(), "stories of each end"


def test_all_that_matters_was_found(proof_scale: float, proof_figures: Figures) -> None:
    """What the tests before this one have counted, together."""
    parts = [
        proof_figures[name]
        for name in ("rows", "disk", "forged", "invented")
        if name in proof_figures
    ]
    matter, undetected = (
        sum(part[word] for part in parts) for word in ("that_matter", "undetected")
    )
    proof_figures["all"] = {
        "that_matter": matter,
        "undetected": undetected,
        # Of none among n: the rule of three.
        "upper_bound_percent": round(300 / matter, 2) if matter else 100.0,
        "roles": (
            "emulated by the rights that are granted"
            if connection.vendor == "sqlite"
            else "the server's"
        ),
    }
    assert not undetected
    assert matter >= 2_000 or proof_scale < 1
