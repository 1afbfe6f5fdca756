"""Cases are blocked, and SQL of the application's role says in their rows that they are not: every
door still refuses, because doors ask the signed entries.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.lenders.api.clearing import PAID
from tests.scenes import staged
from tests.tampering import cast as casts
from tests.tampering.cast import IINS, VOTE, Cast
from tests.tampering.test_deeds import changed
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from tests.verification.stories.insecure_glance import glances as glances
from verification import clock
from verification.access import erasures
from verification.models import Access, Attempt, AuditEntry, Clearance, EvidenceItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

Door = Callable[[Cast, str], Any]
BLOCKED = (409, "processing_blocked")
NAMES = ("verified", "review", "at_work")
SECRETS = ("ТЕСТОВ", "ТЕСТ ", *IINS, *(iin[-4:] + "<" for iin in IINS), "KZ86125KZT5004100100")
"""What of the people in the cases no answer may show."""


@pytest.fixture
def cast() -> Cast:
    played = staged("blocked cast", _blocked)
    assert isinstance(played, Cast)
    return played


def _blocked() -> Cast:
    played = casts.play()
    for name in NAMES:
        erasures.withdraw(played.stories[name].id)
        played.stories[name].work()
        erasures.request_of_person(played.stories[name].id)
    order_all()
    return played


def api(method: str, path: str, body: dict[str, Any] | None = None) -> Door:
    def ask(cast: Cast, name: str) -> Any:
        story, server = cast.stories[name], cast.api()
        attempt = Attempt.objects.filter(verification_id=story.id).latest("turn").pk
        place = path.format(id=story.id, attempt=attempt, clearance=cast.clearance)
        return server.get(place) if method == "GET" else server.post(place, body or {})

    return ask


def desk(method: str, path: str, body: dict[str, Any] | None = None) -> Door:
    def ask(cast: Cast, name: str) -> Any:
        story, browser = cast.stories[name], cast.of_person("reviewer")
        item = EvidenceItem.objects.filter(verification_id=story.id).first()
        place = path.format(id=story.id, item=item.pk if item else "evi_0")
        return browser.get(place) if method == "GET" else browser.post(place, body or {})

    return ask


def page(method: str, path: str, body: dict[str, Any] | None = None) -> Door:
    def ask(cast: Cast, name: str) -> Any:
        browser = cast.borrower()
        return browser.get(path) if method == "GET" else browser.post(path, body or {})

    return ask


ONE = "/v1/verifications/{id}"
DAY = {"signed_at": "2026-12-03T00:00:00Z", "contract_sha256": "c" * 64}
WORD = {"age_confirmation-how": "egov", "age_confirmation-comment": "seen on eGov, No. 123456"}
OF_EACH: dict[str, Door] = {
    "documents": api("GET", f"{ONE}/documents"),
    "a document": api("GET", f"{ONE}/documents/{{attempt}}"),
    "the statement": api("GET", f"{ONE}/statement"),
    "the signature": api("GET", f"{ONE}/signature"),
}
"""Doors of a lender that open each of the cases."""
OF_VERIFIED: dict[str, Door] = {
    "a link": api("POST", f"{ONE}/link"),
    "a contract": api("POST", f"{ONE}/contract", DAY),
    "a clearance": api("POST", f"{ONE}/clearances", {"contract_sha256": "c" * 64}),
    "an attestation's page": desk("GET", "/review/confirm/{id}/"),
    "an attestation": desk("POST", "/review/confirm/{id}/age_confirmation", WORD),
}
OF_REVIEW: dict[str, Door] = {
    "the case": desk("GET", "/review/cases/{id}/"),
    "a picture": desk("GET", "/review/cases/{id}/pictures/{item}"),
    "a vote": desk("POST", "/review/cases/{id}/vote", VOTE),
}
OF_BORROWER: dict[str, Door] = {
    "the page": page("GET", "/v/now/"),
    "an answer": page("POST", "/v/now/", {"turn": "1", "agreed": "true"}),
    "a route": page("POST", "/v/now/route/", {"route": "eds"}),
    "another device": page("POST", "/v/now/elsewhere/"),
    "a link for another browser": page("POST", "/v/now/elsewhere/", {"by": "link"}),
    "the withdrawal": page("GET", "/v/now/withdraw/"),
    "a second withdrawal": page("POST", "/v/now/withdraw/"),
    "the signed statement": page("GET", "/v/now/signed/statement/"),
}
DOORS = {
    "verified": {**OF_EACH, **OF_VERIFIED},
    "review": {**OF_EACH, **OF_REVIEW},
    "at_work": {**OF_EACH, **OF_BORROWER},
}
LISTS: dict[str, Door] = {
    "the queue": desk("GET", "/review/?mode=test"),
    "open cases": desk("GET", "/review/open/?mode=test"),
    "to confirm": desk("GET", "/review/confirm/?mode=test"),
    "to confirm by reference": desk("POST", "/review/confirm/?mode=test", {"reference": "V-1"}),
}


def told(response: Any) -> tuple[int, str]:
    """The status, and the code of a problem or of a page."""
    text = response.content.decode(errors="replace")
    is_json = response.headers["Content-Type"].endswith("json")
    code = str(response.json().get("code") or "") if is_json else ""
    return response.status_code, code or ("processing_blocked" if _names_block(text) else "")


def _names_block(text: str) -> bool:
    return any(
        words in text
        for words in (
            "processing_blocked",
            "The data of this request are blocked",
            "Осы өтінімнің деректері бұғатталған",
            "Данные этой заявки заблокированы",
        )
    )


def shows(response: Any) -> list[str]:
    text = response.content.decode(errors="replace")
    return [word for word in SECRETS if word in text]


def skeleton(cast: Cast, name: str) -> dict[str, Any]:
    answer = cast.api().get(f"/v1/verifications/{cast.stories[name].id}?expand=checks")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def is_closed(body: dict[str, Any]) -> bool:
    gone = ("client_reference", "purpose", "opened_by", "metadata", "locale", "last_failure")
    return (
        body["blocked"] is not None and not any(body[key] for key in gone) and "checks" not in body
    )


@contextmanager
def unmarked(cast: Cast) -> Iterator[None]:
    """No row says any more that a case is blocked."""
    with ExitStack() as stack:
        for name in NAMES:
            columns = {"consent_withdrawn_at": None, "redaction_requested_at": None}
            stack.enter_context(changed(cast.stories[name].row(), **columns))
        yield


@contextmanager
def reopened(cast: Cast) -> Iterator[None]:
    """The rows say, too, that the cases, their attempts and accesses are as before."""
    ahead = clock.now() + timedelta(hours=1)
    with ExitStack() as stack:
        stack.enter_context(unmarked(cast))
        review, at_work = cast.stories["review"], cast.stories["at_work"]
        again = {"finished_at": None, "step": "", "due_at": None, "expires_at": ahead}
        people = {"status": "in_review", "code": "face_review", "in_review_since": clock.now()}
        stack.enter_context(changed(review.row(), **again, **people))
        stack.enter_context(changed(at_work.row(), **again, status="requires_input", code=""))
        for story, status in ((review, "review"), (at_work, "open")):
            newest = Attempt.objects.filter(verification_id=story.id).latest("turn")
            columns = {"status": status, "closed_at": None, "expires_at": ahead, "burnt": False}
            stack.enter_context(changed(newest, **columns))
        ways = Access.objects.filter(verification_id=at_work.id, kind="link")
        stack.enter_context(changed(*ways, expires_at=ahead, spent_at=None))
        issued = {"status": "issued", "frozen_at": None, "expires_at": ahead, "fresh_until": ahead}
        stack.enter_context(changed(Clearance.objects.get(pk=cast.clearance), **issued))
        yield


@contextmanager
def as_they_are(cast: Cast) -> Iterator[None]:
    """Nothing is changed."""
    yield


@pytest.mark.parametrize("change", [as_they_are, unmarked, reopened])
def test_every_door_of_a_blocked_case_refuses_whatever_its_rows_say(cast, change):
    refused = 0
    with change(cast):
        for name, doors in DOORS.items():
            for title, door in doors.items():
                answer = door(cast, name)
                assert shows(answer) == [], (name, title)
                # For any defect there is no such picture.
                expected = (404, "") if title == "a picture" else BLOCKED
                assert told(answer) == expected, (name, title)
                refused += 1
            assert is_closed(skeleton(cast, name)), name
        for row in cast.api().get("/v1/verifications").json()["data"]:
            name = next(name for name, story in cast.stories.items() if story.id == row["id"])
            assert (row["blocked"] is not None) is (name in NAMES)
            assert (row["client_reference"] is None) is (name in NAMES)
        for title, door in LISTS.items():
            text = door(cast, "verified").content.decode()
            assert [name for name in NAMES if cast.stories[name].id in text] == [], title
        paid = cast.api().post(f"/v1/clearances/{cast.clearance}/consume", PAID)
        assert told(paid) == (409, "clearance_frozen")
        spent = cast.borrower("").post("/v/", {"token": cast.stories["at_work"].token})
        assert told(spent) == BLOCKED
    assert refused == sum(map(len, DOORS.values())) == 28


def test_the_receipt_of_a_blocked_case_answers_without_its_openings(cast):
    for name in NAMES:
        body = cast.api().get(f"/v1/verifications/{cast.stories[name].id}/receipt").json()
        assert body["receipt"]
        assert body["openings"] is None


def test_the_regulator_opens_a_blocked_case_and_reads_why(cast):
    before = AuditEntry.objects.filter(type="oversight.viewed").count()
    with unmarked(cast):
        for name in NAMES:
            browser = cast.of_person("regulator")
            browser.cookies["django_language"] = "en"
            answer = browser.get(f"/oversight/cases/{cast.stories[name].id}/")
            assert answer.status_code == 200
            text = answer.content.decode()
            for words in (
                "Processing of personal data blocked",
                "The person withdrew the consent",
                "The person asked for erasure",
                "An answer is due by",
                "O-82",
                "no longer open this case",
            ):
                assert words in text, (name, words)
    assert AuditEntry.objects.filter(type="oversight.viewed").count() == before + len(NAMES)


def test_the_audit_finds_no_fault_in_blocked_cases_and_names_each_row_that_hides_a_block(cast):
    assert findings() == []
    with unmarked(cast):
        named = findings()
    assert len([one for one in named if one["code"] == "row_differs"]) == 2 * len(NAMES)
    assert findings() == []
