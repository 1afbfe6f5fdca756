"""The checks of a code, and a web process of the attacker's."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.core.answer_samples import SMS, spelled
from tests.verification.log import owned_web
from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.known_case import (
    CODE,
    NOW,
    OTHER_CODE,
    evidence,
    guessed,
    issued,
    memory,
)
from tests.verification.stages.person.test_story import to_code
from tests.verification.stages.person.told import codes, other_than
from tests.verification.stories.story import Story, make_due
from verification import tasks
from verification.case import attempts, contents, policy
from verification.case.moving import read
from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.ids import Phone
from verification.core.results import Outcome, decide
from verification.core.route import LOOK_AT
from verification.core.stored import canonical_json
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.stages.code import STAGE, dialogue
from verification.stages.code.checks import CHECKS
from verification.stages.code.dialogue import OWNER
from verification.stages.person.dialogue import PHONE

# A web process that is wholly the attacker's, before a code that went to somebody else's phone.


TRIES = pytest.mark.parametrize(
    "tries", [12, pytest.param(50, marks=[pytest.mark.proof("tampering"), pytest.mark.whole])]
)


def attempt_of(story: Story) -> Attempt:
    return Attempt.objects.select_related("verification").get(
        verification_id=story.id, stage="code"
    )


def opened(story: Story, kind: str) -> tuple[EvidenceItem, dict[str, str]]:
    """What web can open of a piece of evidence."""
    item = EvidenceItem.objects.select_related("verification").get(
        attempt=attempt_of(story), kind=kind
    )
    return item, json.loads(store.opening(contents.key_of(story.row()), item).plain)


def remember(story: Story, **changes: object) -> str:
    """The memory resealed, which is web's to write; gives its commitment, which web signs."""
    attempt, key = attempt_of(story), contents.key_of(story.row())
    memory = attempts.memory_of(attempt, key=key) | changes
    sealed = key.seal(stored.to_bytes(memory), **vault.place_of_memory(attempt.pk))
    Attempt.objects.filter(pk=attempt.pk).update(sealed_memory=sealed.data)
    return sealed.commitment


def is_passed(story: Story) -> bool:
    judged = AuditEntry.objects.filter(
        verification_id=story.id, type="attempt.judged", body__stage="code"
    )
    return judged.filter(body__outcome="passed").exists()


def worked(story: Story) -> None:
    for _ in range(policy.FAULTS_MAX):
        story.work()
        make_due(story)


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_no_key_that_web_has_draws_the_code_or_knows_it_again(asked: SandboxProcess) -> None:
    story = to_code(asked)
    _, issued = opened(story, "code.issued.0")
    memory = attempts.memory_of(attempt_of(story), key=contents.key_of(story.row()))
    code, bound = codes(asked)[-1], memory["bound_to"]
    assert {"digest", "seed"}.isdisjoint(memory)
    kept = json.dumps([issued, memory])
    keys = {
        value
        for value in (*issued.values(), memory["key"])
        if len(str(value)) % 2 == 0 and _is_hex(value)
    }
    assert len(keys) == 4
    for key in keys:
        assert dialogue.keyed(key, f"{bound}|{code}") not in kept
        assert dialogue.drawn(key, issued["nonce"]) != code


def _is_hex(value: object) -> bool:
    return isinstance(value, str) and set(value) <= set("0123456789abcdef")


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_a_code_of_webs_own_in_the_place_of_the_one_that_was_sent_is_refused(
    asked: SandboxProcess,
) -> None:
    story = to_code(asked)
    item, issued = opened(story, "code.issued.0")
    own = "00" * 32
    bound = attempts.memory_of(attempt_of(story), key=contents.key_of(story.row()))["bound_to"]
    issued["digest"] = dialogue.keyed(own, f"{bound}|{dialogue.drawn(own, issued['nonce'])}")
    owned_web.keep(attempt_of(story), owned_web.reseal(item, canonical_json(issued)))
    story.answer(code=dialogue.drawn(own, issued["nonce"]))
    worked(story)
    assert not is_passed(story)
    assert story.row().status == "failed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
@pytest.mark.parametrize("kind", ["code.expected", "code.issued.1", "code.owner"])
def test_what_only_workers_say_of_a_code_is_nothing_where_web_says_it(
    asked: SandboxProcess, kind: str
) -> None:
    story = to_code(asked)
    _, issued = opened(story, "code.issued.0")
    wrong = other_than(codes(asked)[-1])
    memory = attempts.memory_of(attempt_of(story), key=contents.key_of(story.row()))
    digest = dialogue.keyed(memory["key"], f"{memory['bound_to']}|{wrong}")
    content = {
        "code.expected": {"digest": digest},
        "code.issued.1": issued | {"digest": digest},
        "code.owner": {},
    }
    owned_web.keep(
        attempt_of(story), owned_web.plant(attempt_of(story), kind, canonical_json(content[kind]))
    )
    with pytest.raises(EvidenceUnreadable):
        read(story.row())
    story.answer(code=wrong)
    worked(story)
    assert not is_passed(story)
    assert story.row().status == "failed"


def tried(story: Story, number: int, code: str, *, next: str) -> None:
    """One more guess by web's hand, of another kind each time, that says it is the first; and a
    step owed for it.
    """
    attempt, key = attempt_of(story), contents.key_of(story.row())
    memory, (_, issued) = attempts.memory_of(attempt, key=key), opened(story, "code.issued.0")
    digest = dialogue.keyed(memory["key"], f"{memory['bound_to']}|{code}")
    said = {"number": 1, "issued": 0, "digest": digest, "at": issued["issued_at"]}
    item = owned_web.plant(attempt, f"code.guess.{number}", canonical_json(said))
    memory_mark = remember(story, guesses=number, **{LOOK_AT: "code."})
    place = {"turn": attempt.turn, "next": next, "session": story.session(), "memory": memory_mark}
    owned_web.keep(attempt, item, entry_type="attempt.answered", **place)
    # And the rows as such an answer leaves them.
    moved = {"turn": attempt.turn + 1}
    Attempt.objects.filter(pk=attempt.pk).update(
        status="judging", answers=attempt.answers + 1, **moved
    )
    due = {
        "step": "look" if next == "look" else "judge",
        "queue": "default",
        "due_at": attempt.opened_at,
    }
    Verification.objects.filter(pk=story.id).update(**due, **moved, status="processing", faults=0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
@TRIES
def test_of_many_tries_that_web_has_looked_at_five_count_and_of_the_others_nothing_is_learnt(
    asked: SandboxProcess, tries: int
) -> None:
    story = to_code(asked)
    code = codes(asked)[-1]
    for number in range(tries):
        is_right = number >= 5
        tried(story, number, code if is_right else other_than(code), next="look")
        tasks.advance(story.id)
        looked = AuditEntry.objects.filter(
            verification_id=story.id, type="attempt.looked_at", body__stage="code"
        )
        said = [entry.body["next"] for entry in looked.order_by("verification_sequence")]
        assert (
            said == (["ask"] * 4 + ["collect"])[: number + 1]
        )  # a sixth answers what was not asked
    worked(story)
    assert not is_passed(story)


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_a_sixth_guess_never_passes_where_no_worker_looked_at_five(
    asked: SandboxProcess,
) -> None:
    story = to_code(asked)
    code = codes(asked)[-1]
    for number in range(1, 7):
        tried(story, number, code if number == 6 else other_than(code), next="collect")
    worked(story)
    assert not is_passed(story)
    assert story.row().status == "failed"


# The checks of the code, on evidence that the dialogue itself made.


def refused(found, **person):
    return given.refusals(given.judge(STAGE, given.case(**person), found))


def after(*guesses, seconds=20, **remembered):
    first = memory(**remembered)
    return evidence(issued(first), guessed(first, *guesses, at=NOW + timedelta(seconds=seconds)))


def test_the_right_code_passes_every_check():
    results = given.judge(STAGE, given.case(), after(CODE))
    assert given.refusals(results) == {}
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.PASSED
    assert [result.detail for result in results] == [
        {},
        {"guess": 1},
        {"owned_since": "2021-05-06"},
    ]


@pytest.mark.parametrize(
    ("guesses", "code"),
    [
        ([OTHER_CODE], "otp_wrong"),
        ([OTHER_CODE] * 4 + [CODE], ""),
        ([OTHER_CODE] * 5, "otp_attempts_exhausted"),
        ([OTHER_CODE] * 5 + [CODE], "otp_attempts_exhausted"),
    ],
)
def test_five_guesses_count_and_a_sixth_is_none(guesses, code):
    assert refused(after(*guesses)) == ({"code.guess": code} if code else {})


@pytest.mark.parametrize(
    ("guess", "seconds", "code"),
    [
        (CODE, 300, ""),
        (CODE, 301, "otp_expired"),
        (OTHER_CODE, 301, "otp_expired"),
        (CODE, -1, "otp_expired"),
        (CODE, 0, ""),
    ],
)
def test_a_code_lives_five_minutes(guess, seconds, code):
    assert refused(after(guess, seconds=seconds)) == ({"code.guess": code} if code else {})


def test_a_last_guess_that_comes_late_leaves_none():
    assert refused(after(CODE, seconds=301, guesses=4)) == {"code.guess": "otp_attempts_exhausted"}


def test_guesses_of_a_lapsed_dialogue_count():
    assert refused(after(OTHER_CODE, guesses=4)) == {"code.guess": "otp_attempts_exhausted"}
    assert refused(after(CODE, guesses=4)) == {}
    assert refused(after(CODE, guesses=5)) == {"code.guess": "otp_attempts_exhausted"}


def test_only_the_last_code_counts():
    first, second = memory(), memory(resends=1)
    both = issued(first) | issued(second, OTHER_CODE)
    assert refused(evidence(both, guessed(second, OTHER_CODE))) == {}
    assert refused(evidence(both, guessed(second, CODE))) == {"code.guess": "otp_wrong"}
    # A guess at the first code, right as it was, is none at the second.
    assert refused(evidence(both, guessed(first, CODE))) == {"code.guess": "otp_wrong"}


def test_a_guess_made_at_an_earlier_code_is_none_at_the_last_whatever_it_says():
    first, second = memory(), memory(resends=1)
    guess = given.fields(guessed(second, OTHER_CODE)["code.guess.1"])
    moved = {"code.guess.1": canonical_json(guess | {"issued": 0})}
    assert refused(evidence(issued(first) | issued(second, OTHER_CODE), moved)) == {
        "code.guess": "otp_wrong"
    }


def test_a_code_for_another_verification_or_phone_is_wrong():
    assert refused(after(CODE), phone=Phone("+77011234568")) == {
        "code.guess": "otp_wrong",
        "code.owner": "phone_owner_mismatch",
    }


def test_a_digest_under_another_key_is_wrong():
    first = memory()
    forged = guessed(memory(key="00" * 32), CODE)
    assert refused(evidence(issued(first), forged)) == {"code.guess": "otp_wrong"}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (canonical_json({"request_id": SMS["request_id"], "status": "refused"}), "sms_refused"),
        (b"{}", "check_missing"),
    ],
)
def test_a_message_that_the_gateway_did_not_take_refuses(sent, code):
    first = memory()
    found = evidence(issued(first), guessed(first, CODE), {"code.sent.0": sent})
    assert refused(found) == {"code.sent": code}


def test_it_is_the_last_message_that_must_have_gone_out():
    refusal = canonical_json({"request_id": SMS["request_id"], "status": "refused"})
    first, second = memory(), memory(resends=1)
    kept = issued(first) | issued(second, OTHER_CODE)
    assert refused(evidence(kept, guessed(second, OTHER_CODE), {"code.sent.0": refusal})) == {}
    last = {"code.sent.1": refusal, "code.sent.0": spelled(SMS)}
    assert refused(evidence(kept, guessed(second, OTHER_CODE), last)) == {
        "code.sent": "sms_refused"
    }


@pytest.mark.parametrize("status", ["owned_by_another", "not_found", "consent_refused"])
def test_a_number_that_has_changed_hands_meanwhile_refuses(status):
    first = memory()
    found = evidence(
        issued(first), guessed(first, CODE), {OWNER: given.without_terms(PHONE, status)}
    )
    assert refused(found) == {"code.owner": "phone_owner_mismatch"}


@pytest.mark.parametrize(
    ("expires_at", "code"),
    [
        ("2026-11-24T18:30:30+00:00", "consent_unanswered"),
        ("2026-11-24T18:30:31+00:00", "phone_owner_mismatch"),
    ],
)
def test_a_consent_that_ran_out_meanwhile_is_told_as_unanswered(expires_at, code):
    consent, first = given.said("register.consent", expires_at=expires_at), memory()
    found = evidence(issued(first), guessed(first, CODE), {"register.consent": consent})
    found = replace(
        found, items={kind: content for kind, content in found.items.items() if kind != OWNER}
    )
    assert refused(found) == {"code.owner": code}


def test_more_guesses_than_it_admits_are_counted_as_they_stand_on_record():
    first, kept = memory(), {}
    for number, guess in enumerate([OTHER_CODE] * 5 + [CODE], start=1):
        kept[f"code.guess.{number}"] = guessed(first, guess)["code.guess.1"]
    assert refused(evidence(issued(first), kept)) == {"code.guess": "otp_attempts_exhausted"}
    del kept["code.guess.1"]
    assert refused(evidence(issued(first), kept)) == {}


def test_without_evidence_nothing_passes():
    nothing = type(evidence())(items={}, at=NOW)
    assert set(refused(nothing)) == set(CHECKS)
