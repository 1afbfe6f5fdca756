"""A person with a software authenticator: accepts an invitation, signs in, and signs acts.

They see pages and addresses only, as `Browser` does.
"""

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any, Final
from urllib.parse import urlencode

from insecure_sandbox.authenticator import Authenticator
from insecure_sandbox.borrower import Browser, PlayFailed

_TEXTS: Final = re.compile(
    r'<textarea name="(\w+)"[^>]*>\s*(.*?)</textarea>|<input type="\w+" name="([\w-]+)"'
    r' value="([^"]*)"',
    re.DOTALL,
)
_SHOWN: Final = re.compile(r'name="page" value="([0-9a-f]{64})"')
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Colleague(Browser):
    """One person, and the device that holds their passkey."""

    def __init__(self, url: str, email: str, password: str) -> None:
        """`url` of the service, whose host is a name: a passkey needs one."""
        super().__init__(url)
        self.email, self._password, self._device = email, password, Authenticator()

    def accept(self, code: str) -> None:
        """Accepts an invitation: a password, and the first passkey. It signs in, too.

        Raises: `PlayFailed`.
        """
        page = "/people/invitation/"
        fields = {"email": self.email, "invitation": code}
        options = self._options(page, f"{page}challenge/", fields)
        answer = self._device.create(options, origin=self._url)
        fields |= {"password": self._password, "passkey": json.dumps(answer)}
        self.fill_in_at(page, "", **fields)

    def act(self, page: str, action: str, challenge: str, /, **fields: str) -> None:
        """Sends a page's form with the passkey's answer to what it shows. action: its target.

        Raises: `PlayFailed`.
        """
        if shown := _SHOWN.search(self.read(page)):
            fields["page"] = shown[1]
        options = self._options(page, challenge, fields)
        answer = self._device.get(options, origin=self._url)
        self.send_typed(page, action, **fields, passkey=json.dumps(answer))

    def send_typed(self, page: str, action: str = "", /, **fields: str) -> str:
        """Sends a form with all that the page has typed in it; gives the address to which it leads.

        Raises: `PlayFailed`.
        """
        html = self.read(page)
        token = _TOKEN.search(html)
        if token is None:
            raise PlayFailed(f"{page} has no form")
        typed = {
            area or name: unescape(text or value)
            for area, text, name, value in _TEXTS.findall(html)
        }
        sent = {**typed, "csrfmiddlewaretoken": token[1], **fields}
        return str(self._post(action or page, sent).headers.get("Location", ""))

    def read(self, page: str) -> str:
        """A page's HTML."""
        return self._request("GET", page).data.decode()

    def _options(self, page: str, challenge: str, fields: Mapping[str, str]) -> dict[str, Any]:
        token = self._get(page).script_token
        body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        more = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._json(self._request("POST", challenge, body=body, more=more))
