"""A case that rows move to another lender, for as long as it acts, stays the case of the first.

The hand has SQL of the application's role: it changes rows, lets another lender act by the API, and
puts the rows back.
"""

from contextlib import contextmanager

import pytest
from django.db import connection

from tests.lenders.api.clearing import (
    CONTRACT,
    PAID,
    clean,
    cleared,
    consume,
    verified,
)
from tests.lenders.samples import code
from tests.verification.log.rows import order_all
from tests.verification.stories.attesting_story import CONFIRMED
from tests.verification.stories.story import begin
from verification import clock, transactions
from verification.case import moving
from verification.case.moving import read_unverified
from verification.case.votes import Reviewer
from verification.core.errors import Conflict, NotFound
from verification.log import log
from verification.log.verify import verify_log
from verification.models import AuditEntry, Clearance, Verification
from verification.review import attesting, desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

PAYMENTS = 20
TABLES = ("verification_verification", "verification_clearance", "verification_attempt")


@contextmanager
def moved(story, lender):
    """SQL of the application's role: all rows of the case name this lender, and then the first
    again.
    """
    move(story, lender.pk)
    try:
        yield
    finally:
        move(story, story.lender.pk)


def move(story, lender_id):
    for table in TABLES:
        key = "id" if table == TABLES[0] else "verification_id"
        with connection.cursor() as cursor:
            statement = f"UPDATE {table} SET lender_id = %s WHERE {key} = %s"  # noqa: S608
            cursor.execute(statement, [lender_id, story.id])


def acts(case, clearance=""):
    """What a lender may ask for of a case, by name: the method, the address, the body."""
    of_case = f"/v1/verifications/{case}"
    signing = {"signed_at": clock.now().isoformat(), "contract_sha256": CONTRACT}
    opened = {"status": "opened", "at": clock.now().isoformat()}
    return {
        "consume": ("post", f"/v1/clearances/{clearance}/consume", PAID),
        "ask": ("post", f"{of_case}/clearances", {"contract_sha256": CONTRACT}),
        "cancel": ("post", f"{of_case}/cancel", {}),
        "link": ("post", f"{of_case}/link", {}),
        "contract": ("post", f"{of_case}/contract", signing),
        "obligation": ("post", f"{of_case}/obligation", opened),
        "clock": ("post", "/v1/test/clock", {"advance_seconds": 60, "verification": case}),
        "simulate": ("post", f"/v1/test/verifications/{case}/simulate", {"scenario": "verified"}),
        "documents": ("get", f"{of_case}/documents", None),
        "document": ("get", f"{of_case}/documents/att_{'a' * 26}", None),
        "statement": ("get", f"{of_case}/statement", None),
        "signature": ("get", f"{of_case}/signature", None),
        "receipt": ("get", f"{of_case}/receipt", None),
    }


def act(caller, method, address, body):
    return caller.get(address) if method == "get" else caller.post(address, body)


def test_of_20_payments_by_another_lender_none_is_made_and_the_first_pays(
    api, other_api, lender, other_lender, issued
):
    story = verified(lender, issued)
    clearance = cleared(api, story)
    order_all()
    before = AuditEntry.objects.count()
    for _ in range(PAYMENTS):
        with moved(story, other_lender):
            assert code(consume(other_api, clearance)) == (404, "not_found")
    assert AuditEntry.objects.count() == before
    assert Clearance.objects.get(pk=clearance["id"]).status == "issued"
    assert consume(api, clearance).status_code == 200
    order_all()
    paid = AuditEntry.objects.get(type="clearance.consumed")
    assert paid.lender_id == lender.pk
    assert clean(story) == []
    assert list(verify_log("test")) == []


@pytest.mark.parametrize("is_verified", [True, False], ids=["verified", "open"])
@pytest.mark.parametrize("name", acts(""))
def test_no_act_of_another_lender_is_done_while_rows_name_it(
    api, other_api, lender, other_lender, issued, name, is_verified
):
    story = verified(lender, issued) if is_verified else begin(lender)
    clearance = cleared(api, story)["id"] if is_verified else "clr_" + "a" * 26
    order_all()
    before = AuditEntry.objects.count()
    with moved(story, other_lender):
        answer = act(other_api, *acts(story.id, clearance)[name])
    assert code(answer) == (404, "not_found")
    assert b"990101100010" not in answer.content
    assert AuditEntry.objects.count() == before
    assert list(verify_log("test")) == []


def test_no_person_of_another_lender_acts_while_rows_name_it(lender, other_lender, issued):
    case, waiting = verified(lender, issued), begin(lender, "B-1")
    reviewer = Reviewer("usr_" + "a" * 26, other_lender.pk)
    order_all()
    before = AuditEntry.objects.count()
    with moved(case, other_lender), pytest.raises(NotFound):
        attesting.look(reviewer=reviewer, verification_id=case.id)
    with moved(case, other_lender), pytest.raises(NotFound):
        attesting.attest(verification_id=case.id, reviewer=reviewer, word=CONFIRMED)
    with moved(waiting, other_lender), pytest.raises(NotFound):
        desk.send_link(reviewer=reviewer, verification_id=waiting.id)
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("is_put_back", [True, False])
def test_no_entry_names_another_lender_than_the_first(lender, other_lender, is_put_back):
    story = begin(lender)
    before = AuditEntry.objects.count()
    with moved(story, other_lender):
        row = story.row()
        if is_put_back:
            move(story, lender.pk)
        with pytest.raises(Conflict), transactions.writing():
            moving.record(row, "link.minted", at=clock.now())
    assert AuditEntry.objects.count() == before


def test_an_entry_by_the_history_of_a_case_names_its_first_lender(lender, other_lender):
    story = begin(lender)
    with moved(story, other_lender):
        history = read_unverified(story.row())
        with transactions.writing(), moving.moving(history):
            moving.record(history.row, "link.minted", at=clock.now())
    newest = AuditEntry.objects.filter(verification_id=story.id).latest("verification_sequence")
    assert (newest.type, newest.lender_id) == ("link.minted", lender.pk)


@pytest.mark.forges
def test_an_entry_of_the_door_that_names_another_lender_is_named(lender, other_lender):
    story = begin(lender)
    number = story.row().sequence + 1
    with transactions.writing():
        entry = log.append(
            log="test",
            type="link.minted",
            verification=story.id,
            lender=other_lender.pk,
            body={},
            verification_sequence=number,
        )
    Verification.objects.filter(pk=story.id).update(sequence=number)
    order_all()
    findings = [(finding.code, finding.entry) for finding in verify_log("test")]
    assert findings == [("lender_differs", entry.pk)]
