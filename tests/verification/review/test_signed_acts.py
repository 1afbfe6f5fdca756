"""Votes and attestations that a person's passkey signs: what is taken, what is refused, what is on
record.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from lenders.models import Lender
from people import register
from tests import registered
from tests.people import keys
from tests.people.keys import ORIGIN
from tests.statements import statements
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.attesting_story import LAW, cleared, verified
from tests.verification.stories.insecure_glance import entries, glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import OTHER_IIN, Story
from verification import clock, transactions
from verification.access import passkeys as door
from verification.case import contents
from verification.case.votes import Reviewer
from verification.core import profiles
from verification.core.errors import Conflict, Refused
from verification.evidence import store
from verification.log import acts, signatures
from verification.models import EvidenceItem, ReviewVote
from verification.review import signing, voting
from verification.review.attesting import Attestation, attest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]
FAIL = {"word": "fail", "reason": "the ears are another man's"}
COMMENT = "read the contract here and signed it again"


@pytest.fixture(autouse=True)
def _at_localhost(settings: Settings) -> None:
    settings.TULGA_PUBLIC_URL = ORIGIN


class Person:
    """A reviewer at the desk, with a passkey on a device of their own."""

    def __init__(self, of: Lender, number: int = 1, *, counts: bool = True) -> None:
        self.device = Authenticator(counts=counts)
        self.client: Client = desk.at_desk(of, number)
        assert keys.enrol(self.client, self.device).status_code == 302
        self.row = desk.who(of, number)

    def signed(self, story: Story, **changes: str) -> str:
        """Their answer to the challenge of a vote."""
        return keys.act(self.client, address(story), self.device, desk.GOOD | changes)

    def votes(self, story: Story, passkey: str = "", **changes: str) -> Any:
        """The answer to their vote; by default their passkey signs it."""
        signed = passkey or self.signed(story, **changes)
        return desk.vote(self.client, story, passkey=signed, **changes)


def address(story: Story) -> str:
    return desk.address("vote", story)


@pytest.fixture
def story() -> Story:
    return glanced("clear", "grey", profile="KZ-2021-04")


@pytest.fixture
def person(story: Story) -> Person:
    return Person(story.lender)


def refusal(answer: Any) -> str:
    assert answer.status_code == 409
    assert answer.context["sentence"] != answer.context["code"]
    return str(answer.context["code"])


def nothing_was_written(story: Story) -> bool:
    kept = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="review.")
    return not (entries(story, "review.voted") or ReviewVote.objects.exists() or kept.exists())


# Taken


@pytest.mark.parametrize("counts", [True, False])
def test_two_votes_by_passkeys_verify_and_the_log_proves_each(story: Story, counts: bool) -> None:
    first, second = (Person(story.lender, number, counts=counts) for number in (1, 2))
    for voter in (first, second):
        assert voter.votes(story).status_code == 302
    story.work()
    assert story.row().status == "verified"
    cast = entries(story, "review.voted")
    assert [vote.body["person"] for vote in cast] == [first.row.pk, second.row.pk]
    assert signatures.unproven(cast) == {}
    for voter, vote in zip((first, second), cast, strict=True):
        assert "factor" not in vote.body
        assert vote.body["assertion"]["id"] in voter.device.passkeys


def test_what_was_shown_names_attempt_judgement_pictures_choice_and_reason(
    story: Story, person: Person
) -> None:
    person.votes(story)
    (vote,) = entries(story, "review.voted")
    key, shown = contents.key_of(story.row()), vote.body["shown"]
    sealed = {
        item.kind: store.opening(key, item).plain
        for item in EvidenceItem.objects.filter(attempt=vote.body["attempt"])
    }
    photos = EvidenceItem.objects.filter(attempt=vote.body["attempt"], kind__startswith="nod.")
    ids = dict(photos.values_list("kind", "pk"))
    assert shown == {
        "act": "review.voted",
        "verification": story.id,
        "attempt": vote.body["attempt"],
        "person": person.row.pk,
        "outcome": "passed",
        "judged": entries(story, "attempt.judged")[-1].pk,
        "pictures": [ids["nod.photo"], ids["nod.frame.0"]],
        "reason": signing.mark(desk.GOOD["reason"], sealed["review.salt.1"]),
    }
    assert sealed["review.reason.1"].decode() == desk.GOOD["reason"]
    assert len(sealed["review.salt.1"]) == signing.SALT_BYTES


def test_a_fail_by_passkey_refuses_at_once(story: Story, person: Person) -> None:
    assert person.votes(story, **FAIL).status_code == 302
    story.work()
    assert story.row().status == "declined"


def test_a_vote_that_would_be_refused_gets_no_challenge(story: Story, person: Person) -> None:
    challenge = f"{address(story)}/challenge"
    assert person.client.post(challenge, {"word": "pass"}).status_code == 422
    person.votes(story)
    assert person.client.post(challenge, desk.GOOD).json() == {"code": "already_voted"}
    assert "passkey_challenges" in person.client.session
    assert person.client.session["passkey_challenges"] == {}


def test_a_vote_costs_three_statements_more_at_most(story: Story) -> None:
    reason = desk.GOOD["reason"]

    def cost(case: Story, voter: str, signed: signing.Signed | None = None) -> list[str]:
        reviewer = Reviewer(voter, story.lender.pk)
        vote: dict[str, Any] = {
            "verification_id": case.id,
            "reviewer": reviewer,
            "passes": True,
            "reason": reason,
        }
        with statements() as sent:
            voting.vote(**vote, signed=signed)
        return sent

    registered.reviewer("usr_code", story.lender)
    by_code = cost(story, "usr_code")
    # Two more than without people on record: the person's locked row, and their statement.
    assert len([text for text in by_code if 'FROM "people_user"' in text]) == 1
    assert len([text for text in by_code if "actor.person" in text]) == 1
    # And one for the counter.
    other = glanced("clear", "grey", of=story.lender, reference="A-2", iin=OTHER_IIN)
    person, salt = Person(story.lender), signing.fresh_salt()
    reviewer = Reviewer(person.row.pk, story.lender.pk)
    shown = voting.to_be_signed(
        verification_id=other.id, reviewer=reviewer, passes=True, reason=reason, salt=salt
    )
    answer = person.device.get(door.request_options(acts.challenge_of(shown)), origin=ORIGIN)
    signed = signing.Signed(answer, salt, tuple(shown["pictures"]))
    assert len(cost(other, person.row.pk, signed)) <= len(by_code) + 1


# Refused


def test_a_vote_without_the_passkey_of_who_has_one_is_refused(story: Story, person: Person) -> None:
    assert refusal(desk.vote(person.client, story)) == "passkey_missing"
    assert nothing_was_written(story)


def test_in_a_live_case_a_code_is_not_enough(story: Story, settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = True
    registered.reviewer("usr_code", story.lender)
    row, reviewer = story.row(), Reviewer("usr_code", story.lender.pk)
    row.mode = "live"
    with transactions.writing(), pytest.raises(Refused) as refused:
        signing.proof(row, "review.voted", {}, reviewer=reviewer, signed=None, more={})
    assert refused.value.code == "passkey_missing"


@pytest.mark.parametrize("change", [{"word": "fail"}, {"reason": "the ears are not the same"}])
def test_an_answer_to_one_vote_serves_no_other(
    story: Story, person: Person, change: dict[str, str]
) -> None:
    signed = person.signed(story)
    assert refusal(person.votes(story, signed, **change)) == "passkey_challenge"
    assert nothing_was_written(story)


def test_an_answer_serves_no_other_case_and_no_other_challenge(
    story: Story, person: Person
) -> None:
    other = glanced("clear", "grey", of=story.lender, reference="A-2", iin=OTHER_IIN)
    signed = person.signed(story)
    assert refusal(person.votes(other, signed)) == "passkey_challenge"
    person.signed(other)
    assert refusal(person.votes(other, signed)) == "passkey_challenge"
    person.signed(story)
    assert refusal(person.votes(story, signed)) == "passkey_challenge"
    assert nothing_was_written(story)
    assert nothing_was_written(other)


def test_an_answer_is_taken_once_within_five_minutes(
    story: Story, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed, now = person.signed(story), clock.now()
    wait = timedelta(seconds=door.CHALLENGE_SECONDS + 1)
    with monkeypatch.context() as later:
        later.setattr("verification.clock.now", lambda: now + wait)
        assert refusal(person.votes(story, signed)) == "passkey_challenge"
    assert refusal(person.votes(story, signed)) == "passkey_challenge"
    signed = person.signed(story)
    assert person.votes(story, signed).status_code == 302
    assert refusal(person.votes(story, signed)) in ("passkey_challenge", "already_voted")
    assert len(entries(story, "review.voted")) == 1


def test_one_person_votes_once_with_both_of_their_passkeys(story: Story, person: Person) -> None:
    spare = Authenticator()
    keys.enrol(person.client, spare)
    person.votes(story)
    challenge = person.client.post(f"{address(story)}/challenge", desk.GOOD)
    assert challenge.json() == {"code": "already_voted"}
    salt = signing.fresh_salt()
    answer = spare.get(door.request_options(bytes(32)), origin=ORIGIN)
    with pytest.raises(Conflict) as refused:
        voting.vote(
            verification_id=story.id,
            reviewer=Reviewer(person.row.pk, story.lender.pk),
            passes=True,
            reason=desk.GOOD["reason"],
            signed=signing.Signed(answer, salt),
        )
    assert refused.value.code == "already_voted"


Defect = Callable[[Person, dict[str, Any]], dict[str, Any]]


def _by(person: Person, options: dict[str, Any], *, origin: str = ORIGIN) -> dict[str, Any]:
    return person.device.get(options, origin=origin)


def _elsewhere(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    return _by(person, options, origin="https://evil.example")


def _foreign(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    for held in person.device.passkeys.values():
        held.relying_party = "evil.example"
    return _by(person, options | {"rpId": "evil.example"})


def _turned_back(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    for held in person.device.passkeys.values():
        held.counter = 0
    return _by(person, options)


def _unverified(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    person.device.verifies = False
    return _by(person, options)


def _of_another(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    another = Person(person.row.lender, 2)
    return _by(another, options | {"allowCredentials": []})


def _unsigned(person: Person, options: dict[str, Any]) -> dict[str, Any]:
    answer = _by(person, options)
    answer["response"]["signature"] = "MEQCIA"
    return answer


@pytest.mark.parametrize(
    ("code", "defect"),
    [
        ("passkey_challenge", lambda p, o: _by(p, o | {"challenge": "AAAA"})),
        ("passkey_origin", _elsewhere),
        ("passkey_relying_party", _foreign),
        ("passkey_counter", _turned_back),
        ("passkey_user_unverified", _unverified),
        ("passkey_unknown", _of_another),
        ("passkey_signature", _unsigned),
        ("passkey_malformed", lambda p, o: {"id": "AAAA"}),
    ],
)
def test_each_defect_of_an_answer_refuses_the_vote_by_its_code(
    story: Story, person: Person, code: str, defect: Defect
) -> None:
    options = person.client.post(f"{address(story)}/challenge", desk.GOOD).json()
    before = desk.who(story.lender).passkey_counters
    answer = json.dumps(defect(person, options))
    assert refusal(person.votes(story, answer)) == code
    assert nothing_was_written(story)
    assert desk.who(story.lender).passkey_counters == before


def test_who_is_no_reviewer_any_more_votes_no_more(story: Story, person: Person) -> None:
    salt = signing.fresh_salt()
    voter = Reviewer(person.row.pk, story.lender.pk)
    reason = desk.GOOD["reason"]
    act: dict[str, Any] = {
        "verification_id": story.id,
        "reviewer": voter,
        "passes": True,
        "reason": reason,
    }
    shown = voting.to_be_signed(**act, salt=salt)
    answer = person.device.get(door.request_options(acts.challenge_of(shown)), origin=ORIGIN)
    with transactions.writing():
        closed = register.lock(person.row)
        closed.is_active = False
        closed.save()
        register.keep(closed)
    with pytest.raises(Refused) as refused:
        voting.vote(**act, signed=signing.Signed(answer, salt, tuple(shown["pictures"])))
    assert refused.value.code == "not_a_reviewer"
    assert person.votes(story, "{}").status_code == 302  # to the sign-in: the session has ended
    assert nothing_was_written(story)


def test_a_lost_key_ends_and_the_votes_it_signed_stand(story: Story, person: Person) -> None:
    person.votes(story)
    call_command("add_person", person.row.email, renew=True, stdout=StringIO(), stderr=StringIO())
    assert get_user_model().objects.get(pk=person.row.pk).passkeys == []
    cast = entries(story, "review.voted")
    assert signatures.unproven(cast) == {}
    assert Person(story.lender, 2).votes(story).status_code == 302
    story.work()
    assert story.row().status == "verified"


def test_a_page_asks_the_passkey_of_who_has_one(story: Story, person: Person) -> None:
    page = person.client.get(desk.address("case", story)).content.decode()
    assert f'data-passkey="{address(story)}/challenge"' in page
    page = desk.at_desk(story.lender, 2).get(desk.address("case", story)).content.decode()
    assert "data-passkey" not in page


# Attestations


@pytest.fixture
def to_attest(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A verified case whose clearance lacks attestations."""
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)
    of = rows.lender()
    story = verified(of)
    cleared(story)
    return story


def _attestation(kind: str) -> dict[str, str]:
    fields = {"comment": COMMENT}
    if kind == "age_confirmation":
        fields["how"] = "in_person"
    else:
        fields |= {"day": str(clock.now().date()), "place": "Алматы, Абай 10"}
    return {f"{kind}-{name}": value for name, value in fields.items()}


def _at(story: Story, kind: str) -> str:
    return reverse("review:attest", kwargs={"verification_id": story.id, "kind": kind})


@pytest.mark.parametrize("kind", ["age_confirmation", "in_person_visit"])
def test_an_attestation_by_passkey_is_on_record_with_its_proof(to_attest: Story, kind: str) -> None:
    person = Person(to_attest.lender)
    fields = _attestation(kind)
    signed = keys.act(person.client, _at(to_attest, kind), person.device, fields)
    answer = person.client.post(_at(to_attest, kind), fields | {"passkey": signed})
    assert answer.status_code == 302
    (made,) = entries(to_attest, "attestation.made")
    assert signatures.unproven([made]) == {}
    key, shown = contents.key_of(to_attest.row()), made.body["shown"]
    sealed = {
        item.kind: store.opening(key, item).plain
        for item in EvidenceItem.objects.filter(attempt=made.body["attempt"])
        if item.kind.startswith("attestation.")
    }
    salt = sealed.pop("attestation.salt.1")
    marks = {kind.split(".")[1]: signing.mark(text.decode(), salt) for kind, text in sealed.items()}
    assert {name: shown[name] for name in marks} == marks
    assert shown["what"] == kind
    assert shown.get("day") == made.body.get("day")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"age_confirmation-how": "egov"}, "passkey_challenge"),
        ({"age_confirmation-comment": "said so on the telephone"}, "passkey_challenge"),
        ({"passkey": ""}, "passkey_missing"),
        ({"passkey": "{"}, "passkey_malformed"),
    ],
)
def test_an_attestation_that_was_not_signed_like_this_is_refused(
    to_attest: Story, change: dict[str, str], code: str
) -> None:
    kind, person = "age_confirmation", Person(to_attest.lender)
    fields = _attestation(kind)
    signed = keys.act(person.client, _at(to_attest, kind), person.device, fields)
    answer = person.client.post(_at(to_attest, kind), fields | {"passkey": signed} | change)
    assert refusal(answer) == code
    assert entries(to_attest, "attestation.made") == []


def test_a_vote_signs_no_attestation_and_one_kind_not_the_other(to_attest: Story) -> None:
    person = Person(to_attest.lender)
    age, visit = "age_confirmation", "in_person_visit"
    signed = keys.act(person.client, _at(to_attest, age), person.device, _attestation(age))
    answer = person.client.post(_at(to_attest, visit), _attestation(visit) | {"passkey": signed})
    assert refusal(answer) == "passkey_challenge"
    word = Attestation(what=age, how="in_person", comment=COMMENT)
    reviewer = Reviewer(person.row.pk, to_attest.lender.pk)
    signed_by = signing.Signed(json.loads(signed), signing.fresh_salt())
    with pytest.raises(Refused) as refused:
        attest(verification_id=to_attest.id, reviewer=reviewer, word=word, signed=signed_by)
    assert refused.value.code == "passkey_challenge"


def test_an_attestation_that_would_be_refused_gets_no_challenge(to_attest: Story) -> None:
    kind, person = "age_confirmation", Person(to_attest.lender)
    challenge = f"{_at(to_attest, kind)}/challenge"
    assert person.client.post(challenge, {}).status_code == 422
    assert person.client.post(_at(to_attest, "other") + "/challenge", {}).status_code == 404
    visit = "in_person_visit"
    late = _attestation(visit) | {f"{visit}-day": "2020-01-01"}
    answer = person.client.post(f"{_at(to_attest, visit)}/challenge", late)
    assert answer.json() == {"code": "attestation_malformed"}
