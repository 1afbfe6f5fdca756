"""The command `tulga`: test events on a developer's machine, by the API and a test key alone."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from lenders import keys, openapi
from tests.lenders.insecure_receiver import Receiver, listening
from tests.verification.stories.story import begin, order
from tulga import Client, Options
from tulga import listening as listener
from tulga.__main__ import main
from tulga.errors import BadAnswer
from tulga.triggering import Trigger, TriggerFailed, bring_about, invented_iin
from verification.core.ids import Iin
from verification.core.scenarios import SCRIPTED

KEY = "tlg_test_sesame"
URL = "https://tulga.example"

# `tulga listen` against the product.


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes over a signal of its process, which here is the test's."""
    former = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, former)


@pytest.fixture
def listen(
    live_server: Any, lender: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Callable[..., str]:
    """Runs `tulga listen --once`; returns what it prints."""
    monkeypatch.setenv("TULGA_URL", live_server.url)
    monkeypatch.setenv("TULGA_KEY", keys.issue(lender, mode="test").secret)

    def run(url: str, *more: str) -> str:
        assert main(["listen", "--forward-to", url, "--once", *more]) == 0
        return str(capsys.readouterr().out)

    return run


@pytest.mark.django_db(transaction=True)
def test_a_developer_gets_each_event_and_can_verify_it(
    lender: Any, listen: Callable[..., str]
) -> None:
    story = begin(lender)
    story.cancel()
    with listening(Receiver()) as receiver:
        printed = listen(receiver.url, "--after", "0")
    secret = re.search(r"^secret +(whsec_\S+)$", printed, re.MULTILINE)
    assert secret is not None
    events = [
        Webhook(secret[1]).verify(one.body.decode(), dict(one.headers)) for one in receiver.received
    ]
    assert [one["type"] for one in events] == ["verification.created", "verification.canceled"]
    assert {one["data"]["verification"] for one in events} == {story.id}
    assert all(one["checkpoint"] for one in events)
    assert re.findall(r"^\d+  (\S+)  evt_\S+  204$", printed, re.MULTILINE) == [
        one["type"] for one in events
    ]
    webhook = openapi.document()["components"]["schemas"]["WebhookBody"]["properties"]
    assert [{*json.loads(one.body)} for one in receiver.received] == [{*webhook}] * 2


@pytest.mark.django_db(transaction=True)
def test_it_begins_after_what_is_there_or_after_the_given_number(
    lender: Any, listen: Callable[..., str]
) -> None:
    begin(lender)
    order()
    with listening(Receiver()) as receiver:
        listen(receiver.url)
        listen(receiver.url, "--after", "1")
        assert receiver.received == []
        listen(receiver.url, "--after", "0")
        assert len(receiver.received) == 1


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_is_absent_or_redirects_is_named(
    lender: Any, listen: Callable[..., str]
) -> None:
    begin(lender)
    order()
    assert "  ConnectError\n" in listen("http://127.0.0.1:9/hook", "--after", "0")
    with listening(Receiver(status=307, headers={"Location": "/elsewhere"})) as receiver:
        assert "  307\n" in listen(receiver.url, "--after", "0")
        assert len(receiver.received) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_that_may_not_read_the_log_gets_events_without_a_checkpoint(
    lender: Any, listen: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(lender)
    order()
    key = keys.issue(lender, mode="test", scopes=["events:read"]).secret
    monkeypatch.setenv("TULGA_KEY", key)
    with listening(Receiver()) as receiver:
        assert key not in listen(receiver.url, "--after", "0")
    assert [json.loads(one.body)["checkpoint"] for one in receiver.received] == [None]


# Whose key it takes, and from where.


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "set TULGA_URL"),
        ({"TULGA_URL": URL}, "set TULGA_KEY"),
        ({"TULGA_URL": URL, "TULGA_KEY": "tlg_live_sesame"}, "needs a test key"),
        ({"TULGA_URL": "http://tulga.example", "TULGA_KEY": KEY}, "only sent to an https address"),
    ],
    ids=str,
)
def test_without_an_address_and_a_test_key_nothing_is_sent(
    variables: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("TULGA_URL", "TULGA_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["trigger", "verification.created"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
    assert "sesame" not in printed.err


@pytest.mark.parametrize("words", [["--key", KEY], [KEY]])
def test_the_arguments_take_no_key(words: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["trigger", "verification.created", *words])
    assert refused.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


# Against an API that is played by the test, through the client's own transport.


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    quick = Options(tries=2, first=0.001)
    return Client(URL, KEY, quick, transport=httpx.MockTransport(answer))


def _event(number: int, kind: str = "verification.created") -> dict[str, Any]:
    return {
        "id": f"evt_{number}",
        "log_index": number,
        "lender_sequence": number,
        "type": kind,
        "version": "2026-11-28",
        "timestamp": "2026-11-28T10:00:00.000Z",
        "data": {"mode": "test"},
    }


@pytest.mark.parametrize("count", [*range(20), 1000, 123_456])
def test_the_newest_event_comes_by_few_requests(count: int) -> None:
    requests: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params["after"])
        requests.append(after)
        return httpx.Response(200, json={"data": [_event(after + 1)] if after < count else []})

    assert listener.newest(client_of(answer)) == count
    assert len(requests) <= 2 * count.bit_length() + 2


def test_a_listener_survives_faults_of_the_server_and_loses_no_event() -> None:
    script: list[Any] = [502, 502, [1], 503, 503, [1, 2]]
    printed: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/events":
            return httpx.Response(403)
        step, after = script.pop(0), int(request.url.params["after"])
        if isinstance(step, int):
            return httpx.Response(step)
        return httpx.Response(200, json={"data": [_event(n) for n in step if n > after]})

    def say(line: str) -> None:
        printed.append(line)
        if "evt_2" in line:
            raise KeyboardInterrupt

    with listening(Receiver()) as receiver, pytest.raises(KeyboardInterrupt):
        listener.forward(client_of(answer), receiver.url, say=say, after=0, is_once=False)
    assert [one.headers["webhook-id"] for one in receiver.received] == ["evt_1", "evt_2"]
    assert len([line for line in printed if line.startswith(("502 ", "503 "))]) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": [{"id": "evt_1"}]}'])
def test_a_list_of_another_form_is_no_list_of_events(body: bytes) -> None:
    client = client_of(lambda request: httpx.Response(200, content=body))
    with pytest.raises(BadAnswer, match="no list of events"):
        listener.forward(client, "http://127.0.0.1:9/", say=print, after=0, is_once=True)


class Played:
    """An API whose cases end as the test says. ends: status and code, one for each opening."""

    def __init__(self, *ends: tuple[str, str]) -> None:
        self.ends, self.iins = ends, list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        examples = openapi.examples()
        match request.url.path.split("/")[1:]:
            case ["openapi.json"]:
                return httpx.Response(200, json=openapi.document())
            case ["v1", "events"]:
                events = [_event(1, "verification.in_review")] if self.iins else []
                after = int(request.url.params["after"])
                return httpx.Response(200, json={"data": [e for e in events if after < 1]})
            case ["v1", "verifications"]:
                self.iins.append(json.loads(request.content)["subject"]["iin"])
                return httpx.Response(201, json=examples["open_verification"]["answers"]["201"])
            case ["v1", "verifications", _]:
                status, code = self.ends[len(self.iins) - 1]
                state = examples["get_verification"]["answers"]["200"]
                return httpx.Response(200, json=state | {"status": status, "code": code or None})
            case _:
                return httpx.Response(202, json=examples["simulate"]["answers"]["202"])


@pytest.mark.parametrize(
    ("ends", "painted"),
    [(["in_review"], 1), (["declined", "in_review"], 2), (["verified", "declined", "failed"], 3)],
)
def test_a_face_that_comes_to_another_end_is_followed_by_another_persons(
    ends: list[str], painted: int
) -> None:
    api, ids = Played(*((end, "") for end in ends)), list[str]()
    event = bring_about(Trigger(client_of(api), ids.append), "verification.in_review", seconds=1)
    assert (event.type, event.id) == ("verification.in_review", "evt_1")
    assert len(set(api.iins)) == len(ids) == painted


def test_where_too_few_could_vote_no_other_face_is_painted() -> None:
    api = Played(("failed", "review_unavailable"))
    with pytest.raises(TriggerFailed, match="review_unavailable: two of your people"):
        bring_about(Trigger(client_of(api), print), "verification.in_review", seconds=1)
    assert len(api.iins) == 1


def test_an_event_that_does_not_come_is_named() -> None:
    api = Played()
    with pytest.raises(TriggerFailed, match="created did not come within 0 s"):
        bring_about(Trigger(client_of(api), print), "verification.created", seconds=0)
    with pytest.raises(TriggerFailed, match=r"there is no event verification\.x; there are"):
        bring_about(Trigger(client_of(api), print), "verification.x", seconds=0)


def test_where_the_law_asks_for_more_routes_the_borrower_takes_those() -> None:
    api, bodies = Played(), list[dict[str, Any]]()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/verifications":
            bodies.append(json.loads(request.content))
            if "routes" in bodies[-1]:
                fault = {"pointer": "/routes", "code": "routes_insufficient", "detail": ""}
                return httpx.Response(422, json={"code": "bad_input", "errors": [fault]})
        return api(request)

    assert Trigger(client_of(answer), print).opened()
    assert [body.get("routes") for body in bodies] == [["eds"], None]


def test_an_invented_person_is_valid_and_none_of_the_sandboxes() -> None:
    seven = openapi.examples()["open_verification"]["request"]["subject"]["iin"][:7]
    for _ in range(500):
        iin = invented_iin(seven)
        assert Iin.parse(iin).value == iin
        assert iin not in SCRIPTED
