"""A person without a key reads what is kept about them, before two operators."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from lenders.models import Lender
from people import register
from people.models import User
from tests.operators.conftest import Acting, Appoint
from tests.operators.meeting import LIST, NUMBER, WRONG, Two, asked, draft, form, sign, vouched
from tests.people.keys import ORIGIN
from tests.verification.borrower import catalogues
from tests.verification.log.rows import order_all
from tests.verification.stories.story import IIN, OTHER_IIN, Story, begin
from tests.verification.stories.story import lender as make_lender
from verification import clock, transactions
from verification.access import in_person, subjects
from verification.core.errors import Refused
from verification.core.ids import case_number, new_id
from verification.log import entries, log
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditPending, SubjectRequest

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


@pytest.fixture
def pair(appoint: Appoint) -> Two:
    """Two operators with passkeys, while live mode is off."""
    return appoint("operator", "a@example.kz"), appoint("operator", "b@example.kz")


@pytest.fixture
def story() -> Story:
    """A case of the person who comes."""
    return begin(make_lender())


def id_of(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def opens(operator: Acting, address: str, story: Story, part: str = "page") -> bool:
    """Whether the operator sees the case of the person."""
    answer = operator.client.post(address, {"act": part})
    assert answer.status_code in (200, 404, 422, 302)
    return case_number(story.id) in answer.content.decode()


def of_type(*types: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(type__in=types).order_by("at", "id"))


def test_two_operators_show_a_person_their_cases_once(pair: Two, story: Story) -> None:
    first, second = pair
    address = asked(pair)
    content = second.client.get(address).content.decode()
    assert IIN not in content
    assert NUMBER not in content
    assert f"********{IIN[-4:]}" in content
    assert "Identity card" in content
    assert sign(second, address).status_code == 302
    assert not opens(first, address, story)
    page = second.client.post(address, {"act": "page"})
    assert case_number(story.id) in page.content.decode()
    assert 'value="withdraw"' not in page.content.decode()
    file = second.client.post(address, {"act": "file"})
    assert case_number(story.id) in file.content.decode()
    assert file.headers["Content-Disposition"] == 'attachment; filename="tulga.html"'
    again = [opens(second, address, story, part) for part in ("page", "file")]
    assert again == [False, False]
    ask, vouch = of_type("subject.asked", "subject.vouched")
    assert (ask.body["person"], vouch.body["person"]) == (first.user.pk, second.user.pk)
    assert vouch.body["asked"] == ask.pk
    readings = of_type("subject.read")
    assert {reading.body["by"] for reading in readings} == {"operators"}
    assert {reading.body["request"] for reading in readings} == {vouch.pk}
    assert [reading.body.get("part", "") for reading in readings] == ["page", "", "file", ""]
    [look] = [look for look in entries.looks_at(story.row()) if look.type == "subject.read"]
    assert (look.who, look.times) == (second.user.pk, 2)
    for entry in (ask, vouch, *readings):
        assert IIN not in json.dumps(entry.body)
        assert NUMBER not in json.dumps(entry.body)
    order_all("test")
    assert not AuditPending.objects.filter(refused=True).exists()


def test_a_person_of_whom_nothing_is_kept_reads_that(pair: Two) -> None:
    page = pair[1].client.post(vouched(pair, OTHER_IIN), {"act": "page"})
    assert "Nothing is kept about you" in page.content.decode()


def test_the_person_reads_later_that_operators_showed_it(pair: Two, story: Story) -> None:
    assert opens(pair[1], vouched(pair), story)
    page = pair[1].client.post(vouched(pair), {"act": "page"})
    assert "You, with two operators of this service" in page.content.decode()


def test_one_operator_alone_opens_nothing(pair: Two, story: Story) -> None:
    """Also while live mode is off, where one operator may approve a change alone."""
    first, second = pair
    opened, address = 0, draft(first)
    assert second.client.get(address).status_code == 404
    opened += opens(first, address, story)
    assert sign(first, address).status_code == 302
    for _ in range(3):
        assert sign(first, address).status_code == 422
        opened += opens(first, address, story)
        opened += opens(second, address, story)
    # An answer of the first to the challenge of the second.
    options = second.client.post(f"{address}challenge/").json()
    its_own = {**options, "allowCredentials": []}
    answer = json.dumps(first.device.get(its_own, origin=ORIGIN))
    refused = second.client.post(address, {"act": "act", "passkey": answer})
    assert refused.status_code == 422
    opened += opens(second, address, story)
    assert (opened, of_type("subject.vouched", "subject.read")) == (0, [])


@pytest.mark.parametrize("ended", [0, 1])
def test_an_operator_whose_role_ended_opens_nothing(pair: Two, story: Story, ended: int) -> None:
    early, late = asked(pair), vouched(pair)
    user = User.objects.get(pk=pair[ended].user.pk)
    user.is_active = False
    with transactions.writing():
        user.save()
        register.keep(user)
    opened = 0
    for address in (early, late):
        sign(pair[1], address)
        for part in ("page", "file"):
            opened += opens(pair[1], address, story, part)
        # Past the page, too, which admits no closed account.
        with pytest.raises(Refused):
            in_person.open_once(id_of(address), "page", by=pair[1].user.pk)
    assert (opened, of_type("subject.read")) == (0, [])


def test_an_hour_between_the_two_or_half_an_hour_after_is_too_long(
    pair: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = asked(pair), vouched(pair)
    start, second = clock.now(), pair[1].user.pk
    refused = 0
    for minutes, address in ((31, late), (61, early), (61, late), (100, early)):
        at = start + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        for act in (
            partial(in_person.open_once, part="page", by=second),
            partial(in_person.act, by=second, answer=None),
        ):
            with pytest.raises(Refused) as refusal:
                act(id_of(address))
            refused += refusal.value.code == "proposal_ended"
    assert (refused, of_type("subject.read")) == (8, [])
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(minutes=29))
    assert in_person.open_once(id_of(late), "page", by=second).operator == second


def forgeries(pair: Two, story: Story) -> Iterator[str]:
    """Rows as an attacker with SQL leaves them; each should open nothing. Gives their pages."""
    rows = SubjectRequest.objects
    spent, other, fresh = vouched(pair), vouched(pair, OTHER_IIN), draft(pair[0])
    assert opens(pair[1], spent, story)
    stored = {name: rows.get(pk=id_of(name)) for name in (spent, other, fresh)}
    # 1 a draft, and an asked one, with the entry of another request
    waiting = asked(pair)
    for name in (spent, other):
        for address in (fresh, waiting):
            rows.filter(pk=id_of(address)).update(entry=stored[name].entry)
            yield address
    # 2 the vouched request of another IIN, with the seal of this one, and its digest
    for name in (spent, fresh):
        rows.filter(pk=id_of(other)).update(
            sealed=stored[name].sealed, digest=new_id("dig").encode()
        )
        yield other
    rows.filter(pk=id_of(other)).delete()
    stored[other].save(force_insert=True)
    # 3 the seal of an owned web over another IIN in a vouched request
    seen = subjects.unseal(id_of(other), stored[other].sealed)
    forged = replace(seen, data={**seen.data, "iin": IIN})
    rows.filter(pk=id_of(other)).update(sealed=subjects.seal(id_of(other), forged))
    yield other
    # 4 a spent request, deleted and made again
    rows.filter(pk=id_of(spent)).delete()
    stored[spent].save(force_insert=True)
    yield spent
    # 5 a row made by hand, with the seal and entry of a spent request
    made = SubjectRequest(
        is_in_person=True,
        digest=b"x" * 32,
        sealed=stored[spent].sealed,
        act=stored[spent].act,
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(hours=1),
    )
    made.save(force_insert=True)
    yield f"{LIST}{made.pk}/"


@pytest.mark.forges
def test_rows_that_sql_writes_open_nothing(pair: Two, story: Story) -> None:
    tried = opened = 0
    for address in forgeries(pair, story):
        tried += 1
        opened += opens(pair[1], address, story)
    assert (tried, opened) == (9, 0)


def write(entry_type: str, body: dict[str, Any]) -> str:
    """An entry past the pages, under the key of web."""
    with transactions.writing():
        return log.append(log="live", type=entry_type, body=body).pk


@pytest.mark.forges
def test_an_owned_web_opens_nothing_in_live_mode(two: Two, settings: Settings) -> None:
    """It has the key of web and each row; the passkey of the second operator it has not."""
    first, second = two
    settings.TULGA_MODES_LIVE = False  # an IIN of test mode, in the log of live mode
    typed = in_person.Typed(**form())
    request = in_person.draft(typed, mode="test", by=first.user.pk)
    settings.TULGA_MODES_LIVE = True
    row = SubjectRequest.objects.get(pk=request)
    seen = subjects.unseal(request, row.sealed)
    row.sealed = subjects.seal(request, replace(seen, data={**seen.data, "mode": "live"}))
    row.save()
    address = f"{LIST}{request}/"
    assert sign(first, address).status_code == 302
    [ask] = of_type("subject.asked")
    assert ask.log == "live"
    meeting = in_person.find(request)
    assert meeting is not None
    _, body = in_person._act_of(meeting, second.user.pk)
    shown = in_person.shown(meeting, by=second.user.pk)
    its_own = ask.body["assertion"]
    given: list[dict[str, Any]] = [
        {},
        {"factor": "code"},
        {"assertion": its_own, "shown": shown},
        {"assertion": its_own, "shown": ask.body["shown"]},
        {"person": first.user.pk, "assertion": its_own, "shown": ask.body["shown"]},
        {"person": new_id("usr"), "assertion": its_own, "shown": shown},
    ]
    opened = 0
    for forged in given:
        vouch = write("subject.vouched", body | forged)
        SubjectRequest.objects.filter(pk=request).update(entry=vouch)
        for operator in two:
            try:
                in_person.open_once(request, "page", by=operator.user.pk)
                opened += 1
            except Refused:
                continue
    assert (len(given), opened, of_type("subject.read")) == (6, 0, [])
    order_all("live")
    assert AuditPending.objects.filter(refused=True).count() == len(given)
    # The second operator's own passkey opens it.
    SubjectRequest.objects.filter(pk=request).update(entry=ask.pk)
    assert sign(second, address).status_code == 302
    assert in_person.open_once(request, "page", by=second.user.pk).operator == second.user.pk


@pytest.mark.parametrize("fields", WRONG)
def test_a_wrong_form_makes_no_request(pair: Two, fields: dict[str, str]) -> None:
    page = pair[0].client.post(LIST, form(**fields))
    assert page.status_code == 422
    assert not SubjectRequest.objects.exists()


def test_no_stranger_comes_near(pair: Two) -> None:
    address = vouched(pair)
    for place in (LIST, address):
        assert Client().get(place).status_code == 302
        assert Client().post(place, {"act": "page"}).status_code == 302
    assert of_type("subject.read") == []


def test_a_mine_request_is_no_meeting(pair: Two) -> None:
    client = Client()
    client.post("/mine", {"iin": IIN, "language": "en"})
    row = SubjectRequest.objects.get()
    SubjectRequest.objects.update(is_in_person=True)
    assert pair[0].client.get(f"{LIST}{row.pk}/").status_code == 404
    assert in_person.listed() == []


def test_audit_verify_finds_nothing(pair: Two, lender: Lender) -> None:
    vouched(pair)
    order_all("test")
    assert [finding.code for finding in verify_log("test")] == []
