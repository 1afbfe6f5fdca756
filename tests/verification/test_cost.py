"""What one verification by EDS costs: statements and log entries of each request and step, and all
of it together.

A cost that grows goes into `RAISED`, with its reason; a cost that falls goes into `COSTS`.
"""

import base64
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from insecure_sandbox.signing import sign_cms
from lenders import endpoints, keys, sender
from lenders.deliveries import Outcome
from lenders.models import Delivery, Lender
from tests import registered
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.samples import Caller, opening
from tests.statements import APART
from tests.verification import insecure_register
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import (
    Issued,
    authorities,  # noqa: F401
    issued,  # noqa: F401
    trusted,  # noqa: F401
)
from tests.verification.stories.story import Story, begin, lender
from verification import clock, tasks, transactions
from verification.access import answers, open_page
from verification.case.policy import QUEUES
from verification.core import profiles
from verification.models import AuditEntry, EvidenceItem, MonthlyCount, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue, sweep

pytestmark = pytest.mark.django_db(transaction=True)

NOW = "/v/now/"

# Statements, without those that begin and end transactions and say whose rows they see; entries of
# the log.
COSTS = {
    "open": (10, 2),
    "page of the link": (0, 0),
    "link": (7, 1),
    "poll": (1, 0),
    "page": (1, 0),
    "answer": (7, 1),
    "poll at the statement": (2, 0),
    "poll at the end": (2, 0),
    "page of the statement": (2, 0),
    "look for work": (3, 0),
    "step consent": (12, 2),
    "step question": (14, 2),
    "step prepare": (11, 1),
    "step statement": (15, 2),
}

_SESSION = "a session counts only by the signed entry that began it"

RAISED: dict[str, tuple[tuple[int, int], str]] = {
    "open": ((11, 2), "a key counts only by its signed statement, and its lender's"),
    "link": ((8, 1), "a link counts only by the signed entry that made it"),
    "page": ((2, 0), _SESSION),
    "page of the statement": ((3, 0), _SESSION),
    "answer": ((9, 1), f"{_SESSION}, and the course judges it by the entries of the case"),
    "step consent": ((13, 2), "what came meanwhile is read behind the fence"),
    "step prepare": ((12, 1), "as the consent"),
    "step question": ((15, 2), "as the consent"),
    "step statement": (
        (18, 2),
        "as the consent; its receipt names the statement's hash, and is kept",
    ),
    "poll at the end": (
        (3, 0),
        "an end is told only once it is ordered: the decision is read with its leaf",
    ),
}

"""What costs more by now than it did, and why. While it is empty the whole has `MOST`, else
`MOST_RAISED`.
"""

# The whole verification as bench/load.py plays it. A round of the sweep or of
# the sender is shared by all that happens in its half second: with eight borrowers at once each has
# two of the one, three of the other.
_ROOM = 8  # rows that a worker of two children takes in hand

MOST = {"statements": 200, "transactions": 60, "entries": 18}

MOST_RAISED = MOST | {"statements": 260, "entries": 26}

FILES_MAX = 3

# Bytes of all rows that it leaves, without indexes and the room in pages: 38 KB of a database hold
# as many of it.
ROWS_MAX = 26_500


class Meter:
    """Adds up what is asked of the database, by the name of what is done."""

    def __init__(self) -> None:
        self.of_each: dict[str, tuple[int, int]] = {}
        self.total: Counter[str] = Counter()

    def __call__(self, name: str, do: Callable[[], Any]) -> Any:
        before = AuditEntry.objects.count()
        with CaptureQueriesContext(connection) as asked:
            found = do()
        sent = [one["sql"] for one in asked.captured_queries]
        counted = [sql for sql in sent if not APART.match(sql)]
        entries = AuditEntry.objects.count() - before
        self.of_each[name] = max(self.of_each.get(name, (0, 0)), (len(counted), entries))
        self.total["statements"] += len(counted)
        self.total["transactions"] += sum(sql.startswith("BEGIN") for sql in sent)
        self.total["entries"] += entries
        return found


@dataclass
class Installation:
    """A lender with an endpoint, its borrower's browser, and the processes behind: all that happens
    is measured.
    """

    api: Caller
    meter: Meter = field(default_factory=Meter)
    browser: Client = field(default_factory=Client)
    rounds: sender.Rounds = field(default_factory=sender.Rounds)
    posted: list[tuple[Delivery, Outcome]] = field(default_factory=list)
    case: str = ""
    turns: dict[str, str] = field(default_factory=dict)

    def open(self) -> None:
        """The lender opens, and the borrower follows the link."""
        opened = self.meter(
            "open", lambda: self.api.post("/v1/verifications", opening(), key="k")
        ).json()
        self.case, token = opened["id"], opened["url"].partition("#")[2]
        self.meter("page of the link", lambda: self.browser.get("/v/"))
        assert (
            self.meter("link", lambda: self.browser.post("/v/", {"token": token})).status_code
            == 302
        )

    def wait_for(self, page: str = "page", poll: str = "poll") -> None:
        """A page, after the answer that it is open."""
        self.poll(poll)
        assert self.meter(page, lambda: self.browser.get(NOW)).status_code == 200

    def poll(self, name: str = "poll") -> None:
        """Asks which page is open."""
        assert self.meter(name, lambda: self.browser.get(f"{NOW}state/")).status_code == 200

    def answer(self, **fields: Any) -> None:
        """Answers the open turn, and asks once before a worker was there."""
        form = {**fields, "turn": Verification.objects.get(pk=self.case).turn}
        assert self.meter("answer", lambda: self.browser.post(NOW, form)).status_code == 302
        self.poll()

    def work(self, name: str) -> None:
        """A worker looks for work, and does what it found."""
        with transactions.running(scope=transactions.ALL):
            look = partial(
                queue.reserve, QUEUES, limit=_ROOM, at=clock.now(), last_lenders=self.turns
            )
            found, self.turns = self.meter("look for work", look)
        assert list(found) == [self.case]
        self.meter(f"step {name}", lambda: tasks.advance(self.case))

    def go_round(self) -> None:
        """A round of the sweep and one of the sender; what it took is posted."""
        with transactions.running(scope=transactions.ALL):
            self.meter("sweep", sweep.run_round)
        self.settle()

    def settle(self) -> None:
        """A round of the sender."""
        taken, _ = self.meter(
            "sender", lambda: self.rounds.work(self.posted, room=9, failing_room=9)
        )
        self.posted = [(delivery, Outcome(status=204)) for delivery in taken]


@pytest.fixture
def installed(settings: Any) -> Installation:
    """Every process has done before what it does once."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9"]
    lender = registered.lender(
        name="Ақша LLP",
        bin="180440012349",
        phone="+77270000044",
        return_urls=["https://lender.example/back"],
    )
    endpoints.create(lender, mode="test", url="http://127.0.0.1:9/", events=())
    installation = Installation(Caller(keys.issue(lender, mode="test").secret))
    assert installation.api.get("/v1/verifications").status_code == 200
    sweep.run_round()
    month = clock.now().astimezone(ZoneInfo("Asia/Almaty")).date().replace(day=1)
    for status in ("open", "verified"):  # others were counted this month before
        MonthlyCount.objects.create(mode="test", month=month, route="eds", status=status, number=0)
    installation.rounds.work([], room=1, failing_room=1)
    installation.rounds.tidy_at = (
        math.inf
    )  # it tidies every few seconds, however few cases there are
    return installation


def play(installation: Installation, issued: Issued) -> None:  # noqa: F811
    """One borrower from the opening to the webhook, page by page as a browser asks."""
    installation.open()
    installation.wait_for()
    installation.answer(agreed="true", version=CURRENT, language="ru")
    installation.work("consent")
    installation.wait_for()
    installation.answer(somebody_tells_me="false")
    installation.work("question")
    installation.poll()
    installation.work("prepare")
    for _ in range(2):
        installation.wait_for("page of the statement", "poll at the statement")
    installation.go_round()
    statement = base64.b64decode(
        open_page.borrower_page(verification_id=installation.case).data["statement_base64"]
    )
    signature = sign_cms(issued("rsa"), statement, signed_at=datetime.now(UTC))
    installation.answer(signature=base64.b64encode(signature).decode())
    installation.work("statement")
    installation.poll("poll at the end")
    installation.go_round()
    installation.poll("poll at the end")
    installation.settle()


@pytest.mark.usefixtures("trusted")
def test_a_verification_by_eds_costs_what_is_listed(
    installed: Installation,
    issued: Issued,  # noqa: F811
) -> None:
    play(installed, issued)
    case, total = Verification.objects.get(pk=installed.case), installed.meter.total
    assert case.status == "verified"
    listed = COSTS | {name: cost for name, (cost, _) in RAISED.items()}
    assert {
        name: cost for name, cost in installed.meter.of_each.items() if name in listed
    } == listed
    assert all(reason for _, reason in RAISED.values())
    files = {
        item.sealed_sha256 for item in EvidenceItem.objects.filter(verification=case, sealed=None)
    }
    said = f"{dict(total)}, {len(files)} files, {installed.meter.of_each}"
    for name, most in (MOST_RAISED if RAISED else MOST).items():
        assert total[name] <= most, said
    assert len(files) <= FILES_MAX, said
    assert files <= {path.name for path in django_settings.TULGA_EVIDENCE_DIR.rglob("*")}


def row_bytes() -> int:
    """What all rows of the database take up, as PostgreSQL stores them."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        # The names are the database's own.
        size_of = 'SELECT sum(pg_column_size(t.*)) FROM "{}" t'
        sizes = " UNION ALL ".join(size_of.format(table) for table in tables)
        cursor.execute(f"SELECT sum(sum) FROM ({sizes}) s")  # noqa: S608
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("trusted")
def test_a_verification_by_eds_leaves_rows_of_so_many_bytes(
    installed: Installation,
    issued: Issued,  # noqa: F811
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite does not tell how large a row is")
    before = row_bytes()
    play(installed, issued)
    assert ROWS_MAX * 0.9 < (left := row_bytes() - before) <= ROWS_MAX, left


ASKS_MOST = 1.15

"""How many times the statements of a signature a signature may take whose law asks the register of
people.
"""


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("asks", [False, True], ids=["law of 2021", "law that asks"])
def test_the_register_of_people_costs_a_signature_few_statements(
    installed: Installation,
    issued: Issued,  # noqa: F811
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    asks: bool,
) -> None:
    law = replace(
        profiles.get("KZ-2021-04"),
        id="KZ-TEST",
        register_asked=asks or None,
        combinations=(("eds",),),
    )
    monkeypatch.setitem(profiles.PROFILES, law.id, law)
    for row in Lender.objects.all():
        row.test_calendar = profiles.calendar_of(law.id)
        registered.saved(row)
    told = opening()["subject"]
    names = {name: told.get(name) or "" for name in ("surname", "name", "patronymic", "birth_date")}
    document = {**told["document"], "issued_on": None, "status": "valid"}
    monkeypatch.setattr(insecure_register, "KNOWN", {**names, "documents": [document]})
    settings.TULGA_SOURCES = {
        "test": settings.TULGA_SOURCES["test"] | insecure_register.sources(),
        "live": {},
    }
    play(installed, issued)
    assert Verification.objects.get(pk=installed.case).status == "verified"
    is_asked = EvidenceItem.objects.filter(
        verification=installed.case, kind="register.person"
    ).exists()
    assert is_asked is asks
    listed = COSTS | {name: cost for name, (cost, _) in RAISED.items()}
    base = sum(statements for statements, _ in listed.values())
    spent = {name: cost for name, cost in installed.meter.of_each.items() if name in listed}
    assert (
        sum(statements for statements, _ in spent.values()) <= (ASKS_MOST if asks else 1) * base
    ), spent
    assert {name: entries for name, (_, entries) in spent.items()} == {
        name: entries for name, (_, entries) in listed.items()
    }


# What a verification before a camera costs: statements and log entries of each answer and each
# step, by stage.


# As in tests/verification/test_cost.py. What one more frame costs is nothing: evidence is one
# statement a step.
CAMERA_COSTS = {
    "answer consent": (8, 1),
    "judge consent": (13, 2),
    "answer question": (8, 1),
    "judge question": (15, 2),
    "prepare live_capture": (12, 1),
    "answer live_capture": (8, 1),
    # With the words by which the capture is known when it comes again, and those of its looks
    # before: the log says which they are together, or one could be taken away. And with its
    # entries, by which the frames are known.
    "look live_capture": (14, 1),
    # And whose words it shares (two more if any); its receipt, and what it names.
    "judge live_capture": (17, 3),
}


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Fills with the most that a call of each name has cost."""
    found: dict[str, tuple[int, int]] = {}

    def metered(do: Callable[..., Any], word: str, case: Callable[..., str]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            row, before = (
                Verification.objects.get(pk=case(*args, **named)),
                AuditEntry.objects.count(),
            )
            with CaptureQueriesContext(connection) as asked:
                given = do(*args, **named)
            name = f"{word or row.step} {row.stage}"
            sent = sum(not APART.match(one["sql"]) for one in asked.captured_queries)
            cost = sent, AuditEntry.objects.count() - before
            found[name] = max(found.get(name, (0, 0)), cost)
            return given

        return call

    monkeypatch.setattr(tasks, "advance", metered(tasks.advance, "", lambda case: str(case)))
    answered = metered(
        answers.answer, "answer", lambda *, verification_id, **_: str(verification_id)
    )
    monkeypatch.setattr(answers, "answer", answered)
    return found


@pytest.mark.service
@pytest.mark.usefixtures("seen_once")
def test_a_live_capture_costs_what_is_listed(
    spent: dict[str, tuple[int, int]], sandbox: SandboxProcess, settings: Settings
) -> None:
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    story: Story = begin(lender())
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    assert story.row().status == "verified"
    assert spent == CAMERA_COSTS
