"""In live mode one operator proposes a change, another confirms it, and the log has both words."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from pytest_django import Settings

from insecure_sandbox.authenticator import Authenticator
from lenders.models import ApiKey, Lender
from operators import proposals
from operators.models import Proposal
from operators.policy import PROPOSAL_DAYS
from people.models import User
from tests import registered
from tests.operators.acting import (
    REASON,
    address_of,
    code_in,
    confirm,
    draft_change,
    draft_lender,
    draft_person,
    propose,
    signed,
)
from tests.operators.conftest import Acting, Appoint
from tests.people import keys
from tests.people.enrolled import PASSWORD
from tests.people.keys import ORIGIN
from tests.verification.log.rows import order_all
from verification import clock
from verification.core.errors import Refused
from verification.core.events import LENDER, PERSON
from verification.log import actors
from verification.log.approvals import reason_mark
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry, AuditPending

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+77019999999"
Two = tuple[Acting, Acting]


def stated(actor: str, log: str = "live") -> Any:
    return actors.read(log, [actor])[actor].fields


def refusal(page: Any) -> str:
    """The code of the refusal on a page."""
    assert page.status_code == 422, page.content.decode()
    return str(page.context["refusal_code"])


def test_a_lender_is_changed_by_two(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    assert stated(lender.pk)["phone"] == f"tel:{lender.phone}"
    assert propose(first, address).status_code == 200
    lender.refresh_from_db()
    assert lender.phone != PHONE
    page = confirm(second, address)
    assert page.status_code == 200
    lender.refresh_from_db()
    assert lender.phone == PHONE
    assert stated(lender.pk)["phone"] == stated(lender.pk, "test")["phone"] == f"tel:{PHONE}"
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()
    assert list(verify_actors()) == []


def test_the_entry_names_both_and_commits_to_the_reason(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    confirm(second, address)
    proposal = Proposal.objects.get()
    entry = AuditEntry.objects.filter(log="live", type=LENDER).latest("at")
    approval = entry.body["approval"]
    assert approval["proposed"]["person"] == first.user.pk
    assert approval["confirmed"]["person"] == entry.body["by"] == second.user.pk
    assert approval["shown"]["reason"] == reason_mark(REASON, bytes(proposal.reason_salt))
    assert REASON not in json.dumps(entry.body)
    assert (proposal.outcome, proposal.reason) == (Proposal.CONFIRMED, REASON)


def test_who_proposed_does_not_confirm(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    page = propose(first, address)
    assert b"Confirm with a passkey" not in page.content
    assert b"Confirm with a passkey" in second.client.get(address).content
    assert refusal(confirm(first, address)) == "proposal_of_two"
    lender.refresh_from_db()
    assert lender.phone != PHONE


def test_nobody_approves_a_change_of_themselves(two: Two) -> None:
    first, second = two
    address = draft_change(first, second.user, full_name="Another")
    propose(first, address)
    assert refusal(confirm(second, address)) == "proposal_of_two"


def test_a_draft_is_its_writers_alone(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    assert second.client.get(address).status_code == 404
    assert second.client.post(address, {"act": "propose", "reason": REASON}).status_code == 404
    assert second.client.get("/admin/proposals/").context["proposals"] == []
    assert len(first.client.get("/admin/proposals/").context["proposals"]) == 1


def test_a_draft_is_not_confirmed(two: Two, lender: Lender) -> None:
    first, _ = two
    address = draft_lender(first, lender, phone=PHONE)
    assert refusal(first.client.post(address, {"act": "confirm"})) == "proposal_ended"


@pytest.mark.parametrize("reason", ["", "short", "a" * 501, "tab\x00in the middle of it"])
def test_a_proposal_has_a_reason(two: Two, lender: Lender, reason: str) -> None:
    address = draft_lender(two[0], lender, phone=PHONE)
    assert refusal(propose(two[0], address, reason)) == "reason_missing"
    assert not Proposal.objects.get().proposed


def test_a_withdrawn_one_is_over(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    assert second.client.post(address, {"act": "withdraw"}).status_code == 302
    assert refusal(confirm(second, address)) == "proposal_ended"
    assert refusal(second.client.post(address, {"act": "withdraw"})) == "proposal_ended"


def test_an_old_one_is_over(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    Proposal.objects.update(created_at=clock.now() - timedelta(days=PROPOSAL_DAYS))
    assert refusal(confirm(second, address)) == "proposal_ended"


def test_of_two_proposals_the_second_is_stale(two: Two, lender: Lender) -> None:
    first, second = two
    early = draft_lender(first, lender, phone=PHONE)
    propose(first, early)
    late = draft_lender(second, lender, name="Басқа LLP")
    propose(second, late)
    assert confirm(first, late).status_code == 200
    assert refusal(confirm(second, early)) == "proposal_changed"


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"changes": {"phone": "+77010000001"}}, "proposal_changed"),
        ({"reason": "Another reason than that."}, "proposal_changed"),
        ({"reason_salt": b"1" * 16}, "proposal_changed"),
        ({"proposed": {}}, "proposal_ended"),
    ],
)
def test_a_row_changed_by_sql_is_not_confirmed(
    two: Two, lender: Lender, columns: dict[str, Any], code: str
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    Proposal.objects.update(**columns)
    page = second.client.post(address, signed(second, address, act="confirm"))
    assert page.status_code == 404 if columns == {"proposed": {}} else refusal(page) == code
    lender.refresh_from_db()
    assert lender.phone not in (PHONE, "+77010000001")


def test_a_rewritten_proposal_lacks_its_proposers_answer(two: Two, lender: Lender) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    proposal = Proposal.objects.get()
    proposed = proposal.proposed
    proposed["shown"]["states"]["phone"] = "tel:+77010000001"
    Proposal.objects.update(changes={"phone": "+77010000001"}, proposed=proposed)
    assert refusal(confirm(second, address)) == "approval_invalid"
    lender.refresh_from_db()
    assert lender.phone == "+77270000044"


def test_a_draft_lists_what_differs_alone(two: Two, lender: Lender) -> None:
    """The form posts each field; lists come as JSON, spelled in another way."""
    calendar = json.dumps(lender.live_calendar, indent=3)
    page = draft_lender(two[0], lender, phone=PHONE, live_calendar=calendar, return_urls="[ ]")
    assert Proposal.objects.get().changes == {"phone": PHONE}
    content = two[0].client.get(page).content.decode()
    assert "live calendar" not in content
    assert "return urls" not in content


def test_what_differs_in_nothing_makes_no_draft(two: Two, lender: Lender) -> None:
    operator = two[0].client
    for person in (two[1].user, two[0].user):
        address = f"/admin/people/user/{quote(person.pk)}/change/"
        form = {"full_name": person.full_name, "is_active": "on"}
        page = operator.post(address, form, follow=True)
        assert "Nothing was changed" in page.content.decode()
    address = f"/admin/lenders/lender/{quote(lender.pk)}/change/"
    form = {
        "name": lender.name,
        "phone": lender.phone,
        "return_urls": "[]",
        "test_calendar": json.dumps(lender.test_calendar),
        "live_calendar": json.dumps(lender.live_calendar),
        "keys-TOTAL_FORMS": "0",
        "keys-INITIAL_FORMS": "0",
    }
    page = operator.post(address, form, follow=True)
    assert "Nothing was changed" in page.content.decode()
    assert not Proposal.objects.exists()


def test_an_operator_does_not_propose_a_change_of_themselves(two: Two) -> None:
    first, _ = two
    address = draft_change(first, first.user, full_name="Another")
    page = first.client.get(address)
    assert b"It concerns you" in page.content
    assert b"Propose with a passkey" not in page.content
    assert refusal(propose(first, address)) == "proposal_of_two"
    assert not Proposal.objects.get().proposed


def test_an_operator_whose_row_was_changed_past_the_log_approves_nothing(
    two: Two, lender: Lender
) -> None:
    """SQL changes it between the start of a request and the lock of the row."""
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    User.objects.filter(pk=second.user.pk).update(full_name="Changed by SQL")
    with pytest.raises(Refused) as refused:
        proposals.confirm(Proposal.objects.get().pk, by=second.user, signed=None)
    assert refused.value.code == "approval_invalid"
    lender.refresh_from_db()
    assert lender.phone != PHONE


@pytest.mark.parametrize("sent", ["", "{}", "text"])
def test_without_a_passkey_nothing_is_approved(two: Two, lender: Lender, sent: str) -> None:
    address = draft_lender(two[0], lender, phone=PHONE)
    fields = {"act": "propose", "reason": REASON, "passkey": sent}
    assert refusal(two[0].client.post(address, fields)).startswith("passkey_")


def test_an_answer_for_another_reason_does_not_count(two: Two, lender: Lender) -> None:
    address = draft_lender(two[0], lender, phone=PHONE)
    fields = signed(two[0], address, act="propose", reason=REASON)
    page = two[0].client.post(address, fields | {"reason": "Another reason than that."})
    assert refusal(page) == "passkey_challenge"


def test_an_answer_of_another_proposal_does_not_count(two: Two, lender: Lender) -> None:
    first, second = two
    addresses = [draft_lender(first, lender, phone=phone) for phone in (PHONE, "+77010000001")]
    for address in addresses:
        propose(first, address)
    fields = signed(second, addresses[0], act="confirm")
    fields |= {"page": signed(second, addresses[1], act="confirm")["page"]}
    assert refusal(second.client.post(addresses[1], fields)) == "passkey_challenge"


def test_the_form_checks_what_commands_check(two: Two, lender: Lender) -> None:
    form = {
        "name": lender.name,
        "phone": "1414",
        "return_urls": '["javascript:alert(1)"]',
        "test_calendar": json.dumps(lender.test_calendar),
        "live_calendar": "[]",
        "keys-TOTAL_FORMS": "0",
        "keys-INITIAL_FORMS": "0",
    }
    page = two[0].client.post(
        f"/admin/lenders/lender/{lender.pk.replace('_', '_5F')}/change/", form
    )
    assert page.status_code == 200
    assert page.content.decode().count("errorlist") >= 2
    assert not Proposal.objects.exists()


NEW = {
    "name": "Жаңа LLP",
    "bin": "180440012350",
    "phone": "+77270000046",
    "return_urls": "[]",
    "test_calendar": '[{"from": "2026-01-26", "profile": "KZ-2026-01"}]',
    "live_calendar": "[]",
    "keys-TOTAL_FORMS": "0",
    "keys-INITIAL_FORMS": "0",
}


def test_a_lender_is_added_by_two(two: Two) -> None:
    address = address_of(two[0].client.post("/admin/lenders/lender/add/", NEW))
    propose(two[0], address)
    assert not Lender.objects.filter(bin=NEW["bin"]).exists()
    assert confirm(two[1], address).status_code == 200
    lender = Lender.objects.get(bin=NEW["bin"])
    assert stated(lender.pk)["name"] == NEW["name"]


@pytest.mark.parametrize("bin", ["180440012351", "990101100010", "", "text"])
def test_a_lender_with_a_wrong_bin_is_not_drafted(two: Two, bin: str) -> None:
    page = two[0].client.post("/admin/lenders/lender/add/", NEW | {"bin": bin})
    assert page.status_code == 200
    assert not Proposal.objects.exists()


def test_of_two_new_lenders_with_a_bin_the_second_is_refused(two: Two) -> None:
    first, second = two
    addresses = [address_of(first.client.post("/admin/lenders/lender/add/", NEW)) for _ in range(2)]
    for address in addresses:
        propose(first, address)
    assert confirm(second, addresses[0]).status_code == 200
    assert refusal(confirm(second, addresses[1])) == "proposal_changed"


# Invitations


def accept(code: str, email: str = "new@example.kz", **changes: str) -> Any:
    """The answer to an invitation, and the browser of the person."""
    client, device = Client(), Authenticator()
    fields = {"email": email, "invitation": code} | changes
    options = client.post("/people/invitation/challenge/", fields)
    if options.status_code == 200:
        answer = device.create(options.json(), origin=ORIGIN)
        fields["passkey"] = json.dumps(answer)
    page = client.post("/people/invitation/", {"password": PASSWORD} | fields)
    return page, Acting(User.objects.filter(email=email).first() or User(), client, device)


def invited(two: Two, **fields: str) -> str:
    """The code of a confirmed invitation."""
    address = draft_person(
        two[0], email="new@example.kz", full_name="New", role="regulator", **fields
    )
    code = code_in(propose(two[0], address))
    assert confirm(two[1], address).status_code == 200
    return code


def test_a_person_is_appointed_by_two_and_enrols_by_the_code(two: Two) -> None:
    code = invited(two)
    page, person = accept(code)
    assert (page.status_code, page.url) == (302, "/people/")
    assert person.client.get("/people/").status_code == 200
    assert person.client.get("/oversight/").status_code == 200
    assert [key["id"] for key in stated(person.user.pk)["passkeys"]] == [*person.device.passkeys]
    assert stated(person.user.pk)["invitation"] == ""
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()
    assert list(verify_actors()) == []
    again = Client()
    assert (
        keys.sign_in(again, "new@example.kz", keys.answer(again, person.device)).status_code == 302
    )


def test_a_code_counts_once(two: Two) -> None:
    code = invited(two)
    accept(code)
    page, thief = accept(code)
    assert page.status_code == 422
    assert page.context["code"] == "invitation_invalid"
    assert thief.client.get("/people/").status_code == 302


@pytest.mark.parametrize(
    "changes", [{"invitation": "A" * 22}, {"invitation": ""}, {"email": "other@example.kz"}]
)
def test_a_wrong_code_or_address_opens_nothing(two: Two, changes: dict[str, str]) -> None:
    page, person = accept(invited(two), **changes)
    assert page.status_code == 422
    assert person.client.get("/people/").status_code == 302


def test_a_code_ends(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    code, later = invited(two), clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    page, _ = accept(code)
    assert page.context["code"] == "invitation_invalid"


def test_a_weak_password_is_refused_and_the_code_stays(two: Two) -> None:
    code = invited(two)
    page, _ = accept(code, password="12345678")
    assert page.status_code == 422
    assert "password" in page.context["form"].errors
    assert accept(code)[0].status_code == 302


def test_guesses_of_codes_are_counted(two: Two) -> None:
    code = invited(two)
    for _ in range(5):
        accept("A" * 22)
    page, _ = accept(code)
    assert page.context["form"].has_error("__all__", "too_many_tries")


def test_an_invitation_that_is_not_confirmed_opens_nothing(two: Two) -> None:
    address = draft_person(two[0], email="new@example.kz", full_name="New", role="operator")
    page, _ = accept(code_in(propose(two[0], address)))
    assert page.context["code"] == "invitation_invalid"
    assert not User.objects.filter(email="new@example.kz").exists()


def test_the_code_is_not_kept_in_clear_and_shown_once(two: Two) -> None:
    address = draft_person(two[0], email="new@example.kz", full_name="New", role="operator")
    sealed = bytes(Proposal.objects.get().sealed_code)
    code = code_in(propose(two[0], address))
    assert code.encode() not in sealed
    assert bytes(Proposal.objects.get().sealed_code) == b""
    assert code not in two[0].client.get(address).content.decode()
    assert code not in json.dumps(Proposal.objects.get().changes)


def test_a_lost_passkey_is_replaced_by_two_others_and_old_acts_stay(
    two: Two, appoint: Appoint, lender: Lender
) -> None:
    first, second = two
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    confirm(second, address)
    third = draft_person(first, email="new@example.kz", full_name="New", role="operator")
    code = code_in(propose(first, third))
    confirm(second, third)
    _, new = accept(code)
    renewal = draft_change(new, second.user, invites="on")
    code = code_in(propose(new, renewal))
    assert confirm(first, renewal).status_code == 200
    assert second.client.get("/people/").status_code == 302
    page, again = accept(code, email=second.user.email)
    assert page.status_code == 302
    assert again.client.get("/admin/").status_code == 200
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()
    assert list(verify_actors()) == []
    assert len(AuditEntry.objects.filter(log="live", type=PERSON)) == 6


def test_a_second_passkey_is_signed_by_the_first(two: Two) -> None:
    person, spare = two[0], Authenticator()
    answer = spare.create(keys.creation(person.client), origin=ORIGIN)
    page = person.client.post("/people/passkey/", {"passkey": json.dumps(answer)})
    assert page.status_code == 302
    assert len(stated(person.user.pk)["passkeys"]) == 1
    assert b'value="sign"' in person.client.get("/people/passkey/").content
    options = person.client.post("/people/passkey/challenge/", {"act": "sign"}).json()
    fields = {"act": "sign", "passkey": json.dumps(person.device.get(options, origin=ORIGIN))}
    assert person.client.post("/people/passkey/", fields).status_code == 302
    assert len(stated(person.user.pk)["passkeys"]) == 2
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()


def test_a_second_passkey_does_not_sign_itself(two: Two) -> None:
    person, spare = two[0], Authenticator()
    answer = spare.create(keys.creation(person.client), origin=ORIGIN)
    person.client.post("/people/passkey/", {"passkey": json.dumps(answer)})
    options = person.client.post("/people/passkey/challenge/", {"act": "sign"}).json()
    options["allowCredentials"] = []
    fields = {"act": "sign", "passkey": json.dumps(spare.get(options, origin=ORIGIN))}
    page = person.client.post("/people/passkey/", fields)
    assert (page.status_code, page.context["code"]) == (422, "passkey_unknown")
    assert len(stated(person.user.pk)["passkeys"]) == 1


def test_in_live_mode_a_code_signs_nobody_in(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = False
    person = registered.person(
        email="r@example.kz", full_name="R", role="regulator", password=PASSWORD
    )
    code = registered.factor_of(person).totp().token()
    settings.TULGA_MODES_LIVE = True
    fields = {"email": "r@example.kz", "password": PASSWORD, "code": f"{code:06d}"}
    assert Client().post("/people/sign-in/", fields).status_code == 422
    assert b'name="code"' not in Client().get("/people/sign-in/").content


# Live keys


def test_a_live_key_is_made_by_two_and_its_secret_shown_once(
    two: Two, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verification.case.stages.live_is_complete", lambda: True)
    first, second = two
    form = {"lender": lender.pk, "scopes": ["verifications:read"], "cidrs": "", "days": "30"}
    address = address_of(first.client.post("/admin/lenders/apikey/add/", form))
    assert propose(first, address).context["secret"] == ""
    page = confirm(second, address)
    secret = page.context["secret"]
    assert secret.startswith("tlg_live_")
    assert secret not in second.client.get(address).content.decode()
    key = ApiKey.objects.get()
    assert stated(key.pk)["scopes"] == ["verifications:read"]
    order_all("live")
    assert not AuditPending.objects.filter(refused=True).exists()


# While live mode is off


def test_without_live_mode_an_operator_may_do_both_by_code(
    lender: Lender, client: Client, no_root: None
) -> None:
    user = registered.person(
        email="o@example.kz", password=PASSWORD, full_name="O", role="operator"
    )
    client.force_login(user)
    session = client.session
    session["otp_device_id"] = registered.factor_of(user).persistent_id
    session.save()
    operator = Acting(user, client, Authenticator())
    address = draft_lender(operator, lender, phone=PHONE)
    for fields in ({"act": "propose", "reason": REASON}, {"act": "confirm"}):
        assert client.post(address, fields).status_code == 200
    assert stated(lender.pk, "test")["phone"] == f"tel:{PHONE}"
    entry = AuditEntry.objects.filter(type=LENDER).latest("at")
    assert entry.body["approval"]["proposed"] == {"person": user.pk, "factor": "code"}
