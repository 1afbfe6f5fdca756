"""Requests as a lender would send them, and short ways to send them."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from tests.responses import Response

IIN = "990101100010"
OTHER_IIN = "990101100020"
PHONE = "+77011234567"

_OPENING: dict[str, Any] = {
    "purpose": "Consumer microcredit",
    "subject": {
        "iin": IIN,
        "surname": "Асанов",
        "name": "Асан",
        "birth_date": "1899-01-01",
        "phone": PHONE,
        "document": {"type": "id_card", "number": "045678912", "valid_to": "2031-05-01"},
    },
    "loan": {
        "amount": "150000.00",
        "currency": "KZT",
        "term_days": 30,
        "annual_rate": "46.00",
        "total_repayable": "155671.23",
        "payout_account": "KZ86125KZT5004100100",
    },
    "client_reference": "loan-1",
    "locale": "kk",
}


def opening(**changes: Any) -> dict[str, Any]:
    """A request to open a verification. A name such as `subject__iin` changes a part; None takes it
    away.
    """
    body = copy.deepcopy(_OPENING)
    for name, value in changes.items():
        *way, last = name.split("__")
        place = body
        for step in way:
            place = place[step]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return body


class Caller:
    """A lender's server: sends JSON with one key."""

    def __init__(self, secret: str, *, address: str = "192.0.2.7", version: str = "") -> None:
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        headers |= {"tulga-version": version} if version else {}
        self._client = Client(headers=headers, REMOTE_ADDR=address)

    def get(self, path: str, **query: str) -> Response:
        """A GET."""
        return self._client.get(path, query_params=query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Response:
        """A POST, with an Idempotency-Key if one is given."""
        return self.send("POST", path, json.dumps(body) if body is not None else "", key=key)

    def patch(self, path: str, body: Any) -> Response:
        """A PATCH."""
        return self.send("PATCH", path, json.dumps(body))

    def delete(self, path: str) -> Response:
        """A DELETE."""
        return self._client.delete(path)

    def send(
        self,
        method: str,
        path: str,
        body: str | bytes,
        *,
        content_type: str = "application/json",
        key: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Any body at all, with these headers more."""
        headers = {**(headers or {}), **({"idempotency-key": key} if key else {})}
        return self._client.generic(method, path, body, content_type=content_type, headers=headers)


def faults(response: Response) -> set[tuple[str, str]]:
    """The place and code of every fault of a problem."""
    return {(fault["pointer"], fault["code"]) for fault in response.json()["errors"]}


def code(response: Response) -> tuple[int, str | None]:
    """The status of an answer, and its code if it has one."""
    return response.status_code, response.json()["code"]
