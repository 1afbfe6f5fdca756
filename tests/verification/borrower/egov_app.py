"""eGov Mobile's app as it meets our three addresses, and what it signs."""

import json
from base64 import b64decode, b64encode
from urllib.parse import urlsplit

from django.test import Client
from django.utils import timezone

from insecure_sandbox.signing import sign_cms

DOCUMENTS = "/v/egov/documents"


class App:
    """The app: no cookie of ours, and only what the QR code said."""

    def __init__(self, qr_text):
        assert qr_text.startswith("mobileSign:http")
        self.place = urlsplit(qr_text.removeprefix("mobileSign:")).path
        self.client = Client(enforce_csrf_checks=True)
        self.token = ""

    def start(self):
        asked = self.client.get(self.place)
        if asked.status_code == 200:
            self.token = asked.json()["document"]["auth_token"]
        return asked

    @property
    def _headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def documents(self):
        return self.client.get(DOCUMENTS, headers=self._headers)

    def put(self, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        more = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put(DOCUMENTS, body, content_type="application/json", headers=more)


def signed(given, credential, **changes):
    back = json.loads(json.dumps(given))
    (document,) = back["documentsToSign"]
    content = b64decode(document["document"]["file"]["data"])
    der = sign_cms(
        credential, changes.pop("content", content), attached=False, signed_at=timezone.now()
    )
    document["document"]["file"]["data"] = b64encode(der).decode()
    document.update(changes)
    return back
