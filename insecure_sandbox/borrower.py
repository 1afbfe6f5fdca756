"""A simulated borrower's browser: follows a link, reads pages, answers forms and scripts' JSON,
and signs.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from insecure_sandbox import qr_code
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SCRIPT = {"Accept": "application/json"}  # a page's script asks for JSON; browsers ask for HTML

# The polling intervals of static/borrower/wait.js; the first poll here is the page itself.
FIRST_SECONDS, SLOWEST_SECONDS, SLOWER = 0.4, 10.0, 1.5


class PlayFailed(Exception):
    """A page was unusable for a borrower, or did not come; the text says which."""


@dataclass
class Form:
    """A form of a page: its target and its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page's parts for the borrower: its forms, the token for its script's posts, the request for
    NCALayer.

    drawing: of a QR code, the path of its squares. number: on a phone's page.
    expires_in: seconds for which the code of the SMS is still valid.
    """

    def __init__(self, html: str) -> None:
        """Reads it at once."""
        super().__init__()
        self.forms: list[Form] = []
        self.ncalayer_request = self.script_token = self.drawing = self.number = ""
        self.expires_in = 0
        self._within = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        """Keeps the number on a phone's page."""
        if self._within == "matched":
            self.number += data.strip()

    def handle_endtag(self, tag: str) -> None:
        """The number ends with its paragraph."""
        if tag == "p":
            self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects forms, hidden fields, the one data attribute, and the drawing of a QR code."""
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        self._within = next((word for word in ("qr", "matched") if word in classes), self._within)
        if tag == "path" and self._within == "qr":
            self.drawing, self._within = attributes.get("d", ""), ""
        if attributes.get("name") == "csrfmiddlewaretoken":
            self.script_token = attributes.get("value", "")
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        elif (
            tag == "input"
            and self.forms
            and attributes.get("name")
            and attributes.get("type") == "hidden"
        ):
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        self.expires_in = int(attributes.get("data-expires-in") or self.expires_in)
        if "data-request" in attributes:
            self.ncalayer_request = attributes["data-request"]

    def form(self, *names: str) -> Form:
        """The first form with these hidden fields.

        Raises: `PlayFailed` without one.
        """
        matching = [form for form in self.forms if set(names) <= set(form.fields)]
        if not matching:
            raise PlayFailed(f"the page has no form with {names}")
        return matching[0]


class Browser:
    """A borrower's browser with its own cookies; it knows addresses and pages only."""

    def __init__(self, url: str) -> None:
        """`url` of the service."""
        self._url = url
        self._cookies: dict[str, str] = {}
        self._http = urllib3.PoolManager(retries=False, timeout=30)

    def follow(self, link: str) -> None:
        """Opens the lender's link, or a code's, and taps Continue: the token goes from the
        fragment into the form.
        """
        place = urlsplit(link)
        page = self._get(place.path)
        form = page.form("csrfmiddlewaretoken", "token")
        self._post(form.action or place.path, form.fields | {"token": place.fragment})

    def hand_over(self) -> "Browser":
        """A phone scans the page's code, answers no, and shows its number, which is typed in
        here; returns the phone's browser.
        """
        order = self._form_to("/v/now/elsewhere/")
        page = Page(self._post(order.action, order.fields).data.decode())
        phone = Browser(self._url)
        phone.follow(qr_code.read(page.drawing))
        question = phone._get("/v/phone/now/").form("csrfmiddlewaretoken")
        phone._post("/v/phone/now/", question.fields | {"somebody_tells_me": "false"})
        number = next(form for form in page.forms if form.action == "/v/now/elsewhere/number/")
        self._post(number.action, number.fields | {"number": phone._get("/v/phone/now/").number})
        phone._get("/v/phone/now/")  # which lets it in
        return phone

    def agree(self) -> None:
        """Consents, and answers the question, if no page lies between them."""
        self.consent()
        self.deny()

    def consent(self, *, agreed: bool = True) -> None:
        """Accepts or declines the processing of data."""
        self.fill_in("consent", "version", agreed=_yes_or_no(agreed))

    def deny(self, *, is_told: bool = False) -> None:
        """Denies being instructed, unless another person does instruct the borrower."""
        self.fill_in("question", somebody_tells_me=_yes_or_no(is_told))

    def press(self, action: str, **fields: str) -> None:
        """Presses the button of a form with this target, beside the page's own answer."""
        self._post(action, self._form_to(action).fields | fields)

    def fill_in(self, name: str, *hidden: str, **fields: str) -> None:
        """Sends the form of a page once it is open; `hidden` are its fields besides its turn."""
        form = self.wait_for(name).form("turn", *hidden)
        self._post(form.action, form.fields | fields)

    def outwait_code(self) -> None:
        """Waits on the page of the code until the code's time is over."""
        while seconds := self.wait_for("code").expires_in:
            time.sleep(min(seconds, SLOWEST_SECONDS))

    def may_see(self, path: str) -> bool:
        """Whether a page opens, without a way over the sign-in."""
        return self._request("GET", path).status == 200

    def fill_in_at(self, path: str, action: str, **fields: str) -> None:
        """Sends the form of a page that has this target; empty: the page itself.

        Raises: `PlayFailed`.
        """
        forms = [form for form in self._get(path).forms if form.action.partition("#")[0] == action]
        if not forms:
            raise PlayFailed(f"the page has no form to {action}")
        self._post(action or path, forms[0].fields | fields)

    def copy_document(self, *, number: str, born: str) -> None:
        """Types the document's data; `born` as in ISO 8601, which the page asks for in three
        fields.
        """
        year, month, day = born.split("-")
        typed = {"birth_date_day": day, "birth_date_month": month, "birth_date_year": year}
        self.fill_in("form", document_number=number, **typed)

    def current_turn(self) -> dict[str, Any]:
        """The state for a page's script."""
        return self._json(self._request("GET", "/v/now/", more=_SCRIPT))

    def tell(
        self, page: Page, answer: dict[str, Any], *, files: Sequence[bytes] = ()
    ) -> dict[str, Any]:
        """Answers as the script of this page does, and returns the response."""
        return self._json(self.say(page, answer, files))

    def say(
        self, page: Page, answer: dict[str, Any] | None, files: Sequence[bytes] = ()
    ) -> urllib3.BaseHTTPResponse:
        """The response to this page's script; without an answer it polls the state."""
        if answer is None:
            return self._request("GET", "/v/now/", more=_SCRIPT)
        sent = [urllib3.fields.RequestField("file", file, filename="frame.jpg") for file in files]
        for part in sent:
            part.make_multipart(content_type="image/jpeg")
        body, content_type = urllib3.encode_multipart_formdata(
            [("answer", json.dumps(answer)), *sent]
        )
        more = _SCRIPT | {"Content-Type": content_type, "X-CSRFToken": page.script_token}
        return self._request("POST", "/v/now/", body=body, more=more)

    def over(self, url: str) -> "Browser":
        """The same browser with another address of the service from now on."""
        moved = Browser(url)
        moved._cookies = self._cookies
        return moved

    def statement(self) -> bytes:
        """The bytes the page would hand to NCALayer."""
        request = json.loads(self.wait_for("statement").ncalayer_request)
        return base64.b64decode(request["args"]["data"])

    def sign(self, credential: Credential) -> str:
        """Signs the statement on display, sends it, and returns the signature for a replay."""
        signature = base64.b64encode(
            sign_cms(credential, self.statement(), signed_at=datetime.now(UTC))
        ).decode()
        self.send(signature)
        return signature

    def send(self, signature: str) -> None:
        """Sends a signature, of any signer."""
        form = self.wait_for("statement").form("turn", "signature")
        self._post(form.action, form.fields | {"signature": signature})

    def egov_code(self) -> str:
        """The text of the eGov Mobile QR code that the statement page makes on the press of its
        button.
        """
        page = self.wait_for("statement")
        form = next(form for form in page.forms if form.action.endswith("/egov/"))
        more = _SCRIPT | _FORM | {"X-CSRFToken": page.script_token}
        answer = self._json(
            self._request("POST", form.action, body=urlencode(form.fields).encode(), more=more)
        )
        return str(answer["text"])

    def wait_for(self, name: str, *, seconds: float = 90) -> Page:
        """Polls as the waiting page does until this page is open, and gets it."""
        self._poll(lambda page: page == name, event=f"the page {name}", seconds=seconds)
        return self._get("/v/now/")

    def wait_for_judgement(self, *, seconds: float = 120) -> str:
        """Polls until the answer was judged; returns the page that is open then."""
        return self._poll(lambda page: page != "wait", event="the judgement", seconds=seconds)

    def _poll(self, is_awaited: Callable[[str], bool], *, event: str, seconds: float) -> str:
        """Polls for the open page, with the waiting page's intervals, until it is the awaited
        one; returns it.
        """
        deadline, pause = time.monotonic() + seconds, FIRST_SECONDS
        while not is_awaited(page := self.state()["page"]):
            if time.monotonic() > deadline:
                raise PlayFailed(f"{event} did not come within {seconds:.0f} s")
            time.sleep(pause)
            pause = min(pause * SLOWER, SLOWEST_SECONDS)
        return page

    def state(self) -> dict[str, str]:
        """What the waiting page asks for."""
        answer = self._request("GET", "/v/now/state/")
        fields: dict[str, str] = json.loads(answer.data)
        return fields

    def _get(self, path: str) -> Page:
        return Page(self._request("GET", path).data.decode())

    def _form_to(self, action: str) -> Form:
        form = next((form for form in self._get("/v/now/").forms if form.action == action), None)
        if form is None:
            raise PlayFailed(f"the page has no form to {action}")
        return form

    def _post(self, action: str, fields: dict[str, str]) -> urllib3.BaseHTTPResponse:
        answer = self._request(
            "POST", action or "/v/now/", body=urlencode(fields).encode(), more=_FORM
        )
        if answer.status not in (200, 302, 303):
            raise PlayFailed(f"the page {action} answered {answer.status}")
        return answer

    def _json(self, answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        if answer.status != 200:
            raise PlayFailed(f"the page's script was answered {answer.status}")
        fields: dict[str, Any] = json.loads(answer.data)
        return fields

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        more: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        # A connection each: a server may close one just as it is reused, and a POST must not be
        # sent twice.
        headers = {"Cookie": cookies, "Referer": self._url, "Connection": "close", **(more or {})}
        answer = self._http.request(
            method, f"{self._url}{path}", body=body, headers=headers, redirect=False
        )
        for line in answer.headers.getlist("Set-Cookie"):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer


def _yes_or_no(yes: bool) -> str:
    return "true" if yes else "false"
