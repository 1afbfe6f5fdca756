"""A vote or an attestation that is not the person's does not count, gets no place, and is found."""

from typing import Any

import pytest

from lenders.models import Lender
from people import register
from people.models import User
from tests import registered
from tests.verification.log import owned_web
from tests.verification.log.histories import at_people, told, voted, write
from tests.verification.log.rows import add_lender, add_verification, order_all
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.insecure_glance import judged as glanced_attempt
from tests.verification.stories.story import lender, make_due
from verification import clock, transactions
from verification.core.events import ATTESTED, VOTED
from verification.course import actors
from verification.log import acts, log, signatures
from verification.log.acts import CODE, shown
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, AuditPending, Verification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of() -> Lender:
    return add_lender()


def entry_of(of: Lender, person: str) -> AuditEntry:
    """A vote of this person on record."""
    write([*at_people(), voted(person)], of=add_verification(of))
    return AuditEntry.objects.get(type=VOTED)


def refused_vote(of: Lender, person: str) -> bool:
    """Whether the log refuses a vote of this person, which web signed."""
    case = write(at_people(), of=add_verification(of))
    sequence = AuditEntry.objects.filter(verification=case).count() + 1
    kind, body = voted(person)
    with transactions.writing():
        log.append(
            log="test",
            type=kind,
            verification=case,
            body=body,
            verification_sequence=sequence,
            at=clock.now(),
        )
    order_all()
    return AuditPending.objects.filter(entry__type=VOTED, refused=True).exists()


def changed(person: str, **fields: Any) -> None:
    """The person on record anew."""
    row = User.objects.get(pk=person)
    for name, value in fields.items():
        setattr(row, name, value)
    with transactions.writing():
        row.save()
        register.keep(row)
    order_all()


def test_a_vote_of_a_reviewer_counts(of: Lender) -> None:
    assert signatures.unproven([entry_of(of, "usr_1")]) == {}
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"person": "usr_2"}, "no statement names this person"),
        ({"factor": "word"}, "this person's passkey did not sign it"),
        ({"factor": None}, "this person's passkey did not sign it"),
        ({"assertion": "text"}, "its assertion cannot be read"),
        ({"assertion": {}}, "its assertion cannot be read"),
        ({"assertion": {}, "shown": {}}, "the person had been shown something else"),
    ],
)
def test_an_act_that_is_not_the_persons_does_not_count(
    of: Lender, changes: dict[str, Any], fault: str
) -> None:
    vote = entry_of(of, "usr_1")
    vote.body |= changes
    assert signatures.unproven([vote]) == {vote.pk: fault}


@pytest.mark.parametrize("body", [[], "text", None, {"person": ["usr_1"]}])
def test_an_act_with_an_unreadable_body_does_not_count(of: Lender, body: Any) -> None:
    vote = entry_of(of, "usr_1")
    vote.body = body
    assert signatures.unproven([vote]) == {vote.pk: "no statement names this person"}


@pytest.mark.parametrize(
    "changes", [{"outcome": "failed"}, {"attempt": "att_9"}, {"outcome": None}]
)
def test_an_assertion_counts_for_what_was_shown_alone(of: Lender, changes: dict[str, str]) -> None:
    vote = entry_of(of, "usr_1")
    body = {name: said for name, said in vote.body.items() if name != "factor"}
    on_page = shown(VOTED, str(vote.verification_id), body, reason="r")
    vote.body = {**body, "assertion": {"id": "a"}, "shown": on_page}
    stranger = "the passkey that signed it is not this person's"
    assert signatures.unproven([vote]) == {vote.pk: stranger}
    vote.body |= changes
    assert signatures.unproven([vote]) == {vote.pk: "the person had been shown something else"}


def test_what_was_shown_of_an_attestation_has_its_fact_and_day() -> None:
    body = {"attempt": "att_1", "person": "usr_1", "what": "in_person_visit", "day": "2026-12-01"}
    assert shown(ATTESTED, "ver_1", body, comment="c") == {
        **body,
        "act": ATTESTED,
        "verification": "ver_1",
        "comment": "c",
    }


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"passkeys": [{"id": "a", "public_key": "b", "origin": "c"}]}]
)
def test_a_vote_after_the_role_ended_or_a_passkey_came_does_not_count(
    of: Lender, fields: dict[str, Any]
) -> None:
    registered.reviewer("usr_1", of)
    changed("usr_1", **fields)
    assert refused_vote(of, "usr_1")


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"passkeys": [{"id": "a", "public_key": "b", "origin": "c"}]}]
)
def test_a_vote_before_it_stays(of: Lender, fields: dict[str, Any]) -> None:
    vote = entry_of(of, "usr_1")
    changed("usr_1", **fields)
    assert signatures.unproven([vote]) == {}
    assert told() == []


def test_a_reviewer_of_another_lender_has_no_vote(of: Lender) -> None:
    registered.reviewer("usr_1", add_lender("180440012349"))
    assert refused_vote(of, "usr_1")


def test_in_the_live_log_a_code_does_not_count(of: Lender) -> None:
    vote = entry_of(of, "usr_1")
    statement = AuditEntry.objects.get(type="actor.person")
    for entry in (vote, statement):
        entry.log = "live"
    fault = acts.fault(signatures.course_entry(vote), str(vote.verification_id), _actor(statement))
    assert fault == "this person's passkey did not sign it"


def _actor(statement: AuditEntry) -> Any:
    actor, _ = actors.apply(None, signatures.course_entry(statement))
    return actor


@pytest.mark.forges
@pytest.mark.usefixtures("glances")
def test_votes_of_an_owned_web_pass_nothing_and_are_found_even_with_a_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty votes in the names of strangers, under the door key; then an owned tick orders them."""
    stories = [glanced("grey", of=lender(number=number * 20 + 1)) for number in range(25)]
    for story in stories:
        attempt = glanced_attempt(story).pk
        for person in ("usr_8", "usr_9"):
            body = {"attempt": attempt, "person": person, "outcome": "passed", "factor": CODE}
            owned_web.say(story.row(), VOTED, body)
    order_all()
    assert AuditPending.objects.filter(entry__type=VOTED, refused=True).count() == 50
    for story in stories:
        make_due(story)
        story.work()
    assert {story.row().status for story in stories} == {"in_review"}
    with monkeypatch.context() as patched:
        patched.setattr(signatures, "unproven", lambda entries: {})
        AuditPending.objects.update(refused=False)
        order_all()
    assert AuditLeaf.objects.filter(entry__type=VOTED).count() == 50
    found = [finding.entry for finding in verify_log("test") if finding.code == "vote_unsigned"]
    votes = AuditEntry.objects.filter(type=VOTED).values_list("pk", flat=True)
    assert sorted(map(str, found)) == sorted(votes)


@pytest.mark.forges
def test_attestations_of_an_owned_web_open_no_money_and_are_found_even_with_a_place(
    of: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty attestations of an age and of a visit, in the names of strangers and of reviewers."""
    registered.reviewer("usr_1", of)
    changed("usr_1", passkeys=[{"id": "a", "public_key": "b", "origin": "c"}])
    cases = [write(at_people(), of=add_verification(of)) for _ in range(50)]
    for number, case in enumerate(cases):
        entries = AuditEntry.objects.filter(verification=case).count()
        Verification.objects.filter(pk=case.pk).update(sequence=entries)
        forged = {"assertion": {"id": "a"}} if number % 2 else {"factor": CODE}
        body = {
            "attempt": "att_1",
            "person": ("usr_1", "usr_9")[number % 2],
            "what": ("age", "in_person_visit")[number % 2],
            "how": "register",
            "day": "2026-12-01",
            **forged,
        }
        owned_web.say(case, ATTESTED, body)
    order_all()
    forgeries = AuditEntry.objects.filter(type=ATTESTED)
    assert AuditPending.objects.filter(entry__in=forgeries, refused=True).count() == 50
    assert signatures.sound(forgeries) == []
    with monkeypatch.context() as patched:
        patched.setattr(signatures, "unproven", lambda entries: {})
        AuditPending.objects.update(refused=False)
        order_all()
    found = [finding.entry for finding in verify_log("test") if finding.code == "vote_unsigned"]
    assert sorted(map(str, found)) == sorted(forgeries.values_list("pk", flat=True))
