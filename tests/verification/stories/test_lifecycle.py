"""Cases of all routes grow old, workers erase some of them, and an attacker takes everything.

He has every key that was made, every table and file, the log of the processes, and, where the
database is a server, the bytes of its folder.
"""

import random
from collections import defaultdict
from contextlib import suppress
from io import StringIO
from pathlib import Path
from secrets import token_bytes
from urllib.parse import unquote

import numpy as np
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from lenders import keys
from tests.insecure_sandbox.asked import new_iin
from tests.lenders.api.test_receipts import verify
from tests.lenders.samples import Caller
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from tests.verification.stages.person.conftest import ASKED, moved
from tests.verification.stages.person.told import codes, tell
from tests.verification.stories import insecure_capture
from tests.verification.stories.destruction_story import dispute, step, turn
from tests.verification.stories.insecure_route import install
from tests.verification.stories.purge_story import dump, sealed_rows, secrets_of
from tests.verification.stories.story import BORN, begin, lender
from verification import clock
from verification.access import openings
from verification.case import policy
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.evidence import store, vault
from verification.models import DataKey, EvidenceItem
from verification.oversight import search
from verification.routes import LIVE_FACE, ROUTES
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]
CASES, PURGED = 200, 0.4
"""Cases of the proof, and the share that is erased."""
LEAST = 9
"""Cases at least, when the set is cut down: some of each route."""
ROW_BYTES = 1500
"""Longer values lie in several places of a table's file."""
SWITCHES_MAX = 200
"""Files of PostgreSQL's log at most until those of before are over."""


@pytest.fixture
def signed(trusted, sandbox, settings, monkeypatch, issued):
    """Plays a case of a route to its end; gives the story and the IIN."""
    settings.TULGA_SOURCES = {
        "test": settings.TULGA_SOURCES["test"]
        | {name: moved(name, to=sandbox.url) for name in ASKED}
    }
    insecure_capture.put_in(monkeypatch)
    [capture] = ROUTES["biometric"].stages
    install(monkeypatch, "live_face", *LIVE_FACE.stages[:-1], capture)

    def play(creditor, number, route, *, is_cancelled):
        settings.TULGA_ROUTES = [route]
        phone = f"+7701555{number:04}"
        iin = tell(sandbox, phone=phone) if route == "live_face" else new_iin()
        story = begin(creditor, f"reference-of-case-{number:03}", iin=iin, phone=phone)
        story.reply(agreed=True, version=CURRENT, language="ru")
        if route == "live_face":
            story.answer(document_number="012345678", **BORN)
            story.work()
            story.reply(code=codes(sandbox, phone=phone)[-1])
        story.reply(somebody_tells_me=False)
        if is_cancelled:
            openings.cancel(lender_id=creditor.pk, mode="test", verification_id=story.id)
            story.work()
        elif route == "eds":
            story.sign_to_end(issued(iin=iin))
        else:
            insecure_capture.show_to_end(story)
        order_all()
        assert story.row().status == ("canceled" if is_cancelled else "verified")
        return story, iin

    return play


def opened(story):
    """How many originals of a case open with every key, the data key among them."""
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    items = list(EvidenceItem.objects.filter(verification_id=story.id))
    for item in items:
        store.opening(key, item)
    return len(items)


def tried(stories):
    """What an attacker opens of these by the program itself and every key there is."""
    count = 0
    for story in stories:
        try:
            count += opened(story)
        except EvidenceUnreadable:
            continue
    return count


def forced(stories, rows):
    """The same by force: how many of these wrapped keys open at the place of any of the cases."""
    count = 0
    for story in stories:
        for row in rows:
            stolen = DataKey(verification_id=story.id, wrapped_key=row.wrapped_key)
            try:
                vault.unwrap(stolen, lender_id=story.lender.pk)
                count += 1
            except (EvidenceUnreadable, Misconfigured):
                continue
    return count


def left():
    """The wrapped keys that lie in the database."""
    return list(DataKey.objects.exclude(wrapped_key=None))


def found(api, story, iin, reference):
    """Where the searches of a lender and a regulator find a case: by reference, and by IIN."""
    question = search.Question(mode="test", iin=iin)
    by_iin = search.search(person_id="usr_1", question=question).data
    by_reference = api.get(f"/v1/verifications?client_reference={reference}").json()["data"]
    return [row.verification_id for row in by_iin].count(story.id) + [
        row["id"] for row in by_reference
    ].count(story.id)


def age(readable, purged):
    """All grow old; a dispute a month later keeps some. Workers do all that is due."""
    turn(24 * 31)
    for story in readable:
        dispute(story)
    clock._state.offset += max(story.row().kept_until for story in purged) - clock.now()
    for _ in range(2 + len(purged) * 4 // policy.SWEEP_BATCH):
        sweep.run_round()
        for story in (*readable, *purged):
            while step(story):
                pass
    order_all()


class Disk:
    """The files of a private PostgreSQL, read and cared for as its superuser does."""

    def __init__(self):
        place = connection.settings_dict
        self.folder = Path(unquote(place["HOST"]))
        self.address = f"postgresql://tulga_root@127.0.0.1:{place['PORT']}/{place['NAME']}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            self.own = self.folder / "base" / str(cursor.fetchone()[0])

    def run(self, *statements):
        with psycopg.connect(self.address, autocommit=True) as root:
            for statement in statements:
                root.execute(statement)

    def log(self):
        """The files of the database's log, by inode: a recycled file keeps its own."""
        return {path.stat().st_ino for path in (self.folder / "pg_wal").glob("0*")}

    def end_log(self):
        """Every file that the log has now is over and removed."""
        self.run("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()")
        before = self.log()
        for _ in range(SWITCHES_MAX):
            if not before & self.log():
                return
            self.run("SELECT pg_switch_wal()", "CHECKPOINT")
        raise AssertionError("PostgreSQL keeps files of its log")

    def left(self, secrets, *, log=False):
        """How many of these bytes lie in its tables' files, or in its log."""
        self.run("CHECKPOINT")
        places = (self.folder / "pg_wal",) if log else (self.own, self.folder / "global")
        lying = set()
        for path in (path for place in places for path in place.iterdir()):
            with suppress(FileNotFoundError, IsADirectoryError):  # what the server just removed
                lying |= within(path.read_bytes(), secrets)
        return len(lying)


def within(content, secrets):
    """Those of many secrets that lie anywhere in the content; each has eight bytes or more."""
    by_start = defaultdict(list)
    for secret in secrets:
        by_start[int.from_bytes(secret[:8], "little")].append(secret)
    starts = np.array(sorted(by_start), dtype="<u8")
    lying = set()
    for shift in range(min(8, len(content))):
        words = np.frombuffer(content, "<u8", count=(len(content) - shift) // 8, offset=shift)
        for at in np.flatnonzero(np.isin(words, starts)) * 8 + shift:
            start = int.from_bytes(content[at : at + 8], "little")
            lying |= {secret for secret in by_start[start] if content.startswith(secret, at)}
    return lying


@pytest.mark.proof("lifecycle")
def test_an_attacker_with_every_key_opens_none_of_what_was_erased_and_the_rest_opens(
    signed, settings, caplog, tmp_path, proof_scale, proof_seed, proof_figures
):
    caplog.set_level("DEBUG")
    chance = random.Random(f"lifecycle {proof_seed}")
    creditor = lender()
    api, number_of_cases = (
        Caller(keys.issue(creditor, mode="test").secret),
        max(LEAST, round(CASES * proof_scale)),
    )
    cases = []
    for number in range(number_of_cases):
        route = sorted(("eds", "biometric", "live_face"))[number % 3]
        story, iin = signed(creditor, number, route, is_cancelled=chance.random() < 0.2)
        cases.append((story, iin, story.row().client_reference, route))
    stories = [story for story, *_ in cases]
    erased = chance.sample(stories, max(3, round(len(stories) * PURGED)))
    readable = [story for story in stories if story not in erased]
    secrets = {story.id: secrets_of(story) for story in stories}
    receipts = {
        story.id: api.get(f"/v1/verifications/{story.id}/receipt").json() for story in erased
    }
    before = dump()
    originals = {story.id: opened(story) for story in stories}
    every = set().union(*secrets.values())
    assert within(before, every) == every
    wrapped = {
        bytes(row.wrapped_key or b"")
        for row in DataKey.objects.filter(pk__in=[story.id for story in erased])
    }
    assert {found(api, story, iin, name) for story, iin, name, _ in cases} == {2}

    age(readable, erased)
    api = Caller(keys.issue(creditor, mode="test").secret)
    after = dump()
    searched = set().union(*(secrets[story.id] for story in erased))
    figures = {
        "cases": len(stories),
        "of each route": {name: [route for *_, route in cases].count(name) for name in ROUTES},
        "erased": len(erased),
        "before: originals opened": sum(originals.values()),
        "before: secrets in the dump": len(every),
        "erased: originals opened": tried(erased),
        "erased: keys opened by force": forced(erased, left()),
        "erased: secrets in the dump": len(within(after, searched)),
        "erased: rows with a sealed value": sum(map(len, map(sealed_rows, erased))),
        "erased: found by IIN or reference": sum(
            found(api, story, iin, name) for story, iin, name, _ in cases if story in erased
        ),
        "erased: references or IINs in the dump or the process's log": sum(
            text.encode() in after or text in caplog.text
            for story, iin, name, _ in cases
            if story in erased
            for text in (iin, name)
        ),
        "erased: receipts that verify": sum(
            verify(tmp_path, Client(), receipts[story.id], "--test").returncode == 0
            and api.get(f"/v1/verifications/{story.id}/receipt").json()["receipt"]
            == receipts[story.id]["receipt"]
            for story in erased
        ),
        "kept: originals opened": sum(map(opened, readable)),
        "findings": len(findings()),
    }
    first, second = settings.TULGA_KEY_ENCRYPTION_KEYS, {2: token_bytes(vault.KEY_BYTES)}
    settings.TULGA_KEY_ENCRYPTION_KEYS = first | second
    call_command("rotate_keys", stdout=StringIO())
    settings.TULGA_KEY_ENCRYPTION_KEYS = first
    figures["retired: keys opened by force"] = forced(stories, left())
    settings.TULGA_KEY_ENCRYPTION_KEYS = second
    figures["newest: originals opened"] = sum(map(opened, readable))
    proof_figures.update(figures)
    nothing = [name for name in figures if name.startswith(("erased: ", "retired: "))]
    nothing.remove("erased: receipts that verify")
    assert {name: figures[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert figures["erased: receipts that verify"] == len(erased)
    assert figures["findings"] == 0
    assert figures["kept: originals opened"] == figures["newest: originals opened"] > 0

    if connection.vendor == "postgresql":
        # Bytes of rows that went stay in a table's pages until others take their place.
        disk, rows = Disk(), {value for value in searched if len(value) <= ROW_BYTES}
        disk.run("VACUUM")
        on_disk = {
            "secrets": len(rows),
            "data keys": len(wrapped),
            "secrets after VACUUM": disk.left(rows),
            "data keys after VACUUM": disk.left(wrapped),
        }
        disk.run("VACUUM FULL verification_datakey")
        on_disk["data keys after VACUUM FULL of their table"] = disk.left(wrapped)
        on_disk["data keys in the log"] = disk.left(wrapped, log=True)
        disk.end_log()
        on_disk["data keys in the log once it is over"] = disk.left(wrapped, log=True)
        disk.run("VACUUM FULL")
        disk.end_log()
        on_disk["secrets after VACUUM FULL"] = disk.left(rows) + disk.left(rows, log=True)
        proof_figures["PostgreSQL's files"] = on_disk
        over = (
            "data keys after VACUUM FULL of their table",
            "data keys in the log once it is over",
        )
        assert [on_disk[name] for name in (*over, "secrets after VACUUM FULL")] == [0, 0, 0]
