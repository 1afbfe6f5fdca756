"""Attacks on the approvals of operators, on invitations and on the admin, each with its end."""

import base64
import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from lenders.models import Lender
from operators.models import Proposal
from people import register
from people.models import User
from tests import registered
from tests.operators.acting import (
    REASON,
    code_in,
    confirm,
    draft_change,
    draft_lender,
    draft_person,
    propose,
    signed,
)
from tests.operators.conftest import Acting
from tests.operators.test_owned_web import (
    THIEF,
    genuine,
    of_lender,
    of_person,
    seen_of,
    stated,
    write,
)
from tests.operators.test_proposals import PHONE, accept, refusal
from tests.people.keys import ORIGIN
from tests.verification.log.rows import order_all
from verification import transactions
from verification.core.events import ENDPOINT, LENDER, PERSON
from verification.core.ids import secret_digest
from verification.course.actors import fields_of
from verification.log import actors, signatures
from verification.log.log import append
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.forges]

Two = tuple[Acting, Acting]


def close(person: User, settings: Settings) -> None:
    """Ends a person's role in both logs, by the root."""
    settings.TULGA_MODES_LIVE = False
    person.refresh_from_db()
    person.is_active = False
    with transactions.writing():
        person.save()
        register.keep(person)
    settings.TULGA_MODES_LIVE = True
    registered.everybody("live")
    order_all("live")


def fault_of(pk: str) -> str:
    return signatures.unproven([AuditEntry.objects.get(pk=pk)]).get(pk, "")


# Order


@pytest.mark.parametrize("version", [1, 2, 0, -1])
def test_a_statement_of_an_old_version_does_not_delay_the_end_of_a_role(
    two: Two, lender: Lender, settings: Settings, version: int
) -> None:
    """An owned web has the passkey of a closed operator, and repeats an early version of theirs."""
    _, second = two
    before = stated(second.user.pk)
    close(second.user, settings)
    body = of_lender(lender)
    pk = write(LENDER, {**body, "approval": genuine(two, seen_of(LENDER, body))})
    repeated = {"actor": second.user.pk, "version": version, "by": "", **before.fields}
    write(PERSON, {**repeated, "known_as": "1" * 64})
    assert fault_of(pk) == "not confirmed: no statement names this person"
    order_all("live")
    assert stated(lender.pk).fields["phone"] != THIEF


def test_a_statement_of_an_old_version_does_not_void_an_approval(two: Two, lender: Lender) -> None:
    """Otherwise an owned web could undo what operators did long ago."""
    address = draft_lender(two[0], lender, phone=PHONE)
    propose(two[0], address)
    confirm(two[1], address)
    order_all("live")
    for person in two:
        before = stated(person.user.pk)
        for version in (-1, 0, 1, 2):
            body = {"actor": person.user.pk, "version": version, "by": "", **before.fields}
            write(PERSON, {**body, "status": "closed"})
    signatures._approved.clear()
    assert stated(lender.pk).fields["phone"] == f"tel:{PHONE}"
    order_all("live")
    signatures._approved.clear()
    assert stated(lender.pk).fields["phone"] == f"tel:{PHONE}"


def test_an_endpoint_does_not_take_the_id_of_a_person(two: Two, lender: Lender) -> None:
    """An owned web reads the id in a proposal, and states an endpoint of it before it is confirmed.

    No log asks for an approval of an endpoint.
    """
    first, second = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="regulator")
    code, taken = code_in(propose(first, address)), Proposal.objects.get().actor
    row = dict.fromkeys(fields_of(ENDPOINT), "") | {"lender": lender.pk, "mode": "live"}
    for log in ("test", "live"):
        with transactions.writing():
            append(log=log, type=ENDPOINT, body={"actor": taken, "version": 1, "by": "", **row})
    assert confirm(second, address).status_code == 200
    page, _ = accept(code)
    assert page.status_code == 302
    order_all("live")
    assert stated(taken).type == PERSON
    assert [finding.detail for finding in verify_actors()] == [
        f"{taken}: its actor is of another kind"
    ] * 2


def test_of_two_statements_of_one_version_the_first_counts(two: Two, lender: Lender) -> None:
    """Neither has a place. Their ids are in the other order."""
    before, entry = stated(lender.pk), AuditEntry.objects.filter(log="live", type=LENDER).get()
    body = {"actor": lender.pk, "version": before.version + 1, "by": "", **before.fields}
    early, late = (
        AuditEntry(
            pk=f"evt_{number}",
            log="test",
            type=LENDER,
            at=entry.at + timedelta(seconds=number),
            body={**body, "phone": f"tel:+7701000000{number}"},
        )
        for number in (1, 2)
    )
    early.pk, late.pk = late.pk, early.pk
    for entries in ([entry, early, late], [late, early, entry]):
        assert actors.fold(entries)[lender.pk].fields["phone"] == "tel:+77010000001"


# SQL by the application's role


def test_an_invitation_put_into_a_draft_is_not_proposed(two: Two) -> None:
    """The attacker knows the code whose hash they write; the operator only sees a hash."""
    first, second = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="operator")
    changes = Proposal.objects.get().changes
    changes["invitation"] = secret_digest("A" * 22).hex()
    Proposal.objects.update(changes=changes)
    assert refusal(propose(first, address)) == "proposal_changed"
    second.client.post(address, signed(second, address, act="confirm"))
    page, _ = accept("A" * 22)
    assert page.status_code == 422
    assert not User.objects.filter(email="new@example.kz").exists()


@pytest.mark.parametrize("sealed", [b"", b"1" * 40])
def test_an_invitation_without_its_code_is_not_proposed(two: Two, sealed: bytes) -> None:
    first, _ = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="operator")
    changes = Proposal.objects.get().changes
    changes["invitation"] = secret_digest("A" * 22).hex()
    Proposal.objects.update(changes=changes, sealed_code=sealed)
    assert refusal(propose(first, address)) == "proposal_changed"


def swap(phone: str) -> None:
    proposal = Proposal.objects.get()
    Proposal.objects.update(changes=proposal.changes | {"phone": phone})


def page_fields(operator: Acting, address: str) -> dict[str, str]:
    """The hidden fields of the page's first form with an act, as its browser posts them."""
    content = operator.client.get(address).content.decode()
    form = next(part for part in content.split("<form")[1:] if 'name="passkey"' in part)
    inputs = re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"', form)
    return {name: value for name, value in inputs if "csrf" not in name}


def test_what_is_signed_is_what_the_page_had_shown(two: Two, lender: Lender) -> None:
    """SQL changes a proposal after the page and before the challenge, and puts it back after."""
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    fields = page_fields(first, address) | {"reason": REASON}
    swap("+77010000001")
    first.client.post(address, signed(first, address, **fields))
    swap(PHONE)
    fields = page_fields(second, address) if Proposal.objects.get().proposed else {}
    swap("+77010000001")
    second.client.post(address, signed(second, address, **(fields or {"act": "confirm"})))
    lender.refresh_from_db()
    assert lender.phone == "+77270000044"


def test_who_confirms_signs_what_the_page_had_shown(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone="+77010000001")
    propose(first, address)
    swap(PHONE)
    fields = page_fields(second, address)
    swap("+77010000001")
    page = second.client.post(address, signed(second, address, **fields))
    assert refusal(page) == "proposal_changed"
    lender.refresh_from_db()
    assert lender.phone == "+77270000044"


@pytest.mark.parametrize(
    "added",
    [
        {"passkeys": [{"id": "AAAA", "public_key": "AAAA", "origin": ORIGIN}]},
        {"id": "usr_other"},
        {"salt": "AAAA"},
        {"email": "thief@example.kz"},
        {"role": "operator", "lender": None},
        {"invited_until": "2099-01-01T00:00:00Z"},
    ],
)
def test_a_value_added_by_sql_is_not_confirmed(
    two: Two, lender: Lender, added: dict[str, Any]
) -> None:
    first, second = two
    address = draft_person(
        first, email="new@example.kz", full_name="New", role="reviewer", lender=lender.pk
    )
    propose(first, address)
    Proposal.objects.update(changes=Proposal.objects.get().changes | added)
    page = second.client.post(address, signed(second, address, act="confirm"))
    assert refusal(page) in ("proposal_changed", "approval_invalid")
    assert not User.objects.filter(full_name="New").exists()


@pytest.mark.parametrize(
    "changes", [{"phone2": 1}, {"invited_until": "x"}, [], "text", None, {"phone": None}, {"id": 1}]
)
def test_an_unreadable_proposal_is_refused_with_a_code(
    two: Two, lender: Lender, changes: Any
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    Proposal.objects.update(changes=changes if changes is not None else 0)
    assert second.client.get("/admin/proposals/").status_code == 200
    page = second.client.post(address, signed(second, address, act="confirm"))
    assert page.status_code == 422


# Unreadable values


def test_an_invitation_of_other_letters_does_not_stop_the_log(two: Two) -> None:
    """An owned web has operators approve a hash that is none, then sends a code."""
    body = of_person("regulator", invitation="é" * 64, invited_until="2099-01-01T00:00:00.000000Z")
    write(PERSON, {**body, "approval": genuine(two, seen_of(PERSON, body))})
    pk = write(PERSON, {**body, "version": 2, "approval": {"own": {"code": "A"}}})
    assert fault_of(pk) == "it does not have the code of an invitation"
    order_all("live")


def test_a_row_with_an_invitation_of_other_letters_opens_nothing(two: Two) -> None:
    User.objects.filter(pk=two[0].user.pk).update(invitation="é" * 64, invited_until="2099-01-01")
    page, _ = accept("A" * 22, email=two[0].user.email)
    assert page.context["code"] == "invitation_invalid"


class Vanishing(dict[str, str]):
    """A cache that another thread clears after each question."""

    def __contains__(self, key: object) -> bool:
        return True


def test_threads_may_clear_the_cache_of_approvals(
    two: Two, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "_approved", Vanishing())
    assert stated(lender.pk) is not None


# The admin


@pytest.mark.parametrize(
    "lookup",
    [
        "user/?password__startswith=scrypt",
        "user/?invitation__startswith=a",
        "user/?password__regex=a.*",
        "user/?secondfactor__sealed_key__isnull=0",
    ],
)
def test_an_operator_cannot_ask_for_secrets_by_addresses(two: Two, lookup: str) -> None:
    page = two[0].client.get(f"/admin/people/{lookup}")
    assert page.status_code in (302, 400)


@pytest.mark.parametrize("act", ["", "other", "Confirm"])
def test_an_unknown_act_confirms_nothing(
    two: Two, lender: Lender, settings: Settings, act: str
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    page = second.client.post(address, signed(second, address, act=act))
    assert page.status_code == 422
    assert Proposal.objects.get().outcome == ""


def test_fields_that_a_form_does_not_show_do_not_count(two: Two, lender: Lender) -> None:
    first, second = two
    hidden = {
        "role": "operator",
        "lender": lender.pk,
        "email": "thief@example.kz",
        "id": "usr_thief",
        "salt": "AAAA",
        "password": "x",
        "passkeys": "[]",
        "invitation": "0" * 64,
        "created_at_0": "2020-01-01",
    }
    draft_change(first, second.user, full_name="Another", **hidden)
    assert Proposal.objects.get().changes == {"full_name": "Another"}
    Proposal.objects.all().delete()
    draft_lender(first, lender, bin="180440012350", id="len_thief", name="Another")
    assert not {"id", "bin"} & Proposal.objects.get().changes.keys()
    Proposal.objects.all().delete()
    new = {"email": "N@example.kz", "full_name": "N", "role": "regulator", "id": "usr_thief"}
    draft_person(first, **new, is_active="", passkeys="[1]", invitation="0" * 64)
    changes = Proposal.objects.get().changes
    assert changes["is_active"] is True
    assert changes["passkeys"] == []
    assert changes["id"] != "usr_thief"
    assert changes["invitation"] != "0" * 64
    assert changes["email"] == "n@example.kz"


def test_markup_is_shown_as_text(two: Two, lender: Lender) -> None:
    first, second = two
    mark = "<script>alert(1)</script>"
    address = draft_lender(first, lender, name=mark)
    propose(first, address, f"{mark} {REASON}")
    for page in (address, "/admin/proposals/", "/admin/lenders/lender/"):
        assert mark not in second.client.get(page).content.decode()
    assert mark not in confirm(second, address).content.decode()
    assert mark not in second.client.get("/admin/lenders/lender/").content.decode()


def test_posts_need_a_token(two: Two, lender: Lender) -> None:
    address = draft_lender(two[0], lender, phone=PHONE)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = two[0].client.cookies
    for page in (address, f"{address}challenge/"):
        assert strict.post(page, {"act": "withdraw"}).status_code == 403
    for page in ("/people/invitation/", "/people/invitation/challenge/"):
        assert Client(enforce_csrf_checks=True).post(page, {}).status_code == 403
    assert Proposal.objects.get().outcome == ""


def test_reading_a_page_changes_nothing(two: Two, lender: Lender) -> None:
    first, _ = two
    address = draft_lender(first, lender, phone=PHONE)
    before = (list(Proposal.objects.values()), AuditEntry.objects.count())
    for page in (address, "/admin/proposals/", f"{address}?act=withdraw", f"{address}challenge/"):
        first.client.get(page)
    assert (list(Proposal.objects.values()), AuditEntry.objects.count()) == before


# Invitations


def test_a_signed_in_person_who_accepts_another_invitation_becomes_that_person(two: Two) -> None:
    first, second = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="regulator")
    code = code_in(propose(first, address))
    confirm(second, address)
    client, device = first.client, Authenticator()
    session = client.session.session_key
    fields = {"email": "NEW@Example.kz", "invitation": f" {code[:9]} {code[9:]} "}
    options = client.post("/people/invitation/challenge/", fields).json()
    fields["passkey"] = json.dumps(device.create(options, origin=ORIGIN))
    page = client.post("/people/invitation/", fields | {"password": "correct horse battery 9"})
    assert page.status_code == 302
    assert client.session.session_key != session
    assert client.get("/admin/", follow=True).status_code == 403
    assert len(stated(first.user.pk).fields["passkeys"]) == 1


def test_no_code_reaches_the_loggers_or_the_sessions(
    two: Two, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = two
    address = draft_person(first, email="new@example.kz", full_name="New", role="regulator")
    code = code_in(propose(first, address))
    confirm(second, address)
    accept("B" * 22)
    page, person = accept(code)
    assert page.status_code == 302
    assert code not in caplog.text
    assert code not in page.url
    assert code not in json.dumps(dict(person.client.session))
    assert "B" * 22 not in caplog.text


# The root


@pytest.mark.parametrize("sign", ["\u202e", "\x9b", "\u2066", "\x1b", "\u2028"])
def test_the_root_reads_what_it_signs(tmp_path: Path, sign: str) -> None:
    """A lender's name turns the direction of a terminal, or commands it."""
    request, root = tmp_path / "request.json", tmp_path / "root.key"
    statement = {"log": "live", "type": LENDER, "actor": "len_1", "name": f"Ақша {sign} LLP"}
    request.write_text(json.dumps([statement]), encoding="utf-8")
    seed = base64.b64encode(b"\1" * 32).decode()
    root.write_text(json.dumps({"kind": "root", "key": seed}))
    root.chmod(0o600)
    output = StringIO()
    call_command("sign_actors", request, tmp_path / "out.json", root=root, stdout=output)
    assert sign not in output.getvalue()
    assert "Ақша" in output.getvalue()
