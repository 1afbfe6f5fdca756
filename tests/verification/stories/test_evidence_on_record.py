"""An attempt is judged by what signed entries list: what a row says otherwise is refused or not
read.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from tests.entries import body_of
from tests.verification.log import owned_web
from tests.verification.log.looks import verify_legality
from tests.verification.log.rows import order_all
from tests.verification.stories.conftest import Issued
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    begin,
    decisions,
    lender,
    make_due,
    signed,
    verified_at_second_try,
)
from verification import tasks
from verification.case import contents, dossier, moving, policy
from verification.case.moving import read
from verification.core import profiles
from verification.core.errors import EvidenceUnreadable
from verification.core.keeping import Claim, claims, inputs_mark
from verification.evidence import vault
from verification.log import signatures
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def attempts(story: Story, stage: str) -> list[Attempt]:
    found = Attempt.objects.filter(verification_id=story.id, stage=stage).select_related(
        "verification"
    )
    return list(found.order_by("turn"))


def item(story: Story, kind: str) -> EvidenceItem:
    return EvidenceItem.objects.select_related("verification").get(
        verification_id=story.id, kind=kind
    )


def test_a_judgement_names_all_that_it_was_judged_by_and_nothing_else(issued: Issued) -> None:
    story = verified_at_second_try(issued)
    entries = AuditEntry.objects.filter(verification_id=story.id, type="attempt.judged")
    for entry in entries.order_by("verification_sequence"):
        own = {one.digest for one in claims(entry.body)}
        others = (
            {"consent", "question"} - {entry.body["stage"]}
            if entry.body["stage"] != "consent"
            else set()
        )
        before = Attempt.objects.filter(verification_id=story.id, stage__in=others, status="passed")
        turn = Attempt.objects.get(pk=entry.body["attempt"]).turn
        of = [entry.body["attempt"], *before.filter(turn__lt=turn).values_list("pk", flat=True)]
        rows = set(EvidenceItem.objects.filter(attempt__in=of).values_list("commitment", flat=True))
        rows |= set(
            SharedEvidenceUse.objects.filter(attempt__in=of).values_list("evidence", flat=True)
        )
        assert rows - own
        assert entry.body["inputs"] == inputs_mark(rows - own)


def resealed(story: Story) -> None:
    owned_web.reseal(item(story, "statement.text"), b'{"purpose": "another"}')


def resealed_as_it_was(story: Story) -> None:
    """The very bytes, with another salt."""
    row = item(story, "consent.answer")
    content = dossier.contents(
        [row.attempt] if row.attempt else [], key=contents.key_of(story.row())
    )
    owned_web.reseal(row, content["consent.answer"])


def renamed(story: Story) -> None:
    EvidenceItem.objects.filter(pk=item(story, "statement.signature").pk).update(
        kind="statement.other"
    )


def moved(story: Story) -> None:
    consent = attempts(story, "consent")[0]
    EvidenceItem.objects.filter(pk=item(story, "statement.signature").pk).update(attempt=consent)


def deleted(story: Story) -> None:
    item(story, "question.answer").delete()


def replaced(story: Story) -> None:
    """A row of web's own in the place of what the borrower gave, and an entry of the door's that
    lists it.
    """
    row = item(story, "statement.signature")
    row.delete()
    [attempt] = attempts(story, "statement")
    owned_web.keep(attempt, owned_web.plant(attempt, "statement.signature", b"another"))


def relisted(story: Story) -> None:
    """The same row with other content, and an entry of the door's that lists that."""
    [attempt] = attempts(story, "statement")
    owned_web.keep(attempt, owned_web.reseal(item(story, "statement.signature"), b"another"))


def another_case(story: Story) -> None:
    """The case resealed, for a loan to somebody else."""
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


@pytest.mark.forges
@pytest.mark.parametrize(
    "change",
    [another_case, resealed, resealed_as_it_was, renamed, moved, deleted, replaced, relisted],
)
def test_evidence_that_is_not_as_its_entry_says_is_never_judged(
    issued: Issued, change: Callable[[Story], None]
) -> None:
    story = signed(issued)
    change(story)
    for number in range(1, policy.FAULTS_MAX + 1):
        story.work()
        fault = (
            AuditEntry.objects.filter(verification_id=story.id, type="step.faulted")
            .order_by("at")
            .last()
        )
        assert fault is not None
        assert (fault.body["cause"], fault.body["faults"]) == ("evidence_unreadable", number)
        make_due(story)
    assert (story.row().status, decisions(story)) == ("failed", 1)
    assert not AuditEntry.objects.filter(
        verification_id=story.id, type="attempt.judged", body__stage="statement"
    )


@pytest.mark.forges
def test_a_row_that_named_another_log_while_a_worker_had_its_step_led_to_nothing() -> None:
    """Other sources would be asked: a sandbox's registers, for a live case."""
    story = begin(lender())
    story.answer(agreed=True, version=CURRENT, language="ru")
    Verification.objects.filter(pk=story.id).update(mode="live")
    tasks.advance(story.id)
    Verification.objects.filter(pk=story.id).update(mode="test")
    entries = AuditEntry.objects.filter(verification_id=story.id)
    assert not entries.filter(type="attempt.judged").exists()
    assert [entry.body["cause"] for entry in entries.filter(type="step.faulted")] == [
        "entries_unsound"
    ]


def test_a_row_that_named_another_law_while_a_worker_had_its_step_changed_nothing() -> None:
    story, other = begin(lender()), profiles.get("KZ-2024-10")
    story.answer(agreed=True, version=CURRENT, language="ru")
    honest = story.row()
    rows = Verification.objects.filter(pk=story.id)
    rows.update(profile_id=other.id, profile_sha256=other.sha256)
    tasks.advance(story.id)
    entries = AuditEntry.objects.filter(verification_id=story.id)
    opened, judged = (
        entries.filter(type=f"attempt.{name}").earliest("at") for name in ("opened", "judged")
    )
    assert (judged.body["outcome"], judged.body["release"]) == ("passed", opened.body["release"])
    assert (story.row().profile_id, story.row().profile_sha256) == (
        honest.profile_id,
        honest.profile_sha256,
    )


@pytest.mark.forges
def test_what_a_worker_said_in_another_log_counts_for_no_end(issued: Issued) -> None:
    """As if it had taken the step before, while the row named the other mode."""
    story = signed(issued)
    row = story.row()
    genuine = AuditEntry.objects.filter(verification_id=story.id, type="evidence.kept").latest(
        "verification_sequence"
    )
    row.mode = "live"
    with transaction.atomic():
        moving.record(row, "evidence.kept", at=genuine.at, body=body_of(genuine) | {"evidence": []})
    assert signatures.sound(AuditEntry.objects.filter(verification_id=story.id, log="live"))
    with pytest.raises(EvidenceUnreadable, match="another log"):
        read(story.row())


@pytest.mark.forges
@pytest.mark.parametrize("is_listed", [False, True])
def test_a_row_that_no_entry_lists_is_as_none(
    issued: Issued, monkeypatch: pytest.MonkeyPatch, is_listed: bool
) -> None:
    """One that a key lists which may not is refused by the log, and by a worker: what follows waits
    for it.
    """
    story, loaded, proven = signed(issued), list[set[str]](), dossier.proven
    for attempt in (*attempts(story, "consent"), *attempts(story, "statement")):
        planted = owned_web.plant(attempt, "statement.other", b"{}")
        if is_listed:
            owned_web.keep(attempt, planted)

    def watched(*args: Any, **kwargs: Any) -> list[tuple[Claim, bytes]]:
        found = proven(*args, **kwargs)
        loaded.append({one.kind for one, _ in found})
        return found

    monkeypatch.setattr(dossier, "proven", watched)
    story.work()
    if is_listed:
        assert (loaded, story.row().faults, decisions(story)) == ([], 1, 0)
        order_all()
        assert AuditEntry.objects.filter(pending__refused=True).count() == 2
        return
    assert "statement.signature" in loaded[0]
    assert "statement.other" not in set().union(*loaded)
    assert story.row().status == "verified"
    order_all()
    assert story.page().status == "verified"


def test_which_attempts_had_passed_is_what_workers_signed_and_not_what_rows_say(
    issued: Issued,
) -> None:
    story = signed(issued)
    [attempt] = attempts(story, "statement")
    before = dossier.on_record(read(story.row()), attempt.pk)
    assert {one.kind for one in before.evidence} >= {
        "consent.answer",
        "question.answer",
        "statement.text",
    }
    for status in ("passed", "failed", "void"):
        Attempt.objects.filter(verification_id=story.id).update(status=status, turn=F("turn") + 100)
        assert dossier.on_record(read(story.row()), attempt.pk) == before


def test_of_a_stage_that_is_begun_again_the_earlier_pass_is_no_evidence(issued: Issued) -> None:
    story = verified_at_second_try(issued)
    [consent] = attempts(story, "consent")
    history = read(story.row())
    first = history.state.attempts[consent.pk]
    history.state = history.state.put(
        "att_later", replace(first, is_passed=False, evidence=frozenset())
    )
    found = {
        claim.kind.partition(".")[0] for claim in dossier.on_record(history, "att_later").evidence
    }
    assert found == {"question", "statement", "shared"}
    assert not list(verify_legality("test"))
