"""The demo's lender: calls the API with its key, and listens for webhooks that it verifies by itself."""

import base64
import hmac
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import urllib3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from insecure_sandbox.demo.processes import DemoFailed

PHONE = "+77011234567"

_TOLERANCE_SECONDS = 300  # Standard Webhooks: how old a timestamp may be
_BODY_MAX = 64 * 1024


class LenderApi:
    """A lender's client of the API."""

    def __init__(self, url: str, key: str) -> None:
        """`url` of the service, and the lender's test key."""
        self.url, self.key = url, key
        # A server may hang up on a connection just as it is used again. An opening has its key: asked twice, it is one.
        self._http = urllib3.PoolManager(retries=urllib3.Retry(2, redirect=0, allowed_methods=None), timeout=30)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The JSON answer; raises `DemoFailed` for anything but success."""
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        answer = self._http.request(method, f"{self.url}{path}", body=content, headers=sent)
        if answer.status >= 300:
            raise DemoFailed(f"{method} {path} answered {answer.status}: {answer.data[:500].decode(errors='replace')}")
        said: dict[str, Any] = json.loads(answer.data or b"{}")
        return said

    def open(self, reference: str, *, iin: str, routes: list[str], phone: str = PHONE) -> dict[str, Any]:
        """Opens a verification for a borrower of this IIN."""
        body = opening(reference, iin=iin, routes=routes, phone=phone)
        return self.call("POST", "/v1/verifications", body, **{"Idempotency-Key": f"demo-{reference}"})

    def read(self, verification_id: str) -> dict[str, Any]:
        """A verification with its checks."""
        return self.call("GET", f"/v1/verifications/{verification_id}?expand=checks")


def opening(reference: str, *, iin: str, routes: list[str], phone: str = PHONE) -> dict[str, Any]:
    """The body of a request for 150 000 tenge over 30 days."""
    return {
        "purpose": "Consumer microcredit",
        "subject": {
            "iin": iin,
            "surname": "ТЕСТОВ",
            "name": "ТЕСТ",
            "birth_date": f"18{iin[:2]}-{iin[2:4]}-{iin[4:6]}",
            "phone": phone,
            "document": {"type": "id_card", "number": "012345678", "valid_to": "2033-01-01"},
        },
        "loan": {
            "amount": "150000.00",
            "currency": "KZT",
            "term_days": 30,
            "annual_rate": "46.00",
            "total_repayable": "155671.00",
            "payout_account": "KZ86125KZT5004100100",
        },
        "routes": routes,
        "client_reference": reference,
        "locale": "ru",
    }


class Listener:
    """The lender's endpoint for webhooks, on the loopback. Keeps what it could verify, counts what it could not."""

    def __init__(self, port: int) -> None:
        """Binds; `start` serves from a thread of its own."""
        self.address = f"http://127.0.0.1:{port}/webhooks"
        self.verified: list[dict[str, Any]] = []
        self.refused = 0
        self.secret = b""
        self.public_key = b""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            """Takes one webhook."""

            def do_POST(self) -> None:
                """204 for one that verifies, 400 for any other."""
                body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_MAX))
                self.send_response(204 if listener.take(dict(self.headers), body) else 400)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: the demo's terminal is for the story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def learn(self, endpoint: dict[str, Any]) -> None:
        """The secret and the public key that the API gave when the endpoint was made."""
        self.secret = base64.b64decode(endpoint["secret"].removeprefix("whsec_"))
        self.public_key = base64.b64decode(endpoint["public_key"].removeprefix("whpk_"))

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Verifies by the standard's rules: timestamp, then both signatures over id, timestamp and body."""
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            stamp = lower["webhook-timestamp"]
            signed = f"{lower['webhook-id']}.{stamp}.".encode() + body
            words = [word.split(",", 1) for word in lower["webhook-signature"].split()]
            if abs(time.time() - int(stamp)) > _TOLERANCE_SECONDS:
                raise ValueError("too old")
            self._require(signed, words)
        except (KeyError, ValueError, InvalidSignature):
            self.refused += 1
            return False
        self.verified.append(json.loads(body))
        return True

    def _require(self, signed: bytes, words: list[list[str]]) -> None:
        expected = base64.b64encode(hmac.digest(self.secret, signed, "sha256")).decode()
        if not any(version == "v1" and hmac.compare_digest(value, expected) for version, value in words):
            raise ValueError("no v1 signature fits")
        asymmetric = [value for version, value in words if version == "v1a"]
        Ed25519PublicKey.from_public_bytes(self.public_key).verify(base64.b64decode(asymmetric[0]), signed)

    def told(self, verification_id: str) -> list[str]:
        """The types of the events that came for one verification, in the order of their sequence."""
        mine = [event for event in self.verified if event["data"]["id"] == verification_id]
        return [event["type"] for event in sorted(mine, key=lambda event: event["data"]["sequence"])]

    def stop(self) -> None:
        """No longer listens."""
        self._server.shutdown()
