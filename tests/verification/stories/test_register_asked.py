"""Each law since October 2024 asks the register of people; who would go round it is refused."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox.authority import Authority
from lenders.models import Lender
from tests.insecure_sandbox.asked import new_iin
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import checks, passed
from tests.verification.log.judged import verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.kept import originals
from tests.verification.stories.story import (
    BORN,
    IIN,
    Story,
    begin,
    lender,
    make_due,
    opening,
    retry,
)
from verification import clock
from verification.access import answers, openings
from verification.case import contents
from verification.core import events, profiles
from verification.core.answers import parse_consent
from verification.core.errors import Conflict, NotYourTurn
from verification.core.keeping import claims
from verification.core.lender import LenderFacts
from verification.core.releases import REGISTER_CHECKS
from verification.course import policy as course_policy
from verification.models import Attempt, AuditEntry, Verification
from verification.stages.register import QUOTA, collect
from verification.stages.register.policy import POLICY
from verification.worker import replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]
ASKING = sorted(law.id for law in profiles.PROFILES.values() if law.register_asked)
DENIED: dict[str, tuple[dict[str, Any], str]] = {
    "dead": ({"life_status": "deceased"}, "person_deceased"),
    "perhaps dead": ({"life_status": "unknown"}, "person_unknown"),
    "other surname": ({"surname": "ИНАКОВ"}, "name_mismatch"),
    "other birth date": ({"birth_date": "1899-01-02"}, "birth_date_differs"),
    "lost document": ({"document": {"number": "012345678", "status": "lost"}}, "document_invalid"),
    "other document": ({"document": {"number": "999999999"}}, "document_invalid"),
    "expired": (
        {"document": {"number": "012345678", "valid_to": "2020-01-01"}},
        "document_expired",
    ),
    "no to 1414": ({"consent": "invalid"}, "consent_declined"),
    "unknown": ({}, "person_unknown"),
}
NEWEST = "KZ-2025-09"


@pytest.fixture(autouse=True)
def _asked(trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings) -> None:
    camera.ask_for_signatures_too(sandbox, settings)
    sandbox.post("/people/forget", iin=IIN)


def finished(story: Story, issued: Issued) -> Story:
    """The borrower does their part of the first route: a signature, or a capture of no pictures."""
    story.to_statement()
    if story.row().route == "eds":
        story.sign(issued())
    else:
        camera.junk_capture(story)
    story.work()
    return story


def begun(profile: str, iin: str = IIN) -> Story:
    """A verification under this law; where there is a choice its first route is taken."""
    story = begin(lender(), iin=iin, profile=profile)
    if not story.row().route:
        answers.choose_route(verification_id=story.id, route=story.row().combinations[0][0])
    return story


def kinds(story: Story) -> list[str]:
    """What the entries list as asked once a verification."""
    entries = AuditEntry.objects.filter(verification=story.id, type__in=events.KEEPING)
    listed = [
        claim.kind
        for entry in entries.order_by("verification_sequence")
        for claim in claims(entry.body)
    ]
    return [kind for kind in listed if kind.startswith("register.")]


@pytest.mark.parametrize(
    ("denied", "profile"),
    [*((denied, NEWEST) for denied in DENIED), *(("dead", law) for law in ASKING[:-1])],
)
def test_what_the_register_denies_is_never_verified(
    issued: Issued, sandbox: SandboxProcess, profile: str, denied: str
) -> None:
    changes, code = DENIED[denied]
    iin = new_iin() if denied == "unknown" else IIN
    if denied != "unknown":
        camera.register(sandbox, photo=None, **changes)
    story = finished(begun(profile, iin), partial(issued, iin=iin))
    assert (story.row().status, story.row().code) == ("declined", code)
    assert not {check["check"] for check in checks(verification=story.id)}.isdisjoint(
        REGISTER_CHECKS
    )
    assert (
        Attempt.objects.filter(
            verification=story.id, stage__in=("statement", "live_capture")
        ).count()
        == 1
    )


@pytest.mark.parametrize("profile", [ASKING[0], NEWEST])
def test_an_unanswered_message_of_1414_is_waited_for_ten_minutes_and_burns_nothing(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    camera.register(sandbox, photo=None, consent="pending")
    story = begun(profile)
    story.to_statement()
    assert story.page().data["asked_by_phone"] is True
    assert story.page().asks_register
    if story.row().route == "eds":
        story.sign(issued())
    else:
        camera.junk_capture(story)
    story.work()
    assert (story.page().page, story.page().notice) == ("wait", "consent_pending")
    assert POLICY.consent_wait_seconds == 600
    monkeypatch.setattr(collect, "POLICY", replace(POLICY, consent_wait_seconds=0))
    retry(story)
    assert (story.row().status, story.row().last_failure) == (
        "requires_input",
        "consent_unanswered",
    )
    if story.row().route == "eds":  # a capture of no pictures costs an attempt by itself
        assert not Attempt.objects.filter(burnt=True).exists()
    # What was asked for and not answered is asked for anew, in the attempt that follows.
    assert kinds(story).count("register.consent_request") == 2
    assert "register.person" not in kinds(story)


def test_a_silent_register_decides_nothing_and_fails_after_five_tries(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo=None)
    sandbox.post("/faults", source="person", kind="http_500", times=5)
    story = finished(begun(NEWEST), issued)
    for _ in range(5):
        retry(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()


@pytest.mark.parametrize(
    ("surname", "remark"),
    [
        ("ПРЕЖНЯЯ", ("eds.identity", "eds_surname_differs")),
        ("ТЕСТОВ", ("person.consent", "consent_phone_stated")),
    ],
)
def test_a_remark_decides_nothing(
    issued: Issued,
    sandbox: SandboxProcess,
    settings: Settings,
    surname: str,
    remark: tuple[str, str],
) -> None:
    camera.register(sandbox, photo=None)
    names_phone = remark[0] == "person.consent"
    settings.TULGA_SOURCES["test"]["consent"]["options"]["names_phone"] = names_phone
    story = finished(begun(NEWEST), partial(issued, surname=surname))
    assert story.row().passed_routes == ["eds"]
    told = [(check["check"], check["code"]) for check in checks(verification=story.id)]
    assert [check for check in told if check[1]] == [remark]
    assert replay.worst(replay.replay(verification_id=story.id)) == "same"


def test_under_the_law_of_2021_a_signature_asks_neither_1414_nor_the_register(
    issued: Issued,
) -> None:
    story = begin(lender())
    answers.choose_route(verification_id=story.id, route="eds")
    story = finished(story, issued)
    assert story.row().status == "verified"
    assert kinds(story) == []
    assert passed(verification=story.id).isdisjoint(REGISTER_CHECKS)


def test_a_signature_that_is_refused_asks_nothing_anew(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo=None)
    story = begun("KZ-2025-09").to_statement()
    for _ in range(2):
        story.sign_to_end(issued(), content=b"another text")
    assert story.page().notice == "eds_statement_mismatch"
    story.sign_to_end(issued())
    assert (story.row().route, story.row().passed_routes) == ("biometric", ["eds"])
    # 1414 and the register are asked once. Whether the consent still holds is read again for each
    # signature.
    once = ["register.asked", "register.consent_request", "register.person"]
    assert [kind for kind in kinds(story) if kind != "register.consent"] == once
    assert kinds(story).count("register.consent") == 3
    assert replay.worst(replay.replay(verification_id=story.id)) == "same"


@pytest.mark.forges
@pytest.mark.parametrize("name", ["profile_sha256", "profile_id"])
@pytest.mark.parametrize("moment", ["opened", "at the statement", "signed"])
def test_an_application_role_that_writes_another_law_into_the_row_verifies_no_borrower(
    issued: Issued, sandbox: SandboxProcess, name: str, moment: str
) -> None:
    camera.register(sandbox, photo=None, life_status="deceased")
    lax, story = profiles.get("KZ-2021-04"), begun("KZ-2025-09")
    written = {"profile_sha256": lax.sha256, "combinations": [["eds"]], "combination": ["eds"]}
    written = written if name == "profile_sha256" else {"profile_id": lax.id}

    def write(now: str) -> None:
        if now == moment:
            Verification.objects.filter(pk=story.id).update(**written)

    write("opened")
    with suppress(
        NotYourTurn
    ):  # the step that was due has stopped at a row that is not as its entries say
        story.to_statement()
        write("at the statement")
        story.sign(issued())
        write("signed")
    for _ in range(6):
        story.work()
        make_due(story)
    assert story.row().status != "verified"
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


@pytest.mark.service
def test_a_signature_and_a_face_ask_1414_and_the_register_once(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox)
    before = camera.messages_of_1414(sandbox)
    story = finished(begun("KZ-2025-09"), issued)
    camera.free(story)
    camera.capture(story)
    assert (story.row().status, story.row().passed_routes) == ("verified", ["eds", "biometric"])
    assert camera.messages_of_1414(sandbox) == before + 1
    asked = ["register.asked", "register.consent_request", "register.person"]
    assert [kind for kind in kinds(story) if kind != "register.consent"] == asked
    assert passed(verification=story.id) >= REGISTER_CHECKS
    assert replay.worst(replay.replay(verification_id=story.id)) == "same"


# Who would be verified without the register, or on a consent that no longer holds; and the
# honest person meanwhile.
_LATE = "it was verified longer after its opening than a verification can last"


class Revocation(InsecureRevocation):
    """The lists in memory under a name that live mode takes."""


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
def test_an_owned_web_that_opens_a_live_case_by_a_laxer_law_is_named_and_verifies_no_borrower(
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
def test_an_opening_that_is_put_back_to_the_days_of_a_laxer_law_verifies_no_borrower(
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
    story = begun_today().to_statement()
    story.sign_to_end(issued(), content=b"another text")
    sandbox.post("/consent/answer", consent_id=consent_id(story), status="invalid")
    story.sign_to_end(issued())
    assert (story.row().status, story.row().code) == ("declined", "consent_declined")


def test_a_consent_that_runs_out_is_asked_for_anew(
    issued: Issued, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "POLICY", replace(POLICY, consent_seconds=2))
    camera.register(sandbox, photo=None)
    before = camera.messages_of_1414(sandbox)
    story = begun_today().to_statement()
    story.sign(issued(), content=b"another text")
    time.sleep(2.2)
    story.work()
    story.sign_to_end(issued())
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
    story.reply(document_number="012345678", **BORN)
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
        begun_today(f"A-{number}", of=lenders[number % 2]).to_statement().cancel()
    assert camera.messages_of_1414(sandbox) == before + QUOTA.a_day
    story = begun_today("A-last", of=lenders[0]).to_statement()
    assert (story.page().page, story.page().notice) == ("resume", "consents_exceeded")
    assert camera.messages_of_1414(sandbox) == before + QUOTA.a_day


def begun_today(reference: str = "A-1", of: Lender | None = None) -> Story:
    """A signature under the law of the day."""
    return begin(of or lender(), reference, iin=IIN, profile="KZ-2025-09")


def consent_id(story: Story) -> str:
    """Of the consent on record."""
    attempts = Attempt.objects.filter(verification=story.id, stage="statement")
    kept = originals(attempts, key=contents.key_of(story.row()))
    [requested] = {content for kind, content in kept.items() if kind == "register.consent_request"}
    terms = parse_consent(requested).terms
    assert terms is not None
    return terms.consent_id
