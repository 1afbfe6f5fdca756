"""What the Python client sends, sends again and when, and which exception each answer raises."""

import asyncio
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lenders import policy
from tests.proofs import Figures
from tulga import AsyncClient, Client, Options, answers, calls, errors
from tulga.answers import Answer, Headers, Rate
from tulga.errors import Unreachable
from tulga.resources import Sent

# A server on loopback that keeps Idempotency-Keys as the API does, and fails by chance: drops,
# delays, refuses, lies.
#
# What befalls the nth request of a reference follows from the seed, so that a run is the same
# each time.


SOUND = "sound"
FAULTS = ("drop before", "drop after", "half an answer", "delay", 409, 429, 503)
DELAY_SECONDS = 0.4


@dataclass
class Server:
    """What it does, and what came. script: what befalls each request in turn; else chance, of which
    `share` is faults.

    effects: how often each reference was done. keys: those under which each was asked for. answers:
    by key, what was answered; None while it is being worked on.
    """

    url: str = ""
    seed: int = 0
    share: float = 0.5
    script: list[Any] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    keys: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, bytes | None] = field(default_factory=dict)
    befell: Counter[object] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self, reference: str) -> Any:
        """What befalls this request."""
        with self.lock:
            self.connections[reference] += 1
            chance = random.Random(f"{self.seed}:{reference}:{self.connections[reference]}")
            kind = SOUND if chance.random() >= self.share else chance.choice(FAULTS)
            kind = self.script.pop(0) if self.script else kind
            self.befell[kind[0] if isinstance(kind, tuple) else kind] += 1
            return kind

    def work(self, reference: str, key: str, *, seconds: float) -> bytes | None:
        """The answer to a key, worked out once; None while another is at it."""
        with self.lock:
            self.keys.setdefault(reference, set()).add(key)
            if key in self.answers:
                return self.answers[key]
            self.answers[key] = None
        time.sleep(seconds)
        with self.lock:
            self.effects[reference] += 1
            self.answers[key] = json.dumps(
                {
                    "url": f"https://t.example/v/#{reference}",
                    "link_expires_at": _AT,
                    "renewal": None,
                }
            ).encode()
            return self.answers[key]


_AT = "2026-11-28T10:00:00.000Z"


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serves until the block ends."""
    http = _Http(("127.0.0.1", 0), server)
    server.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, place: tuple[str, int], of: Server) -> None:
        super().__init__(place, _Handler)
        self.of = of

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of those that hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        reference, key = [*self.path.split("/"), ""][3], self.headers.get("Idempotency-Key", "")
        with self.server.of.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.of.requests.append(
                (self.command, self.path, headers, json.loads(body) if body else None)
            )
        kind = self.server.of.fate(reference)
        with suppress(OSError):
            self._befall(kind, reference, key)

    do_GET = do_PATCH = do_DELETE = do_POST

    def _befall(self, kind: Any, reference: str, key: str) -> None:
        if isinstance(kind, tuple):  # a status, a body and headers, as they are
            self._say(*kind)
        elif kind == "drop before":
            self.close_connection = True
        elif isinstance(kind, int):
            code = "idempotency_in_progress" if kind == 409 else "unavailable"
            self._say(
                kind, json.dumps({"code": code, "status": kind}).encode(), {"Retry-After": "0"}
            )
        else:
            answer = self.server.of.work(
                reference, key, seconds=DELAY_SECONDS if kind == "delay" else 0
            )
            if answer is None:
                self._say(409, b'{"code": "idempotency_in_progress"}', {"Retry-After": "0"})
            elif kind == "drop after":
                self.close_connection = True
            else:
                self._say(201, answer, {}, more=99 if kind == "half an answer" else 0)

    def _say(self, status: int, body: bytes, headers: dict[str, str], more: int = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + more))
        self.end_headers()
        self.wfile.write(body)
        if more:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


# What is sent, what is sent again and when, and which exception comes of what: in threads and in
# a loop alike.


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


ENDPOINT = {
    **dict.fromkeys(("id", "mode", "url", "version", "public_key"), "x"),
    "created_at": _AT,
    "events": [],
    "last_sequence": 0,
    "failing": False,
}


@pytest.fixture
def send_for_answer(server):
    """Sends one call, for its answer with headers."""
    with Client(server.url, KEY, QUICK) as client:
        yield client.answer


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
        500,
        502,
        503,
        504,
        (429, b"no JSON", {}),
        (429, b"", {"Retry-After": "soon"}),
        (500, b"<html>", {}),
        (503, b"", {}),
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


@pytest.mark.parametrize("fate", ["drop before", "half an answer", 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "call",
    [
        calls.get_receipt("ver_a"),
        calls.change_webhook_endpoint("whe_a", enabled=False),
        calls.delete_webhook_endpoint("whe_a"),
    ],
    ids=lambda call: call.method if isinstance(call, calls.Call) else str(call),
)
def test_what_has_one_effect_by_its_meaning_is_sent_again(send, server, call, fate):
    server.script += [fate, fate, (200, json.dumps(ENDPOINT).encode(), {})]
    send(call)
    assert [(method, path) for method, path, _, _ in server.requests] == [
        (call.method, call.path)
    ] * 3


@pytest.mark.parametrize("fate", ["drop before", "drop after", "half an answer", 500, 502, 504])
def test_a_post_without_a_key_is_not_sent_again_after_it_may_have_been_done(send, server, fate):
    server.script += [fate, SOUND]
    with pytest.raises((errors.Unreachable, errors.Unavailable)) as lost:
        send(replace(calls.make_link("ver_a"), key=""))
    assert lost.value.may_be_done
    [(_, _, headers, _)] = server.requests
    assert "idempotency-key" not in headers


def test_a_post_without_a_key_is_sent_again_where_nothing_can_have_been_done(send, server):
    server.script += [429, 503, SOUND]
    send(replace(calls.make_link("ver_a"), key=""))
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fates", "may_be_done"),
    [
        (["drop before"] * 3, True),
        (["drop before", 503, 429], True),
        ([500, 429, 429], True),
        ([409, 409, 409], True),
        ([503, 429, 503], False),
        (["drop before", (401, b"", {})], True),
        (["drop before", (409, b'{"code": "clearance_expired"}', {})], False),
        ([(409, b'{"code": "clearance_expired"}', {})], False),
    ],
    ids=str,
)
def test_a_fault_says_whether_the_call_may_have_been_done(send, server, fates, may_be_done):
    server.script += fates
    with pytest.raises(errors.TulgaError) as fault:
        send(calls.make_link("ver_a"))
    assert (fault.value.may_be_done, len(server.requests)) == (may_be_done, len(fates))


def test_where_no_server_listens_nothing_was_done(server):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with Client(address, KEY, QUICK) as client, pytest.raises(errors.Unreachable) as lost:
        client.send(calls.make_link("ver_a"))
    assert not lost.value.may_be_done
    assert "ConnectError at try 3" in str(lost.value)


@pytest.mark.parametrize(
    "answer",
    [
        (503, b"", {"Retry-After": "1"}),
        (429, b"", {"Retry-After": "1"}),
        (409, b'{"code": "idempotency_in_progress"}', {"Retry-After": "1"}),
    ],
    ids=str,
)
def test_the_next_try_is_not_before_the_time_that_the_server_names(send, server, answer):
    server.script += [answer]
    began = time.monotonic()
    send(calls.make_link("ver_a"))
    assert 1 <= time.monotonic() - began < 5
    assert len(server.requests) == 2


def test_no_try_begins_after_the_total_time(send, server):
    server.script += [503] * 1000
    began = time.monotonic()
    # The last try has what is left of the time, which may be too short for an answer.
    with pytest.raises((errors.Unavailable, errors.Unreachable)):
        send(calls.make_link("ver_a"), Options(tries=1000, first=0.05, longest=0.1, total=0.5))
    assert time.monotonic() - began < 3
    assert 3 < len(server.requests) < 1000


def test_a_server_that_does_not_answer_has_the_total_time_and_no_more(send, server):
    server.script += ["delay"] * 9
    began = time.monotonic()
    with pytest.raises(errors.Unreachable):
        send(calls.make_link("ver_a"), Options(first=0.01, timeout=30, total=DELAY_SECONDS / 2))
    assert time.monotonic() - began < 5


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
        (429, "throttled", {"Retry-After": "2"}, errors.Unavailable),
        (503, "unavailable", {"Retry-After": "2"}, errors.Unavailable),
        (501, "", {}, errors.Unavailable),
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
    server.script += [(502, body, {"X-Request-Id": "r-2"})] * 3
    with pytest.raises(errors.Unavailable) as refused:
        send(calls.make_link("ver_a"))
    assert (refused.value.code, refused.value.request_id, refused.value.errors) == ("", "r-2", ())


def test_tries_end_and_say_what_became_of_the_last(send, server):
    server.script += ["drop before"] * 3
    with pytest.raises(
        errors.Unreachable, match=r"^POST /v1/verifications/ver_a/link: \w+ at try 3$"
    ):
        send(calls.make_link("ver_a"))
    server.script += [502, 500, (503, said("draining"), {})]
    with pytest.raises(errors.Unavailable, match=r"^503 draining: A title \(r-1\)$") as last:
        send(calls.make_link("ver_a"))
    assert (len(server.requests), last.value.headers.tries) == (6, 3)


def test_an_answer_shows_its_headers(send_for_answer, server):
    shown = {
        "X-Request-Id": "r-7",
        "Tulga-Version": "2026-11-28",
        "Idempotent-Replayed": "true",
        "RateLimit-Limit": "100",
        "RateLimit-Remaining": "9",
        "RateLimit-Reset": "30",
        "Deprecation": "@1767225600",
        "Sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
    }
    server.script += [503, (200, b"note", shown)]
    answer = send_for_answer(calls.get_checkpoint())
    assert answer == Answer(
        "note",
        Headers(
            status=200,
            tries=2,
            request_id="r-7",
            version="2026-11-28",
            is_replayed=True,
            rate=Rate(limit=100, remaining=9, reset_seconds=30),
            is_deprecated=True,
            deprecated_at=datetime(2026, 1, 1, tzinfo=UTC),
            sunset_at=datetime(2027, 1, 1, tzinfo=UTC),
        ),
    )


def test_a_problem_shows_the_headers_of_its_answer(send, server):
    shown = {"X-Request-Id": "r-8", "RateLimit-Remaining": "0", "Deprecation": "true"}
    server.script += [(404, b"", shown)]
    with pytest.raises(errors.NotFound) as refused:
        send(calls.make_link("ver_a"))
    headers = refused.value.headers
    assert (headers.status, headers.request_id, headers.rate.remaining) == (404, "r-8", 0)
    assert (headers.is_deprecated, headers.deprecated_at, headers.sunset_at) == (True, None, None)


@pytest.mark.parametrize("untrusted", ["", "soon", "-1", "1.5", "1" * 40, "@", "@" + "9" * 40, "é"])
def test_a_malformed_header_counts_as_absent(untrusted):
    names = ("retry-after", "ratelimit-limit", "deprecation", "sunset", "idempotent-replayed")
    headers = answers.read(200, dict.fromkeys(names, untrusted), 1)
    assert headers == Headers(status=200, is_deprecated=bool(untrusted))


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
    options = Options(tries=6, first=first, longest=longest, total=100.0)
    for tries, most in enumerate(expected, start=1):
        assert options.wait(tries, elapsed=0, asked_for=0, chance=0.0) == 0
        assert options.wait(tries, elapsed=0, asked_for=0, chance=0.5) == most / 2
        assert options.wait(tries, elapsed=0, asked_for=0, chance=1.0) == most
        assert options.wait(tries, elapsed=0, asked_for=3, chance=0.5) == 3 + most / 2
        assert options.wait(tries, elapsed=100 - most, asked_for=0, chance=1.0) is None
    assert options.wait(6, elapsed=0, asked_for=0, chance=0.0) is None
    assert options.wait(1, elapsed=0, asked_for=longest + 1, chance=0.0) is None
    assert Options(tries=10_000).wait(9_999, elapsed=0, asked_for=0, chance=1.0) == 30.0


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


# Against a server that drops, delays and answers 409, 429, 503 and half an answer, each call has
# its effect once.


CALLS = 1000
# Of 40 tries one in a million million calls finds none that is sound; short waits, or a thousand
# calls take minutes.
PATIENT = Options(tries=40, first=0.002, longest=0.02, timeout=DELAY_SECONDS / 2)


@pytest.fixture
def failing_server(proof_seed: int) -> Iterator[Server]:
    with serving(Server(seed=proof_seed)) as running:
        yield running


def references(scale: float) -> list[str]:
    return [f"ver_{number}" for number in range(max(100, round(CALLS * scale)))]


def in_threads(failing_server: Server, names: list[str]) -> list[Sent]:
    with Client(failing_server.url, "tlg_test_x", PATIENT) as client, ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda name: client.send(calls.make_link(name)), names))


def in_a_loop(failing_server: Server, names: list[str]) -> list[Sent]:
    async def all_of_them() -> list[Sent]:
        few = asyncio.Semaphore(8)

        async def one(name: str) -> Sent:
            async with few:
                return await client.send(calls.make_link(name))

        async with AsyncClient(failing_server.url, "tlg_test_x", PATIENT) as client:
            return list(await asyncio.gather(*map(one, names)))

    return asyncio.run(all_of_them())


@pytest.mark.proof("client")
@pytest.mark.parametrize("play", [in_threads, in_a_loop], ids=["sync", "async"])
def test_every_effect_is_there_once(
    failing_server: Server,
    play: Callable[[Server, list[str]], list[Sent]],
    proof_scale: float,
    proof_figures: Figures,
) -> None:
    names, name = references(proof_scale), play.__name__
    links = play(failing_server, names)
    assert [link.url.partition("#")[2] for link in links] == names
    assert failing_server.effects == dict.fromkeys(names, 1)
    # One key a call, however often it was sent: and it was sent after it had been done.
    assert {len(keys) for keys in failing_server.keys.values()} == {1}
    assert len({key for keys in failing_server.keys.values() for key in keys}) == len(names)
    assert set(failing_server.befell) == {SOUND, *FAULTS}
    proof_figures |= {
        f"{name}: calls": len(names),
        f"{name}: requests": sum(failing_server.befell.values()),
        f"{name}: faults": {str(kind): failing_server.befell[kind] for kind in FAULTS},
        f"{name}: effects": sum(failing_server.effects.values()),
    }


@pytest.mark.proof("client")
def test_this_server_does_twice_what_is_asked_under_two_keys(failing_server: Server) -> None:
    failing_server.script += ["drop after", SOUND]
    with Client(failing_server.url, "tlg_test_x", Options(tries=1)) as client:
        with pytest.raises(Unreachable):
            client.send(calls.make_link("ver_a"))
        client.send(calls.make_link("ver_a"))
    assert failing_server.effects["ver_a"] == 2


@pytest.mark.proof("client")
def test_the_same_call_sent_again_is_no_second_effect(failing_server: Server) -> None:
    failing_server.script += ["drop after", SOUND]
    call = calls.make_link("ver_a")
    with Client(failing_server.url, "tlg_test_x", Options(tries=1)) as client:
        with pytest.raises(Unreachable):
            client.send(call)
        client.send(call)
    assert failing_server.effects["ver_a"] == 1
