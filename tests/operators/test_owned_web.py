"""A web process that is an attacker's changes no actor of the live log.

It has the door key and reads all rows and entries. It writes statements past the pages, with every
approval that it can make or find. Then an owned tick orders them, and `audit_verify` names each.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from lenders.models import Lender
from people import register
from people.models import User
from tests import registered
from tests.operators.acting import confirm, draft_lender, draft_person, propose
from tests.operators.conftest import Acting, Appoint
from tests.people.keys import ORIGIN
from tests.verification.log.rows import order_all
from verification import transactions
from verification.core.certificates import actor_signature
from verification.core.events import API_KEY, LENDER, PERSON
from verification.core.ids import new_id
from verification.core.stored import to_base64url
from verification.engines import passkeys
from verification.fields import columns_of
from verification.log import actors, acts, approvals, log, signatures
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditPending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.forges]

Two = tuple[Acting, Acting]
Body = dict[str, Any]
THIEF = "tel:+77019999999"


def write(kind: str, body: Body) -> str:
    """One more statement in the live log, under the door key. Its id."""
    with transactions.writing():
        return log.append(log="live", type=kind, body=body).pk


def stated(actor: str) -> Any:
    return actors.read("live", [actor]).get(actor)


def of_lender(lender: Lender, **fields: Any) -> Body:
    """The next statement of a lender, with a stranger's telephone."""
    before = stated(lender.pk)
    return {
        "actor": lender.pk,
        "version": before.version + 1,
        "by": "",
        **before.fields,
        "phone": THIEF,
        **fields,
    }


def of_person(role: str = "operator", **fields: Any) -> Body:
    """The first statement of a stranger, with a passkey of the attacker's."""
    return {
        "actor": new_id("usr"),
        "version": 1,
        "by": "",
        "role": role,
        "lender": "",
        "status": "active",
        "known_as": "0" * 64,
        "factor": "",
        "passkeys": [],
        "invitation": "",
        "invited_until": "",
        **fields,
    }


def of_key(lender: Lender) -> Body:
    """The first statement of a live key."""
    return {
        "actor": new_id("key"),
        "version": 1,
        "by": "",
        "lender": lender.pk,
        "mode": "live",
        "sha256": "0" * 64,
        "shown": "tlg_live_0000",
        "scopes": ["verifications:write"],
        "cidrs": [],
        "expires_at": "2027-12-01T00:00:00.000000Z",
        "revoked_at": "",
    }


def seen_of(kind: str, body: Body, **changes: Any) -> Body:
    """What two operators would have had to see of this statement."""
    states = {name: body[name] for name in approvals._SEEN[kind]}
    return {
        "act": kind,
        "actor": body["actor"],
        "after": {"live": body["version"] - 1},
        "states": states,
        "reason": "0" * 64,
        **changes,
    }


def answer(device: Authenticator, seen: Body, part: str) -> Body:
    """The assertion of this device over what was shown."""
    challenge = approvals.challenge_of(seen, part)
    options = passkeys.request_options(origin=ORIGIN, challenge=challenge, known=())
    return passkeys.assertion_of(device.get(options, origin=ORIGIN))


def given(operator: Acting, seen: Body, part: str) -> Body:
    return {"person": operator.user.pk, "assertion": answer(operator.device, seen, part)}


def genuine(two: Two, seen: Body) -> Body:
    """What both operators gave for what they had seen."""
    first, second = two
    return {
        "shown": seen,
        "proposed": given(first, seen, "propose"),
        "confirmed": given(second, seen, "confirm"),
    }


def test_a_statement_that_two_operators_saw_counts(two: Two, lender: Lender) -> None:
    """The builder of these tests makes what the log accepts."""
    body = of_lender(lender)
    write(LENDER, {**body, "approval": genuine(two, seen_of(LENDER, body))})
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()
    assert stated(lender.pk).fields["phone"] == THIEF


def _approvals(two: Two, lender: Lender) -> Iterator[tuple[str, Callable[[Body], Any]]]:
    """Each approval that an owned web can make or find for a lender's statement."""
    first, second = two
    other = registered_device()

    def by(
        one: Acting, another: Acting, parts: tuple[str, str] = ("propose", "confirm"), **seen: Any
    ) -> Callable[[Body], Body]:
        def make(body: Body) -> Body:
            shown = seen_of(LENDER, body, **seen)
            return {
                "shown": shown,
                "proposed": given(one, shown, parts[0]),
                "confirmed": given(another, shown, parts[1]),
            }

        return make

    def changed(**later: Any) -> Callable[[Body], Body]:
        return lambda body: genuine(two, seen_of(LENDER, body)) | later

    yield "two operators or the root", lambda body: None
    yield "two operators or the root", lambda body: "text"
    yield "shown something else", lambda body: {}
    yield "one operator approved it twice", by(first, first)
    yield "passkey_challenge", by(first, second, ("confirm", "propose"))
    yield "passkey_challenge", by(first, second, ("propose", "propose"))
    yield "shown something else", by(first, second, actor="len_other")
    yield "shown something else", by(first, second, act=PERSON)
    yield "shown something else", by(first, second, after={"live": 0})
    yield "shown something else", by(first, second, after={"test": 1})
    yield "shown something else", by(first, second, after=None)
    yield "shown something else", by(first, second, states={})
    yield "not confirmed", changed(confirmed={})
    yield "not confirmed", changed(confirmed="text")
    yield "not confirmed", changed(confirmed={"person": second.user.pk})
    yield "not confirmed", changed(confirmed={"person": second.user.pk, "factor": "code"})
    yield "not proposed", changed(proposed={"person": "usr_0", "assertion": {}})
    stranger = Acting(User(pk="usr_0"), first.client, other)
    yield "no statement names", by(stranger, second)
    impostor = Acting(second.user, second.client, other)
    yield "not this person's", by(first, impostor)
    yield (
        "passkey_challenge",
        lambda body: by(first, second)(body) | {"shown": seen_of(LENDER, body, reason="1" * 64)},
    )
    yield "root did not sign", lambda body: {"root": ""}
    yield "root did not sign", lambda body: {"root": None}
    yield "root did not sign", lambda body: {"root": actor_signature(b"\1" * 32, body)}
    yield "no statement names", lambda body: {"own": {"code": "A" * 22}}
    yield "no statement names", lambda body: {"own": "text"}


def registered_device() -> Authenticator:
    """A device with a passkey at our origin that stands on no record."""
    device = Authenticator()
    options = passkeys.creation_options(
        origin=ORIGIN, person="usr_0", shown_as="x", challenge=b"0" * 32, known=()
    )
    device.create(options, origin=ORIGIN)
    return device


def order_past_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """An owned tick gives each refused statement a place."""
    with monkeypatch.context() as patched:
        patched.setattr(signatures, "unproven", lambda entries: {})
        AuditPending.objects.update(refused=False)
        order_all("live")


def unapproved() -> set[str]:
    return {str(one.entry) for one in verify_log("live") if one.code == "actor_unapproved"}


@pytest.fixture
def second(lender: Lender) -> Lender:
    """Another lender on record."""
    return registered.lender(name="Басқа LLP", bin="180440012350", phone="+77270000045")


def test_no_telephone_is_changed(
    second: Lender, two: Two, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty-four statements: each approval of the list, for two lenders."""
    proposal = draft_lender(two[0], lender, name="Жаңа LLP")
    propose(two[0], proposal)
    confirm(two[1], proposal)
    old = AuditEntry.objects.filter(log="live", type=LENDER, body__has_key="approval").latest("at")
    tried = dict[str, str]()
    for row in (lender, second):
        for fault, approval in _approvals(two, row):
            body = of_lender(row)
            tried[write(LENDER, {**body, "approval": approval(body)})] = fault
        body = of_lender(row)
        # A genuine approval of an earlier change, and one of another field.
        tried[write(LENDER, {**body, "approval": old.body["approval"]})] = "shown something else"
        body = of_lender(row, phone="tel:+77270000044", return_urls=["https://thief.example"])
        seen = seen_of(LENDER, {**body, "return_urls": []})
        tried[write(LENDER, {**body, "approval": genuine(two, seen)})] = "shown something else"
    faults = signatures.unproven(AuditEntry.objects.filter(pk__in=tried))
    assert faults.keys() == tried.keys()
    assert [(fault, faults[pk]) for pk, fault in tried.items() if fault not in faults[pk]] == []
    order_all("live")
    assert AuditPending.objects.filter(refused=True).count() == len(tried)
    assert len(tried) == 54
    assert stated(lender.pk).fields["phone"] == "tel:+77270000044"
    order_past_the_rule(monkeypatch)
    assert unapproved() == tried.keys()
    assert stated(lender.pk).fields["phone"] == "tel:+77270000044"


def test_nobody_is_appointed(two: Two, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty people in four roles, and the appointed ones appoint others."""
    device = registered_device()
    (name,) = device.passkeys
    point = to_base64url(b"\0" * 70)
    key = {"id": name, "public_key": point, "origin": ORIGIN}
    tried = list[str]()
    stranger = ""
    for number in range(50):
        role = ("operator", "reviewer", "regulator", "operator")[number % 4]
        body = of_person(role, lender=lender.pk if role == "reviewer" else "", passkeys=[key])
        approval: Any = None
        if stranger:
            seen = seen_of(PERSON, body)
            by_stranger = {"person": stranger, "assertion": answer(device, seen, "propose")}
            by_other = {"person": stranger, "assertion": answer(device, seen, "confirm")}
            approval = {"shown": seen, "proposed": by_stranger, "confirmed": by_other}
        tried.append(write(PERSON, {**body, "approval": approval}))
        stranger = body["actor"]
    order_all("live")
    assert AuditPending.objects.filter(refused=True).count() == 50
    order_past_the_rule(monkeypatch)
    assert unapproved() == {*tried}
    names = [entry.body["actor"] for entry in AuditEntry.objects.filter(pk__in=tried)]
    assert actors.read("live", names) == {}


def test_no_passkey_is_put_under_a_person(
    two: Two, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's statement with one more passkey, and the pending invitation of another."""
    first, _ = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="operator")
    propose(first, address)
    confirm(two[1], address)
    new = User.objects.get(email="new@example.kz")
    key = {"id": "AAAA", "public_key": "AAAA", "origin": ORIGIN}
    tried = list[str]()
    for user in (first.user, new):
        before = stated(user.pk)
        approvals_made: tuple[Any, ...] = (
            None,
            {"own": {}},
            {"own": {"code": ""}},
            {"own": {"code": before.fields["invitation"]}},
            {"own": {"assertion": {}, "shown": {}}},
            {"own": {"code": 1}},
        )
        for approval in approvals_made:
            body = {"actor": user.pk, "version": before.version + 1, "by": user.pk}
            body |= {**before.fields, "passkeys": [*before.fields["passkeys"], key]}
            tried.append(write(PERSON, {**body, "approval": approval}))
    order_all("live")
    assert AuditPending.objects.filter(refused=True).count() == len(tried)
    assert len(stated(first.user.pk).fields["passkeys"]) == 1
    order_past_the_rule(monkeypatch)
    assert unapproved() == {*tried}


def test_a_person_changes_their_passkeys_alone(two: Two) -> None:
    """A person's word over their passkeys does not change their role, status or name."""
    first, _ = two
    before = stated(first.user.pk)
    for changes in ({"status": "closed"}, {"known_as": "1" * 64}, {"factor": "2" * 64}):
        body = {"actor": first.user.pk, "version": before.version + 1, "by": first.user.pk}
        body |= {**before.fields, **changes}
        states = {"passkeys": body["passkeys"]}
        seen = {"act": PERSON, "actor": first.user.pk, "after": {"live": before.version}}
        seen["states"] = states
        challenge = acts.challenge_of(seen)
        options = passkeys.request_options(origin=ORIGIN, challenge=challenge, known=())
        assertion = passkeys.assertion_of(first.device.get(options, origin=ORIGIN))
        entry = AuditEntry.objects.get(
            pk=write(PERSON, {**body, "approval": {"own": {"shown": seen, "assertion": assertion}}})
        )
        assert "alone" in signatures.unproven([entry])[entry.pk]


def test_no_live_key_is_made(two: Two, lender: Lender) -> None:
    body = of_key(lender)
    pk = write(API_KEY, body)
    assert "two operators" in signatures.unproven([AuditEntry.objects.get(pk=pk)])[pk]
    assert stated(body["actor"]) is None
    order_all("live")
    assert AuditPending.objects.filter(refused=True).count() == 1


def test_a_key_ends_without_two_but_does_not_live_longer(two: Two, lender: Lender) -> None:
    body = of_key(lender)
    write(API_KEY, {**body, "approval": genuine(two, seen_of(API_KEY, body))})
    changed: tuple[tuple[Body, bool], ...] = (
        ({"expires_at": "2028-12-01T00:00:00.000000Z"}, False),
        ({"scopes": [], "revoked_at": "2026-12-01T00:00:00.000000Z"}, False),
        ({"expires_at": "2026-12-05T00:00:00.000000Z"}, True),
        ({"revoked_at": "2026-12-01T00:00:00.000000Z"}, True),
    )
    for changes, counts in changed:
        before = stated(body["actor"])
        statement = {"actor": body["actor"], "version": before.version + 1, "by": ""}
        pk = write(API_KEY, {**statement, **before.fields, **changes})
        faults = signatures.unproven([AuditEntry.objects.get(pk=pk)])
        assert (pk not in faults) is counts, changes


def test_an_operator_whose_role_ended_approves_nothing_more(
    two: Two, appoint: Appoint, lender: Lender, settings: Settings
) -> None:
    first, second = two
    settings.TULGA_MODES_LIVE = False
    second.user.refresh_from_db()
    second.user.is_active = False
    with transactions.writing():
        second.user.save()
        register.keep(second.user)
    settings.TULGA_MODES_LIVE = True
    registered.everybody("live")
    order_all("live")
    body = of_lender(lender)
    pk = write(LENDER, {**body, "approval": genuine(two, seen_of(LENDER, body))})
    fault = signatures.unproven([AuditEntry.objects.get(pk=pk)])[pk]
    assert fault == "not confirmed: no statement names this person"
    assert columns_of(lender)["phone"] == "+77270000044"
    assert first.user.is_active


@pytest.mark.parametrize(
    "body", [[], "text", None, {"actor": 1}, {"approval": {"shown": [], "proposed": 1}}]
)
def test_an_unreadable_statement_does_not_count(two: Two, lender: Lender, body: Any) -> None:
    entry = AuditEntry.objects.filter(log="live", type=LENDER).latest("at")
    entry.pk, entry.body = new_id("evt"), body
    assert entry.pk in signatures.unproven([entry])


def test_a_reviewer_is_no_operator(two: Two, lender: Lender, appoint: Appoint) -> None:
    address = draft_person(
        two[0], email="rev@example.kz", full_name="R", role="reviewer", lender=lender.pk
    )
    assert json.dumps(propose(two[0], address).context["code"])
    assert confirm(two[1], address).status_code == 200
    reviewer = User.objects.get(email="rev@example.kz")
    body = of_lender(lender)
    seen = seen_of(LENDER, body)
    approval = genuine(two, seen) | {"confirmed": {"person": reviewer.pk, "assertion": {}}}
    pk = write(LENDER, {**body, "approval": approval})
    fault = signatures.unproven([AuditEntry.objects.get(pk=pk)])[pk]
    assert fault == "not confirmed: this person was no operator then"
