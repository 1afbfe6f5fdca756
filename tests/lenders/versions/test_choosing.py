"""Which version a request, an event and a webhook are told in: by header, by the key's pin, by the
endpoint.
"""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lenders import endpoints, keys, policy, versions, webhooks
from lenders.models import ApiKey, Delivery, IdempotentRequest, WebhookEndpoint
from tests.lenders.log_of_lenders import MODE, happen, pump, send_due
from tests.lenders.samples import Caller, opening
from tests.lenders.versions.played import PAID, verified
from verification.core.errors import BadInput

OLD, NEW = versions.NAMES
V, E, D = "/v1/verifications", "/v1/webhook-endpoints", "/v1/deliveries"
SAID = ("Deprecation", "Sunset", "Link")


@pytest.fixture
def old(lender):
    """A key that was made before the newest version came."""
    return keys.issue(lender, mode="test", version=OLD)


@pytest.fixture
def before(old):
    """The server that calls by it."""
    return Caller(old.secret)


def form(event):
    return "v" if set(event) >= {"v"} and "version" not in event else event["version"]


def told(caller):
    return {form(event) for event in caller.get("/v1/events").json()["data"]}


def test_a_key_is_pinned_when_it_is_made(api, before):
    happen(api)
    assert (told(api), told(before)) == ({NEW}, {"v"})
    assert {key.version for key in ApiKey.objects.all()} == {OLD, NEW}


def test_the_header_names_any_version_that_is_shipped(lender, api, old):
    happen(api)
    assert told(Caller(old.secret, version=NEW)) == {NEW}
    assert told(Caller(keys.issue(lender, mode="test").secret, version=OLD)) == {"v"}


@pytest.mark.parametrize(
    "name", ["2026-11-26", "2020-01-01", "newest", " ", "2026-11-28,2026-11-25", "2026-11-28\t1"]
)
@pytest.mark.parametrize("path", [V, "/v1/events", "/v1/log/checkpoint", f"{V}/ver_a/receipt"])
def test_what_is_no_version_is_refused(api, lender, name, path):
    secret = keys.issue(lender, mode="test").secret
    refused = Caller(secret, version=name).get(path)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Tulga-Version"] == NEW  # that of the key, in which this is told


def test_nothing_is_done_by_a_request_of_no_version(lender):
    caller = Caller(keys.issue(lender, mode="test").secret, version="tomorrow")
    assert caller.post(V, opening(), key="k-1").status_code == 400
    assert not IdempotentRequest.objects.exists()


def test_who_has_no_key_is_told_that_first(db):
    for secret in ("", "tlg_test_x"):
        refused = Caller(secret, version="tomorrow").get(V)
        assert refused.status_code == 401
        assert not {"Tulga-Version", *SAID} & set(refused.headers)


def test_every_answer_says_its_version_and_an_old_one_until_when_it_is_answered(api, before):
    happen(api)
    paths = [V, "/v1/log/checkpoint", f"{V}/ver_a", "/v1/events?after=x"]
    for answer in (api.get(path) for path in paths):
        assert answer.headers["Tulga-Version"] == NEW
        assert not set(SAID) & set(answer.headers)
    for answer in (before.get(path) for path in paths):
        assert answer.headers["Tulga-Version"] == OLD
        since = datetime.fromtimestamp(
            int(answer.headers["Deprecation"].removeprefix("@")), UTC
        )  # RFC 9745, 2.1
        until = parsedate_to_datetime(answer.headers["Sunset"])  # RFC 8594, 3
        assert since == datetime.fromisoformat(NEW).replace(tzinfo=UTC)
        assert (until - since).days == policy.VERSION_DAYS
        assert f'/docs/changelog#{OLD}>; rel="deprecation"' in answer.headers["Link"]
    made = before.post(E, {"url": "https://lender.example/hook"})
    assert (
        made.headers["Tulga-Version"]
        == before.delete(f"{E}/{made.json()['id']}").headers["Tulga-Version"]
        == OLD
    )


def test_a_key_of_a_version_that_is_gone_is_told_so_and_may_name_another(lender):
    issued = keys.issue(lender, mode="test")
    ApiKey.objects.update(version="2024-01-01")
    assert Caller(issued.secret).get(V).json()["code"] == "unknown_version"
    assert Caller(issued.secret, version=NEW).get(V).status_code == 200


def test_a_repeat_is_the_first_answer_byte_for_byte_in_its_version(lender, old):
    ask = {name: Caller(old.secret, version=name) for name in (OLD, NEW)}
    for first, other in ((OLD, NEW), (NEW, OLD)):
        answers = [ask[name].post(V, opening(), key=f"first-{first}") for name in (first, other)]
        assert answers[0].content == answers[1].content
        assert [answer.headers["Tulga-Version"] for answer in answers] == [first, first]
        assert ["Deprecation" in answer.headers for answer in answers] == [first == OLD] * 2
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert (
            answers[1].headers["Content-Type"]
            == answers[0].headers["Content-Type"]
            == "application/json"
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_money_that_left_is_told_again_as_it_was_after_the_pin_has_moved(
    lender, issued, old, before
):
    story = verified(lender, issued, "A-1")
    asked = before.post(
        f"{V}/{story.id}/clearances", {"contract_sha256": PAID["contract_sha256"]}
    ).json()
    story.work()
    first = before.post(f"/v1/clearances/{asked['id']}/consume", PAID, key="pay-1")
    assert {gate["status"] for gate in first.json()["gates"]} == {"passed", "not_evaluated"}
    assert all("code" not in gate for gate in first.json()["gates"])
    keys.pin(old.key, NEW)
    again = before.post(f"/v1/clearances/{asked['id']}/consume", PAID, key="pay-1")
    assert (again.status_code, again.content) == (200, first.content)
    now = before.get(f"/v1/clearances/{asked['id']}").json()
    assert {gate["code"] for gate in now["gates"]} == {None}


def test_an_endpoint_takes_the_version_of_the_request_that_makes_it_or_the_one_given(api, before):
    url = "https://lender.example/hook"
    assert api.post(E, {"url": url}).json()["version"] == NEW
    made = before.post(E, {"url": url}).json()
    assert made["version"] == OLD
    assert before.post(E, {"url": url, "version": NEW}).json()["version"] == NEW
    assert before.patch(f"{E}/{made['id']}", {"version": NEW}).json()["version"] == NEW
    for refused in (
        api.post(E, {"url": url, "version": "x"}),
        api.patch(f"{E}/{made['id']}", {"version": None}),
    ):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/version"


def test_a_webhook_is_told_as_its_endpoint_asks_and_keeps_that_over_a_move(api, lender, receiver):
    endpoint, _ = endpoints.create(lender, mode=MODE, url=receiver.url, events=(), version=OLD)
    happen(api, 2)
    pump()
    endpoints.change(endpoint, version=NEW)
    send_due()
    assert {form(json.loads(one.body)) for one in receiver.received} == {"v"}
    first = api.get(D).json()["data"][0]
    assert api.post(f"{D}/{first['id']}/redeliver").status_code == 202
    send_due()
    assert form(json.loads(receiver.received[-1].body)) == "v"
    api.post(V, opening(client_reference="loan-9"))
    happen(api, 0)
    pump()
    api.post(f"{E}/{endpoint.pk}/test")
    send_due()
    assert [form(json.loads(one.body)) for one in receiver.received[-2:]] == [NEW, NEW]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_an_endpoint_of_a_version_that_is_gone_is_told_in_the_oldest_there_is(
    api, endpoint, receiver
):
    WebhookEndpoint.objects.update(version="2024-01-01")
    happen(api)
    assert pump() == 1
    assert api.post(f"{E}/{endpoint.pk}/test").status_code == 202
    send_due()
    assert [form(json.loads(one.body)) for one in receiver.received] == ["v", "v"]
    assert [one["version"] for one in api.get(E).json()["data"]] == [OLD]
    assert api.patch(f"{E}/{endpoint.pk}", {"version": NEW}).json()["version"] == NEW


@pytest.mark.parametrize("version", [NEW, OLD, "2020-01-01", None, 7])
def test_a_body_that_lies_in_any_version_is_not_sent(api, endpoint, receiver, version):
    happen(api)
    pump()
    row = Delivery.objects.get()
    body = json.loads(bytes(row.body))
    body["data"]["status"] = "verified"
    if version is None:
        del body["version"]
    else:
        body["version"] = version
    Delivery.objects.update(body=json.dumps(body).encode())
    assert webhooks.unproven([Delivery.objects.get()]) == {row.pk}


def run(*words):
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_command_shows_a_pin_and_moves_it(old, before):
    assert run("pin_key", old.key.pk) == f"{old.key.pk} {OLD}\n"
    assert run("pin_key", old.key.pk, NEW) == f"{old.key.pk} {OLD} → {NEW}\n"
    assert before.get(V).headers["Tulga-Version"] == NEW
    with pytest.raises(CommandError, match="there are"):
        run("pin_key", old.key.pk, "tomorrow")
    with pytest.raises(CommandError, match="no such key"):
        run("pin_key", "key_none", NEW)
    with pytest.raises(BadInput):
        keys.pin(old.key, "")
    assert ApiKey.objects.get().version == NEW


def test_a_key_that_is_added_says_its_pin_and_one_that_replaces_another_takes_it_over(lender, old):
    assert f"version  {NEW}\n" in run("add_key", lender.bin)
    assert f"version  {OLD}\n" in run("add_key", lender.bin, "--replaces", old.key.pk)
    assert f"version  {NEW}\n" in run(
        "add_key", lender.bin, "--replaces", old.key.pk, "--api-version", NEW
    )


def test_the_changelog_lists_each_version_and_what_it_changed(client, db):
    page = unescape(client.get("/docs/changelog").content.decode())
    words = re.sub(r"</?code>", "`", page)
    for version in versions.VERSIONS:
        assert f'id="{version.name}"' in page
        assert all(change in words for change in version.changes)
    assert "answered until 2027-11-28" in page
    assert 'id="policy"' in page


def test_the_description_is_told_of_either_version(client, db):
    found = {name: client.get("/openapi.json", {"version": name}).json() for name in versions.NAMES}
    assert {name: one["info"]["version"] for name, one in found.items()} == {OLD: OLD, NEW: NEW}
    assert client.get("/openapi.json").json() == found[NEW]
    for name, one in found.items():
        headers = [
            each["parameters"][-1] for item in one["paths"].values() for each in item.values()
        ]
        assert {each["name"] for each in headers} == {"Tulga-Version"}
        assert all(each["schema"]["enum"] == [name] for each in headers)
    gates = [
        one["components"]["schemas"]["GateAnswer"]["properties"] for one in (found[OLD], found[NEW])
    ]
    assert ["code" in gate for gate in gates] == [False, True]
    refused = client.get("/openapi.json", {"version": "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")


def test_what_is_made_without_a_word_is_of_the_newest(endpoint):
    assert WebhookEndpoint.objects.get().version == versions.newest() == NEW
