"""A stand-in for the app eGov Mobile: reads a QR code's text, gets the document, signs it and puts
it back.

`python -m insecure_sandbox.egov_mobile QR_TEXT`. It signs any document, with a key from the
sandbox.
"""

import argparse
import base64
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from insecure_sandbox.credential import Credential
from insecure_sandbox.http_server import DEFAULT_PORT
from insecure_sandbox.ncalayer import fetch_credential
from insecure_sandbox.signing import sign_cms

SCHEME: Final = "mobileSign:"
MARK: Final = "mgovSign"  # the app looks for it in the address
ALTERATIONS: Final = ("statement", "copy", "rows", "method")

_SECONDS: Final = 30.0
_OUR_HOSTS: Final = ("127.0.0.1", "localhost")  # in place of eGov's list of hosts


class AppRefused(Exception):
    """The app's message to its user when it stops, without a secret."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """The behaviour of the phone's user, or of an altered app.

    alters: signs another statement, embeds another copy in the signature, or returns other rows or
    another method.
    times: how often the signed document is put back.
    delay_seconds: before that.
    """

    cancels: bool = False
    alters: str = ""
    times: int = 1
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """The server's answer to one PUT."""

    status: int
    code: str


def sign(qr_text: str, credential: Credential, manner: Manner | None = None) -> list[Answer]:
    """The app's whole course; one answer per PUT, none if the person cancels.

    Raises: `AppRefused`.
    """
    manner = manner or Manner()
    request = get(address_in(qr_text))
    place, token = request["document"]["uri"], request["document"]["auth_token"]
    documents = get(place, token=token)
    if manner.cancels:
        return []
    signed = signed_documents(documents, credential, alters=manner.alters)
    time.sleep(manner.delay_seconds)
    return [put(place, signed, token=token) for _ in range(manner.times)]


def address_in(qr_text: str) -> str:
    """The address of API1 in a QR code.

    Raises: `AppRefused` for one that the app would not open.
    """
    address = qr_text.strip()
    if not address.startswith(SCHEME):
        raise AppRefused(f"the code does not begin with {SCHEME}")
    address = address.removeprefix(SCHEME)
    if MARK not in address:
        raise AppRefused(f"the address does not hold the word {MARK}")
    _require_listed(address)
    return address


def signed_documents(
    documents: Mapping[str, Any], credential: Credential, *, alters: str = ""
) -> dict[str, Any]:
    """The same JSON with signatures in the documents' place."""
    mutated: dict[str, Any] = json.loads(json.dumps(documents))
    for document in mutated["documentsToSign"]:
        file = document["document"]["file"]
        content = base64.b64decode(file["data"], validate=True)
        attached = documents["signMethod"] == "CMS_WITH_DATA" or alters == "copy"
        signature = sign_cms(
            credential, _altered(content, alters), attached=attached, signed_at=datetime.now(UTC)
        )
        file["data"] = base64.b64encode(signature).decode()
        if alters == "rows":
            document["meta"][0]["value"] += "!"
    if alters == "method":
        mutated["signMethod"] = "CMS_WITH_DATA"
    return mutated


def get(address: str, *, token: str = "") -> dict[str, Any]:
    """The JSON at an address.

    Raises: `AppRefused` without one.
    """
    answer = _request("GET", address, token=token)
    if answer.status != 200:
        raise AppRefused(f"the server answered {answer.status}: {_code(answer)}")
    fields: dict[str, Any] = answer.json()
    return fields


def put(address: str, documents: Mapping[str, Any], *, token: str) -> Answer:
    """Puts the documents back."""
    answer = _request(
        "PUT", address, token=token, body=json.dumps(documents, ensure_ascii=False).encode()
    )
    return Answer(answer.status, _code(answer))


def _altered(content: bytes, alters: str) -> bytes:
    if alters not in ("statement", "copy"):
        return content
    return content.replace(b'"amount":"', b'"amount":"9')


def _require_listed(address: str) -> None:
    if urlsplit(address).hostname not in _OUR_HOSTS:
        raise AppRefused("the host is not on the list; the sandbox's app knows this machine only")


def _request(
    method: str, address: str, *, token: str, body: bytes | None = None
) -> urllib3.BaseHTTPResponse:
    _require_listed(address)
    headers = {"Accept-Language": "ru", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        return urllib3.request(
            method,
            address,
            body=body,
            headers=headers,
            timeout=_SECONDS,
            redirect=False,
            retries=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise AppRefused(f"the server does not answer: {type(error).__name__}") from error


def _code(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "no code"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m insecure_sandbox.egov_mobile", description=__doc__
    )
    parser.add_argument(
        "qr_text", metavar="QR_TEXT", help="the QR code's text: mobileSign:http://…/mgovSign"
    )
    parser.add_argument(
        "--sandbox", default=f"http://127.0.0.1:{DEFAULT_PORT}", help="default %(default)s"
    )
    parser.add_argument(
        "--iin", default="900101900015", help="the signer's IIN (default %(default)s)"
    )
    parser.add_argument("--family", choices=("gost512", "rsa"), default="gost512")
    parser.add_argument("--state", choices=("valid", "revoked", "expired"), default="valid")
    parser.add_argument(
        "--cancel", action="store_true", help="the person reads the statement and does not sign"
    )
    parser.add_argument(
        "--alter",
        choices=ALTERATIONS,
        default="",
        help=("the returned document differs from the given one"),
    )
    parser.add_argument(
        "--times", type=int, default=1, help="how often the signed document is put back"
    )
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="SECONDS", help="before it is put back"
    )
    return parser


def main() -> int:
    """Command line: 0 if the first PUT was taken or the person cancelled, 1 if something was
    refused.
    """
    arguments = _parser().parse_args()
    manner = Manner(
        cancels=arguments.cancel,
        alters=arguments.alter,
        times=arguments.times,
        delay_seconds=arguments.delay,
    )
    credential = fetch_credential(
        arguments.sandbox, iin=arguments.iin, family=arguments.family, state=arguments.state
    )
    try:
        answers = sign(arguments.qr_text, credential, manner)
    except AppRefused as refused:
        sys.stdout.write(f"eGov Mobile: {refused}\n")
        return 1
    for answer in answers:
        sys.stdout.write(f"PUT answered {answer.status} {answer.code}\n")
    if not answers:
        sys.stdout.write("cancelled: nothing was put back\n")
    return 1 if answers and answers[0].status != 200 else 0


if __name__ == "__main__":
    sys.exit(main())
