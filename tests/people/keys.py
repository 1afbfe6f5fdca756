"""People with passkeys in the tests' clients: they enrol, sign in, and sign acts."""

import json
from typing import Any

from django.test import Client

from insecure_sandbox.authenticator import Authenticator
from tests.people.enrolled import PASSWORD

ORIGIN = "http://localhost:8000"
"""The address of the pages in tests with passkeys: `settings.TULGA_PUBLIC_URL`."""


def creation(client: Client) -> Any:
    """The options that the page of passkeys gives."""
    return client.post("/people/passkey/challenge/").json()


def enrol(client: Client, device: Authenticator, *, origin: str = ORIGIN) -> Any:
    """The answer to a new passkey of this device, in a session with both factors."""
    answer = device.create(creation(client), origin=origin)
    return client.post("/people/passkey/", {"passkey": json.dumps(answer)})


def answer(
    client: Client, device: Authenticator, *, origin: str = ORIGIN, asked: str = "localhost"
) -> str:
    """What a device answers to the challenge of the sign-in. asked: the relying party."""
    options = client.post("/people/sign-in/challenge/").json()
    return json.dumps(device.get({**options, "rpId": asked}, origin=origin))


def sign_in(client: Client, email: str, passkey: str, **changes: str) -> Any:
    """The answer to a sign-in by passkey."""
    fields = {"email": email, "password": PASSWORD, "passkey": passkey}
    return client.post("/people/sign-in/", fields | changes)


def act(client: Client, address: str, device: Authenticator, fields: dict[str, str]) -> str:
    """What a device answers to the challenge of an act, whose page posts these fields."""
    asked = client.post(f"{address}/challenge", fields)
    return json.dumps(device.get(asked.json(), origin=ORIGIN))
