"""The conversation, without a socket: what a page sends, and what comes back."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from insecure_sandbox.ncalayer_protocol import Signer, answer

EMAIL, INDIVIDUAL = "1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1"
IIN = "990101100010"


def label(content: bytes, attached: bool) -> bytes:
    return b"attached " + content if attached else b"detached " + content


def signer(sign: Callable[[bytes, bool], bytes] = label, *, old: bool = False) -> Signer:
    return Signer(iin=IIN, extended_key_usages=frozenset({EMAIL, INDIVIDUAL}), sign=sign, old=old)


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


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "5", "null", '"text"', "[" * 100_000, b"\x00binary", b"{}"]
)
def test_a_message_that_cannot_be_read_gets_an_error_answer(raw: str | bytes) -> None:
    content = json.loads(answer(raw, signer=signer()))
    assert (content["status"], content["code"]) == (False, "GENERAL_ERROR")


@pytest.mark.parametrize("old", [False, True])
def test_only_an_old_installation_lacks_basics_and_every_one_has_the_older_module(
    old: bool,
) -> None:
    content = asked(request(), who=signer(old=old))
    assert (content == {"success": False, "errorCode": "MODULE_NOT_FOUND"}) is old
    assert asked(old_request(), who=signer(old=old))["code"] == "200"
