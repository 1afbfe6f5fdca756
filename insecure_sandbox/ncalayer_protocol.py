"""NCALayer's side of the protocol: one message in, one answer out; no socket, no keys.

Modules `kz.gov.pki.knca.basics` (method `sign`), which an old NCALayer lacks, and
`kz.gov.pki.knca.commonUtils`.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

GREETING: Final = json.dumps({"result": {"version": "1.2"}})
HEARTBEAT: Final = "--heartbeat--"  # pages send it to keep the socket open; it is echoed

_BASICS: Final = "kz.gov.pki.knca.basics"
_COMMON: Final = "kz.gov.pki.knca.commonUtils"
_COMMON_SIGN_METHODS: Final = ("createCAdESFromBase64", "createCMSSignatureFromBase64")
_MAX_DOCUMENTS: Final = 20  # per request

Sign = Callable[[bytes, bool], bytes]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """The key that the person at the keyboard would choose: `sign(content, attached)` gives a CMS
    in DER.

    `old`: the key of an NCALayer without basics.
    """

    iin: str
    extended_key_usages: frozenset[str]
    sign: Sign
    old: bool = False


class Cancelled(Exception):
    """The person closed the dialog."""


class Complaint(Exception):
    """An answer with `status: false`: NCALayer's code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def answer(untrusted_message: str | bytes, *, signer: Signer) -> str:
    """NCALayer's reply. An unreadable message gets an error reply, never an exception."""
    if untrusted_message == HEARTBEAT:
        return HEARTBEAT
    try:
        message = _read(untrusted_message)
    except Complaint as complaint:
        return json.dumps(_basics_error(complaint))
    module = message.get("module")
    if module == _BASICS and not signer.old:
        content = _basics(message, signer)
    elif module == _COMMON:
        content = _common(message, signer)
    else:
        content = {"success": False, "errorCode": "MODULE_NOT_FOUND"}
    return json.dumps(content, ensure_ascii=False)


def _read(untrusted_message: str | bytes) -> Mapping[str, Any]:
    if isinstance(untrusted_message, bytes):
        raise Complaint("GENERAL_ERROR", "text expected, binary received")
    try:
        message = json.loads(untrusted_message)
    except (ValueError, RecursionError) as error:
        raise Complaint("GENERAL_ERROR", "the message is not JSON") from error
    if not isinstance(message, dict):
        raise Complaint("GENERAL_ERROR", "the message is not a JSON object")
    return message


def _basics(message: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    try:
        if message.get("method") != "sign":
            raise Complaint("INVOCATION_ERROR", "no such method")
        return {"status": True, "body": {"result": _sign(message.get("args"), signer)}}
    except Cancelled:
        return {"status": True, "body": {}}
    except Complaint as complaint:
        return _basics_error(complaint)


def _basics_error(complaint: Complaint) -> dict[str, Any]:
    return {"status": False, "code": complaint.code, "message": complaint.message, "details": ""}


def _sign(args: object, signer: Signer) -> str | list[str]:
    if not isinstance(args, dict) or args.get("format") != "cms":
        raise Complaint("INVALID_SIGNING_PARAMS", "args must be an object with format cms")
    params = _object(args, "signingParams")
    if _flag(params, "digested"):
        raise Complaint("INVALID_SIGNING_PARAMS", "signing a digest is not supported")
    decode, attached = _flag(params, "decode"), _flag(params, "encapsulate")
    _choose(_object(args, "signerParams"), signer)
    data = args.get("data")
    # Several documents get as many signatures, in order.
    if isinstance(data, list) and 0 < len(data) <= _MAX_DOCUMENTS:
        return [_pem(signer.sign(_content(item, decode=decode), attached)) for item in data]
    return _pem(signer.sign(_content(data, decode=decode), attached))


def _choose(params: Mapping[str, Any], signer: Signer) -> None:
    """Raises: `Complaint` if the only key does not match the page's filter, as for an empty list
    of keys.
    """
    purposes = params.get("extKeyUsageOids", [])
    if not isinstance(purposes, list) or not all(isinstance(oid, str) for oid in purposes):
        raise Complaint("INVALID_SIGNING_PARAMS", "extKeyUsageOids must be a list of strings")
    if not signer.extended_key_usages.issuperset(purposes):
        raise Complaint("SIGNING_FAILURE", "no key has the extended key usages asked for")
    if params.get("iin") not in (None, "", signer.iin):
        raise Complaint("SIGNING_FAILURE", "no key has the IIN asked for")


def _common(message: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    try:
        return {"code": "200", "responseObject": _common_result(message, signer)}
    except Cancelled:
        return {"code": "500", "message": "action.canceled"}
    except Complaint as complaint:
        return {"code": "500", "message": complaint.message}


def _common_result(message: Mapping[str, Any], signer: Signer) -> str | Sequence[str]:
    method, args = message.get("method"), message.get("args")
    if method == "getActiveTokens":
        return []
    if method not in _COMMON_SIGN_METHODS:
        raise Complaint("INVOCATION_ERROR", "no such method")
    if (
        not isinstance(args, list)
        or len(args) != 4
        or args[1] != "SIGNATURE"
        or not isinstance(args[3], bool)
    ):
        raise Complaint(
            "INVALID_SIGNING_PARAMS", "args must be [storage, SIGNATURE, base64, attach]"
        )
    # Without the PEM frame: the older module returns bare base64.
    return b64encode(signer.sign(_content(args[2], decode=True), args[3])).decode()


def _object(args: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = args.get(name)
    if not isinstance(value, dict):
        raise Complaint("INVALID_SIGNING_PARAMS", f"{name} must be an object")
    return value


def _flag(params: Mapping[str, Any], name: str) -> bool:
    # Pages in the wild send the words as well as the values.
    value = params.get(name, False)
    if value not in (True, False, "true", "false"):
        raise Complaint("INVALID_SIGNING_PARAMS", f"{name} must be true or false")
    return value in (True, "true")


def _content(data: object, *, decode: bool) -> bytes:
    if not isinstance(data, str) or not data:
        raise Complaint("INVALID_SIGNING_PARAMS", "data must be a string that is not empty")
    if not decode:
        return data.encode()
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise Complaint("INVALID_SIGNING_PARAMS", "data is not base64") from error


def _pem(der: bytes) -> str:
    text = b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(("-----BEGIN CMS-----", *lines, "-----END CMS-----", ""))
