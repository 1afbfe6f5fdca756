"""Sends your test events to your own machine, signed as webhooks, for a receiver under development.

It reads the list of events, so it needs no endpoint and no open port. It retries nothing.
"""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tulga import calls
from tulga.calls import Call
from tulga.clients import Client
from tulga.errors import BadAnswer, NotAllowed, Unavailable, Unreachable
from tulga.narrowing import items, members

PAGE = 100  # events of one request
POLL_SECONDS = 0.5  # between two looks: a person waits at a screen
POST_SECONDS = 15.0  # for the receiver, as for an endpoint


@dataclass(frozen=True)
class Signer:
    """Signs messages as Standard Webhooks says, by a secret and by a key of its own."""

    shared: bytes = field(default_factory=lambda: token_bytes(32), repr=False)
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def secret(self) -> str:
        """The secret, for a receiver."""
        return f"whsec_{b64encode(self.shared).decode()}"

    @property
    def public_key(self) -> str:
        """The key, for a receiver."""
        return f"whpk_{b64encode(self.private.public_key().public_bytes_raw()).decode()}"

    def sign(self, message_id: str, body: bytes, *, at: int) -> dict[str, str]:
        """The headers of a message. at: seconds since 1970."""
        signed = f"{message_id}.{at}.".encode() + body
        pairs = (
            ("v1", hmac.digest(self.shared, signed, "sha256")),
            ("v1a", self.private.sign(signed)),
        )
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(
                f"{scheme},{b64encode(signature).decode()}" for scheme, signature in pairs
            ),
        }


def newest(client: Client) -> int:
    """The `lender_sequence` of the newest event; 0 without any.

    Numbers only grow, so a bisection finds it.
    """
    step = 1
    while _is_later(client, step):
        step *= 2
    low, high = step // 2, step
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _is_later(client, middle) else (low, middle)
    return low


def forward(
    client: Client, url: str, *, say: Callable[[str], object], after: int | None, is_once: bool
) -> None:
    """Posts each event after this number, or after now, to a receiver.

    say: gets the secret and the key, and a line for each event with the receiver's answer.
    is_once: the present events only; otherwise until it is stopped.

    Raises: `TulgaError` if the API refuses.
    """
    cursor, signer = newest(client) if after is None else after, Signer()
    say(f"secret      {signer.secret}\npublic key  {signer.public_key}")
    say("Both are valid for this run only. Ctrl-C ends it.")
    with httpx.Client(timeout=POST_SECONDS, trust_env=False) as receiver:
        while True:
            try:
                page = client.send(_page(cursor))
            except (Unreachable, Unavailable) as fault:
                if is_once:
                    raise
                say(str(fault))
                page = []
            note = _checkpoint(client) if page else None
            for event in page:
                result = _post(receiver, url, event, note, signer)
                cursor = int(event["lender_sequence"])
                say(f"{cursor}  {event['type']}  {event['id']}  {result}")
            if len(page) < PAGE:
                if is_once:
                    return
                time.sleep(POLL_SECONDS)


def _is_later(client: Client, number: int) -> bool:
    """Whether there is an event after this number."""
    return bool(client.send(calls.list_events(after=number, limit=1)).data)


def _page(after: int) -> Call[list[dict[str, Any]]]:
    """The events as they came: a receiver gets also those fields that are unknown here."""
    return Call("GET", "/v1/events", _events, {"after": after, "limit": PAGE})


def _events(content: bytes) -> list[dict[str, Any]]:
    try:
        page = members(json.loads(content)) or {}
    except (ValueError, RecursionError):
        page = {}
    events = [event for event in map(members, items(page.get("data")) or [None]) if event]
    if "data" not in page or not all({"id", "type", "lender_sequence"} <= {*e} for e in events):
        raise BadAnswer("no list of events")
    return events


def _checkpoint(client: Client) -> str | None:
    """The newest checkpoint; None for a key without the right to it."""
    try:
        return client.send(calls.get_checkpoint())
    except NotAllowed:
        return None


def _post(
    receiver: httpx.Client, url: str, event: dict[str, Any], note: str | None, signer: Signer
) -> str:
    """The receiver's status, or the fault instead."""
    beside = ("id", "log_index")
    message = {name: value for name, value in event.items() if name not in beside}
    message["checkpoint"] = note
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    headers = signer.sign(str(event["id"]), body, at=int(time.time()))
    headers["Content-Type"] = "application/json"
    try:
        return str(receiver.post(url, content=body, headers=headers).status_code)
    except httpx.HTTPError as fault:
        return type(fault).__name__
