"""A web process that is wholly the attacker's, before a code that went to somebody else's phone."""

import json

import pytest

from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.log import owned_web
from tests.verification.stages.person.test_story import to_code
from tests.verification.stages.person.told import codes, other_than
from tests.verification.stories.story import Story, make_due
from verification import tasks
from verification.case import attempts, contents, policy
from verification.case.moving import read
from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.route import LOOK_AT
from verification.core.stored import canonical_json
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.stages.code import dialogue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.forges]

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
