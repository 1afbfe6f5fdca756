"""The conversation, without a socket: what a page sends, and what comes back."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from insecure_sandbox.ncalayer_protocol import HEARTBEAT, Cancelled, Complaint, Signer, answer

EMAIL, INDIVIDUAL = "1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1"
IIN = "990101100010"


def label(content: bytes, attached: bool) -> bytes:
    return b"attached " + content if attached else b"detached " + content


def signer(sign: Callable[[bytes, bool], bytes] = label, *, old: bool = False) -> Signer:
    return Signer(iin=IIN, extended_key_usages=frozenset({EMAIL, INDIVIDUAL}), sign=sign, old=old)


def cancelling(content: bytes, attached: bool) -> bytes:
    raise Cancelled


def failing(content: bytes, attached: bool) -> bytes:
    raise Complaint("SIGNING_FAILURE", "the token was pulled out")


def request(**changes: Any) -> dict[str, Any]:
    args = {
        "allowedStorages": None,
        "format": "cms",
        "data": b64encode(b"statement").decode(),
        "signingParams": {"decode": True, "encapsulate": True, "digested": False, "tsaProfile": {}},
        "signerParams": {"extKeyUsageOids": [EMAIL, INDIVIDUAL], "chain": []},
        "locale": "ru",
    }
    return {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": args | changes}


def old_request(**changes: Any) -> dict[str, Any]:
    args = ["PKCS12", "SIGNATURE", b64encode(b"statement").decode(), True]
    message = {
        "module": "kz.gov.pki.knca.commonUtils",
        "method": "createCAdESFromBase64",
        "args": args,
    }
    return message | changes


def asked(message: object, *, who: Signer | None = None) -> Any:
    return json.loads(answer(json.dumps(message), signer=who or signer()))


def unframed(pem: str) -> bytes:
    lines = pem.splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN CMS-----", "-----END CMS-----")
    return b64decode("".join(lines[1:-1]))


@pytest.mark.parametrize("encapsulate", [True, False, "true", "false"])
def test_a_page_gets_the_signature_it_asked_for(encapsulate: bool | str) -> None:
    content = asked(
        request(signingParams={"decode": True, "encapsulate": encapsulate, "digested": False})
    )
    assert content["status"] is True
    kind = b"attached" if encapsulate in (True, "true") else b"detached"
    assert unframed(content["body"]["result"]) == kind + b" statement"


def test_data_that_is_not_to_be_decoded_is_signed_as_text() -> None:
    content = asked(
        request(
            data="өтініш", signingParams={"decode": False, "encapsulate": True, "digested": False}
        )
    )
    assert unframed(content["body"]["result"]) == b"attached " + "өтініш".encode()


def test_several_documents_get_several_signatures_in_order() -> None:
    data = [b64encode(word).decode() for word in (b"one", b"two")]
    assert [unframed(pem) for pem in asked(request(data=data))["body"]["result"]] == [
        b"attached one",
        b"attached two",
    ]


def test_a_closed_dialog_is_a_success_with_an_empty_body() -> None:
    assert asked(request(), who=signer(cancelling)) == {"status": True, "body": {}}


def test_a_failure_while_signing_has_a_code_and_a_message() -> None:
    expected = {
        "status": False,
        "code": "SIGNING_FAILURE",
        "message": "the token was pulled out",
        "details": "",
    }
    assert asked(request(), who=signer(failing)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "xml"},
        {"format": None},
        {"data": None},
        {"data": ""},
        {"data": "not base64!"},
        {"data": []},
        {"data": ["QQ=="] * 21},
        {"data": {"a": "QQ=="}},
        {"signingParams": None},
        {"signingParams": {"decode": 2, "encapsulate": True}},
        {"signingParams": {"decode": True, "encapsulate": True, "digested": True}},
        {"signerParams": None},
        {"signerParams": {"extKeyUsageOids": EMAIL}},
        {"signerParams": {"extKeyUsageOids": [5]}},
    ],
)
def test_wrong_arguments_are_named_as_such(changes: dict[str, Any]) -> None:
    content = asked(request(**changes))
    assert (content["status"], content["code"]) == (False, "INVALID_SIGNING_PARAMS")


@pytest.mark.parametrize("args", [None, [], "x", 5])
def test_arguments_that_are_no_object_are_named_as_such(args: object) -> None:
    assert asked(request() | {"args": args})["code"] == "INVALID_SIGNING_PARAMS"


@pytest.mark.parametrize(
    "wanted", [{"extKeyUsageOids": [EMAIL, "1.2.398.3.3.4.1.2"]}, {"iin": "900101300027"}]
)
def test_a_filter_that_excludes_the_only_key_finds_none(wanted: dict[str, Any]) -> None:
    assert asked(request(signerParams=wanted))["code"] == "SIGNING_FAILURE"


@pytest.mark.parametrize(
    "wanted", [{}, {"extKeyUsageOids": []}, {"extKeyUsageOids": [EMAIL], "iin": IIN}]
)
def test_a_filter_that_admits_the_key_finds_it(wanted: dict[str, Any]) -> None:
    assert asked(request(signerParams=wanted))["status"] is True


def test_an_unknown_module_or_method_is_named_as_such() -> None:
    assert asked(request() | {"module": "kz.other"}) == {
        "success": False,
        "errorCode": "MODULE_NOT_FOUND",
    }
    assert asked({})["errorCode"] == "MODULE_NOT_FOUND"
    assert asked(request() | {"method": "erase"})["code"] == "INVOCATION_ERROR"


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "5", "null", '"text"', "[" * 100_000, b"\x00binary", b"{}"]
)
def test_a_message_that_cannot_be_read_gets_an_error_answer(raw: str | bytes) -> None:
    content = json.loads(answer(raw, signer=signer()))
    assert (content["status"], content["code"]) == (False, "GENERAL_ERROR")


def test_the_heartbeat_is_sent_back() -> None:
    assert answer(HEARTBEAT, signer=signer()) == HEARTBEAT


@pytest.mark.parametrize("old", [False, True])
def test_only_an_old_installation_lacks_basics_and_every_one_has_the_older_module(
    old: bool,
) -> None:
    content = asked(request(), who=signer(old=old))
    assert (content == {"success": False, "errorCode": "MODULE_NOT_FOUND"}) is old
    assert asked(old_request(), who=signer(old=old))["code"] == "200"


@pytest.mark.parametrize(("attach", "kind"), [(True, b"attached"), (False, b"detached")])
def test_the_old_module_gives_bare_base64(attach: bool, kind: bytes) -> None:
    content = asked(
        old_request(args=["PKCS12", "SIGNATURE", b64encode(b"statement").decode(), attach])
    )
    assert content["code"] == "200"
    assert b64decode(content["responseObject"], validate=True) == kind + b" statement"


def test_the_old_module_cancels_and_fails_in_its_own_way() -> None:
    assert asked(old_request(), who=signer(cancelling)) == {
        "code": "500",
        "message": "action.canceled",
    }
    assert asked(old_request(), who=signer(failing)) == {
        "code": "500",
        "message": "the token was pulled out",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"args": None},
        {"args": ["PKCS12", "SIGNATURE", "QQ=="]},
        {"args": ["PKCS12", "AUTHENTICATION", "QQ==", True]},
        {"args": ["PKCS12", "SIGNATURE", "QQ==", "yes"]},
        {"args": ["PKCS12", "SIGNATURE", 5, True]},
        {"method": "signXml"},
        {"method": None},
    ],
)
def test_the_old_module_refuses_what_it_cannot_read(changes: dict[str, Any]) -> None:
    assert asked(old_request(**changes))["code"] == "500"


def test_the_old_module_says_that_no_token_is_plugged_in() -> None:
    assert asked(old_request(method="getActiveTokens")) == {"code": "200", "responseObject": []}
