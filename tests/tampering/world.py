"""Verifications of every kind and end, honestly played and ordered under several checkpoints, to be
tampered with.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from lenders import endpoints, keys
from lenders.models import Delivery, Lender
from people.enrolment import enrol
from people.models import Role
from tests.fresh_database import copies
from tests.lenders.api.insecure_payout import in_memory
from tests.verification.log.rows import order_all
from tests.verification.stories import (
    destruction_story,
    insecure_capture,
    insecure_glance,
    insecure_route,
)
from tests.verification.stories.attesting_story import CONFIRMED, attested, visited
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_glance import glanced, one_voted, see, voted
from tests.verification.stories.story import OTHER_IIN, Story, begin, lender, swept
from tests.verification.stories.test_commands import PHONE, Desk, Phone
from verification import clock
from verification.access import hand_over, links, mobile_signing, openings
from verification.core.route import Again, Looked
from verification.models import AuditCheckpoint
from verification.oversight import case_file, counts, search
from verification.payout import clearances, reports
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

READER = "usr_" + "a" * 26
_FOLDERS = ("TULGA_EVIDENCE_DIR", "TULGA_LOG_HEAD_DIR")
_AGAIN = Again(
    ending="prints",
    marks=lambda evidence: frozenset(evidence.values()),
    searched=lambda evidence: frozenset(),
    others_max=4,
    shared_min=10**6,
    compare=lambda evidence, others, is_whole, beside: {},
)


@dataclass(frozen=True)
class Copy:
    """A database and its folders as they were, and the time it was then."""

    database: copies.Kept
    folders: dict[str, Path]
    at: datetime

    def put(self) -> None:
        """Makes them what they were."""
        assert copies.put(self.database)
        self.put_folders()
        clock._state.offset += self.at - clock.now()

    def put_folders(self) -> None:
        """The folders alone."""
        for setting, folder in self.folders.items():
            shutil.rmtree(getattr(django_settings, setting), ignore_errors=True)
            shutil.copytree(folder, getattr(django_settings, setting))


def copied(place: Path) -> Copy:
    """The database and the folders as they are now."""
    folders = {
        setting: shutil.copytree(getattr(django_settings, setting), place / setting.lower())
        for setting in _FOLDERS
    }
    return Copy(copies.keep(place / "database"), folders, clock.now())


@dataclass
class World:
    """The world as it stands at its end, as it was at earlier checkpoints, and a late checkpoint
    kept outside.
    """

    last: Copy
    earlier: list[Copy] = field(default_factory=list)
    kept: str = ""
    notes: list[str] = field(default_factory=list)


def play(place: Path, settings: Settings, issued: Issued) -> World:
    """Plays it; the folder is where copies lie."""
    earlier: list[Copy] = []

    def ordered() -> None:
        order_all()
        earlier.append(copied(place / str(len(earlier))))

    _captures(settings)
    ordered()
    _signatures(settings, issued)
    ordered()
    _glances(settings)
    _quotas(settings)
    ordered()
    _readings()
    waiting = begin(lender("Last", number=870), "Z-1", iin="900101300017")
    order_all()
    # What is not ordered yet: the last moments before somebody looks.
    links.mint(lender_id=waiting.lender.pk, mode="test", verification_id=waiting.id)
    notes = list(
        AuditCheckpoint.objects.filter(log="test").order_by("size").values_list("note", flat=True)
    )
    return World(copied(place / "last"), earlier, kept=notes[-1], notes=notes)


@contextmanager
def _patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


def _captures(settings: Settings) -> None:
    """A camera: frames destroyed 72 hours after the end, frames still kept, frames held, a capture
    left half-way.
    """
    settings.TULGA_ROUTES = ["biometric"]
    with _patched() as monkeypatch:
        script = insecure_capture.put_in(monkeypatch, again=_AGAIN, look=_looked)
        of = lender("Camera", number=100)
        destruction_story.destroyed(insecure_capture.played(of, "C-1"))
        insecure_capture.played(of, "C-2", iin=OTHER_IIN)
        script.gate = "liveness_depth_flat"
        held = insecure_capture.at_commands(of, "C-3", iin="900101300017")
        for _ in range(3):
            insecure_capture.show(held)
            held.work()
        half = insecure_capture.at_commands(of, "C-4", iin="900101300027")
        insecure_capture.show(half, commands=2)


def _looked(evidence, memory):
    kind = next(iter(evidence.items)).split(".")[1]
    marks = {f"live_capture.{kind}.prints": f"{kind} {memory.get('turn', kind)}".encode()}
    return Looked(is_right=True, evidence=marks)


def _signatures(settings: Settings, issued: Issued) -> None:
    """Signatures: verified with a burnt attempt, by an app, after a hand-over; declined, canceled,
    expired, lapsed.
    """
    settings.TULGA_ROUTES = ["eds"]
    of = lender("Signatures", number=200)
    story = begin(of, "S-1").to_statement()
    for iin in (OTHER_IIN, None):
        story.sign(issued(iin=iin) if iin else issued())
        story.work()
    declined = begin(of, "S-2", iin=OTHER_IIN)
    declined.answer(agreed=False, version=CURRENT, language="kk")
    declined.work()
    canceled = begin(of, "S-3", iin="900101300017").to_statement()
    openings.cancel(lender_id=of.pk, mode="test", verification_id=canceled.id)
    canceled.work()  # its receipt
    _hand_overs(issued)
    _app(issued)
    silent = begin(lender("Silent", number=300), "S-9", iin="900101300017")
    clock._state.offset += timedelta(hours=1)
    swept()
    begin(silent.lender, "S-10", iin="900101300027").to_statement()
    clock._state.offset += timedelta(days=2)
    swept()
    swept()
    begin(of, "S-11", iin="900101300027").to_statement()
    judging = begin(of, "S-12", iin="900101300037").to_statement()
    judging.sign(issued(iin="900101300037"))


def _clearances(story: Story, *, iin: str) -> None:
    """Of one that is verified: refused by a stricter law, which asks others; made void by the next;
    one is consumed.
    """
    of: dict[str, Any] = {"lender_id": story.lender.pk, "mode": "test"}
    order_all()
    for profile in ("KZ-2025-09", "KZ-2021-04", "KZ-2021-04"):
        asked = clearances.ask(
            **of, verification_id=story.id, profile_id=profile, contract_sha256="c" * 64
        )
        story.work()
    for word in (CONFIRMED, visited()):
        attested(story, word, person="usr_9")
    paid = clearances.Payment("150000.00", iin, "c" * 64, "KZ86125KZT5004100100")
    clearances.consume(**of, clearance_id=asked, payment=paid)
    for status in ("opened", "closed"):
        reports.report_obligation(**of, verification_id=story.id, status=status, at=clock.now())
    reports.report_contract(
        **of,
        verification_id=story.id,
        profile_id="KZ-2025-09",
        signed_at=clock.now(),
        contract_sha256="c" * 64,
    )


def _hand_overs(issued: Issued) -> None:
    for number, name in enumerate(("done", "refused", "stopped")):
        desk = Desk(of=lender(name, number=400 + 10 * number))
        if name == "stopped":
            hand_over.reply(untrusted_phone=desk.scanned(), is_told=True)
            desk.story.work()
            continue
        _, shown = desk.numbered()
        desk.match("0000" if name == "refused" else shown)
        if name == "done":
            desk.story.sign(issued())
            desk.story.work()
        else:
            desk.mint()
            hand_over.read(untrusted_code=desk.mint(), untrusted_agent=PHONE)


def _app(issued: Issued) -> None:
    phone = Phone(of=lender("App", number=500))
    phone.mint()
    access = phone.access()
    mobile_signing.take(untrusted_access=access, untrusted_signature=phone.signature(issued()))
    phone.story.work()


def _glances(settings: Settings) -> None:
    """Two routes under one law, and people: verified by both, by votes, refused by one, with one
    vote, with none.
    """
    settings.TULGA_ROUTES = list(insecure_glance.ROUTES)
    with _patched() as monkeypatch:
        insecure_glance.put_in(monkeypatch)
        of = lender("Glances", number=600)
        both = glanced("clear", "clear", of=of, reference="G-1")
        for sees in ("clear", "clear"):
            see(both, sees)
        by_people = glanced(
            "clear", "grey", of=of, reference="G-2", profile="KZ-2021-04", iin=OTHER_IIN
        )
        voted(by_people)
        settings.TULGA_SOURCES["test"] |= in_memory()
        _clearances(by_people, iin=OTHER_IIN)
        refused = glanced("grey", of=of, reference="G-3", iin="900101300017")
        one_voted(refused)
        one_voted(refused, person="usr_1", passes=False)
        one_voted(glanced("clear", "grey", of=of, reference="G-4", iin="900101300027"))
        glanced("grey", of=of, reference="G-5", iin="900101300037")
        glanced("wrong", of=of, reference="G-6", iin="900101300047")
        half = glanced("clear", "clear", of=of, reference="G-7", iin="900101300057")
        assert half.row().passed_routes == ["eds"]


def _quotas(settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds"]
    with _patched() as monkeypatch:
        insecure_route.put_in(monkeypatch)
        story = begin(lender("Quotas", number=700), "Q-1")
        story.answer(agreed=True, version=CURRENT, language="ru")
        story.work()
        story.answer(somebody_tells_me=False)
        story.work()
        story.answer(again=True)
        story.work()


def _readings() -> None:
    """What a regulator read."""
    search.search(person_id=READER, question=search.Question(mode="test"))
    counts.monthly_counts(person_id=READER, mode="test")
    found = search.search(
        person_id=READER, question=search.Question(mode="test", outcome="verified")
    ).data
    case_file.case_file(person_id=READER, verification_id=found[0].verification_id)
    sweep.run_round()


def people_and_lenders() -> None:
    """Some rows of each kind, as commands and lenders make them."""
    of, at = Lender.objects.order_by("pk")[0], clock.now()
    for number in range(2):
        key = keys.issue(of, mode="test").key
        if number:
            keys.revoke(key)
        endpoint, _ = endpoints.create(of, mode="test", url="https://example.kz", events=())
        endpoints.rotate_secret(endpoint)
        Delivery.objects.create(
            endpoint=endpoint, lender=of, mode="test", event_id="evt_x", type="verification.verified", event_at=at,  # noqa: E501
            body=b"{}", created_at=at, due_at=at, lender_sequence=1,
        )  # fmt: skip
        enrol(email=f"reader{number}@example.kz", full_name="Reader", role=Role.REGULATOR)
    sweep.run_round()


__all__ = ("READER", "Copy", "World", "copied", "people_and_lenders", "play")
