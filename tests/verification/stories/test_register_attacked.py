"""Who would be verified without the register, or on a consent that no longer holds; and the honest
person meanwhile.
"""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django import Settings

from insecure_sandbox.authority import Authority
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.log.looks import verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import BORN, IIN, Story, begin, lender, make_due, opening
from verification import clock
from verification.access import answers, openings
from verification.case import contents, dossier
from verification.core import profiles, scenarios
from verification.core.answers import parse_consent
from verification.core.errors import Conflict, NotYourTurn
from verification.core.lender import LenderFacts
from verification.course import policy as course_policy
from verification.models import Attempt, AuditEntry, Verification
from verification.stages.register import QUOTA, collect
from verification.stages.register.policy import POLICY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

_LATE = "it was verified longer after its opening than any verification lives"


class Revocation(InsecureRevocation):
    """The lists in memory under a name that live mode takes."""


@pytest.fixture(autouse=True)
def _asked(trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings) -> None:
    camera.ask_for_signatures_too(sandbox, settings)
    sandbox.post("/people/forget", iin=IIN)


@pytest.fixture
def _live(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    authorities: dict[str, Authority],
) -> None:
    """Live mode on this machine: the same sources, anchors of live mode, and people whose numbers
    are no test's.
    """
    settings.TULGA_MODES_LIVE = True
    folder, pins = tmp_path / "live", ["mode live"]
    folder.mkdir()
    for family, authority in authorities.items():
        for role, certificate in (("anchor", authority.root), ("intermediate", authority.issuing)):
            (folder / f"{family}-{role}.cer").write_bytes(certificate.certificate)
            pins.append(f"{sha256(certificate.certificate).hexdigest()} {role}")
    (folder / "pins.txt").write_text("\n".join(pins))
    revocation = {"adapter": f"{Revocation.__module__}.{Revocation.__qualname__}"}
    test = {
        name: source
        for name, source in settings.TULGA_SOURCES["test"].items()
        if name != "trust_anchors"
    }
    live = {**test, "revocation": revocation, "trust_anchors": {"directory": folder}}
    settings.TULGA_SOURCES = {"test": test, "live": live}
    monkeypatch.setattr(scenarios, "refuse_test_person", lambda iin: None)


def opened_live(monkeypatch: pytest.MonkeyPatch, law: str, *routes: str) -> Story:
    """A live verification as an owned web opens it: by a law of its choice, with an entry that the
    door key signs.
    """
    of = lender()
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    with monkeypatch.context() as owned:
        owned.setattr(profiles, "binding", lambda profile_id, *, mode, at: profiles.get(law))
        opened = openings.open_verification(
            lender=facts,
            mode="live",
            profile_id="KZ-2025-09",
            opening=opening("L-1", routes=routes or ("eds",)),
        )
    return Story(of, opened.verification_id, opened.token)


def opened_long_ago(monkeypatch: pytest.MonkeyPatch) -> Story:
    """The same by an entry that is put back by years; its row is written to be open yet."""
    long_ago = clock.now() - timedelta(days=900)
    with monkeypatch.context() as owned:
        owned.setattr(clock, "now", lambda: long_ago)
        story = opened_live(monkeypatch, "KZ-2021-04")
    for rows in (
        Verification.objects.filter(pk=story.id),
        Attempt.objects.filter(verification=story.id),
    ):
        rows.update(expires_at=clock.now() + timedelta(hours=1))
    return story


def signed(story: Story, issued: Issued) -> Story:
    with suppress(NotYourTurn):  # a worker that stops at the law shows no statement
        story.to_statement()
        story.sign(issued())
    for _ in range(6):
        story.work()
        make_due(story)
    return story


LAXER = sorted(law.id for law in profiles.PROFILES.values() if not law.register_asked)


@pytest.mark.forges
@pytest.mark.usefixtures("_live")
@pytest.mark.parametrize("law", LAXER)
def test_an_owned_web_that_opens_a_live_case_by_a_laxer_law_verifies_nobody_and_is_named(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, law: str
) -> None:
    camera.register(sandbox, photo=None, life_status="deceased")
    story = signed(opened_live(monkeypatch, law), issued)
    assert story.row().status != "verified"
    assert not AuditEntry.objects.filter(type="verification.verified").exists()
    order_all("live")
    assert "law_laxer" in {finding.code for finding in verify_legality("live")}


@pytest.mark.forges
@pytest.mark.usefixtures("_live")
def test_a_worker_that_is_owned_too_is_named_by_the_audit(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera.register(sandbox, photo=None, life_status="deceased")
    story = opened_live(monkeypatch, "KZ-2021-04")
    with monkeypatch.context() as owned:
        owned.setattr(profiles, "is_lawful", lambda *args, **more: True)
        signed(story, issued)
    assert story.row().status == "verified"
    order_all("live")
    assert "law_laxer" in {finding.code for finding in verify_legality("live")}
    assert not any(_LATE in finding.detail for finding in verify_legality("live"))
    # The same where it was opened longer ago than any verification lives.
    monkeypatch.setattr(course_policy, "COURSE_SECONDS", 0)
    assert any(_LATE in finding.detail for finding in verify_legality("live"))


@pytest.mark.forges
@pytest.mark.usefixtures("_live")
def test_an_opening_that_is_put_back_to_the_days_of_a_laxer_law_verifies_nobody(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera.register(sandbox, photo=None, life_status="deceased")
    with suppress(Conflict):  # the answer comes after the time that its entries give it
        signed(opened_long_ago(monkeypatch), issued)
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


def test_a_consent_that_is_taken_back_between_two_signatures_serves_no_second_one(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo=None)
    story = begun().to_statement()
    story.sign(issued(), content=b"another text")
    story.work()
    sandbox.post("/consent/answer", consent_id=consent_id(story), status="invalid")
    story.sign(issued())
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "consent_declined")


def test_a_consent_that_runs_out_is_asked_for_anew(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "POLICY", replace(POLICY, consent_seconds=2))
    camera.register(sandbox, photo=None)
    before = camera.messages_of_1414(sandbox)
    story = begun().to_statement()
    story.sign(issued(), content=b"another text")
    time.sleep(2.2)
    story.work()
    story.sign(issued())
    story.work()
    assert story.row().passed_routes == ["eds"]
    assert camera.messages_of_1414(sandbox) == before + 2


def test_a_consent_for_the_register_alone_is_none_for_phone_and_photo(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo=None)
    before = camera.messages_of_1414(sandbox)
    story = begin(lender(), iin=IIN, profile="KZ-2021-04")
    answers.choose_route(verification_id=story.id, route="biometric")
    camera.agree(story)
    camera.free(story)
    answers.choose_route(verification_id=story.id, route="live_face")
    story.work()
    camera.agree(story)
    story.answer(document_number="012345678", **BORN)
    story.work()
    assert story.page().page == "code"
    assert camera.messages_of_1414(sandbox) == before + 2


def test_a_person_is_asked_by_1414_thirty_times_a_day_over_all_lenders_and_no_more(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert QUOTA.a_day == 30
    monkeypatch.setitem(vars(QUOTA), "a_day", 3)
    camera.register(sandbox, photo=None, consent="pending")
    before, lenders = (
        camera.messages_of_1414(sandbox),
        (lender(), lender("Second Credit", number=7)),
    )
    for number in range(QUOTA.a_day):
        begun(f"A-{number}", of=lenders[number % 2]).to_statement().cancel()
    assert camera.messages_of_1414(sandbox) == before + QUOTA.a_day
    story = begun("A-last", of=lenders[0]).to_statement()
    assert (story.page().page, story.page().notice) == ("resume", "consents_exceeded")
    assert camera.messages_of_1414(sandbox) == before + QUOTA.a_day


def begun(reference: str = "A-1", of: Lender | None = None) -> Story:
    """A signature under the law of the day."""
    return begin(of or lender(), reference, iin=IIN, profile="KZ-2025-09")


def consent_id(story: Story) -> str:
    """Of the consent on record."""
    attempts = Attempt.objects.filter(verification=story.id, stage="statement")
    kept = dossier.contents(attempts, key=contents.key_of(story.row()), is_whole=False)
    [requested] = {content for kind, content in kept.items() if kind == "register.consent_request"}
    terms = parse_consent(requested).terms
    assert terms is not None
    return terms.consent_id
