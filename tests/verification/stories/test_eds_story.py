"""A verification by EDS, from the opening to the log, and whatever breaks in the middle of it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from insecure_sandbox import timestamping
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from lenders.resources import verifications
from tests.entries import body_of
from tests.verification import checks_on_record
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.oversight import rows
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    decisions,
    in_parallel,
    lender,
    retry,
    signed,
    until_given_up,
)
from verification import tasks
from verification.access import links, mobile_signing
from verification.case import contents, dossier, policy
from verification.core.errors import BadInput, FenceLost, LinkUnusable, NotYourTurn
from verification.core.statement_text import KIND, is_text, read
from verification.evidence import store
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.log.verify_entries import verify_counts
from verification.models import (
    Attempt,
    AuditEntry,
    EvidenceItem,
    MonthlyChange,
    MonthlyCount,
    SharedEvidenceUse,
    Verification,
)
from verification.oversight import counts, search
from verification.stages.statement.checks import CHECKS as STATEMENT
from verification.stages.statement.policy import POLICY
from verification.worker import queue
from verification.worker import run as advance
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def codes(story):
    answer = verifications.read(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, with_checks=True
    )
    return [check["code"] for check in answer["checks"] if check["code"]]


def types(story):
    entries = AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    return [entry.type for entry in entries]


@pytest.fixture
def story():
    """A borrower who has the statement before them."""
    return at_statement()


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_the_borrowers_own_signature_verifies(issued, family, story):
    story.sign_to_end(issued(family))
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("verified", "", ["eds"])
    assert types(story)[0] == "verification.created"
    assert types(story)[-1] == "verification.verified"
    assert types(story).count("attempt.judged") == 3
    assert "verification.processing" not in types(story)


def test_the_log_holds_every_check_and_the_commitment_of_all_evidence(issued, story):
    """What of a judgement can be shown to a regulator stands in the entries of the answers and of
    the judgements.
    """
    story.sign_to_end(issued(iin=OTHER_IIN))
    story.sign_to_end(issued())
    bodies = [entry.body for entry in AuditEntry.objects.filter(verification_id=story.id)]
    checks = [(body["attempt"], check) for body in bodies for check in body.get("checks", ())]
    said = {(attempt, check["check"], check["outcome"], check["code"]) for attempt, check in checks}
    recorded = checks_on_record.checks(verification=story.id)
    assert said == {(one["attempt"], one["check"], one["outcome"], one["code"]) for one in recorded}
    assert len(said) == 1 + 1 + 2 * len(STATEMENT)
    kept = [(body["attempt"], one) for body in bodies for one in body.get("evidence", ())]
    sealed = {
        (attempt, one["kind"], one["commitment"], one["size"])
        for attempt, one in kept
        if "id" in one
    }
    items = EvidenceItem.objects.filter(verification_id=story.id)
    assert sealed == set(items.values_list("attempt_id", "kind", "commitment", "size"))
    uses = SharedEvidenceUse.objects.filter(attempt__verification_id=story.id)
    shared = {(attempt, one["kind"], one["sha256"]) for attempt, one in kept if "sha256" in one}
    assert shared == set(uses.values_list("attempt_id", "kind", "evidence_id"))


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_the_borrowers_own_xml_verifies_and_its_replay_gives_the_same_report(issued, family, story):
    for iin, status in ((OTHER_IIN, "requires_input"), (IIN, "verified")):
        document = story.page().data["statement_xml"].encode()
        presented = sign_xml(issued(family, iin=iin), document).decode()
        story.reply(signature=presented)
        assert story.row().status == status
        if status == "requires_input":  # the same XML is not taken again in the next attempt
            story.reply(signature=presented)
    assert {"eds_statement_mismatch", "eds_signature_replayed"} <= set(codes(story))
    assert {judgement.verdict for judgement in replay(verification_id=story.id)} == {Verdict.SAME}


def test_a_signature_of_an_earlier_attempt_is_not_accepted_again(issued, story):
    first = sign_cms(issued(iin=OTHER_IIN), story.statement(), signed_at=datetime.now(UTC))
    presented = base64.b64encode(first).decode()
    story.reply(signature=presented)
    assert (story.row().last_failure, story.page().notice, story.page().attempt) == (
        "eds_iin_mismatch",
        "eds_iin_mismatch",
        2,
    )
    story.reply(signature=presented)
    assert {"eds_statement_mismatch", "eds_signature_replayed"} <= set(codes(story))
    assert story.row().status == "requires_input"


def test_a_stale_list_is_tried_again_and_ends_in_failed_with_its_report_as_evidence(
    issued, authorities, trusted
):
    trusted.lists["gost512"] = (crl_of(authorities["gost512"], age=3),)
    story = at_statement()
    story.sign_to_end(issued())
    assert (story.row().status, story.row().step, story.row().faults) == ("processing", "judge", 1)
    entry = AuditEntry.objects.get(verification_id=story.id, type="step.faulted")
    assert entry.body["cause"] == "eds_revocation_unknown"
    for _ in range(policy.FAULTS_MAX - 1):
        retry(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    item = EvidenceItem.objects.get(verification_id=story.id, kind="statement.report")
    report = json.loads(store.opening(contents.key_of(story.row()), item).plain)
    assert (report["status"], report["sub_indication"]) == ("INDETERMINATE", "TRY_LATER")
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


def test_three_failures_decline_what_waits_beside_and_what_comes_after(issued):
    of = lender()
    first, second = (begin(of, f"A-{number}").to_statement() for number in (1, 2))
    for _ in range(3):
        first.sign_to_end(issued(iin=OTHER_IIN))
    assert first.row().last_failure == "eds_iin_mismatch"
    retry(second)
    third = begin(of, "A-3").to_statement()
    for story in (first, second, third):
        assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    assert Attempt.objects.filter(burnt=True).count() == 3


def test_three_uses_of_another_persons_key_are_listed_and_counted_as_that(issued):
    story = begin(lender()).to_statement()
    for _ in range(3):
        story.sign_to_end(issued(iin=OTHER_IIN))
    sequencer.order("test")
    regulator = rows.signed_in(rows.person("regulator"))
    found = search.search(person_id="usr_" + "a" * 26, question=search.Question(mode="test"))
    assert [(row.code, row.last_failure) for row in found.data] == [
        ("attempts_exhausted", "eds_iin_mismatch")
    ]
    listed = regulator.post("/oversight/", {"mode": "test"})
    assert text(listed).count("<code>eds_iin_mismatch</code>") == 1
    (ended,) = counts.monthly_counts(person_id="usr_" + "a" * 26, mode="test", months=1)
    assert (ended.code, ended.last_failure) == ("attempts_exhausted", "eds_iin_mismatch")
    chart = counts.by_reason([ended], months=[ended.month])
    assert [(series.key, series.total) for series in chart.series] == [("eds_iin_mismatch", 1)]
    assert [*verify_log("test"), *verify_counts()] == []
    for table in (MonthlyChange, MonthlyCount):
        table.objects.filter(last_failure="eds_iin_mismatch").update(last_failure="otp_wrong")
    assert {finding.code for finding in verify_counts()} == {"count"}


# A signature is known again by its value; the statement changes its language before it is
# signed, or not at all.
Issued = Callable[..., Credential]


def codes_of_last(story: Story) -> dict[str, str]:
    """What the checks of the last judged attempt said that did not pass."""
    answer = verifications.read(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, with_checks=True
    )
    checks = answer["checks"]
    last = max(check["attempt"] for check in checks)
    return {
        check["name"]: check["code"]
        for check in checks
        if check["attempt"] == last and check["code"]
    }


def with_more_inside(der: bytes) -> str:
    """An unsigned attribute more: the holder of a signature may add one."""
    return base64.b64encode(timestamping.with_tokens(der, b"\x30\x00")).decode()


def indefinite(der: bytes) -> str:
    """The outermost length in another form of BER."""
    body = der[2 + (der[1] & 0x7F) :]
    return base64.b64encode(der[:1] + b"\x80" + body + b"\0\0").decode()


@pytest.mark.parametrize("wrap", [with_more_inside, indefinite])
def test_a_replay_is_known_by_the_signatures_value_whatever_is_around_it(
    issued: Issued, wrap: Callable[[bytes], str]
) -> None:
    first, second = at_statement(), at_statement(lender("B", number=2), "B-1", iin=OTHER_IIN)
    signature = sign_cms(issued(), first.statement(), signed_at=datetime.now(UTC))
    first.reply(signature=base64.b64encode(signature).decode())
    assert first.row().status == "verified"
    second.reply(signature=wrap(signature))
    assert codes_of_last(second)["eds.statement"] == "eds_signature_replayed"
    fresh = sign_cms(issued(iin=OTHER_IIN), second.statement(), signed_at=datetime.now(UTC))
    second.reply(signature=wrap(fresh))
    assert second.row().status == "verified"


@pytest.mark.parametrize("wrap", [with_more_inside, indefinite])
def test_who_presents_a_strangers_signature_first_does_not_make_the_strangers_own_a_replay(
    issued: Issued, wrap: Callable[[bytes], str]
) -> None:
    victim, thief = at_statement(), at_statement(lender("B", number=2), "B-1", iin=OTHER_IIN)
    signature = sign_cms(issued(), victim.statement(), signed_at=datetime.now(UTC))
    thief.reply(signature=wrap(signature))
    assert codes_of_last(thief)["eds.content"] == "eds_statement_mismatch"
    assert "eds.statement" not in codes_of_last(thief)
    victim.reply(signature=base64.b64encode(signature).decode())
    assert victim.row().status == "verified"


def test_in_another_language_it_is_another_statement_and_the_one_before_counts_no_more(
    issued: Issued, story: Story
) -> None:
    before, page = story.statement(), story.page()
    code = mobile_signing.mint(
        turn=page.turn, untrusted_session=links.redeem(untrusted_token=story.token)
    ).token
    access = mobile_signing.read(untrusted_code=code).access
    story.reply(language="kk")
    after = story.statement()
    said, was = read(after), read(before)
    assert (was["language"], said["language"], story.page().data["statement"]["language"]) == (
        "ru",
        "kk",
        "kk",
    )
    assert said["nonce"] != was["nonce"]
    # Who had the first one open answers a turn that is over, on the page and in the app.
    late = base64.b64encode(sign_cms(issued(), before, signed_at=datetime.now(UTC))).decode()
    with pytest.raises(NotYourTurn):
        story.answer_turn(page.turn, {"signature": late})
    with pytest.raises(LinkUnusable):
        mobile_signing.statement_page(untrusted_access=access)
    story.answer(
        signature=base64.b64encode(sign_cms(issued(), after, signed_at=datetime.now(UTC))).decode()
    )
    story.work()
    assert story.row().status == "verified"
    assert Attempt.objects.filter(verification=story.id, stage="statement").count() == 1


def test_the_language_changes_five_times_in_each_attempt_and_is_not_offered_after(
    issued: Issued, story: Story
) -> None:
    client, offer = browser(story), 'class="button" type="submit" name="language"'
    for wrong in ({"language": "de"}, {"language": ["kk"]}, {"language": "kk", "signature": "AA"}):
        with pytest.raises(BadInput):
            story.answer(**wrong)
    client.cookies["django_language"] = "en"
    for attempt in (1, 2):
        assert offer in text(client.get(NOW))
        assert story.page().attempt == attempt
        for number in range(POLICY.language_changes):
            assert story.page().data["may_change_language"]
            story.reply(language=("kk", "ru")[number % 2])
        assert offer not in text(client.get(NOW))
        with pytest.raises(BadInput):
            story.answer(language="en")
        # The first fails and leaves two.
        story.sign_to_end(issued(**({"iin": OTHER_IIN} if attempt == 1 else {})))
    assert story.row().status == "verified"
    second = Attempt.objects.filter(stage="statement").latest("turn")
    kinds = {kind for kind in second.evidence.values_list("kind", flat=True) if is_text(kind)}
    assert kinds == {KIND, *(f"{KIND}.{number + 1}" for number in range(POLICY.language_changes))}


# Whatever breaks in the middle: nothing is lost, nothing is decided twice, nothing is verified
# by accident.


@pytest.mark.parametrize("lists", [(b"<html>",), (b"\x30\x80" * 500,), (), None])
def test_nonsense_or_missing_anchors_are_a_fault_and_never_a_pass(issued, settings, trusted, lists):
    story = signed(issued)
    if lists is None:
        settings.TULGA_SOURCES["test"]["trust_anchors"] = {"directory": "/nonexistent"}
    else:
        trusted.lists["gost512"] = lists
    until_given_up(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


def test_a_killed_worker_loses_nothing_and_writes_nothing_when_it_comes_back(issued):
    story = signed(issued)
    late = queue.claim(story.id)  # its process dies here, with the lease in the row
    assert late is not None
    story.work()
    assert story.row().status == "processing", "a leased step is taken by no other worker"
    Verification.objects.filter(pk=story.id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    story.work()
    assert (story.row().status, decisions(story)) == ("verified", 1)
    entries = AuditEntry.objects.count()
    with pytest.raises(FenceLost):
        advance.run(late)
    advance.release(late, RuntimeError("late"))
    assert (AuditEntry.objects.count(), decisions(story)) == (entries, 1)


def killed(*_, **__):
    raise SystemExit


def test_a_step_whose_workers_die_without_a_word_ends_in_failed(issued, monkeypatch):
    story = signed(issued)
    monkeypatch.setattr(dossier, "on_record", killed)
    for _ in range(policy.FAULTS_MAX):
        claimed = queue.claim(story.id)
        assert claimed is not None
        with pytest.raises(SystemExit):
            advance.run(claimed)
        Verification.objects.filter(pk=story.id).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
    story.work()
    assert (story.row().status, decisions(story)) == ("failed", 1)
    told = [
        body_of(entry) for entry in AuditEntry.objects.filter(type="step.faulted").order_by("pk")
    ]
    lost = {"v": 1, "step": "judge", "cause": "worker_lost"}
    assert told == [{**lost, "faults": number} for number in range(1, policy.FAULTS_MAX + 1)]


@pytest.mark.parametrize("faults", [policy.FAULTS_MAX, 99])
def test_a_count_of_faults_that_somebody_else_wrote_ends_nothing(issued, faults):
    story = signed(issued)
    Verification.objects.filter(pk=story.id).update(faults=faults)
    story.work()
    assert story.row().status == "verified"
    [told] = [entry.body for entry in AuditEntry.objects.filter(type="step.faulted")]
    assert (told["cause"], told["faults"]) == ("worker_lost", 1)


def test_of_many_workers_rung_at_once_one_decides(issued):
    story = signed(issued)
    in_parallel(lambda _: tasks.advance(story.id), 16)
    assert (story.row().status, decisions(story)) == ("verified", 1)


def test_a_second_decision_is_refused_by_the_database_itself(issued):
    story = signed(issued)
    story.work()
    with pytest.raises(Exception, match=r"(?i)unique"), connection.cursor():
        AuditEntry.objects.create(
            log="test",
            type="verification.declined",
            at=timezone.now(),
            verification_id=story.id,
            body={},
        )
