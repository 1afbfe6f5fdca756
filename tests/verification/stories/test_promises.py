"""Promises of the consent that no other test plays: docs/security/promises.md lists all."""

import shutil
from dataclasses import fields

import pytest
from django.apps import apps

from tests.verification.log.rows import tamper
from tests.verification.stories.destruction_story import entries, frames, gone, step, turn
from tests.verification.stories.insecure_capture import at_commands, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.purge_story import files, purged, sealed_rows
from tests.verification.stories.story import Story, at_statement, begin, lender, wait_until
from verification.access import hand_over, links
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.sources.account_owner import AccountQuestion
from verification.sources.credit_bureau import CreditsQuestion
from verification.sources.stop_credit import RefusalQuestion
from verification.stages.confirmation.policy import CONSENT
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

_ABOUT_THE_QUESTION = {"request_id", "lender_bin", "basis"}


def kinds(story: Story) -> set[str]:
    """All that was given, asked or measured for a case."""
    listed = EvidenceItem.objects.filter(verification_id=story.id).values_list("kind", flat=True)
    return {kind for kind in listed if not kind.endswith(".terms")}


def test_a_no_to_the_consent_checks_nothing_and_ends_the_case():
    story = begin(lender())
    story.reply(agreed=False, version=CONSENT.current, language="ru")
    assert (story.row().status, story.row().code) == ("declined", "consent_declined")
    stages = Attempt.objects.filter(verification_id=story.id).values_list("stage", flat=True)
    assert list(stages) == ["consent"]
    assert kinds(story) == {"consent.answer"}


def test_a_silence_at_a_later_step_checks_nothing_more_and_ends_the_case():
    story = at_statement()
    before = kinds(story)
    wait_until(story.row().expires_at)
    sweep.run_round()
    story.work()
    assert story.row().status == "expired"
    decided = AuditEntry.objects.filter(
        verification_id=story.id, type__in=("verification.verified", "attempt.judged")
    )
    assert {entry.body["stage"] for entry in decided} == {"consent", "question"}
    assert kinds(story) == before


@pytest.mark.usefixtures("seen_once")
def test_a_report_of_an_instructing_caller_holds_every_frame(script):
    story = at_commands()
    session = links.redeem(untrusted_token=story.token)
    show(story, commands=2)
    code = hand_over.mint(untrusted_session=session).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="")
    hand_over.reply(untrusted_phone=phone, is_told=True)
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "coercion_reported")
    assert len(frames(story)) > 2
    turn(24 * 365)
    sweep.run_round()
    while step(story):
        pass
    assert gone(story) == []
    assert {bool(store.sealed_bytes(item)) for item in frames(story)} == {True}


def test_a_bureau_is_told_the_iin_and_a_bank_the_iin_and_the_account():
    told = {
        question: {field.name for field in fields(question)} - _ABOUT_THE_QUESTION
        for question in (RefusalQuestion, CreditsQuestion, AccountQuestion)
    }
    assert told == {
        RefusalQuestion: {"iin"},
        CreditsQuestion: {"iin", "days"},
        AccountQuestion: {"iin", "account"},
    }


@pytest.mark.forges
def test_a_database_and_files_from_before_an_erasure_are_erased_again(issued, settings, tmp_path):
    story = at_statement()
    story.sign_to_end(issued())
    rows = [
        (model, list(model._default_manager.all()))
        for model in apps.get_app_config("verification").get_models()
    ]
    shutil.copytree(settings.TULGA_EVIDENCE_DIR, tmp_path / "backup")
    held, originals = sealed_rows(story), files()
    purged(story)
    assert (sealed_rows(story), files()) == (set(), set())
    tamper(*((f"DELETE FROM {model._meta.db_table}", []) for model, _ in rows))  # noqa: S608
    for model, put_back in rows:
        model._default_manager.bulk_create(put_back)
    shutil.copytree(tmp_path / "backup", settings.TULGA_EVIDENCE_DIR, dirs_exist_ok=True)
    assert (sealed_rows(story), files(), entries(story, "verification.redacted")) == (
        held,
        originals,
        [],
    )
    sweep.run_round()
    while step(story):
        pass
    assert (sealed_rows(story), files()) == (set(), set())
    assert len(entries(story, "verification.redacted")) == 1
