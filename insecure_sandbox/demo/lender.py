"""The demo's lender: calls the API with the lenders' client, and verifies webhooks with it."""

import json
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from insecure_sandbox.demo.processes import DemoFailed
from tulga import Client, calls, resources
from tulga.errors import BadAnswer, Refused, TulgaError
from tulga.fields import spell
from tulga.resources import IdentityDocument, Loan, Opening, Subject
from tulga.webhooks import Verifier
from verification.core.ids import Iin

PHONE = "+77011234567"
AMOUNT, INTEREST = Decimal("150000.00"), Decimal("5671.00")
"""Of a loan by default, and what it costs over its term."""

_BODY_MAX = 64 * 1024


class LenderApi:
    """A lender's server. `client` makes its calls; answers here are the original JSON."""

    def __init__(self, url: str, key: str) -> None:
        """`url` of the service, and the lender's test key."""
        self.url, self.key = url, key
        self.client = Client(url, key)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
    ) -> dict[str, Any]:
        """The JSON answer. headers: an Idempotency-Key, if any.

        Raises: `DemoFailed` for anything but success.
        """
        call = calls.Call(method, path, _read, body=body)
        try:
            return self.client.send(replace(call, key=headers.get("Idempotency-Key", call.key)))
        except TulgaError as fault:
            raise DemoFailed(f"{method} {path}: {fault}") from fault

    def open(
        self,
        reference: str,
        *,
        iin: str,
        routes: list[str],
        phone: str = PHONE,
        amount: Decimal = AMOUNT,
    ) -> dict[str, Any]:
        """Opens a verification for a borrower of this IIN."""
        body = opening(reference, iin=iin, routes=routes, phone=phone, amount=amount)
        return self.call(
            "POST", "/v1/verifications", body, **{"Idempotency-Key": f"demo-{reference}"}
        )

    def read(self, verification_id: str) -> dict[str, Any]:
        """A verification with its checks."""
        return self.call("GET", f"/v1/verifications/{verification_id}?expand=checks")


def opening(
    reference: str,
    *,
    iin: str,
    routes: list[str],
    phone: str = PHONE,
    amount: Decimal = AMOUNT,
) -> dict[str, Any]:
    """The body of a request for so many tenge over 30 days, by default 150 000."""
    subject = Subject(
        iin=iin,
        surname="ТЕСТОВ",
        name="ТЕСТ",
        birth_date=Iin.parse(iin).birth_date or date(1990, 1, 1),
        phone=phone,
        document=IdentityDocument(type="id_card", number="012345678", valid_to=date(2033, 1, 1)),
    )
    loan = Loan(
        amount=amount,
        term_days=30,
        annual_rate=Decimal("46.00"),
        total_repayable=amount + amount / AMOUNT * INTEREST,
        payout_account="KZ86125KZT5004100100",
    )
    request = Opening(
        purpose="Consumer microcredit",
        subject=subject,
        loan=loan,
        routes=tuple(routes),
        client_reference=reference,
        locale="ru",
    )
    body: dict[str, Any] = spell(request)
    return body


class Listener:
    """The lender's webhook endpoint, on loopback. Stores verified messages, counts others."""

    def __init__(self, port: int) -> None:
        """Listens from a thread of its own."""
        self.address = f"http://127.0.0.1:{port}/webhooks"
        self.verified: list[resources.Webhook] = []
        self.refused = 0
        self._verifier = Verifier()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            """Takes one webhook."""

            def do_POST(self) -> None:
                """204 for a verified one, 400 for any other."""
                body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_MAX))
                self.send_response(204 if listener.take(dict(self.headers), body) else 400)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: the demo's terminal is for the story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def learn(self, endpoint: resources.EndpointSecret) -> None:
        """The secret and the public key from the endpoint's creation: both must match from now
        on.
        """
        self._verifier = Verifier(secrets=(endpoint.secret,), public_key=endpoint.public_key)

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Stores a message of Tulga's, repetitions too, which do no harm here."""
        try:
            self.verified.append(self._verifier.verify(headers, body, now=time.time()))
        except (Refused, BadAnswer):
            self.refused += 1
            return False
        return True

    def events_of(self, verification_id: str) -> list[str]:
        """The types of one verification's events, in sequence."""
        mine = [event for event in self.verified if event.data.verification == verification_id]
        return [event.type for event in sorted(mine, key=lambda event: event.data.sequence or 0)]

    def stop(self) -> None:
        """No longer listens."""
        self._server.shutdown()


def _read(content: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(content or b"{}")
    return fields
