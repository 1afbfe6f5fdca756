"""What an attacker who writes rows by SQL makes of a verification appears nowhere: in no answer,
list, page, webhook or document.

Each forgery leaves an open verification looking verified or ended to a reader of rows alone. All
doors are asked.
"""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from lenders.models import Lender, WebhookEndpoint
from tests.lenders.forged_ends import (
    CODE,
    ENDS,
    FORGERIES,
    entered,
    placed,
    row_alone,
    row_entry_and_leaf,
    updated,
)
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import pump, send_due
from tests.lenders.samples import Caller, code
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.log import owned_web
from tests.verification.log.judged import verify_legality
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.story import Story, begin
from verification import tasks
from verification.case.votes import Reviewer
from verification.models import AuditLeaf, AuditPending, Clearance
from verification.review import attesting
from verification.review import desk as review_desk
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/verifications"


@pytest.fixture
def story(lender: Lender) -> Story:
    """An open verification of the lender, in order so far."""
    made = begin(lender)
    order_all()
    return made


ALL = [
    *((row_alone, end) for end in ENDS),
    # What is beside the row does not depend on the end: each says the one that pays.
    *((forge, "verified") for forge in FORGERIES if forge is not row_alone),
]


@pytest.mark.parametrize(("forge", "status"), ALL)
def test_a_forged_end_is_told_by_no_door(
    api: Caller,
    lender: Lender,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    story: Story,
    forge: Callable[[Story, str], None],
    status: str,
) -> None:
    client = browser(story)
    order_all()
    pump()
    send_due()
    had = len(receiver.received)
    before = api.get(f"{PATH}/{story.id}").json()
    forge(story, status)
    assert story.row().status == status, "the forgery itself"
    said = api.get(f"{PATH}/{story.id}", expand="checks").json()
    assert (said["status"], said["code"], said["finished_at"], said["log_index"]) == (
        "processing",
        None,
        None,
        None,
    )
    assert (said["next_action"]["type"], said["next_action"]["code"]) == ("wait", None)
    assert said["last_failure"] is None
    assert said["checks"] == []
    assert api.get(f"{PATH}/{story.id}/receipt").json()["code"] == "receipt_not_ready"
    assert said.keys() - {"checks"} == before.keys()
    _is_in_no_list(api, story, status)
    events = api.get("/v1/events").json()["data"]
    assert status not in {
        event["data"]["status"] for event in events if event["data"]["verification"] == story.id
    }
    pump()
    send_due()
    assert not [
        post
        for post in receiver.received[had:]
        if story.id.encode() in post.body and status.encode() in post.body
    ]
    _is_on_no_page(client, story, status)
    _is_on_no_desk(lender, story)
    answer = api.post(f"{PATH}/{story.id}/link")
    assert (answer.status_code, status in answer.content.decode()) == (409, False)
    # By its entries the case goes on, so that its lender may cancel it where no entry is invented.
    answer = api.post(f"{PATH}/{story.id}/cancel")
    assert (answer.status_code in (200, 409), answer.json().get("status") in ENDS) == (True, False)


def _is_in_no_list(api: Caller, story: Story, status: str) -> None:
    (listed,) = [one for one in api.get(PATH).json()["data"] if one["id"] == story.id]
    assert (listed["status"], listed["code"], listed["finished_at"]) == ("processing", None, None)
    for asked in ENDS:
        page = api.get(PATH, status=asked).json()
        assert story.id not in {one["id"] for one in page["data"]}
        assert page["next"] != story.id


def _is_on_no_page(client: Client, story: Story, status: str) -> None:
    polled = client.get(f"{NOW}state/").json()
    assert polled["page"] in ("wait", "checking")
    assert status not in polled.values()
    assert (polled["page"] == "checking") == AuditPending.objects.filter(refused=True).exists()
    shown = text(client.get(NOW))
    assert CODE not in shown
    assert ("One moment" in shown or "Одну минуту" in shown) != (polled["page"] == "checking")
    assert client.get(NOW, headers={"accept": "application/json"}).json()["page"] == polled["page"]


def _is_on_no_desk(lender: Lender, story: Story) -> None:
    reviewer = Reviewer(person_id="usr_a", lender_id=lender.pk)
    desk = review_desk.open_cases(reviewer=reviewer, mode="test")
    to_confirm = attesting.to_confirm(
        reviewer=reviewer, mode="test", reference=story.row().client_reference
    )
    assert story.id not in {row.verification_id for row in (*desk.rows, *to_confirm.rows)}


@pytest.mark.parametrize("said", ["clearance.consumed", "clearance.frozen"])
def test_what_web_may_say_of_clearances_tells_of_no_verified_borrower(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, story: Story, said: str
) -> None:
    """A web process that is wholly the attacker's: the log takes its entry, and `audit_verify`
    names it.
    """
    entry = owned_web.say(story.row(), said, {"clearance": "clr_" + "0" * 26, "amount": 100})
    order_all()
    (event,) = [one for one in api.get("/v1/events").json()["data"] if one["id"] == entry]
    assert (event["type"], event["data"]["status"]) == (said, "requires_input")
    pump()
    for _ in api.get("/v1/events").json()["data"]:
        send_due()
    assert [post for post in receiver.received if said.encode() in post.body]
    assert not [post for post in receiver.received if b'"verified"' in post.body]
    assert entry in {found.entry for found in verify_legality("test")}


def test_a_clearance_of_which_no_entry_speaks_is_told_to_nobody(api: Caller, story: Story) -> None:
    at = timezone.now()
    row = Clearance.objects.create(
        verification_id=story.id,
        lender=story.lender,
        mode="test",
        status="issued",
        profile_id="KZ-2021-04",
        contract_sha256="c" * 64,
        cap_tiyn=15_000_000,
        created_at=at,
        issued_at=at,
        expires_at=at + timedelta(minutes=10),
        fresh_until=at + timedelta(minutes=10),
    )
    assert code(api.get(f"/v1/clearances/{row.pk}")) == (404, "not_found")
    assert [each["status"] for each in api.get("/v1/clearances").json()["data"]] == ["frozen"]


@pytest.mark.parametrize("agreed", [True, False])
def test_an_honest_end_is_told_by_every_door_once_it_is_ordered(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, story: Story, *, agreed: bool
) -> None:
    client = browser(story)
    story.answer(agreed=agreed, version=CURRENT, language="ru")
    tasks.advance(story.id)
    if agreed:
        story.answer(somebody_tells_me=True)
        tasks.advance(story.id)
    assert story.row().status == "declined"
    assert api.get(f"{PATH}/{story.id}").json()["status"] == "processing"
    _is_in_no_list(api, story, "declined")
    assert [one["id"] for one in api.get(PATH, status="processing").json()["data"]] == [story.id]
    _is_on_no_page(client, story, "declined")
    order_all()
    row = story.row()
    said = api.get(f"{PATH}/{story.id}", expand="checks").json()
    assert (said["status"], said["code"], said["next_action"]) == ("declined", row.code, None)
    assert said["log_index"] is not None
    assert said["checks"]
    assert [one["id"] for one in api.get(PATH, status="declined").json()["data"]] == [story.id]
    assert api.get(PATH, status="processing").json()["data"] == []
    assert api.get("/v1/events").json()["data"][-1]["data"]["status"] == "declined"
    pump()
    send_due()
    assert [post for post in receiver.received if b'"verification.declined"' in post.body]
    assert client.get(f"{NOW}state/").json()["page"] == "finished"


def test_a_forged_event_holds_back_what_follows_it_and_no_event_is_left_out(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, story: Story
) -> None:
    row_entry_and_leaf(story, "verified")
    pump()
    assert WebhookEndpoint.objects.get().cursor == 1
    forged = AuditLeaf.objects.latest("leaf_index")
    tamper(("DELETE FROM verification_auditleaf WHERE entry_id = %s", (forged.pk,)))
    begin(story.lender, "A-2", iin="900101300017")
    order_all()
    pump()
    send_due()
    assert [event["lender_sequence"] for event in api.get("/v1/events").json()["data"]] == [1, 2]
    assert any(
        b"A-2" in post.body for post in receiver.received
    )  # two posts at once come in whichever order


def test_a_page_is_filled_behind_forged_ends_and_a_cursor_names_none(
    api: Caller, lender: Lender
) -> None:
    honest = [begin(lender, f"A-{number}", iin="900101300017") for number in range(3)]
    for one in honest:
        one.cancel()
    forged = [begin(lender, f"B-{number}") for number in range(3)]
    for number, one in enumerate(forged):
        updated(one, "canceled")
        if number != 1:
            _place_and_damage(one)
    page = api.get(PATH, status="canceled", limit="2").json()
    assert [one["id"] for one in page["data"]] == [honest[2].id, honest[1].id]
    following = api.get(PATH, status="canceled", limit="2", after=page["next"]).json()
    assert ([one["id"] for one in following["data"]], following["has_more"]) == (
        [honest[0].id],
        False,
    )


def _place_and_damage(story: Story) -> None:
    """An entry whose leaf has another hash."""
    entry = entered(story, "canceled")
    body = json.dumps(entry.body | {"code": "another"})
    placed(entry)
    tamper(("UPDATE verification_auditentry SET body = %s WHERE id = %s", (body, entry.pk)))
