"""The hand-over to a phone over HTTP: what either screen shows, and which cookies they have."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.verification.borrower.visits import NOW, browser, entries, find, text
from tests.verification.stories.story import begin, lender, make_due, wait_until
from verification.access import hand_over, openings
from verification.borrower import browsers
from verification.case import policy
from verification.models import Attempt, Verification

pytestmark = pytest.mark.django_db

QUESTION = "Is somebody on the phone telling you what to press?"


@pytest.fixture
def desk(story):
    """The borrower's browser at a computer."""
    return in_english(browser(story))


def in_english(client):
    client.cookies["django_language"] = "en"
    return client


def scanned(desk):
    """A phone that has scanned a code of the desk's session and pressed Continue."""
    # The page draws its code; a camera reads it in tests/browser.
    token = hand_over.mint(untrusted_session=desk.cookies[browsers.SESSION].value).token
    phone = in_english(Client())
    assert phone.post("/v/phone/", {"token": token}).headers["Location"] == "/v/phone/now/"
    return phone


def numbered(phone):
    phone.post("/v/phone/now/", {"somebody_tells_me": "false"})
    return find(r'class="matched">(\d{4})<', text(phone.get("/v/phone/now/"))).group(1)


def test_the_phone_sees_the_loan_and_the_question_then_a_number_and_then_it_goes_on(desk, story):
    phone = scanned(desk)
    shown = text(phone.get("/v/phone/now/"))
    assert QUESTION in shown
    for fact in ("150,000", "Sandbox Credit", "The money goes to the account"):
        assert fact in shown
    assert "matched" not in shown
    number = numbered(phone)
    assert phone.get("/v/phone/now/state/").json()["page"] == "phone"
    assert phone.get(NOW).status_code == 410
    done = desk.post("/v/now/elsewhere/number/", {"number": number})
    assert "Continue on your phone" in text(done)
    assert phone.get("/v/phone/now/state/").json()["page"] == "done"
    let_in = phone.get("/v/phone/now/")
    assert let_in.headers["Location"] == NOW
    assert let_in.cookies[browsers.PHONE]["max-age"] == 0
    assert phone.get(NOW).status_code == 200
    assert desk.get(NOW).status_code == 410


def test_the_phones_token_is_out_of_reach_of_scripts(desk):
    kept = scanned(desk).cookies[browsers.PHONE]
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["max-age"]) == (
        True,
        "Lax",
        "/v/",
        300,
    )


def test_another_number_is_said_on_the_desk_and_at_the_phone(desk):
    phone = scanned(desk)
    number = numbered(phone)
    assert "That was another number" in text(
        desk.post("/v/now/elsewhere/number/", {"number": str(9_999 - int(number))})
    )
    gone = phone.get("/v/phone/now/")
    assert gone.status_code == 410
    assert "This code can no longer be used" in text(gone)
    assert "No phone waits" in text(desk.post("/v/now/elsewhere/number/", {"number": number}))
    assert desk.get(NOW).status_code == 200


def test_who_says_that_somebody_tells_them_is_stopped_there_and_everywhere(desk, story):
    phone = scanned(desk)
    phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
    assert "One moment" in text(phone.get("/v/phone/now/"))
    assert phone.get("/v/phone/now/state/").json()["page"] == "wait"
    assert story.page().page == "wait"  # until a worker has ended it
    story.work()
    assert phone.get("/v/phone/now/state/").json()["page"] == "finished"
    assert "This check could not be finished" in text(phone.get("/v/phone/now/"))
    assert "This check could not be finished" in text(desk.get(NOW))
    assert Verification.objects.get(pk=story.id).code == "coercion_reported"


def ended_at_the_phone(phone):
    """The phone's page and state, without what is drawn anew for each answer."""
    page, state = phone.get("/v/phone/now/"), phone.get("/v/phone/now/state/")
    html = re.sub(r'(value|nonce)="[\w+/=-]{16,}"', "", text(page))
    return page.status_code, re.sub(r"\d{4}(-\d{3}){3}", "", html), state.status_code, state.json()


def into(became, story):
    """A phone that is not let in, and what became of its code."""
    desk = in_english(browser(story))
    phone = scanned(desk)
    if became != "asked":
        number = numbered(phone)
        if became == "refused":
            desk.post("/v/now/elsewhere/number/", {"number": str(9_999 - int(number))})
    return phone


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("became", ["asked", "number", "refused"])
def test_a_phone_shows_a_check_that_broke_down_as_it_shows_a_reported_caller(
    became, issued, trusted
):
    of, ends = lender(), {}
    for code in ("coercion_reported", "retries_exhausted"):
        story = begin(of, code).to_statement()
        phone = into(became, story)
        if code == "coercion_reported":
            phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
        else:
            story.sign(issued())
            trusted.faults = 1000
        for _ in range(policy.FAULTS_MAX):
            story.work()
            make_due(story)
        assert story.row().code == code
        ends[code] = ended_at_the_phone(phone)
    assert ends["coercion_reported"] == ends["retries_exhausted"]
    assert "This check could not be finished" in ends["retries_exhausted"][1]


def test_a_phone_that_is_not_let_in_learns_of_no_other_end(desk, story):
    phone = scanned(desk)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert phone.get("/v/phone/now/").status_code == 410
    assert phone.get("/v/phone/now/state/").status_code == 410


def test_a_copied_cookie_of_a_stopped_phone_opens_nothing_after_a_day(desk, story):
    phone = scanned(desk)
    phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
    story.work()
    thief = Client()
    thief.cookies[browsers.PHONE] = phone.cookies[browsers.PHONE].value
    assert thief.get("/v/phone/now/").status_code == 200
    wait_until(story.row().finished_at + timedelta(seconds=policy.SESSION_AFTER_END_SECONDS))
    assert thief.get("/v/phone/now/").status_code == 410


@pytest.mark.parametrize(
    "told", [{}, {"somebody_tells_me": ""}, {"somebody_tells_me": "no"}, {"number": "1"}]
)
def test_a_malformed_answer_is_refused_and_nothing_is_done(desk, told):
    phone = scanned(desk)
    assert phone.post("/v/phone/now/", told).status_code in (400, 422)
    assert QUESTION in text(phone.get("/v/phone/now/"))


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ufffd", "' OR 1=1 --", "\x00"])
def test_a_malformed_code_gets_the_page_of_a_used_code(token):
    response = in_english(Client()).post("/v/phone/", {"token": token})
    assert response.status_code == 410
    assert "This code can no longer be used" in text(response)
    assert browsers.PHONE not in response.cookies


def test_a_visit_does_nothing_and_looks_the_same_for_everybody(desk, story):
    scanned(desk)
    before = entries(story)
    pages = [re.sub(r'value="\w{64}"', "", text(Client().get("/v/phone/"))) for _ in range(2)]
    assert pages[0] == pages[1]
    assert "150" not in pages[0]
    assert desk.get("/v/now/elsewhere/number/").headers["Location"] == NOW
    assert Client().get("/v/phone/now/").status_code == 410
    assert entries(story) == before


def test_when_all_codes_are_used_up_the_link_is_left(desk):
    for _ in range(10):
        desk.post("/v/now/elsewhere/")
    page = text(desk.post("/v/now/elsewhere/"))
    assert "All codes for this check are used up" in page
    assert "<svg" not in page
    assert re.search(r"/v/#[\w-]{43}", text(desk.post("/v/now/elsewhere/", {"by": "link"})))


def test_the_page_with_the_code_holds_no_link_and_that_with_the_link_no_code(desk):
    assert not re.search(r"/v/#[\w-]{43}", text(desk.post("/v/now/elsewhere/")))
    assert "<svg" not in text(desk.post("/v/now/elsewhere/", {"by": "link"}))


def test_a_phone_that_is_not_let_in_learns_nothing_but_the_loan(desk, story):
    Verification.objects.filter(pk=story.id).update(last_failure="face_mismatch")
    Attempt.objects.update(notice="face_mismatch")
    assert "We could not make sure, by the camera" in text(desk.get(NOW))
    phone = scanned(desk)
    assert "We could not make sure, by the camera" not in text(phone.get("/v/phone/now/"))


def test_two_taps_are_one(desk, story):
    phone = scanned(desk)
    for _ in range(2):
        assert (
            phone.post("/v/phone/now/", {"somebody_tells_me": "false"}).headers["Location"]
            == "/v/phone/now/"
        )
    assert "matched" in text(phone.get("/v/phone/now/"))
    for _ in range(2):
        phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
    story.work()
    assert "This check could not be finished" in text(phone.get("/v/phone/now/"))
    assert desk.post("/v/now/elsewhere/number/", {"number": "1"}).headers["Location"] == NOW
