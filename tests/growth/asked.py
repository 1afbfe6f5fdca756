"""The hot queries, asked by the product's own functions, and their plans."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import Any, cast

import numpy as np
import psycopg
from django.db import connection
from django.db.models import QuerySet, Value
from django.utils import timezone

from lenders.models import Lender
from lenders.resources import checkpoints, events, verifications
from lenders.resources import clearances as clearance_resource
from tests.verification import law_files
from tests.verification.oversight import rows
from verification import clock
from verification.access import answers, links, open_page, openings
from verification.artifacts import reading as artifacts
from verification.case import attempts, dossier
from verification.case.votes import Reviewer
from verification.core.errors import NotYourTurn, TulgaError
from verification.core.route import Again
from verification.core.status import Status
from verification.engines.liveness import looks, prints
from verification.log import laws, sequencer
from verification.log import laws as law
from verification.models import Attempt, AuditEntry, Verification
from verification.oversight import case_file, counts, search
from verification.payout import gates
from verification.review import attesting
from verification.review import desk as review_desk
from verification.stages import live_capture
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import pulse, queue, replay, sweep

# Catches the statements that a function of the product sends, and has PostgreSQL explain each as
# it runs.


_EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|\()", re.IGNORECASE)

_KEYS = re.compile(r"\bIN \(([%s, ]+)\)")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one statement cost. `buffers`: pages of 8 KiB it touched, cached or not.

    `rows`: how many it gave or changed, or was asked for by their keys, which need not be there.
    `scanned`: tables that were read from their first page to their last. `indexes`: those that were
        used.
    """

    statement: str
    buffers: int
    rows: int
    scanned: tuple[str, ...]
    indexes: tuple[str, ...]


@contextmanager
def explaining() -> Iterator[list[Plan]]:
    """Explains every statement sent within. Call it in a transaction: one that writes is explained
    and taken back.
    """
    plans: list[Plan] = []

    def explain(
        execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        if _EXPLAINED.match(statement) and not many:
            with connection.connection.cursor() as cursor:
                cursor.execute("SAVEPOINT explained")
                with suppress(
                    psycopg.Error
                ):  # one that breaks a constraint is told to the product by itself below
                    cursor.execute(
                        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}",
                        parameters,
                    )
                    plans.append(_plan(statement, cursor.fetchone()[0]))
                cursor.execute("ROLLBACK TO SAVEPOINT explained")
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def _plan(statement: str, explained: Any) -> Plan:
    root = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    nodes = list(_nodes(root))
    changed = (
        max((node["Actual Rows"] for node in nodes), default=0)
        if root["Node Type"] == "ModifyTable"
        else 0
    )
    return Plan(
        statement=re.sub(r"'(?:[^']|'')*'(?:::\w+)?", "…", statement),
        buffers=root.get("Shared Hit Blocks", 0) + root.get("Shared Read Blocks", 0),
        rows=int(
            max(
                root["Actual Rows"],
                changed,
                *(keys.count("%s") for keys in _KEYS.findall(statement)),
                0,
            )
        ),
        scanned=tuple(
            sorted({node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"})
        ),
        indexes=tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


@contextmanager
def noting_functions(*packages: str) -> Iterator[set[str]]:
    """The functions of these packages that ran within, as `module.function`."""
    ran: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(packages):
            ran.add(f"{module}.{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        yield ran
    finally:
        sys.setprofile(None)


# The hot queries, asked by the product's own functions.


# Every way in which a regulator may combine what a search asks by.


PERSON = "usr_" + "a" * 26


def of(lender_id: str) -> dict[str, Callable[[], object]]:
    """Every way a regulator may combine lender, route and outcome, of what there is and of what
    there is not.
    """
    found: dict[str, Callable[[], object]] = {}
    for mode in ("live", "test"):
        for one_lender in ("", lender_id):
            for route in ("", "eds", "remote_card"):
                for outcome in ("", "verified", "in_review"):
                    question = search.Question(
                        lender_id=one_lender,
                        route=route if route in search.ROUTES else "",
                        outcome=outcome,
                        mode=mode,
                    )
                    name = (
                        f"search {mode} {'of a lender' if one_lender else ''} {question.route}"
                        f" {outcome}"
                    )
                    found[name] = partial(search.search, person_id=PERSON, question=question)
    return found


# The hot queries, asked by the product's own functions: of its edges, of a worker's step, of the
# sweep.


PAGE, LONGEST = 20, 100


@dataclass(kw_only=True)
class World:
    """Who asks, and of which of the verifications that the product played. `spare`: more, each good
    for one change.
    """

    lender: Lender
    other: str
    judged: str
    open: list[str] = field(default_factory=list)

    @property
    def mine(self) -> dict[str, Any]:
        """What every question of the lender names."""
        return {"lender_id": self.lender.pk, "mode": "test"}

    def spare(self) -> str:
        """An open verification that is still untouched."""
        return self.open.pop(0)


def play() -> World:
    """One verification that was judged, for copies to be made of."""
    owner = rows.lender()
    return World(lender=owner, other="", judged=rows.declined(owner))


def play_on(world: World) -> None:
    """The lender's newest verifications, more than a page of them, and what the sweep finds due."""
    copied = Lender.objects.exclude(pk=world.lender.pk).order_by("pk")
    world.other = copied.values_list("pk", flat=True)[0]
    for number in range(LONGEST + 20):
        iin = (
            rows.IIN if number % 10 == 0 else "990101100030"
        )  # one person asks a lender for few loans
        world.open.append(rows.opened(world.lender, iin=iin, reference=f"mine-{number}"))
    past = timezone.now() - timedelta(days=2)
    Attempt.objects.filter(verification_id=world.spare()).update(expires_at=past)
    Verification.objects.filter(pk=world.spare()).update(expires_at=past)
    for_review = Verification.objects.filter(pk__in=[world.spare() for _ in range(5)])
    for_review.update(status=Status.IN_REVIEW, in_review_since=past)
    law.take(law_files.spelled(law_files.document()))
    sequencer.order("test")


def _answer(verification_id: str, **untrusted: Any) -> None:
    turn = open_page.borrower_page(verification_id=verification_id).turn
    answers.answer(verification_id=verification_id, turn=turn, untrusted=untrusted, session="")


def _consent(verification_id: str) -> None:
    """To the statement: two answers judged, and the statement prepared."""
    _answer(verification_id, agreed=True, version=CURRENT, language="ru")
    rows.work(verification_id)
    _answer(verification_id, somebody_tells_me=False)
    rows.work(verification_id)
    rows.work(verification_id)


def _reserve(world: World) -> None:
    """A worker that looks for work takes a step in hand and gives it back."""
    _answer(world.spare(), agreed=True, version=CURRENT, language="ru")
    queue.give_back(
        list(
            queue.reserve(
                ("default", "eds"), limit=4, at=clock.now(), last_lenders={"default": "m"}
            )[0]
        )
    )


def _run_out(rows_of: QuerySet[Any], verification_id: str) -> None:
    """A round owes the step of what runs out, which alone is late; a worker does it by the time
    that the log says.
    """
    until, before = rows_of.values_list("expires_at", flat=True).get(), clock._state.offset
    rows_of.update(expires_at=timezone.now())
    sweep.run_round()
    rows_of.update(expires_at=until)
    clock._state.offset += until - clock.now() + timedelta(seconds=1)
    rows.work(verification_id)
    clock._state.offset = before


def _lapse(world: World) -> None:
    """A dialogue lapses, the borrower comes back, and then leaves again for nothing."""
    verification_id = world.spare()
    _run_out(Attempt.objects.filter(verification_id=verification_id), verification_id)
    answers.resume(verification_id=verification_id)
    with suppress(NotYourTurn):
        answers.choose_route(verification_id=verification_id, route="eds")


def _expire(world: World) -> None:
    """It is left open: a round owes it the step, and a worker does it."""
    verification_id = world.spare()
    _run_out(Verification.objects.filter(pk=verification_id), verification_id)


def _destroy(world: World) -> None:
    """One whose frames were kept long enough: a round owes it the step, and a worker does it."""
    Verification.objects.filter(pk=world.judged).update(frames_until=timezone.now())
    sweep.run_round()
    rows.work(world.judged)


def _again(world: World) -> None:
    """A capture of four commands, as the page sends it, is compared with all there are, and put
    down itself.
    """
    attempt = Attempt.objects.filter(verification_id=world.judged)[0]
    chance = np.random.default_rng(1)
    steps = {
        f"live_capture.{at}.prints": _prints(chance, 23 if at else 12).to_bytes() for at in range(5)
    }
    of = cast("Again", live_capture.STAGE.again)
    dossier.compared(attempt, of, steps)
    dossier.remember(attempt, of, steps)


def _prints(chance: np.random.Generator, frames: int) -> prints.Prints:
    signs, motion = chance.random((frames, prints.SIGNS)) < 0.5, chance.normal(0, 1, (frames, 9))
    return prints.Prints(signs, motion, chance.normal(0, 8, (frames, looks.NUMBERS)))


def _link(world: World) -> None:
    minted = links.mint(**world.mine, verification_id=world.spare())
    session = links.redeem(untrusted_token=minted.token)
    open_page.borrower_page(verification_id=links.verification_of(untrusted_session=session))
    links.successor(untrusted_session=session)


def _poll(world: World) -> None:
    open_now = Verification.objects.get(pk=world.open[-1])
    open_page.state_of(open_now, attempts.current(open_now))


def _payouts(of: dict[str, Any]) -> None:
    """A day's payouts, as a page and as a table."""
    end = timezone.now()
    day: dict[str, Any] = {"consumed_from": end - timedelta(days=1), "consumed_to": end}
    clearance_resource.read_page(**of, **day)
    list(clearance_resource.read_table(**of, **day))


def _absent(ask: Callable[[], object]) -> None:
    with suppress(TulgaError):
        ask()


def _documents(world: World) -> None:
    told: dict[str, Any] = {**world.mine, "verification_id": world.judged}
    artifacts.list_documents(**told)
    attempt = Attempt.objects.filter(verification_id=world.judged)[0].pk
    _absent(lambda: artifacts.read_document(**told, attempt_id=attempt, key_id="key_x"))


def _read_law() -> None:
    """A process looks for the first time, and finds one file."""
    laws.forget()
    taken = laws.look(True)
    if taken is None or taken.number != 1:
        raise AssertionError("the law file that was taken is not there")


def _proofs(world: World) -> None:
    event = AuditEntry.objects.filter(verification_id=world.judged).values_list("pk", flat=True)[0]
    checkpoints.proof(**world.mine, event_id=event)
    checkpoints.checkpoint("test")
    of_case: dict[str, Any] = {"person_id": PERSON, "verification_id": world.judged}
    case_file.proof_file(**of_case)
    case_file.leaf_file(**of_case)
    case_file.checkpoint_file(person_id=PERSON, mode="test")


def _last_events() -> None:
    of_row = events.last_sequence_of_row(lender="pk", mode="mode")
    list(
        Lender.objects.annotate(mode=Value("test"))
        .annotate(newest=of_row)
        .values_list("newest")[:PAGE]
    )


def controls() -> dict[str, Callable[[], object]]:
    """What must be noticed: a question by a column without an index, and one that walks over an
    index.
    """
    of_live = Verification.objects.filter(mode="live")
    return {
        "by a column without an index": of_live.filter(profile_id="none").first,
        "all counted": of_live.filter(status="verified").count,
    }


def hot(world: World) -> dict[str, Callable[[], object]]:
    """Every hot question by its name. Some change a case, each one of its own."""
    return (
        _of_lender(world)
        | _of_copies(world.other)
        | _of_work(world)
        | _of_people(world)
        | of(world.other)
    )


def _of_lender(world: World) -> dict[str, Callable[[], object]]:
    own, judged, view = world.mine, world.judged, verifications.read
    listed = partial(verifications.read_page, **own)
    return {
        "open": lambda: verifications.read_opened(rows.just_opened(world.lender, reference="new")),
        "open again": lambda: verifications.read_opened(
            rows.just_opened(world.lender, reference="mine-50")
        ),
        "status": partial(view, **own, verification_id=world.open[-1]),
        "status with checks": partial(view, **own, verification_id=judged, with_checks=True),
        "status of none": lambda: _absent(partial(view, **own, verification_id="ver_none")),
        "list": partial(listed, limit=PAGE),
        "list, longest": partial(listed, limit=LONGEST),
        "list after one": partial(listed, after=world.open[50], limit=PAGE),
        "list since": partial(listed, created_from=timezone.now() - timedelta(seconds=5), limit=1),
        "list by status": partial(listed, status="requires_input", limit=PAGE),
        "list by reference": partial(listed, client_reference="mine-50"),
        "cancel": lambda: openings.cancel(**own, verification_id=world.spare()),
        "proofs": partial(_proofs, world),
        "documents": partial(_documents, world),
        "receipt": lambda: _absent(
            partial(artifacts.read_receipt, **own, verification_id=judged, key_id="key_x")
        ),
        "clearance of none": lambda: _absent(
            partial(clearance_resource.read, **own, clearance_id="clr_none")
        ),
        "clearances": partial(clearance_resource.read_page, **own, limit=PAGE),
        "clearances by status": partial(clearance_resource.read_page, **own, status="refused"),
        "credits": lambda: gates.most_credit_of_days(
            Verification.objects.get(pk=judged), rows.IIN, days=(), at=clock.now()
        ),
        "endpoint": lambda: openings.record_endpoint_disabled(**own, endpoint_id="whe_x"),
    }


def _of_copies(lender_id: str) -> dict[str, Callable[[], object]]:
    """What a lender with its share of the copies asks for in vain, and its events."""
    copies: dict[str, Any] = {"lender_id": lender_id, "mode": "live"}
    oldest = Verification.objects.filter(**copies).order_by("created_at")[0]
    return {
        "list by status, none": partial(verifications.read_page, **copies, status="in_review"),
        "list by reference, none": partial(
            verifications.read_page, **copies, client_reference="unknown"
        ),
        "list before the oldest": partial(verifications.read_page, **copies, after=oldest.pk),
        "events": partial(events.events_after, **copies, cursor=5, limit=LONGEST),
        "events of a type": partial(
            events.events_of_types,
            ("verification.created",),
            **copies,
            cursor=5,
            limit=PAGE,
        ),
        "payouts": partial(clearance_resource.read_page, **copies, status="consumed"),
        "payouts of a day": partial(_payouts, copies),
        "events, none": partial(events.events_after, **copies, cursor=10**12),
        "last event": partial(events.last_sequence, **copies),
        "last events of lenders": _last_events,
    }


def _of_work(world: World) -> dict[str, Callable[[], object]]:
    """The borrower's pages, a worker's steps and the sweep."""
    return {
        "link": partial(_link, world),
        "poll": partial(_poll, world),
        "page": partial(open_page.borrower_page, verification_id=world.open[-1]),
        "turn": partial(open_page.borrower_turn, verification_id=world.open[-1]),
        "look for work": partial(_reserve, world),
        "consent": lambda: _consent(world.spare()),
        "refuse": lambda: rows.declined(world.lender, reference="refused"),
        "lapse and come back": partial(_lapse, world),
        "expire": partial(_expire, world),
        "sweep": sweep.run_round,
        "destroy": partial(_destroy, world),
        "a capture that came before": partial(_again, world),
        "refused": sweep.entries_refused,
        "law": _read_law,
        "overdue": lambda: sweep.frames_overdue(at=timezone.now()),
        "ready": lambda: [
            ask(at=timezone.now())
            for ask in (pulse.count_ticks, pulse.count_workers, pulse.seconds_unordered)
        ],
        "add up": sweep.add_up_months,
        "replay": partial(replay.replay, verification_id=world.judged),
    }


def _of_people(world: World) -> dict[str, Callable[[], object]]:
    """The regulator's questions by one field, and the desk's."""
    asked = partial(search.search, person_id=PERSON)
    deep = Verification.objects.filter(mode="live").order_by("pk")[0].pk
    today = timezone.now().date()
    desk: dict[str, Any] = {
        "reviewer": Reviewer(person_id=PERSON, lender_id=world.lender.pk),
        "mode": "test",
    }
    return {
        "case file": partial(case_file.case_file, person_id=PERSON, verification_id=world.judged),
        "monthly counts": partial(counts.monthly_counts, person_id=PERSON, mode="live", months=36),
        "own readings": partial(search.own_readings, person_id=PERSON, mode="live"),
        "lenders": search.lender_choices,
        "desk": partial(review_desk.queue, **desk),
        "desk, open cases": partial(review_desk.open_cases, **desk),
        "desk, one reference": partial(review_desk.open_cases, **desk, reference="mine-50"),
        "desk, to confirm": partial(attesting.to_confirm, **desk),
        "search by person": partial(asked, question=search.Question(iin=rows.IIN, mode="test")),
        "search by a stranger": partial(asked, question=search.Question(iin=rows.OTHER_IIN)),
        "search further": partial(asked, question=search.Question(after=deep)),
        "search in days": partial(asked, question=search.Question(date_from=today, date_to=today)),
    }
