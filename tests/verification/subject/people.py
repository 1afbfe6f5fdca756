"""A person at `/mine` without a browser: what they type and sign, and what the pages answer."""

import base64
import html
import re
from datetime import UTC, datetime

from django.test import Client

from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from tests.responses import Response
from tests.verification.stories.story import IIN
from verification import clock, tasks
from verification.models import SubjectRequest
from verification.worker import identifying

START, NOW, STATE, FILE = "/mine", "/mine/now", "/mine/now/state", "/mine/now/file"


def asking(iin: str = IIN, *, language: str = "en", **options: str) -> Client:
    """A browser that has typed an IIN."""
    client = Client(**options)  # type: ignore[arg-type]
    answer = client.post(START, {"iin": iin, "language": language})
    assert (answer.status_code, answer.headers["Location"]) == (302, NOW)
    return client


def exact_text(client: Client) -> bytes:
    """What the page has the person sign."""
    shown = re.search(r'<pre class="code exact"[^>]*>(.*?)</pre>', page(client), re.DOTALL)
    assert shown is not None
    return html.unescape(shown[1]).encode()


def page(client: Client, path: str = NOW) -> str:
    """A page as text."""
    return client.get(path).content.decode()


def post(client: Client, signature: bytes) -> Response:
    """The signature, as the page's form posts it."""
    return client.post(NOW, {"signature": base64.b64encode(signature).decode()})


def sign(client: Client, credential: Credential, *, content: bytes | None = None) -> bytes:
    """Signs what the page shows, or other bytes; gives the signature."""
    signature = sign_cms(credential, content or exact_text(client), signed_at=datetime.now(UTC))
    assert post(client, signature).status_code == 302
    return signature


def work() -> int:
    """What a worker does until no request is due."""
    done = 0
    while ids := identifying.reserve(limit=8, at=clock.now()):
        for request_id in ids:
            tasks.advance(request_id)
            done += 1
    return done


def identified(credential: Credential, iin: str = IIN, *, language: str = "en") -> Client:
    """A browser whose person has signed, after a worker judged it."""
    client = asking(iin, language=language)
    sign(client, credential)
    work()
    return client


def row() -> SubjectRequest:
    """The only request."""
    return SubjectRequest.objects.get()
