"""The proof of the log against an attacker who changes what lies beside it or in it: `make prove
PART=tampering`.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.utils import Error
from pytest_django import Settings

from tests.lenders.api.insecure_payout import in_memory
from tests.proofs import Figures
from tests.tampering import cast as casts
from tests.tampering import changes, disk, doors, hands, reader, stories
from tests.tampering import world as worlds
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change, Hand, Refused
from tests.tampering.record import Record
from tests.tampering.sampling import all_columns, is_found
from tests.tampering.world import World
from tests.verification import lawful
from tests.verification.log.rows import order_all, slip_in
from tests.verification.stories import insecure_glance
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.insecure_glance import ROUTES
from verification import clock, tasks
from verification.access.tokens import LINKS
from verification.case import policy, steps
from verification.core import events
from verification.core.findings import Finding
from verification.core.ids import LINK, new_id
from verification.core.status import TERMINAL, Status
from verification.models import Attempt, AuditEntry, DataKey, ReviewVote, Verification
from verification.worker import sweep

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.proof("tampering"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]


# Entries that the application's role inserts by SQL: one of every type beside the honest ones,
# alone or with the rows that would go with it.


LOG = "test"


def invented(entry_type: str, chance: random.Random, *, is_ordered: bool) -> None:
    """One more entry of this type, like an honest one if there is any, counted in its
    verification's row.
    """
    like = AuditEntry.objects.filter(log=LOG, type=entry_type).order_by("pk")
    number = like.count()
    genuine = like[chance.randrange(number)] if number else _any(chance)
    body = dict(genuine.body) if number else {"v": 1}
    put(genuine, entry_type, body)
    if is_ordered:
        order_all()


def put(like: AuditEntry, entry_type: str, body: Mapping[str, Any], **changes: Any) -> str:
    """Inserts it behind the last entry of the same verification, which counts it."""
    row = Verification.objects.filter(pk=like.verification_id).first()
    more: dict[str, Any] = {"type": entry_type, "body": dict(body), "at": clock.now(), **changes}
    if row is not None:
        more["verification_sequence"] = row.sequence + 1
        Verification.objects.filter(pk=row.pk).update(sequence=row.sequence + 1)
    else:
        more["verification_sequence"] = None
    return slip_in(like, **more)


def _any(chance: random.Random) -> AuditEntry:
    found = AuditEntry.objects.filter(log=LOG, type="verification.created").order_by("pk")
    return found[chance.randrange(found.count())]


def _open(chance: random.Random) -> Verification:
    return chance.choice(list(Verification.objects.filter(status="requires_input").order_by("pk")))


def _ended(chance: random.Random) -> Verification:
    return chance.choice(
        list(Verification.objects.filter(status__in=("verified", "declined")).order_by("pk"))
    )


def _first(row: Verification) -> AuditEntry:
    return AuditEntry.objects.get(verification=row, verification_sequence=1)


def verified(chance: random.Random) -> None:
    """B1: an open case is verified by one UPDATE and two INSERTs."""
    row = _open(chance)
    own = {
        name: getattr(row, name)
        for name in ("route", "stage", "turn", "combination", "last_failure")
    }
    law = {"profile": row.profile_id, "profile_sha256": row.profile_sha256}
    routes = row.combinations[0]
    at = clock.now()
    changed = {"status": "verified", "passed_routes": routes, "finished_at": at}
    Verification.objects.filter(pk=row.pk).update(**changed)
    put(
        _first(row),
        "verification.verified",
        {"v": 1, "code": "", **law, **own, "routes": routes},
        at=at,
    )


def easier_law(chance: random.Random) -> None:
    """B2: another combination, or another profile, than the case was opened under."""
    row = _open(chance)
    Verification.objects.filter(pk=row.pk).update(
        combinations=[["eds"]] if row.combinations != [["eds"]] else []
    )


def canceled(chance: random.Random) -> None:
    """An open case is ended in its lender's name."""
    row = _open(chance)
    own = {
        name: getattr(row, name)
        for name in ("route", "stage", "turn", "combination", "last_failure")
    }
    law = {"profile": row.profile_id, "profile_sha256": row.profile_sha256}
    at = clock.now()
    Verification.objects.filter(pk=row.pk).update(
        status="canceled", code="canceled_by_lender", finished_at=at, due_at=None, step=""
    )
    Attempt.objects.filter(verification=row, status__in=("open", "judging")).update(
        status="void", closed_at=at
    )
    put(
        _first(row),
        "verification.canceled",
        {"v": 1, "code": "canceled_by_lender", **law, **own},
        at=at,
    )


def voted(chance: random.Random) -> None:
    """A vote of somebody who never gave it, with its row."""
    row = chance.choice(list(Verification.objects.filter(status="in_review").order_by("pk")))
    attempt = Attempt.objects.get(verification=row, status="review")
    at, person = clock.now(), new_id("usr")
    ReviewVote.objects.create(attempt=attempt, person=person, passes=True, created_at=at)
    body = {"v": 1, "attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage}
    put(_first(row), "review.voted", {**body, "outcome": "passed", "person": person}, at=at)


def own_link(chance: random.Random) -> None:
    """A link whose token the attacker knows, with its entry; the one before ends as it would."""
    row, at, token = _open(chance), clock.now(), chance.randbytes(32)
    until = min(at + timedelta(hours=1), row.expires_at)
    LINKS.rows.filter(verification=row, spent_at=None, expires_at__gt=at).update(expires_at=at)
    LINKS.rows.create(kind=LINK, digest=token, verification=row, created_at=at, expires_at=until)
    put(
        _first(row),
        "link.minted",
        {"v": 1, "link": token.hex(), "link_expires_at": until.isoformat()},
        at=at,
    )


def redacted(chance: random.Random) -> None:
    """The key of a case is destroyed, in its own name: with the entry that erasure writes."""
    row, at = _ended(chance), clock.now()
    key_destroyed_at(row, at)
    put(_first(row), "verification.redacted", {"v": 1}, at=at)


def key_destroyed(chance: random.Random) -> None:
    """B7: the key of a case counts as destroyed, and no entry says so."""
    key_destroyed_at(_ended(chance), clock.now())


def key_destroyed_at(row: Verification, at: Any) -> None:
    """Both rows, as erasure leaves them."""
    DataKey.objects.filter(pk=row.pk).update(wrapped_key=None, destroyed_at=at)
    Verification.objects.filter(pk=row.pk).update(redacted_at=at)


def back_dated(chance: random.Random) -> None:
    """B7: all rows of a case lie a month earlier; its entries no role of the application can
    change.
    """
    row = chance.choice(list(Verification.objects.order_by("pk")))
    month = timedelta(days=30)
    Verification.objects.filter(pk=row.pk).update(
        created_at=row.created_at - month, finished_at=row.finished_at and row.finished_at - month
    )
    for attempt in Attempt.objects.filter(verification=row):
        Attempt.objects.filter(pk=attempt.pk).update(
            opened_at=attempt.opened_at - month,
            closed_at=attempt.closed_at and attempt.closed_at - month,
        )


def reading(chance: random.Random) -> None:
    """B7: a reading that did not happen, in a regulator's name."""
    genuine = AuditEntry.objects.filter(log=LOG, type="oversight.searched").order_by("pk")[0]
    put(genuine, "oversight.viewed", {"v": 1, "person": new_id("usr"), "what": "case_file"})


FORGERIES: dict[str, Callable[[random.Random], None]] = {
    deed.__name__: deed
    for deed in (
        verified,
        easier_law,
        canceled,
        voted,
        own_link,
        redacted,
        key_destroyed,
        back_dated,
        reading,
    )
}


# Columns that are changed, acted on by honest workers, and then put back: what the workers
# signed must show it.


_STEPS = (
    steps.OPEN,
    steps.JUDGE,
    steps.LAPSE,
    steps.EXPIRE,
    steps.WEIGH,
    steps.STOP,
    steps.LEAVE,
    steps.DESTROY,
)
_FAULTS = (0, policy.FAULTS_MAX, 99)
_PATIENCE = 3  # how often workers come by, each time later than any backoff

OPEN_TO_IT = {
    (
        "verification_evidenceitem",
        "seen_index",
    ): "bytes that came before are found by it; which, no entry says",
    (
        "verification_captureword",
        "word",
    ): "captures that came before are found by it; which, no entry says",
    ("verification_captureword", "attempt_id"): "captures that came before are found by it",
}
"""Columns whose change leads to another judgement that cannot be told from an honest one once it
is put back.
"""

Ends = dict[str, list[tuple[str, str]]]
"""What workers have put on record of each verification's course, by its id: the type of each entry,
and its word.
"""


def of_columns(chance: random.Random) -> Iterator[Change]:
    """Without end: a column of a row that workers read is given another value, in an order drawn by
    chance.
    """
    made = [
        changes.of_column(table, column, chance)
        for table, columns in COLUMNS.items()
        if table.startswith("verification_")
        and table not in hands.APPEND_ONLY
        and "audit" not in table
        for column in columns
        if table in changes.MODELS and changes.rows_of(table)
    ]
    chance.shuffle(made)
    while made:
        for each in list(made):
            change = next(each, None)
            if change is None:
                made.remove(each)
            elif change.hand is Hand.APPLICATION and change.word == "changed":
                yield change


def act(chance: random.Random | None = None) -> Ends:
    """The tick comes by, and workers do what is owed. `chance`: of one case somebody else wrote
    that down.
    """
    if chance is not None:
        alive = Verification.objects.exclude(status__in=TERMINAL).values_list("pk", flat=True)
        owed = {"step": chance.choice(_STEPS), "queue": "default", "faults": chance.choice(_FAULTS)}
        Verification.objects.filter(pk=chance.choice(list(alive))).update(
            due_at=clock.now(), lease_until=None, **owed
        )
    for _ in range(_PATIENCE):
        with suppress(Exception):  # a tick that cannot read a row says so, and comes again
            sweep.run_round()
        for pk in list(Verification.objects.exclude(step="").values_list("pk", flat=True)):
            with suppress(Exception):
                tasks.advance(pk)
        clock._state.offset += timedelta(seconds=policy.BACKOFF_SECONDS[-1])
    order_all()
    return _ends()


def put_back(change: Change) -> None:
    """What the column was, unless it was written since."""
    row, column = dict(change.row), changes._q(change.column)
    where, key = changes.at_key(change.table, {**row, change.column: change.new})
    statement = (
        f"UPDATE {changes._q(change.table)} SET {column} = %s WHERE {where} AND {column} = %s"  # noqa: S608
    )
    with suppress(Refused, Error):
        hands.do(
            Change(
                change.hand,
                change.table,
                change.column,
                "put back",
                ((statement, [row[change.column], *key, change.new]),),
            )
        )


def apart(honest: Ends, led: Ends) -> tuple[list[str], int]:
    """What workers have put on record otherwise; and how many cases only failed, or wait.

    That says nothing of a person. A hand on the rows can always be in a worker's way: a step owed
    for nothing is put off for an hour, and what is due comes after it.
    """
    names = sorted(name for name in honest if honest[name] != led.get(name))
    waiting = {
        name for name in names if honest[name][: len(led.get(name, ()))] == led.get(name, [])
    }
    failed = {
        name for name in names if (led.get(name) or [("", "")])[-1][0] == "verification.failed"
    } | waiting
    others = [name for name in names if name not in failed]
    return [f"{name}: {honest[name][-4:]} became {led.get(name, [])[-4:]}" for name in others], len(
        failed
    )


def _ends() -> Ends:
    found: Ends = {}
    for entry in AuditEntry.objects.filter(verification__isnull=False).order_by(
        "verification_sequence", "pk"
    ):
        if entry.type != "step.faulted":
            word = f"{entry.body.get('outcome', '')} {entry.body.get('code', '')}"
            found.setdefault(str(entry.verification_id), []).append((entry.type, word))
    return found


# The proof of the log against an attacker who changes what lies beside it or in it: `make prove
# PART=tampering`.
#
# On SQLite, which knows no roles, each hand is held to the rights that PostgreSQL grants it
# (`grant_process_roles`); on PostgreSQL the application's role is the connection's own, and
# the database says itself what it may.


ROWS, DEEDS, FORGED, INVENTED, ELSEWHERE, HONEST, PUT_BACK = 2_200, 240, 90, 160, 110, 1_000, 1_000
"""How many of each a whole proof tries. Ours: over 2 000 that matter, and each column of each table
several times.
"""
AT_DOORS, DOORS_EACH = 1_000, 5
"""Changes of rows before an act over HTTP, and the doors that each is tried at."""
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
    record, names = Record(), sorted(FORGERIES)
    for number, name in enumerate(
        islice(cycle(names), max(2 * len(names), _number(FORGED, proof_scale)))
    ):
        with hands.taken_back():
            FORGERIES[name](chance)
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
                invented(entry_type, chance, is_ordered=number % 2 == 0)
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
    record, ends = Counter[str](), act()
    missed: list[str] = []
    world.last.put()
    tried = list(islice(of_columns(chance), _number(PUT_BACK, proof_scale)))
    for number, change in enumerate(tried):
        try:
            hands.do(change)
        except Refused:
            record["refused"] += 1
            continue
        led = act(chance if number % 2 else None)
        put_back(change)
        otherwise, failed = apart(ends, led)
        record.update(tried=1, moved=bool(otherwise), failed=failed)
        is_unseen = bool(otherwise) and reader.first() is None
        is_open = (change.table, change.column) in OPEN_TO_IT
        record.update(open=is_unseen and is_open)
        if is_unseen and not is_open:
            missed.append(f"{change} led to {otherwise}")
        world.last.put()
    proof_figures["put_back"] = {
        **record,
        "that_matter": record["moved"],
        "undetected": len(missed),
    }
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


def test_each_change_of_people_and_lenders_is_found(
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
    assert record.missed == []


def test_what_is_put_back_once_somebody_came_by_a_door_is_refused_or_found(
    chance: random.Random,
    proof_scale: float,
    proof_figures: Figures,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """People, lenders, keys, endpoints, sessions and cases: each change before an act by HTTP."""
    settings.TULGA_ROUTES = list(ROUTES)
    insecure_glance.put_in(monkeypatch)
    settings.TULGA_SOURCES["test"] |= in_memory()
    cast = casts.play()
    honest, names = doors.honest(cast), sorted(doors.DOORS)
    assert list(reader.findings()) == []
    record, missed = Counter[str](), list[str]()
    changed_columns = set[tuple[str, str]]()
    for change in islice(doors.of_rows(chance), _number(AT_DOORS, proof_scale)):
        for name in chance.sample(names, DOORS_EACH):
            with hands.taken_back():
                try:
                    hands.do(change)
                    seen = doors.come(name, cast)
                    doors.put_back(change)
                except Refused:
                    record["refused_by_the_database"] += 1
                    continue
                record["tried"] += 1
                changed_columns.add((change.table, change.column))
                if seen == honest[name]:
                    record["without_effect"] += 1
                elif seen.is_refused and not seen.entries:
                    record["refused"] += 1
                elif seen.is_less_than(honest[name]):
                    record["withheld"] += 1
                elif reader.first() is not None:
                    record["found"] += 1
                elif doors.is_harmless(change, honest[name], seen):
                    record["harmless"] += 1
                else:
                    missed.append(f"{change} at {name!r}: {doors.apart(honest[name], seen)}")
    proof_figures["doors"] = {
        **record,
        "columns_changed": len(changed_columns),
        "that_matter": record["refused"] + record["found"] + len(missed),
        "undetected": len(missed),
    }
    assert not missed, "\n".join(missed)


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
        for name in ("rows", "disk", "forged", "invented", "elsewhere", "put_back", "doors")
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
    assert matter >= 3_000 or proof_scale < 1
