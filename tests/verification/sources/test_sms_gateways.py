"""Gateways of the market over real sockets, each in its own shape: what they say becomes our answer
or a fault, and neither key nor number stand in an address, an error or a log.
"""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verification.outbound.insecure_servers import (
    answer,
    dripping,
    insecure_server,
    repeating,
    whole,
)
from tests.verification.sources.insecure_gateways import KEY, Gateway, Mobizon, Smsc, serving
from verification.core.answers import SmsAnswer
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.core.ids import Phone
from verification.sources.asking import Adapter, Fetched
from verification.sources.sms import GATEWAY, Message
from verification.sources.sms_mobizon import MobizonGateway
from verification.sources.sms_smsc import SmscGateway

PHONE = "+77015550101"
TEXT = "Код 482019. Заём 150 000 ₸, кредитор Тест. Если вы его не просили, никому не называйте код."
REQUEST_ID = "sms.0123456789abcdef0123456789abcdef"
MESSAGE = Message(request_id=REQUEST_ID, phone=Phone(PHONE), text=TEXT)

Build = Callable[..., Adapter[Message, SmsAnswer]]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(KEY)
    return path


@pytest.fixture
def smsc() -> Iterator[Gateway]:
    with serving(Smsc()) as running:
        yield running


@pytest.fixture
def mobizon() -> Iterator[Gateway]:
    with serving(Mobizon()) as running:
        yield running


def send(
    build: Build, gateway: Gateway, key: Path, message: Message = MESSAGE
) -> Fetched[SmsAnswer]:
    return GATEWAY.ask(build(gateway.url, token_file=key), message)


def test_smsc_is_asked_whether_it_was_sent_and_then_sends_under_that_id(
    smsc: Gateway, key: Path
) -> None:
    adapter = SmscGateway(smsc.url, token_file=key, sender="TULGA")
    fetched = GATEWAY.ask(adapter, MESSAGE)
    assert fetched.parsed == SmsAnswer(
        request_id=REQUEST_ID, status="accepted", message_id=f"sms.smsc:{REQUEST_ID}"
    )
    assert json.loads(fetched.raw) == {"id": REQUEST_ID, "cnt": 2}
    form = {"apikey": KEY, "fmt": "3", "charset": "utf-8"}
    assert smsc.asked == [
        ("/status.php", {**form, "phone": PHONE, "id": REQUEST_ID}),
        (
            "/send.php",
            {**form, "phones": PHONE, "mes": TEXT, "id": REQUEST_ID, "sender": "TULGA"},
        ),
    ]


def test_a_message_that_smsc_sent_before_is_not_sent_again(smsc: Gateway, key: Path) -> None:
    smsc.drops = 1
    with pytest.raises(SourceUnavailable):
        send(SmscGateway, smsc, key)
    assert smsc.sent == {REQUEST_ID: TEXT}
    again = send(SmscGateway, smsc, key)
    assert again.parsed.message_id == f"sms.smsc:{REQUEST_ID}"
    assert [path for path, _ in smsc.asked] == ["/status.php", "/send.php", "/status.php"]


def test_an_id_that_smsc_would_not_take_is_hashed(smsc: Gateway, key: Path) -> None:
    message = Message(request_id=f"ver:{'x' * 90}", phone=Phone(PHONE), text=TEXT)
    first, again = (send(SmscGateway, smsc, key, message) for _ in range(2))
    assert first.parsed == again.parsed
    [number] = smsc.sent
    assert len(number) == 40
    assert first.parsed.request_id == message.request_id


@pytest.mark.parametrize(
    ("status", "expected"),
    [(-1, "accepted"), (0, "accepted"), (3, "accepted"), (20, "refused"), (22, "refused")],
)
def test_what_became_of_a_message_that_left_is_its_answer(
    smsc: Gateway, key: Path, status: int, expected: str
) -> None:
    smsc.lay_out("status.php", {"status": status, "last_date": "", "err": 0})
    assert send(SmscGateway, smsc, key).parsed.status == expected
    assert smsc.sent == {}


@pytest.mark.parametrize("status", [-3, -2, 23, 24])
def test_what_never_left_is_sent(smsc: Gateway, key: Path, status: int) -> None:
    smsc.lay_out("status.php", {"status": status})
    assert send(SmscGateway, smsc, key).parsed.status == "accepted"
    assert smsc.sent == {REQUEST_ID: TEXT}


@pytest.mark.parametrize("error", [7, 8])
def test_a_number_that_smsc_refuses_is_refused(smsc: Gateway, key: Path, error: int) -> None:
    smsc.lay_out("send.php", {"error": "invalid number", "error_code": error, "id": REQUEST_ID})
    assert send(SmscGateway, smsc, key).parsed == SmsAnswer(
        request_id=REQUEST_ID, status="refused", message_id=""
    )


@pytest.mark.parametrize("page", ["status.php", "send.php"])
@pytest.mark.parametrize(
    ("error", "says"),
    [
        (1, "an error in the parameters"),
        (2, "the key or the address of this machine is refused"),
        (3, "the account has no money"),
        (4, "is blocked for a time"),
        (5, "the date is not right"),
        (6, "is forbidden"),
        (9, "too often"),
        (77, "an unknown error"),
    ],
)
def test_every_other_error_of_smsc_is_a_fault_that_names_it(
    smsc: Gateway, key: Path, page: str, error: int, says: str
) -> None:
    smsc.lay_out(page, {"error": f"no {PHONE} {KEY}", "error_code": error})
    with pytest.raises(SourceUnavailable, match=f"SMSC says {error}: .*{says}") as caught:
        send(SmscGateway, smsc, key)
    assert PHONE not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("status.php", {}),
        ("status.php", {"status": "1"}),
        ("status.php", {"status": True}),
        ("status.php", {"status": 1.0}),
        ("status.php", {"status": 10**12}),
        ("status.php", {"error_code": "2"}),
        ("status.php", [{"status": 1}]),
        ("send.php", {}),
        ("send.php", {"cnt": 1}),
        ("send.php", {"id": "sms.another", "cnt": 1}),
        ("send.php", {"id": None}),
        ("send.php", {"error_code": [7], "id": REQUEST_ID}),
        ("send.php", "OK"),
    ],
)
def test_what_smsc_never_says_is_a_fault(smsc: Gateway, key: Path, page: str, said: object) -> None:
    smsc.lay_out(page, said)
    with pytest.raises(SourceUnavailable, match=r"does not match the question|cannot be read"):
        send(SmscGateway, smsc, key)


def test_mobizon_is_given_digits_and_an_hour(mobizon: Gateway, key: Path) -> None:
    adapter = MobizonGateway(
        f"{mobizon.url}/service/message/sendSmsMessage", token_file=key, sender="TULGA"
    )
    fetched = GATEWAY.ask(adapter, MESSAGE)
    assert fetched.parsed == SmsAnswer(
        request_id=REQUEST_ID, status="accepted", message_id="sms.mobizon:70000000000"
    )
    assert mobizon.asked == [
        (
            "/service/message/sendSmsMessage",
            {
                "apiKey": KEY,
                "api": "v1",
                "output": "json",
                "params[validity]": "60",
                "from": "TULGA",
                "recipient": PHONE.removeprefix("+"),
                "text": TEXT,
            },
        )
    ]


def test_an_id_of_mobizon_may_be_a_number(mobizon: Gateway, key: Path) -> None:
    for number in (7, 70_000_000_002):
        mobizon.lay_out("", {"code": 0, "data": {"messageId": number, "status": 1}, "message": ""})
        answered = send(MobizonGateway, mobizon, key).parsed
        assert answered.message_id == f"sms.mobizon:{number}"


def test_a_number_that_mobizon_refuses_is_refused(mobizon: Gateway, key: Path) -> None:
    data = {"recipient": [f"{PHONE} is no number"]}
    mobizon.lay_out("", {"code": 1, "data": data, "message": "Validation"})
    assert send(MobizonGateway, mobizon, key).parsed.status == "refused"


@pytest.mark.parametrize(
    "code", [2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 30, 98, 99, 100, 999, -1]
)
def test_every_other_code_of_mobizon_is_a_fault_that_names_it(
    mobizon: Gateway, key: Path, code: int
) -> None:
    mobizon.lay_out("", {"code": code, "data": [], "message": f"no {PHONE} {KEY}"})
    with pytest.raises(SourceUnavailable, match=f"Mobizon says {code}: ") as caught:
        send(MobizonGateway, mobizon, key)
    assert PHONE not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        {"code": 0},
        {"code": 0, "data": None},
        {"code": 0, "data": {}},
        {"code": 0, "data": {"messageId": None}},
        {"code": 0, "data": {"messageId": "x"}},
        {"code": 0, "data": {"messageId": 1.5}},
        {"code": 0, "data": {"messageId": "1" * 21}},
        {"code": "0", "data": {"messageId": "1"}},
        {"code": False, "data": {"messageId": "1"}},
        {"code": 1.0, "data": {"recipient": "x"}},
        {"code": 1, "data": {"text": "x"}},
        {"data": {"messageId": "1"}},
    ],
)
def test_what_mobizon_never_says_is_a_fault(mobizon: Gateway, key: Path, said: object) -> None:
    mobizon.lay_out("", said)
    with pytest.raises(SourceUnavailable):
        send(MobizonGateway, mobizon, key)


BOTH = pytest.mark.parametrize("build", [SmscGateway, MobizonGateway])


@BOTH
def test_neither_key_nor_number_nor_text_leave_the_body(
    build: Build, key: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kind = Smsc() if build is SmscGateway else Mobizon()
    with serving(kind) as gateway:
        adapter = build(gateway.url, token_file=key)
        told = repr(GATEWAY.ask(adapter, MESSAGE)) + repr(adapter) + repr(MESSAGE)
        key.write_text("another-key-which-is-wrong")
        with pytest.raises(SourceUnavailable, match=r"says [28]:") as caught:
            send(build, gateway, key)
        assert "says" in caplog.text
        told += f"{caught.value}{caught.value.__cause__}{caplog.text}{''.join(gateway.heads)}"
    for secret in (KEY, "another-key", PHONE, PHONE.removeprefix("+"), "482019"):
        assert secret not in told


@BOTH
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "ProtocolError"),
        (whole(b""), "empty"),
        (whole(b"<html></html>"), "cannot be read"),
        (whole(b'{"status": -3, "status": 1}'), "cannot be read"),
        (whole(b'{"code": 0, "da'), "cannot be read"),
        (whole(b'{"code": 0}')[:-3], "ProtocolError"),
        (whole(b" " * 17_000 + b"{}"), "longer than"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", "status 500"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "status 302"),
    ],
)
def test_garbage_half_answers_and_other_statuses_are_faults(
    build: Build, key: Path, raw: bytes, reason: str
) -> None:
    with (
        insecure_server(answer(raw)) as url,
        pytest.raises(SourceUnavailable, match=reason),
    ):
        build(url, token_file=key).fetch(MESSAGE)


def wait(connection: socket.socket) -> None:
    time.sleep(3)


@BOTH
@pytest.mark.parametrize(
    "behave",
    [
        wait,
        dripping(whole(b'{"status": -3, "code": 0, "data": {"messageId": "1"}}')),
        repeating(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
def test_silent_slow_and_endless_gateways_are_faults_within_the_time(
    build: Build, key: Path, behave: Callable[[socket.socket], None]
) -> None:
    begun = time.monotonic()
    with insecure_server(behave) as url, pytest.raises(SourceUnavailable):
        build(url, token_file=key, seconds=0.8).fetch(MESSAGE)
    assert time.monotonic() - begun < 2.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["code", "data", "status", "id", "error_code", "messageId", "recipient"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@BOTH
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_whatever_they_say_is_an_answer_or_a_fault(build: Build, key: Path, said: bytes) -> None:
    with insecure_server(answer(whole(said))) as url:
        try:
            fetched = GATEWAY.ask(build(url, token_file=key), MESSAGE)
        except SourceUnavailable:
            return
    kept = GATEWAY.as_evidence("code.sent.0", fetched)
    assert GATEWAY.read(kept["code.sent.0"]) == fetched.parsed
    assert kept["code.sent_raw.0"] == fetched.raw


@BOTH
def test_a_gateway_without_a_key_or_tls_is_a_misconfiguration(build: Build, key: Path) -> None:
    with pytest.raises(Misconfigured, match="must be https"):
        build("http://gateway.example", token_file=key)
    with pytest.raises(Misconfigured, match="cannot be read"):
        build(token_file=key.with_name("missing"))
    assert build(token_file=key).source == "sms"
