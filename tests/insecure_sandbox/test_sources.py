"""The registers, gateways, bureau and bank of the sandbox, and their scripted faults."""

import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import urllib3

from insecure_sandbox import faults
from insecure_sandbox.exchange import Rejected, Request, Response, Route, as_json
from insecure_sandbox.faults import FaultScript, routes
from insecure_sandbox.http_server import SandboxServer, loopback_address
from insecure_sandbox.questions import AnsweredOnce
from scripts.guide_blocks import text_of
from tests.insecure_sandbox.asked import (
    consent_id_of,
    consent_of,
    consent_source,
    new_id,
    new_iin,
    ownership_of,
    person_of,
    photo_of,
    picture,
    register,
    wanted,
)
from tests.insecure_sandbox_process import SandboxProcess, running_sandbox
from verification.case import policy
from verification.core import almaty
from verification.core.answers import Basis, ConsentAnswer, SmsAnswer
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.core.spelling import code_sms
from verification.sources import account_owner, credit_bureau, stop_credit
from verification.sources import consent as consents
from verification.sources.account_owner import HttpAccountOwner
from verification.sources.asking import PAYOUT_SECONDS, Fetched
from verification.sources.consent import ConsentReading, HttpConsentSource, ask
from verification.sources.credit_bureau import HttpCreditBureau
from verification.sources.person_registry import REGISTRY as PEOPLE
from verification.sources.person_registry import HttpPersonRegistry, PersonQuestion
from verification.sources.phone_registry import REGISTRY as PHONES
from verification.sources.phone_registry import HttpPhoneRegistry, OwnershipQuestion
from verification.sources.photo_registry import REGISTRY as PHOTOS
from verification.sources.photo_registry import HttpPhotoRegistry, PhotoQuestion
from verification.sources.revocation import CRL, HttpRevocationSource, RevocationQuestion
from verification.sources.sms import GATEWAY, HttpSmsGateway, Message
from verification.sources.stop_credit import HttpStopCredit
from verification.stages.confirmation.policy import CONSENT

# The sandbox's registers, asked through the product's adapters, answer what the sandbox was
# told, and nothing else.


def test_a_registered_person_is_found_as_registered(sandbox: SandboxProcess) -> None:
    iin = register(sandbox)
    answer = person_of(sandbox, iin)
    assert (answer.status, answer.iin.value) == ("found", iin)
    assert answer.person is not None
    assert (answer.person.surname, answer.person.name, answer.person.life_status) == (
        "ӘБДІҒАЛИЕВА",
        "АЙГҮЛ",
        "alive",
    )
    document = answer.person.documents[0]
    assert (document.number, document.valid_to, document.status) == (
        "098765432",
        date(2030, 2, 1),
        "valid",
    )


def test_the_photo_is_the_registered_one_with_its_origin(sandbox: SandboxProcess) -> None:
    jpeg = picture()
    iin = register(sandbox, photo=jpeg, photo_source="PROVIDER")
    answer = photo_of(sandbox, iin)
    assert (answer.status, answer.source, answer.jpeg) == ("found", "PROVIDER", jpeg)


def test_a_phone_is_its_owners_and_no_one_elses(sandbox: SandboxProcess) -> None:
    one, other = register(sandbox, phone="+77055550001"), register(sandbox, phone="+77055550002")
    assert ownership_of(sandbox, "+77055550001", iin=one).status == "owned"
    assert ownership_of(sandbox, "+77055550001", iin=one).owned_since == date(2020, 2, 2)
    assert ownership_of(sandbox, "+77055550001", iin=other).status == "owned_by_another"
    assert ownership_of(sandbox, "+77055550009", iin=other).status == "not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"iin": "1" * 65},
        {"surname": None},
        {"document": "none"},
        {"document": {"number": 5}},
        {"document": {"number": "1", "colour": "blue"}},
        {"phone": 7},
        {"photo": "no base64!"},
        {"shoe_size": "42"},
    ],
)
def test_a_registration_that_is_not_right_is_rejected(
    sandbox: SandboxProcess, changes: dict[str, Any]
) -> None:
    person = {
        "iin": new_iin(),
        "surname": "А",
        "name": "Б",
        "birth_date": "1899-01-01",
        "phone": "+77010000010",
    }
    with pytest.raises(AssertionError, match="error"):
        sandbox.post("/people", **person | {"document": {"number": "1"}} | changes)


def test_a_photo_larger_than_any_is_rejected_unread(sandbox: SandboxProcess) -> None:
    head = {"Content-Type": "application/json", "Content-Length": str(10**9)}
    response = urllib3.request(
        "POST", f"{sandbox.url}/people", headers=head, body=b"{", retries=False, timeout=10
    )
    assert response.status == 413


@pytest.mark.parametrize(
    "path", ["/person", "/photo", "/phone", "/sms", "/consent/request", "/consent/read"]
)
@pytest.mark.parametrize(
    "changes", [{"request_id": "short"}, {"request_id": 5}, {"more": "x"}, {"iin": 5, "phone": 5}]
)
def test_a_question_that_is_not_right_is_rejected(
    sandbox: SandboxProcess, path: str, changes: dict[str, Any]
) -> None:
    fields = {"request_id": new_id(), "iin": new_iin(), "consent_id": "kdp_unknown"} | changes
    response = urllib3.request("POST", sandbox.url + path, json=fields, timeout=10)
    assert response.status == 400


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A sandbox in which no other test registers a person."""
    with running_sandbox(tmp_path / "state") as running:
        yield running


def test_the_person_of_the_lenders_first_page_is_known(untouched: SandboxProcess) -> None:
    asked = re.search(r"-d '(\{.*?\n  \})'", text_of("start"), re.DOTALL)
    assert asked is not None
    subject = json.loads(asked[1].replace("'\"$LOAN\"'", "loan-1"))["subject"]
    person = person_of(untouched, subject["iin"]).person
    assert person is not None
    names = (person.surname, person.name, person.patronymic)
    assert names == (
        subject["surname"].upper(),
        subject["name"].upper(),
        subject.get("patronymic", ""),
    )
    assert person.birth_date.isoformat() == subject["birth_date"]
    document = person.documents[0]
    assert document.valid_to is not None
    found = {
        "type": document.type,
        "number": document.number,
        "valid_to": document.valid_to.isoformat(),
    }
    assert found == subject["document"]
    assert ownership_of(untouched, subject["phone"], iin=subject["iin"]).status == "owned"


# Each scripted fault of a register or gateway is the product's fault, exactly n times; and no
# log knows whom of.


FAULT_SECONDS = 0.8
SOURCES = ("person", "photo", "phone", "consent", "sms")
PHONE = "+77055553001"
MESSAGE = "Code 654321."


@pytest.fixture
def _mended(sandbox: SandboxProcess) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.mend()


def question(sandbox: SandboxProcess, source: str, iin: str) -> Callable[[], Fetched[Any]]:
    """A question that is answered, unless a fault is scripted; its request id is new each time."""
    consent_id, url = consent_id_of(sandbox, iin), sandbox.url
    person = HttpPersonRegistry(f"{url}/person", seconds=FAULT_SECONDS)
    photo = HttpPhotoRegistry(f"{url}/photo", seconds=FAULT_SECONDS)
    phone = HttpPhoneRegistry(f"{url}/phone", seconds=FAULT_SECONDS)
    consent = HttpConsentSource(f"{url}/consent", seconds=FAULT_SECONDS)
    sms = HttpSmsGateway(f"{url}/sms", seconds=FAULT_SECONDS)
    about: dict[str, Any] = {"iin": Iin(iin), "consent_id": consent_id}
    questions: dict[str, Callable[[], Fetched[Any]]] = {
        "person": lambda: PEOPLE.ask(person, PersonQuestion(request_id=new_id(), **about)),
        "photo": lambda: PHOTOS.ask(photo, PhotoQuestion(request_id=new_id(), **about)),
        "phone": lambda: PHONES.ask(
            phone, OwnershipQuestion(request_id=new_id(), phone=Phone(PHONE), **about)
        ),
        "consent": lambda: consents.ask(consent, wanted(iin)),
        "sms": lambda: GATEWAY.ask(sms, message(Phone(PHONE), new_id())),
    }
    return questions[source]


def message(phone: Phone, request_id: str) -> Message:
    return Message(request_id=request_id, phone=phone, text=MESSAGE)


@pytest.mark.usefixtures("_mended")
def test_a_message_whose_answer_was_lost_is_sent_once(sandbox: SandboxProcess) -> None:
    gateway, request_id, phone = (
        HttpSmsGateway(f"{sandbox.url}/sms", seconds=5.0),
        new_id(),
        Phone("+77055553002"),
    )
    sandbox.post("/faults", source="sms", kind="http_500", times=1)
    with pytest.raises(SourceUnavailable):
        gateway.fetch(message(phone, request_id))
    first = gateway.fetch(message(phone, request_id))
    assert gateway.fetch(message(phone, request_id)) == first
    assert len(sandbox.post("/inbox", phone=phone.value)["messages"]) == 1


@pytest.mark.usefixtures("_mended")
def test_no_log_knows_whom_it_was_about(
    sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    iin = register(sandbox, phone=PHONE, photo=picture())
    for source in SOURCES:
        ask = question(sandbox, source, iin)
        ask()
        sandbox.post("/faults", source=source, kind="garbage", times=1)
        with pytest.raises(SourceUnavailable) as caught:
            ask()
        logging.getLogger("tulga").exception("fault", exc_info=caught.value)
    sandbox_log = sandbox.state.parent / f"{sandbox.state.name}.log"
    told = caplog.text + sandbox_log.read_text()
    assert all(
        f"POST /{path}" in told for path in ("person", "photo", "phone", "sms", "consent/request")
    )
    for secret in (iin, PHONE, PHONE[1:], "ӘБДІҒАЛИЕВА", "АЙГҮЛ", "098765432", "654321", "/9j/"):
        assert secret not in told


# A script of faults hits as often as told, the right source, and nothing else.


KINDS = {"crl": frozenset({"silent", "garbage", "stale"}), "ca": frozenset({"silent"})}
NOW = datetime.now(UTC)


def scripted(*entries: dict[str, Any]) -> FaultScript:
    script = FaultScript()
    add = next(route for route in routes(script, kinds_by_source=KINDS) if route.method == "POST")
    for fields in entries:
        body = json.dumps(fields).encode()
        add.handle(
            Request(
                method="POST", path="/faults", content_type="application/json", untrusted_body=body
            )
        )
    return script


def test_a_fault_hits_exactly_n_times_under_many_threads() -> None:
    script = scripted({"source": "crl", "kind": "silent", "times": 37})
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: script.take("crl"), range(200)))
    assert taken.count("silent") == 37


@pytest.mark.parametrize(("seconds", "kind"), [(60, "silent"), (-1, None)])
def test_a_fault_lasts_until_its_time(seconds: int, kind: str | None) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    script = scripted({"source": "crl", "kind": "silent", "until": until})
    assert [script.take("crl") for _ in range(3)] == [kind] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "sms", "kind": "silent", "times": 1},
        {"source": "crl", "kind": "slow", "times": 1},
        {"source": "ca", "kind": "stale", "times": 1},
        {"source": "crl", "kind": "silent"},
        {"source": "crl", "kind": "silent", "times": 1, "until": NOW.isoformat()},
        {"source": "crl", "kind": "silent", "times": 0},
        {"source": "crl", "kind": "silent", "times": True},
        {"source": "crl", "kind": "silent", "times": "1"},
        {"source": "crl", "kind": "silent", "until": "tomorrow"},
        {"source": "crl", "kind": "silent", "until": NOW.replace(tzinfo=None).isoformat()},
        {"source": "crl", "kind": "silent", "times": 1, "more": 1},
        {"kind": "silent", "times": 1},
    ],
)
def test_a_script_that_is_not_exactly_right_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        scripted(fields)
    assert caught.value.status == 400


# A person is looked up only while their consent holds, and is asked once for the same.


def id_in(answer: ConsentAnswer) -> str:
    assert answer.terms is not None
    return answer.terms.consent_id


def read(sandbox: SandboxProcess, consent_id: str, iin: str) -> ConsentAnswer:
    reading = ConsentReading(request_id=new_id(), iin=Iin(iin), consent_id=consent_id)
    return ask(consent_source(sandbox), reading).parsed


def messages(sandbox: SandboxProcess, phone: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = sandbox.post("/inbox", phone=phone)["messages"]
    return found


def test_a_consent_keeps_what_was_asked_and_which_text_was_shown(sandbox: SandboxProcess) -> None:
    iin = register(sandbox)
    answer = consent_of(sandbox, iin, services=("person",))
    assert answer.status == "valid"
    assert answer.terms is not None
    assert answer.terms.services == ("person",)
    assert (answer.terms.reference, answer.terms.lender_bin) == (f"ver_of_{iin}", "990240000008")
    assert answer.terms.text_sha256 == CONSENT.sha256(CONSENT.current, "kk")
    assert (answer.terms.expires_at - answer.terms.created_at).total_seconds() == 3600
    assert read(sandbox, id_in(answer), iin).terms == answer.terms


def test_the_same_question_again_is_answered_as_before(sandbox: SandboxProcess) -> None:
    request = wanted(register(sandbox, consent="pending"))
    first = consent_source(sandbox).fetch(request)
    assert consent_source(sandbox).fetch(request) == first


def test_a_pending_consent_opens_nothing_until_the_person_agrees(sandbox: SandboxProcess) -> None:
    iin = register(sandbox, consent="pending")
    consent_id = id_in(consent_of(sandbox, iin))
    assert read(sandbox, consent_id, iin).status == "pending"
    assert person_of(sandbox, iin, consent_id).status == "consent_refused"
    assert sandbox.post("/consent/answer", consent_id=consent_id, status="valid") == {
        "answered": True
    }
    assert read(sandbox, consent_id, iin).status == "valid"
    assert person_of(sandbox, iin, consent_id).status == "found"


@pytest.mark.parametrize("status", ["invalid", "timeout", "not_found", "error"])
def test_a_person_may_be_registered_to_answer_in_any_way(
    sandbox: SandboxProcess, status: str
) -> None:
    assert consent_of(sandbox, register(sandbox, consent=status)).status == status


def test_a_consent_opens_what_it_names_for_whom_it_names(sandbox: SandboxProcess) -> None:
    iin, other = register(sandbox, phone="+77055551003"), register(sandbox)
    consent_id = id_in(consent_of(sandbox, iin, services=("person",)))
    assert person_of(sandbox, iin, consent_id).status == "found"
    assert photo_of(sandbox, iin, consent_id).status == "consent_refused"
    assert (
        ownership_of(sandbox, "+77055551003", iin=iin, consent_id=consent_id).status
        == "consent_refused"
    )
    assert person_of(sandbox, other, consent_id).status == "consent_refused"
    assert read(sandbox, consent_id, other).status == "not_found"


# A message is in the inbox once, however often it is asked for, and refused for what is no
# mobile number.


TEXT = code_sms(
    "012345",
    lender="Тест Кредит",
    amount="150000.00",
    currency="KZT",
    language="kk",
    host="localhost",
)


def send(sandbox: SandboxProcess, phone: str, text: str = TEXT, *, request_id: str) -> SmsAnswer:
    message = Message(request_id=request_id, phone=Phone(phone), text=text)
    return HttpSmsGateway(f"{sandbox.url}/sms", seconds=5.0).fetch(message).parsed


def texts(sandbox: SandboxProcess, phone: str) -> list[tuple[str, str]]:
    return [
        (message["message_id"], message["text"])
        for message in sandbox.post("/inbox", phone=phone)["messages"]
    ]


def test_a_message_is_in_the_inbox_of_its_phone(sandbox: SandboxProcess) -> None:
    sent = send(sandbox, "+77055552001", request_id=new_id())
    assert sent.status == "accepted"
    assert texts(sandbox, "+77055552001") == [(sent.message_id, TEXT)]
    assert texts(sandbox, "+77055552999") == []
    assert sent.message_id in {
        message["message_id"] for message in sandbox.post("/inbox")["messages"]
    }


def test_the_same_message_asked_for_again_is_sent_once(sandbox: SandboxProcess) -> None:
    request_id = new_id()
    first = send(sandbox, "+77055552002", request_id=request_id)
    assert send(sandbox, "+77055552002", request_id=request_id) == first
    assert len(texts(sandbox, "+77055552002")) == 1


def test_a_question_asked_by_many_at_once_has_one_effect() -> None:
    effects = []

    def slowly(request: Request) -> Response:
        time.sleep(0.05)
        effects.append(request)
        return as_json({"effects": len(effects)})

    body = json.dumps({"request_id": new_id()}).encode()
    request = Request(method="POST", path="/", content_type="application/json", untrusted_body=body)
    answer = AnsweredOnce().guard(slowly)
    with ThreadPoolExecutor(8) as pool:
        assert len({response.body for response in pool.map(answer, [request] * 8)}) == 1
    assert len(effects) == 1


@pytest.mark.parametrize(
    ("phone", "text"), [("+77055552104", "Another text."), ("+77055552222", TEXT)]
)
def test_another_message_under_a_used_id_is_a_fault_and_not_sent(
    sandbox: SandboxProcess, phone: str, text: str
) -> None:
    request_id = new_id()
    send(sandbox, "+77055552104", request_id=request_id)
    before = len(texts(sandbox, "+77055552104"))
    with pytest.raises(SourceUnavailable, match="status 409"):
        send(sandbox, phone, text, request_id=request_id)
    assert len(texts(sandbox, "+77055552104")) == before
    assert texts(sandbox, "+77055552222") == []


# What the sandbox's bureau and bank say before the money leaves, asked through the product's own
# adapters.


BASIS = Basis(
    version=CONSENT.current,
    language="kk",
    text_sha256=CONSENT.sha256(CONSENT.current, "kk"),
    at="2026-11-28T10:00:00+00:00",
)
BIN = "990240000008"
THEIRS, ANOTHERS, NOBODYS = "KZ75125KZT1001300335", "KZ86125KZT5004100100", "KZ930000000000000000"
SECONDS = PAYOUT_SECONDS


def about(iin: str) -> dict[str, Any]:
    return {"request_id": new_id(), "iin": Iin(iin), "lender_bin": BIN, "basis": BASIS}


def refusal(sandbox: SandboxProcess, iin: str, seconds: float = SECONDS) -> str:
    bureau = HttpStopCredit(f"{sandbox.url}/stop_credit", seconds=seconds)
    question = stop_credit.RefusalQuestion(**about(iin))
    return stop_credit.BUREAU.ask(bureau, question).parsed.status


def owner(
    sandbox: SandboxProcess, iin: str, account: str = THEIRS, seconds: float = SECONDS
) -> str:
    bank = HttpAccountOwner(f"{sandbox.url}/account_owner", seconds=seconds)
    question = account_owner.AccountQuestion(account=account, **about(iin))
    return account_owner.BANK.ask(bank, question).parsed.status


def lent(sandbox: SandboxProcess, iin: str, *days: date, seconds: float = SECONDS) -> list[int]:
    bureau = HttpCreditBureau(f"{sandbox.url}/credit_bureau", seconds=seconds)
    of = days or (almaty.day_of(datetime.now(UTC)),)
    question = credit_bureau.CreditsQuestion(days=tuple(of), **about(iin))
    answer = credit_bureau.BUREAU.ask(bureau, question)
    credit_bureau.most_lent(question, answer)
    return [answer.parsed.tiyn[day.isoformat()] for day in of]


def test_they_say_what_the_sandbox_was_told(sandbox: SandboxProcess) -> None:
    iin = register(sandbox, refuses_credits=True, accounts=[THEIRS], credits_today="12345600")
    other = register(sandbox, accounts=[ANOTHERS])
    assert (refusal(sandbox, iin), refusal(sandbox, other)) == ("refused", "not_refused")
    assert (owner(sandbox, iin), owner(sandbox, other)) == ("owned", "owned_by_another")
    assert owner(sandbox, iin, NOBODYS) == "not_found"
    assert (lent(sandbox, iin), lent(sandbox, other)) == ([12_345_600], [0])
    today = almaty.day_of(datetime.now(UTC))
    assert lent(sandbox, iin, today - timedelta(days=1)) == [0]
    assert lent(sandbox, iin, today - timedelta(days=1), today) == [0, 12_345_600]


def test_an_unknown_person_has_refused_nothing_and_owns_nothing(sandbox: SandboxProcess) -> None:
    iin = new_iin()
    assert refusal(sandbox, iin) == "not_refused"
    assert owner(sandbox, iin, NOBODYS) == "not_found"
    assert lent(sandbox, iin) == [0]


@pytest.mark.parametrize("adapter", [HttpStopCredit, HttpAccountOwner, HttpCreditBureau])
def test_no_question_may_take_longer_than_three_have_time_for(
    adapter: Callable[..., object],
) -> None:
    adapter("http://127.0.0.1:1/x", seconds=PAYOUT_SECONDS)
    with pytest.raises(Misconfigured, match="5 s at most"):
        adapter("http://127.0.0.1:1/x", seconds=PAYOUT_SECONDS + 0.1)
    assert 2 * PAYOUT_SECONDS < policy.INQUIRIES_SECONDS
    assert policy.INQUIRIES_SECONDS + PAYOUT_SECONDS < policy.STEP_SOFT_LIMIT_SECONDS


# The sandbox's HTTP edge, and what each scripted fault does to the product's own adapter, over
# real sockets.


def fresh(request: Request) -> Response:
    return Response(body=b"fresh", content_type="text/plain")


def stale(request: Request) -> Response:
    return Response(body=b"stale", content_type="text/plain")


def echo(request: Request) -> Response:
    return as_json(request.fields())


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A server of two toy sources, in a thread."""
    script = FaultScript()
    table = (
        Route(method="GET", path="/crl/toy", source="crl", handle=fresh, stale=stale),
        Route(method="POST", path="/echo", source="echo", handle=echo),
        *faults.routes(script, kinds_by_source={"crl": frozenset(faults.KINDS)}),
    )
    with SandboxServer(host="127.0.0.1", port=0, table=table, script=script) as running:
        Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        running.shutdown()


def script_fault(server: SandboxServer, kind: str, times: int) -> None:
    fields = {"source": "crl", "kind": kind, "times": times}
    assert urllib3.request("POST", f"{server.url}/faults", json=fields).status == 201


def lists(server: SandboxServer) -> tuple[bytes, ...]:
    urls = {"rsa": [f"{server.url}/crl/toy"]}
    source = HttpRevocationSource(urls, seconds=0.7, max_bytes=100_000)
    question = RevocationQuestion(family="rsa", kind=CRL)
    return tuple(fetched.parsed for fetched in source.fetch(question))


@pytest.mark.parametrize("kind", ["silent", "slow", "http_500", "oversize"])
def test_a_faulty_source_is_unavailable_within_the_deadline_exactly_n_times(
    server: SandboxServer, kind: str
) -> None:
    script_fault(server, kind, times=2)
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(SourceUnavailable):
            lists(server)
        assert time.monotonic() - started < 1.5
    assert lists(server) == (b"fresh",)


def test_a_stale_answer_is_given_exactly_n_times(server: SandboxServer) -> None:
    script_fault(server, "stale", times=1)
    assert [lists(server) for _ in range(2)] == [(b"stale",), (b"fresh",)]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        ("/echo", b"{}", "text/plain", 415),
        ("/echo", b"{}", "", 415),
        ("/echo", b"{", "application/json", 400),
        ("/echo", b"[]", "application/json", 400),
        ("/echo", b"[" * 60_000, "application/json", 400),
        ("/echo", b"x" * 65_537, "application/json", 413),
        ("/nowhere", b"{}", "application/json", 404),
        ("/crl/toy", b"{}", "application/json", 405),
    ],
)
def test_a_request_that_is_not_served_gets_its_status(
    server: SandboxServer, path: str, body: bytes, content_type: str, status: int
) -> None:
    response = urllib3.request(
        "POST", server.url + path, body=body, headers={"Content-Type": content_type}
    )
    assert response.status == status
    assert set(response.json()) == {"error"}


def raw_exchange(server: SandboxServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Host: 127.0.0.1:1\r\n", b"200"),
        (b"Host: localhost\r\n", b"200"),
        (b"Host: [::1]:1\r\n", b"200"),
        (b"Host: rebound.example\r\n", b"421"),
        (b"Host: 10.0.0.1\r\n", b"421"),
        (b"", b"421"),
        (b"Host: localhost\r\nContent-Length: x\r\n", b"411"),
        (b"Host: localhost\r\nContent-Length: -1\r\n", b"411"),
        (b"Host: localhost\r\nTransfer-Encoding: chunked\r\n", b"411"),
    ],
)
def test_only_this_machines_names_are_served(
    server: SandboxServer, headers: bytes, status: bytes
) -> None:
    answer = raw_exchange(server, b"GET /crl/toy HTTP/1.1\r\n" + headers + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_the_log_has_no_query_and_no_control_characters(
    server: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_exchange(server, b"GET /a\x1b[31m?iin=990101100010 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    log = capsys.readouterr().err
    assert "sandbox GET /a" in log
    assert "990101100010" not in log
    assert "\x1b" not in log


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_loopback_address_may_be_bound(host: str) -> None:
    assert loopback_address(host) == host


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "10.0.0.1", "example.kz", "", "127.0.0.1.example.kz"],  # noqa: S104
)
def test_any_other_address_may_not_be_bound(host: str) -> None:
    with pytest.raises(SystemExit, match="loopback only"):
        loopback_address(host)
