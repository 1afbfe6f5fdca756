"""A message is in the inbox once, however often it is asked for, and refused for what is no mobile
number.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from insecure_sandbox.exchange import Request, Response, as_json
from insecure_sandbox.questions import AnsweredOnce
from tests.insecure_sandbox.asked import new_id
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.answers import SmsAnswer
from verification.core.errors import SourceUnavailable
from verification.core.ids import Phone
from verification.core.spelling import code_sms
from verification.sources.sms import HttpSmsGateway, Message

TEXT = code_sms(
    "012345",
    lender="Тест Кредит",
    amount="150000.00",
    currency="KZT",
    language="kk",
    host="127.0.0.1",
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
