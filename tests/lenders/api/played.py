"""One answer of every operation, of every webhook and of a problem, as they came, but for what
differs every time.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.lenders.api.renewing import go_by
from tests.lenders.log_of_lenders import pump, send_due
from tests.lenders.samples import opening
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.story import begin, order

CONTRACT = "c" * 64
PAID = {
    "amount": "150000.00",
    "iin": "990101100010",
    "contract_sha256": CONTRACT,
    "payout_account": "KZ86125KZT5004100100",
}
V, E, D = "/v1/verifications", "/v1/webhook-endpoints", "/v1/deliveries"

_ID = re.compile(r"\b(ver|clr|evt|whe|dlv|att|evd|chk|len|rcp)_[a-z2-7]{26}(?:_\d+)?\b")
_DRAWN = (
    (re.compile(r"\b20\d\d-\d\d-\d\dT[0-9:.]+(Z|\+00:00)"), "TIME"),
    (re.compile(r"/v/#[A-Za-z0-9_-]+"), "/v/#TOKEN"),
    (re.compile(r"\b(whsec|whpk)_[A-Za-z0-9+/=]+"), r"\1_KEY"),
    (re.compile(r"\b[0-9a-f]{64}\b(?<!" + CONTRACT + ")"), "SHA256"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "RANDOM"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:PORT"),
    (re.compile(r'"(milliseconds|sequence|log_index|index|size)": \d+'), r'"\1": 0'),
    (
        re.compile(
            r'"(receipt|leaf|proof|checkpoint|payload|protected|signature|salt|request_id)":'
            r' "(?:[^"\\]|\\.)+"'
        ),
        r'"\1": "…"',
    ),
)


def normal(content: bytes) -> str:
    """An answer with its names in their order; ids are numbered, and what is drawn or measured is
    named.
    """
    text = json.dumps(json.loads(content), ensure_ascii=False, indent=1) if content else ""
    numbers: dict[str, int] = {}
    next_number = count(1)

    def numbered(found: re.Match[str]) -> str:
        if found[0] not in numbers:
            numbers[found[0]] = next(next_number)
        return f"{found[1]}_{numbers[found[0]]}"

    text = _ID.sub(numbered, text)
    for pattern, word in _DRAWN:
        text = pattern.sub(word, text)
    return f"{text}\n"


class Answers:
    """What was answered, by name: that of the operation, and where there are several a word behind
    a dot.
    """

    def __init__(self, api: Any) -> None:
        """`api`: the lender's server, which asks for one version."""
        self.api, self.found = api, dict[str, str]()

    def get(self, name: str, path: str, **query: str) -> Any:
        """Asks, and keeps the answer under this name."""
        return self.keep(name, self.api.get(path, **query))

    def post(self, name: str, path: str, body: Any = None) -> Any:
        """The same of what does something."""
        return self.keep(name, self.api.post(path, body))

    def keep(self, name: str, answer: Any) -> Any:
        """Its JSON, if it has any."""
        self.found[name] = normal(answer.content)
        return answer.json() if answer.content else None


def verified(lender: Any, issued: Callable[..., Any], reference: str) -> Any:
    """A borrower who signed."""
    story = begin(lender, reference).to_statement()
    story.sign(issued())
    story.work()
    return story


def play(api: Any, lender: Any, issued: Any, receiver: Any, monkeypatch: Any) -> dict[str, str]:
    """The answers by name; all in one course, so that lists hold what was done before."""
    said = Answers(api)
    endpoint = said.post("create_webhook_endpoint", E, {"url": receiver.url})
    _verifications(said)
    story = verified(lender, issued, "A-1")
    said.get("get_verification.verified", f"{V}/{story.id}", expand="checks")
    said.get("get_receipt", f"{V}/{story.id}/receipt")
    _cleared(said, story)
    go_by(lender, monkeypatch, 30)
    _refused(said, verified(lender, issued, "A-2"))
    order()
    said.get("list_verifications", V)
    _webhooks(said, f"{E}/{endpoint['id']}", receiver)
    order()
    said.get("list_events", "/v1/events")
    return said.found


def _verifications(said: Answers) -> None:
    opened = said.post("open_verification", V, opening(metadata={"branch": "7"}, opened_by="B"))
    said.post("open_verification.again", V, opening(metadata={"branch": "7"}, opened_by="B"))
    said.get("get_verification", f"{V}/{opened['id']}")
    said.post("make_link", f"{V}/{opened['id']}/link")
    said.post("cancel_verification", f"{V}/{opened['id']}/cancel")
    said.post("problem.bad_input", V, opening(subject__iin="1", extra=1))
    said.get("problem.not_found", f"{V}/ver_a")
    order()


def _cleared(said: Answers, story: Any) -> None:
    asked = said.post(
        "ask_for_clearance", f"{V}/{story.id}/clearances", {"contract_sha256": CONTRACT}
    )
    story.work()
    said.get("get_clearance", f"/v1/clearances/{asked['id']}")
    said.post(
        "problem.clearance_mismatch",
        f"/v1/clearances/{asked['id']}/consume",
        PAID | {"amount": "150000.01"},
    )
    said.post("consume_clearance", f"/v1/clearances/{asked['id']}/consume", PAID)
    at = datetime.now(UTC).isoformat()
    said.post("report_obligation", f"{V}/{story.id}/obligation", {"status": "opened", "at": at})


def _refused(said: Answers, story: Any) -> None:
    for name, is_reported in (("get_clearance.no_contract", False), ("get_clearance.waits", True)):
        if is_reported:
            signed = {"signed_at": datetime.now(UTC).isoformat(), "contract_sha256": CONTRACT}
            said.post("report_contract", f"{V}/{story.id}/contract", signed)
        asked = said.api.post(f"{V}/{story.id}/clearances", {"contract_sha256": CONTRACT}).json()
        story.work()
        said.get(name, f"/v1/clearances/{asked['id']}")


def _webhooks(said: Answers, place: str, receiver: Any) -> None:
    pump()
    send_due()
    event = said.api.get("/v1/events").json()["data"][0]["id"]
    sent = said.get("list_deliveries", D, event=event)["data"][0]
    said.get("get_webhook_endpoint", place)
    said.get("list_webhook_endpoints", E)
    said.post("test_webhook_endpoint", f"{place}/test")
    said.post("rotate_webhook_secret", f"{place}/rotate-secret")
    said.post("redeliver", f"{D}/{sent['id']}/redeliver")
    said.post(
        "redeliver_range",
        f"{D}/redeliver",
        {"from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"},
    )
    send_due()
    said.keep(
        "change_webhook_endpoint",
        said.api.patch(place, {"events": ["verification.verified"], "enabled": False}),
    )
    # They are posted side by side, so they come in any order.
    told = [(json.loads(one.body), one.body) for one in receiver.received]
    for body, content in sorted(told, key=lambda each: each[0]["lender_sequence"] or 0):
        said.found.setdefault(f"webhook.{body['type']}", normal(content))
    said.keep("delete_webhook_endpoint", said.api.delete(place))


def look(api: Any, lender: Any) -> dict[str, str]:
    """Those about signed documents, of a borrower who was looked at."""
    said, story = Answers(api), played(lender)
    listed = said.get("list_documents", f"{V}/{story.id}/documents")["data"]
    said.get("get_document", f"{V}/{story.id}/documents/{listed[0]['attempt']}")
    return said.found
