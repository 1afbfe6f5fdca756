"""Commands of manage.py about lenders: add_lender, add_key, tulga_listen, tulga_trigger."""

import io
import json
import re
import sys
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from standardwebhooks import Webhook

from lenders.management.commands import tulga_trigger
from lenders.management.commands.tulga_trigger import Trigger, TriggerFailed, bring_about
from lenders.models import ApiKey, Lender
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.samples import Caller
from tests.verification.stories.story import begin, order
from verification import outbound
from verification.core.ids import Iin
from verification.core.scenarios import SCRIPTED
from verification.outbound import Answer

BIN = "180440012349"
PHONE = ("--phone", "8 (727) 000-00-44")
PATH = "/v1/verifications"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def secret_in(text: str) -> str:
    found = re.search(r"tlg_(?:test|live)_[A-Za-z0-9_-]{43}", text)
    assert found
    return found[0]


def test_a_new_lender_can_call_at_once(db: None) -> None:
    said = run(
        "add_lender",
        "Ақша LLP",
        "--bin",
        BIN,
        *PHONE,
        "--return-url",
        "https://lender.example/back",
    )
    lender = Lender.objects.get()
    assert (lender.name, lender.bin, lender.live_calendar) == ("Ақша LLP", BIN, [])
    assert lender.phone == "+77270000044"
    assert lender.test_calendar == [{"from": "2021-04-30", "profile": "KZ-2021-04"}]
    assert lender.return_urls == ["https://lender.example/back"]
    assert Caller(secret_in(said)).get(PATH).status_code == 200
    assert f"curl -H 'Authorization: Bearer {secret_in(said)}'" in said
    assert f"add_person EMAIL --name NAME --role reviewer --lender {lender.pk}" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--bin", "180440012340"),
        ("--bin", "990101100010"),
        ("--bin", BIN, "--profile", "KZ-1999-01"),
        ("--bin", BIN, "--profile", "soon=KZ-2026-01"),
        ("--bin", BIN, "--profile", "KZ-2026-01", "--profile", "KZ-2021-04"),
        ("--bin", BIN, "--live-profile", "2026-01-26=KZ-2021-04"),
        ("--bin", BIN, "--return-url", "http://lender.example/"),
        ("--bin", BIN, "--return-url", "https://lender.example/?a=1"),
        ("--bin", BIN, "--phone", "1414"),
        ("--bin", BIN, "--phone", "+8 727 000 00 44"),
        ("--bin", BIN, "--phone", ""),
    ],
    ids=str,
)
def test_a_lender_with_nonsense_is_not_added(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("add_lender", "Name", *(PHONE if "--phone" not in words else ()), *words)
    assert not Lender.objects.exists()


@pytest.mark.parametrize("name", ["A\u3164B", "A\uffffB", "A  B", "A\u2800", "\u00a0A"])
def test_a_lender_in_whose_name_something_hides_is_not_added(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="only signs that are seen"):
        run("add_lender", name, "--bin", BIN, *PHONE)
    assert not Lender.objects.exists()


def test_profiles_are_held_from_the_days_named(db: None) -> None:
    words = (
        "--profile",
        "KZ-2021-04",
        "--profile",
        "2027-01-01=KZ-2026-01",
        "--live-profile",
        "2026-06-01=KZ-2026-01",
    )
    run("add_lender", "One", "--bin", BIN, *PHONE, *words)
    lender = Lender.objects.get()
    late = {"from": "2027-01-01", "profile": "KZ-2026-01"}
    assert lender.test_calendar == [{"from": "2021-04-30", "profile": "KZ-2021-04"}, late]
    assert lender.live_calendar == [{"from": "2026-06-01", "profile": "KZ-2026-01"}]


def test_a_bin_is_added_once(db: None) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    with pytest.raises(CommandError, match="exists"):
        run("add_lender", "Two", "--bin", BIN, *PHONE)


def test_a_key_is_replaced_while_the_old_one_still_works(db: None) -> None:
    old = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    old_id = ApiKey.objects.get().pk
    said = run(
        "add_key",
        BIN,
        "--replaces",
        old_id,
        "--scope",
        "verifications:read",
        "--cidr",
        "192.0.2.0/24",
    )
    assert f"{old_id} runs out at" in said
    assert Caller(old).get(PATH).status_code == Caller(secret_in(said)).get(PATH).status_code == 200
    assert ApiKey.objects.exclude(pk=old_id).get().scopes == ["verifications:read"]


def test_a_revoked_key_is_out(db: None) -> None:
    secret = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    key_id = ApiKey.objects.get().pk
    assert "revoked" in run("revoke_key", key_id)
    assert Caller(secret).get(PATH).json()["code"] == "key_revoked"
    assert "before" in run("revoke_key", key_id)


@pytest.mark.parametrize(
    "words",
    [
        ("add_key", "len_none"),
        ("add_key", BIN, "--mode", "live"),
        ("add_key", BIN, "--scope", "everything"),
        ("add_key", BIN, "--cidr", "everywhere"),
        ("add_key", BIN, "--days", "0"),
        ("add_key", BIN, "--replaces", "key_none"),
        ("revoke_key", "key_none"),
    ],
    ids=str,
)
def test_a_command_with_nonsense_changes_nothing(db: None, words: tuple[str, ...]) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    with pytest.raises(CommandError):
        run(*words)
    assert ApiKey.objects.count() == 1


# manage.py tulga_listen: a developer's receiver gets what an endpoint would get, and can verify
# it.


def listen(lender: Lender, url: str, *more: str) -> str:
    out = StringIO()
    call_command("tulga_listen", lender.bin, "--forward-to", url, "--once", *more, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_developer_gets_each_event_and_can_verify_it(lender: Lender) -> None:
    story = begin(lender)
    story.cancel()
    with listening(Receiver()) as receiver:
        said = listen(lender, receiver.url, "--after", "0")
    secret = re.search(r"whsec_\S+", said)
    assert secret is not None
    told = [
        Webhook(secret[0]).verify(one.body.decode(), dict(one.headers)) for one in receiver.received
    ]
    assert [one["type"] for one in told] == ["verification.created", "verification.canceled"]
    assert {one["data"]["verification"] for one in told} == {story.id}
    assert all(one["checkpoint"] for one in told)
    assert re.findall(r"^\d+  (\S+)  evt_\S+  204$", said, re.MULTILINE) == [
        one["type"] for one in told
    ]
    assert [json.loads(one.body)["data"]["sequence"] for one in receiver.received] == sorted(
        one["data"]["sequence"] for one in told
    )


@pytest.mark.django_db(transaction=True)
def test_it_begins_behind_what_is_there_and_where_it_is_told_to(lender: Lender) -> None:
    begin(lender)
    order()
    with listening(Receiver()) as receiver:
        listen(lender, receiver.url)
        assert receiver.received == []
        listen(lender, receiver.url, "--after", "1")
        assert receiver.received == []


@pytest.mark.django_db(transaction=True)
def test_nobody_there_is_said_and_another_lender_is_none(lender: Lender) -> None:
    begin(lender)
    order()
    assert "connection_failed" in listen(lender, "http://127.0.0.1:9/hook", "--after", "0")
    with pytest.raises(CommandError, match="no such lender"):
        call_command("tulga_listen", "180440012399", "--forward-to", "http://127.0.0.1:9/")


# What a trigger does when it is told to come again in a moment.


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was sent, and in between for how many seconds it slept."""
    kept: list[Any] = []
    monkeypatch.setattr(time, "sleep", kept.append)
    return kept


def _answering(monkeypatch: pytest.MonkeyPatch, sent: list[Any], *answers: Answer) -> Trigger:
    left = list(answers)

    def send(request: Any) -> Answer:
        sent.append(request.headers["Idempotency-Key"])
        return left.pop(0)

    monkeypatch.setattr(outbound, "send", send)
    return Trigger("http://tulga.example", "tlg_test_x", print)


def test_a_call_is_sent_again_by_the_same_key_when_retry_after_is_over(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    busy = Answer(status=503, body=b'{"code": "sandbox_unavailable"}', retry_after="5")
    trigger = _answering(monkeypatch, sent, busy, busy, Answer(status=200, body=b'{"id": "ver_a"}'))
    assert trigger.call("POST", "/v1/verifications", {}) == {"id": "ver_a"}
    assert sent == [sent[0], 5, sent[0], 5, sent[0]]


@pytest.mark.parametrize(("retry_after", "tries"), [("5", 4), ("86400", 1), ("", 1), ("soon", 1)])
def test_it_gives_up_after_three_times_and_where_the_wait_is_long(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any], retry_after: str, tries: int
) -> None:
    busy = Answer(status=409, body=b'{"code": "cooling_off"}', retry_after=retry_after)
    trigger = _answering(monkeypatch, sent, *[busy] * tries)
    with pytest.raises(TriggerFailed, match="409 cooling_off"):
        trigger.call("POST", "/v1/verifications", {})
    assert len([one for one in sent if isinstance(one, str)]) == tries


@pytest.mark.parametrize(
    ("ends", "painted"),
    [(["in_review"], 1), (["declined", "in_review"], 2), (["verified", "declined", "failed"], 3)],
)
def test_a_face_that_comes_to_something_else_is_followed_by_another_persons(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any], ends: list[str], painted: int
) -> None:
    opened: list[str] = []
    told = {"type": "verification.in_review", "lender_sequence": 1}

    def send(request: Any) -> Answer:
        if "/v1/events" in request.url:
            return Answer(status=200, body=json.dumps({"data": [told] if opened else []}).encode())
        if request.method == "GET":
            return Answer(status=200, body=json.dumps({"status": ends[len(opened) - 1]}).encode())
        if request.url.endswith("/v1/verifications"):
            opened.append(json.loads(request.body)["subject"]["iin"])
        return Answer(status=201, body=b'{"id": "ver_a"}')

    monkeypatch.setattr(outbound, "send", send)
    trigger = Trigger("http://tulga.example", "tlg_test_x", lambda _: None)
    bring_about(trigger, "verification.in_review", seconds=1)
    assert len(set(opened)) == len(opened) == painted
    assert trigger.iin == opened[-1]
    born = [Iin.parse(iin).birth_date for iin in opened]
    assert {day and day.isoformat() for day in born} == {"1899-01-01"}
    assert SCRIPTED.keys().isdisjoint(opened)


def test_where_too_few_could_vote_nothing_else_is_painted(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    failed = {"status": "failed", "code": "review_unavailable"}

    def send(request: Any) -> Answer:
        sent.append(request.url)
        if "/v1/events" in request.url:
            return Answer(status=200, body=b'{"data": []}')
        return Answer(status=200, body=json.dumps({"id": "ver_a"} | failed).encode())

    monkeypatch.setattr(outbound, "send", send)
    trigger = Trigger("http://tulga.example", "tlg_test_x", lambda _: None)
    with pytest.raises(TriggerFailed, match="review_unavailable: two of your people"):
        bring_about(trigger, "verification.in_review", seconds=1)
    assert len([url for url in sent if str(url).endswith("/v1/verifications")]) == 1


# Where `manage.py tulga_trigger` takes its key from: nowhere that another user of the machine
# can read.
KEY = "tlg_test_x"


@pytest.fixture
def used(monkeypatch):
    """The keys by which events were asked for; nothing is called."""
    keys = []

    def bring_about(run_trigger, event, *, seconds):
        keys.append(run_trigger.key)
        return {"type": event, "id": "evt_1", "lender_sequence": 1}

    monkeypatch.setattr(tulga_trigger, "bring_about", bring_about)
    monkeypatch.delenv("TULGA_KEY", raising=False)
    return keys


def run_trigger(*given):
    call_command("tulga_trigger", "verification.created", *given, stdout=io.StringIO())


def test_it_is_taken_from_the_environment_a_file_or_the_input(used, monkeypatch, tmp_path):
    (tmp_path / "key").write_text(f"{KEY}file\n")
    run_trigger("--key-file", str(tmp_path / "key"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}input\n"))
    run_trigger("--key-file", "-")
    monkeypatch.setenv("TULGA_KEY", f"{KEY}variable")
    run_trigger()
    assert used == [f"{KEY}file", f"{KEY}input", f"{KEY}variable"]


def test_the_command_line_takes_none(used):
    with pytest.raises(CommandError):
        run_trigger("--key", KEY)
    assert used == []


@pytest.mark.parametrize("given", [(), ("--key-file", "/nonexistent/key")])
def test_without_one_nothing_is_asked(used, given):
    with pytest.raises(CommandError) as refused:
        run_trigger(*given)
    assert ("TULGA_KEY" if not given else "FileNotFoundError") in str(refused.value)
    assert used == []
