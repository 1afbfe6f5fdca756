"""What is sent, what is sent again and when, and which exception comes of what: in threads and in a
loop alike.
"""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from lenders import policy
from tests.clients.insecure_server import DELAY_SECONDS, SOUND, Server, serving
from tulga import AsyncClient, Client, Options, calls, errors

KEY = "tlg_test_sesame"
QUICK = Options(tries=3, first=0.001, longest=1.0)


@pytest.fixture
def server():
    with serving(Server(share=0)) as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def send(request, server):
    """Sends one call by this client."""

    def by_thread(call, options=QUICK):
        with Client(server.url, KEY, options) as client:
            return client.send(call)

    def by_loop(call, options=QUICK):
        async def one():
            async with AsyncClient(server.url, KEY, options) as client:
                return await client.send(call)

        return asyncio.run(one())

    return by_thread if request.param == "sync" else by_loop


def said(code, **more):
    return json.dumps({"code": code, "title": "A title", "request_id": "r-1", **more}).encode()


def test_a_call_says_who_asks_and_under_which_key(send, server):
    send(calls.make_link("ver_a", sent_by="usr_a", key="mine"))
    [(method, path, headers, body)] = server.requests
    assert (method, path, body) == ("POST", "/v1/verifications/ver_a/link", {"sent_by": "usr_a"})
    assert (headers["authorization"], headers["idempotency-key"]) == (f"Bearer {KEY}", "mine")
    assert headers["content-type"] == "application/json"
    assert headers["tulga-version"] == policy.API_VERSION == calls.VERSION


def test_a_key_is_made_for_each_call_and_none_for_what_does_nothing(send, server):
    send(calls.make_link("ver_a"))
    send(calls.make_link("ver_a"))
    server.script.append((200, b"note", {}))
    server.script.append((204, b"", {}))
    send(calls.get_checkpoint())
    send(calls.delete_webhook_endpoint("whe_a"))
    first, second, *others = [
        headers.get("idempotency-key") for _, _, headers, _ in server.requests
    ]
    assert first
    assert second
    assert first != second
    assert others == [None, None]


@pytest.mark.parametrize(
    "fate",
    [
        "drop before",
        "drop after",
        "half an answer",
        409,
        429,
        503,
        (429, b"no JSON", {"Retry-After": "0"}),
        (409, said("idempotency_in_progress"), {}),
        (503, b"", {"Retry-After": format_datetime(datetime(2026, 1, 1, tzinfo=UTC), usegmt=True)}),
    ],
    ids=str,
)
def test_what_may_pass_is_sent_again_under_the_same_key(send, server, fate):
    server.script += [fate, fate, SOUND]
    assert send(calls.make_link("ver_a")).url.endswith("#ver_a")
    assert (len(server.requests), len(server.keys["ver_a"]), server.effects["ver_a"]) == (3, 1, 1)
    assert len({headers["idempotency-key"] for _, _, headers, _ in server.requests}) == 1


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(send, server):
    server.script += ["delay"]
    options = Options(tries=20, first=0.05, longest=0.1, timeout=DELAY_SECONDS / 4)
    assert send(calls.make_link("ver_a"), options).url.endswith("#ver_a")
    assert server.effects["ver_a"] == 1
    assert len(server.requests) > 1


@pytest.mark.parametrize(
    ("status", "code", "headers", "kind"),
    [
        (400, "malformed_json", {}, errors.Problem),
        (401, "key_unknown", {}, errors.NotAllowed),
        (403, "scope_missing", {}, errors.NotAllowed),
        (404, "not_found", {}, errors.NotFound),
        (409, "clearance_consumed", {}, errors.Conflict),
        (409, "receipt_not_ready", {"Retry-After": "0"}, errors.Conflict),
        (422, "bad_input", {}, errors.Invalid),
        (429, "throttled", {}, errors.Unavailable),
        (429, "throttled", {"Retry-After": "soon"}, errors.Unavailable),
        (503, "unavailable", {}, errors.Unavailable),
        (503, "unavailable", {"Retry-After": "2"}, errors.Unavailable),
        (500, "internal_error", {"Retry-After": "0"}, errors.Unavailable),
        (502, "", {"Retry-After": "0"}, errors.Unavailable),
        (302, "", {"Location": "/elsewhere"}, errors.Problem),
    ],
)
def test_nothing_else_is_sent_again(send, server, status, code, headers, kind):
    server.script += [(status, said(code), headers)]
    with pytest.raises(kind) as refused:
        send(calls.make_link("ver_a"))
    assert (type(refused.value), len(server.requests)) == (kind, 1)
    assert (refused.value.status, refused.value.code, refused.value.request_id) == (
        status,
        code,
        "r-1",
    )


def test_a_problem_names_each_field(send, server):
    faults = [
        {"pointer": "/subject/iin", "code": "iin_malformed", "detail": "12 digits"},
        "nonsense",
    ]
    server.script += [(422, said("bad_input", errors=faults, detail="Read it."), {})]
    with pytest.raises(errors.Invalid) as refused:
        send(calls.make_link("ver_a"))
    assert refused.value.errors == (errors.Fault("/subject/iin", "iin_malformed", "12 digits"),)
    assert (refused.value.title, refused.value.detail) == ("A title", "Read it.")
    assert str(refused.value) == "422 bad_input: A title; /subject/iin iin_malformed (r-1)"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"\xff", b"[" * 5000], ids=lambda body: repr(body[:6])
)
def test_a_problem_of_a_proxy_is_one_all_the_same(send, server, body):
    server.script += [(502, body, {"X-Request-Id": "r-2"})]
    with pytest.raises(errors.Unavailable) as refused:
        send(calls.make_link("ver_a"))
    assert (refused.value.code, refused.value.request_id, refused.value.errors) == ("", "r-2", ())


def test_tries_end_and_say_what_became_of_the_last(send, server):
    server.script += ["drop before"] * 3
    with pytest.raises(
        errors.Unreachable, match=r"^POST /v1/verifications/ver_a/link: \w+ at try 3$"
    ):
        send(calls.make_link("ver_a"))
    server.script += [503] * 3
    with pytest.raises(errors.Unavailable):
        send(calls.make_link("ver_a"))
    assert len(server.requests) == 6


def test_what_was_deleted_by_a_try_without_an_answer_is_deleted(send, server):
    server.script += ["drop before", (404, said("not_found"), {})]
    assert send(calls.delete_webhook_endpoint("whe_a")) is None
    server.script += [(404, said("not_found"), {})]
    with pytest.raises(errors.NotFound):
        send(calls.delete_webhook_endpoint("whe_a"))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"url": 1, "link_expires_at": "x"}', b"\xff", b"{" * 9]
)
def test_an_answer_of_another_form_is_said_to_be_one(send, server, body):
    server.script += [(201, body, {})]
    with pytest.raises(errors.BadAnswer):
        send(calls.make_link("ver_a"))


@pytest.mark.parametrize(
    ("first", "longest", "expected"), [(1.0, 8.0, [1, 2, 4, 8, 8]), (0.5, 30.0, [0.5, 1, 2, 4, 8])]
)
def test_waits_double_are_bounded_and_spread(first, longest, expected):
    options = Options(tries=6, first=first, longest=longest)
    for tries, most in enumerate(expected, start=1):
        assert options.wait(tries, asked_for=0, chance=0.0) == most / 2
        assert options.wait(tries, asked_for=0, chance=1.0) == most
        assert options.wait(tries, asked_for=3, chance=0.0) == 3 + most / 2
    assert options.wait(6, asked_for=0, chance=0.0) is None
    assert options.wait(1, asked_for=longest + 1, chance=0.0) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://tulga.example",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "tulga.example",
        "",
        "https://",
        "http://127.0.0.1.x",
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_key_is_not_sent_where_others_could_read_it(kind, url):
    with pytest.raises(ValueError, match="https"):
        kind(url, KEY)
    if url.startswith("http://"):
        kind(url, KEY, Options(insecure_http=True))


@pytest.mark.parametrize("key", ["a b", "a\nb", "ключ"])
def test_what_is_no_key_is_not_sent(key):
    with pytest.raises(ValueError, match="not a key") as refused:
        Client("https://tulga.example", key)
    assert key not in str(refused.value)


@pytest.mark.parametrize("untrusted", ["", "..", "a/b", "a?b", "a%2fb", "ver_a\n", "а", "a" * 65])
def test_what_is_no_id_never_becomes_an_address(untrusted):
    for build in (
        calls.get_verification,
        calls.get_clearance,
        calls.cancel_verification,
        calls.delete_webhook_endpoint,
    ):
        with pytest.raises(ValueError, match="not an id"):
            build(untrusted)


def test_pages_are_asked_for_as_they_are_needed(server):
    empty = json.dumps({"data": [], "has_more": False, "next": None}).encode()

    def page(*numbers, then):
        data = {
            "verification": None,
            "client_reference": None,
            "status": None,
            "sequence": None,
            "mode": "test",
        }
        found = [
            {
                "id": f"evt_{one}",
                "log_index": one,
                "version": "x",
                "type": "brand.new",
                "data": data,
            }
            | {
                "lender_sequence": one,
                "timestamp": "2026-11-28T10:00:00.000Z",
                "and": "a new field",
            }
            for one in numbers
        ]
        return (
            200,
            json.dumps({"data": found, "has_more": then is not None, "next": then}).encode(),
            {},
        )

    pages = [page(1, 2, then="2"), page(3, then="3"), (200, empty, {})]
    server.script += pages
    with Client(server.url, KEY, QUICK) as client:
        events = client.pages(calls.list_events(after=0, limit=2))
        assert server.requests == []
        assert [next(events).id, next(events).id] == ["evt_1", "evt_2"]
        assert len(server.requests) == 1
        assert [event.type for event in events] == ["brand.new"]

    async def all_of_them():
        async with AsyncClient(server.url, KEY, QUICK) as client:
            return [event.id async for event in client.pages(calls.list_events(limit=2))]

    server.script += pages
    assert asyncio.run(all_of_them()) == ["evt_1", "evt_2", "evt_3"]
    asked = [path for _, path, _, _ in server.requests]
    assert asked == [f"/v1/events?after={place}&limit=2" for place in (0, 2, 3)] * 2
