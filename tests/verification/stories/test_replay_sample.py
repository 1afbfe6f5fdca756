"""Judgements drawn by chance are judged again: what comes out otherwise is named, what cannot be is
counted apart.
"""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.scenes import staged
from tests.verification.checks_on_record import write_over
from tests.verification.log.rows import tamper
from tests.verification.stories.story import verified_at_second_try
from verification.log import sequencer
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.worker import replay
from verification.worker.replay import FACTS, Replayed, Sample, Verdict

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


@pytest.fixture
def verified(trusted, issued):
    """A story of four judgements that ended well at the second try of its signature, ordered."""

    def play():
        story = verified_at_second_try(issued)
        sequencer.order("test")
        return story

    return staged("verified and ordered", play)


def command(*arguments):
    out = StringIO()
    try:
        call_command("audit_verify", "--log", "test", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def drawn(number, *, seed=1):
    sample = Sample(number, seed)
    found = list(replay.replay_sample("test", sample))
    return sample, found


def entry_of(attempt):
    return AuditEntry.objects.get(type="attempt.judged", body__attempt=attempt.pk)


def last_attempt(story):
    return (
        Attempt.objects.filter(verification_id=story.id, stage="statement").order_by("turn").last()
    )


def test_all_that_is_drawn_comes_out_the_same_and_each_reading_is_on_record(verified):
    sample, found = drawn(9)
    assert (sample.of, sample.drawn, sample.same, sample.from_facts, sample.different, found) == (
        4,
        4,
        4,
        0,
        0,
        [],
    )
    read = AuditEntry.objects.filter(type="replay.read").values_list("body", flat=True)
    assert [(body["verification"], body["same"]) for body in read] == [(verified.id, 1)] * 4


def test_the_same_seed_draws_the_same_and_others_draw_others(verified, monkeypatch):
    ids = set(AuditEntry.objects.filter(type="attempt.judged").values_list("pk", flat=True))
    looked = []

    def judged_again(entry):
        looked.append(entry.pk)
        return Replayed(entry.pk, "eds", "statement", Verdict.SAME, source=FACTS)

    monkeypatch.setattr(replay, "_judged_again", judged_again)
    for seed in (*range(20), 3):
        sample, _ = drawn(2, seed=seed)
        assert (sample.of, sample.same, sample.from_facts) == (4, 2, 2)
        assert "2 come out the same (2 from facts alone)" in str(sample)
    draws = [tuple(looked[at : at + 2]) for at in range(0, len(looked), 2)]
    assert draws[-1] == draws[3]
    assert len(set(draws)) > 3
    assert {pk for draw in draws for pk in draw} == ids


@pytest.mark.forges
def test_a_judgement_that_comes_out_otherwise_is_a_finding_of_its_entry(verified):
    attempt = last_attempt(verified)
    write_over(attempt, "eds.identity", outcome="fail", code="eds_iin_mismatch")
    _, [found] = drawn(9)
    assert (found.code, found.entry, found.log) == (
        "judged_otherwise",
        entry_of(attempt).pk,
        "test",
    )
    assert "eds.identity was fail eds_iin_mismatch and is pass" in found.detail
    code, said = command("--replay", "9", "--seed", "5")
    assert (code, found.detail in said, "1 otherwise" in said) == (1, True, True)


def test_what_cannot_be_judged_for_want_of_a_key_is_counted_apart_and_is_no_finding(verified):
    signature = EvidenceItem.objects.get(attempt=last_attempt(verified), kind="statement.signature")
    tamper(("DELETE FROM verification_evidenceitem WHERE id = %s", (signature.pk,)))
    sample, found = drawn(9)
    assert (sample.same, dict(sample.cannot), sample.is_blind, found) == (
        3,
        {"evidence_unreadable": 1},
        False,
        [],
    )
    assert "1 could not be judged again: evidence_unreadable 1" in str(sample)


def test_the_command_says_what_it_drew_and_by_which_seed(verified):
    code, said = command("--replay", "2", "--seed", "77")
    assert (code, "test log: 2 of 4 judgements drawn (seed 77): 2 come out the same" in said) == (
        0,
        True,
    )
    code, said = command("--replay", "2", "--json")
    told = json.loads(said)
    assert (code, told["ok"], told["replayed"]["test"]["drawn"]) == (0, True, 2)
    assert 0 <= told["replayed"]["test"]["seed"] < 2**32


def test_where_nothing_that_was_drawn_can_be_judged_again_it_could_not_look(verified):
    tamper(("DELETE FROM verification_datakey", ()))
    sample, found = drawn(9)
    assert (sample.cannot.total(), sample.is_blind, found) == (4, True, [])


def test_an_empty_log_has_nothing_to_draw(transactional_db):
    sample, found = drawn(3)
    assert (sample.of, sample.drawn, sample.is_blind, found) == (0, 0, False, [])
    assert command("--replay", "3")[0] == 0


@pytest.mark.parametrize("arguments", [("--replay", "-1"), ("--seed", "5")])
def test_what_nobody_can_draw_is_told_and_exits_with_3(transactional_db, arguments):
    code, said = command(*arguments)
    assert (code, "--replay needs a number of judgements" in said) == (3, True)
