"""Every end and every refusal: what happened, what to do, the case number, whom to call, and
something to press.

The pages are made for every code in every language, so that a code to come cannot end in a page
that says nothing.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext

from config import page_problems
from tests.verification.borrower.catalogues import LANGUAGES
from tests.verification.borrower.pages import RENEWAL, made
from tests.verification.borrower.visits import NOW, browser, consent, find, text
from tests.verification.stories.insecure_glance import SAID, glanced, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import lender, wait_until
from verification.access import open_page, openings
from verification.borrower import views
from verification.case import policy
from verification.core import errors
from verification.core.codes import (
    CODES,
    ENDINGS,
    NOT_CONFIRMED,
    REASONS,
    UNFINISHED,
    UNPROVEN,
    ending_of,
)
from verification.core.lender import LenderFacts, Outline
from verification.core.results import Failed
from verification.course.policy import HINDRANCES

SPOKEN = ("en", *LANGUAGES)

PAGES_OF_PROBLEMS = {code: row for code, row in CODES.items() if row.page_title}

CASE, NUMBER, NAME = "1795-895-717-016", "+77270000044", "First Credit LLP"

# What ends a verification by itself. All others end it by being the last of all tries.
BY_THEMSELVES = {
    **{code: "declined" for code in REASONS if REASONS[code].final},
    "check_missing": "declined",
    **dict.fromkeys(("retries_exhausted", "review_unavailable"), "failed"),
    "verification_expired": "expired",
    "review_timeout": "expired",
    "canceled_by_lender": "canceled",
    "attempts_exhausted": "declined",
}

ENDS = [
    ("verified", "", ""),
    ("in_review", "", ""),
    *((status, code, "") for code, status in BY_THEMSELVES.items()),
    *(
        ("declined", "attempts_exhausted", code)
        for code in sorted(ENDINGS)
        if code not in BY_THEMSELVES
    ),
]

PAGES = [
    "consent",
    "question",
    "statement",
    "form",
    "code",
    "commands",
    "choose_route",
    "wait",
    "resume",
    "checking",
]

NOT_A_NUMBER_OF_SCORE = re.compile(r"\b0[.,]\d{2,}")


def body(response: HttpResponseBase | None) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def shown(language, page):
    """A page as the browser gets it, its form tokens aside."""
    request = RequestFactory().get(NOW)
    request.user = AnonymousUser()
    with translation.override(language):
        html = body(views._page(request, replace(page, locale=language)))
    return re.sub(r'value="\w{64}"', "", html)


def ended(language, status, code="", last_failure="", **more):
    return shown(
        language, made("finished", status=status, code=code, last_failure=last_failure, **more)
    )


def can_be_told_on_the_telephone(html):
    assert CASE in html
    assert NAME in html
    assert f'href="tel:{NUMBER}"' in html


def is_in(language, html, *sentences):
    """All of these stand there in this language, and in no other."""
    plain = html.replace("&#x27;", "'")
    for sentence in sentences:
        with translation.override(language):
            said = translation.gettext(sentence)
        assert (said == sentence) is (language == "en"), sentence
        assert said in plain
        assert language == "en" or sentence not in plain


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize(("status", "code", "last_failure"), ENDS, ids=str)
@pytest.mark.parametrize("renewal", [None, RENEWAL], ids=["check", "renewal"])
def test_an_ending_says_what_happened_what_to_do_and_whom_to_call(
    language, status, code, last_failure, renewal
):
    html = ended(language, status, code, last_failure, renewal=renewal)
    can_be_told_on_the_telephone(html)
    assert html.count("<h1>") == 1
    assert len(re.findall(r'<a class="button', html)) >= 1
    assert "tel:102" in html
    assert not NOT_A_NUMBER_OF_SCORE.search(html)
    if renewal and code == "consent_declined":
        is_in(
            language,
            html,
            "No money is paid out on this request. Tell the lender, so that it ends the contract.",
        )
    elif code:
        told = ending_of(code, last_failure)
        next_of_renewal = (
            ["Ask the lender for another link."] if status in ("expired", "canceled") else []
        )
        is_in(language, html, told.happened, *((renewal and next_of_renewal) or [told.what_next]))


def test_every_code_that_can_end_a_verification_has_an_ending_and_no_other_code_has_one():
    ends = {code for code, reason in REASONS.items() if reason.burns or reason.final} | set(
        BY_THEMSELVES
    )
    assert ends <= set(ENDINGS) <= set(REASONS)


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("renewal", [None, RENEWAL], ids=["check", "renewal"])
def test_who_watches_sees_no_difference_between_a_reported_caller_and_a_check_that_failed(
    language, renewal
):
    coerced = ended(language, "declined", "coercion_reported", "coercion_reported", renewal=renewal)
    for status, code in (("failed", "retries_exhausted"), ("declined", "check_missing")):
        other = made("finished").verification_id.replace("2al4bijgn5", "2al4bijgn6")
        html = ended(language, status, code, renewal=renewal, verification_id=other)
        assert CASE not in html
        assert re.sub(r"\d{4}(-\d{3}){3}", CASE, html) == coerced


@pytest.mark.parametrize("language", SPOKEN)
def test_which_datum_the_registers_did_not_confirm_is_not_told(language):
    codes = [code for code, ending in ENDINGS.items() if ending == NOT_CONFIRMED]
    pages = {ended(language, "declined", code) for code in codes}
    pages |= {ended(language, "declined", "attempts_exhausted", code) for code in codes}
    assert len(pages) == 1


@pytest.mark.django_db
def test_answer_address_and_state_of_a_reported_caller_are_those_of_any_end(
    client, story, monkeypatch
):
    client.post(NOW, consent(story))
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "true"})
    story.work()

    def answers():
        page, state = client.get(NOW), client.get("/v/now/state/")
        headers = {
            name: value
            for name, value in page.headers.items()
            if name not in ("X-Request-Id", "Expires")
        }
        html = re.sub(r'(value|nonce)="[\w+/=-]{16,}"', "", text(page))
        return page.status_code, re.sub(r"nonce-[\w+/=-]+", "", str(headers)), html, state.json()

    coerced = answers()
    assert story.row().code == "coercion_reported"
    page_of = open_page.page_of
    failed: dict[str, Any] = {"status": "failed", "code": "retries_exhausted", "last_failure": ""}
    monkeypatch.setattr(open_page, "page_of", lambda *rows: replace(page_of(*rows), **failed))
    assert answers() == coerced


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_notice_of_any_code_stands_on_a_page_that_can_be_told_on_the_telephone(language, code):
    html = shown(language, made("resume", notice=code))
    is_in(language, html, REASONS[code].borrower_message)
    can_be_told_on_the_telephone(html)
    assert "<button" in html


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_check_names_the_case_and_the_lender_and_has_something_to_press(
    language, page
):
    html = shown(language, made(page))
    can_be_told_on_the_telephone(html)
    assert re.search(r"class=.button", html)


# Pages without a session
ABOUT = Outline(
    lender=LenderFacts(id="len_0", name=NAME, bin="120340000125", phone=NUMBER),
    case_number=CASE,
    locale="ru",
)


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("path", ["/", "/v/", NOW, "/oversight/"])
@pytest.mark.parametrize("code", sorted(PAGES_OF_PROBLEMS))
def test_every_problem_is_in_the_readers_language_and_has_a_way_out(language, path, code):
    row = PAGES_OF_PROBLEMS[code]
    with translation.override(language):
        html = body(page_problems._page(RequestFactory().get(path), status=410, code=code))
    is_in(language, html, row.page_title, row.page_text)
    assert '<a class="button' in html


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", ["link_unusable", "session_ended", "phone_code_unusable"])
def test_of_what_was_ours_once_the_lender_is_named_in_the_language_of_the_check(rf, language, code):
    problem = errors.LinkUnusable("x", code=code, about=replace(ABOUT, locale=language))
    with translation.override("kk" if language == "ru" else "ru"):
        html = body(
            page_problems.PageProblems(lambda _: HttpResponse()).process_exception(
                rf.get("/v/"), problem
            )
        )
    can_be_told_on_the_telephone(html)
    assert f'<html lang="{language}">' in html
    with translation.override(language):
        warned = str(page_problems._WARNING) in html
    assert warned is (code != "phone_code_unusable")


@pytest.mark.django_db
def test_a_used_link_names_the_lender_and_nothing_of_the_loan(story):
    browser(story)
    html = text(Client().post("/v/", {"token": story.token}))
    assert "Sandbox Credit" in html
    assert 'href="tel:+77270000044"' in html
    assert "Этой ссылкой больше нельзя воспользоваться" in html
    # A case number is a time, and a token is chance: they may have any digits.
    html = re.sub(
        r"""\+77270000044|\d{4}(-\d{3}){3}|\N{NO-BREAK SPACE}|="[\w+/=-]{16,}\"""", "", html
    )
    for personal in ("150", "KZ86", "0010", "ТЕСТ", story.id):
        assert personal not in html


@pytest.mark.django_db
def test_a_used_link_says_by_no_word_of_the_lenders_what_it_was_for(story):
    browser(story)
    html = text(Client().post("/v/", {"token": story.token}))
    with translation.override("ru"):
        assert (
            gettext("You confirm that you yourself request a loan there, or you decline.") in html
        )
    assert open_page.borrower_page(verification_id=story.id).purpose not in html


@pytest.mark.django_db
def test_long_after_the_end_a_used_link_and_session_name_no_lender(client, story):
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    told_until = story.row().finished_at + timedelta(seconds=policy.LINK_TOLD_SECONDS)
    wait_until(told_until - timedelta(seconds=30))
    assert "Sandbox Credit" in text(Client().post("/v/", {"token": story.token}))
    wait_until(told_until)
    used, never = (
        text(Client().post("/v/", {"token": token})) for token in (story.token, "x" * 43)
    )
    assert re.sub(r'="[\w+/=-]{16,}"', "", used) == re.sub(r'="[\w+/=-]{16,}"', "", never)
    assert "Sandbox Credit" not in text(client.get(NOW))


@pytest.mark.django_db
def test_a_used_link_keeps_what_it_says_in_another_language_and_its_secret_in_no_address(story):
    browser(story)
    client = Client()
    html = text(client.post("/v/", {"token": story.token}))
    form = find(
        r'<form class="languages" action="([^"]*)".*?name="token" value="([^"]*)".*?</form>', html
    )
    assert form.groups() == ("/v/", story.token)
    assert 'name="next"' not in form.group(0)
    again = client.post(form.group(1), {"token": form.group(2), "language": "kk"})
    html = text(again)
    assert (again.status_code, again.headers["Content-Language"]) == (410, "kk")
    assert '<html lang="kk">' in html
    assert "Sandbox Credit" in html
    assert 'href="tel:+77270000044"' in html
    assert client.cookies["django_language"].value == "kk"
    # A language that is none changes nothing.
    assert (
        client.post("/v/", {"token": story.token, "language": "xx"}).headers["Content-Language"]
        == "kk"
    )


# What no page tells: which datum the registers did not confirm, a reported caller, what refused a
# capture.
#
# Identity, comparison and liveness share one sentence, between attempts and at the end. An attacker
# must not learn which of them refused him. What an honest borrower can do better is told as before.


IDENTITY = ("liveness_face_changed", "liveness_face_jumped", "liveness_face_missing")

COMPARISON = ("face_mismatch", "face_again")

LIVENESS = (
    *(
        "liveness_order_differs",
        "liveness_frame_unbound",
        "liveness_frame_early",
        "liveness_frame_unreadable",
    ),
    *("liveness_frame_seen_before", "liveness_capture_replayed", "liveness_frame_frozen"),
    *("liveness_frame_repeated", "liveness_frame_noiseless"),
)

ALIKE = (*IDENTITY, *COMPARISON, *LIVENESS)

ADVICE = {
    "command": "liveness_command_missed",
    "rest": "liveness_not_at_rest",
    "dark": "face_too_dark",
    "bright": "face_too_bright",
    "uneven": "face_light_uneven",
    "light before people": "face_again_light",
    "distance": "face_too_small",
    "distance before people": "face_again_near",
    "second face": "multiple_faces",
    "mask": "liveness_face_masked",
}

"""What an honest borrower can do better, by one of its codes."""


def test_only_three_endings_are_shared_so_that_they_tell_nothing():
    of_registers = {
        *(
            "registry_mismatch",
            "person_unknown",
            "name_mismatch",
            "birth_date_differs",
            "person_deceased",
        ),
        *("document_invalid", "document_expired", "phone_owner_mismatch"),
    }
    assert {code for code, ending in ENDINGS.items() if ending == NOT_CONFIRMED} == of_registers
    ours = {
        code
        for code in REASONS
        if REASONS[code].borrower_message == REASONS["check_missing"].borrower_message
    }
    assert {code for code, ending in ENDINGS.items() if ending == UNFINISHED} == ours
    assert "coercion_reported" in ours
    assert {code for code, ending in ENDINGS.items() if ending == UNPROVEN} == set(ALIKE)
    # Another family is told by its own words, and the codes of a family by the same.
    sentences = {ending.happened for ending in ENDINGS.values()}
    assert len(sentences) == len(set(ENDINGS.values()))


def test_no_other_code_is_told_by_the_sentence_of_a_capture_that_proved_nothing():
    sentence = REASONS["face_mismatch"].borrower_message
    assert {code for code, one in REASONS.items() if one.borrower_message == sentence} == set(ALIKE)


@pytest.mark.parametrize("language", SPOKEN)
def test_which_of_them_refused_a_capture_no_last_page_tells(language):
    pages = {ended(language, "declined", "attempts_exhausted", code) for code in ALIKE}
    assert len(pages) == 1
    with translation.override(language):
        assert translation.gettext(UNPROVEN.happened) in pages.pop()


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("page", ["commands", "resume", "choose_route", "question"])
def test_which_of_them_refused_a_capture_no_page_between_attempts_tells(language, page):
    assert (
        len({shown(language, made(page, notice=code, attempt=2, attempts=3)) for code in ALIKE})
        == 1
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_browser_is_answered_alike_whichever_of_them_refused(monkeypatch):
    answers = set()
    refusals = ("liveness_face_changed", "face_mismatch", "liveness_frame_frozen")
    for number, code in enumerate(refusals, start=1):
        monkeypatch.setitem(SAID, code, lambda check, code=code: Failed(check, code))
        story = glanced(code, of=lender(number=10 * number))
        client = browser(story)
        see(story, code)
        between = text(client.get("/v/now/state/"))
        see(story, code)
        assert (story.row().code, story.row().last_failure) == ("attempts_exhausted", code)
        html, state = text(client.get(NOW)), text(client.get("/v/now/state/"))
        for token in (r'(value|nonce)="[\w+/=-]{16,}"', r"\d{4}(-\d{3}){3}"):
            html = re.sub(token, "", html)
        answers.add((between, html, state))
    assert len(answers) == 1


@pytest.mark.parametrize("language", SPOKEN)
def test_what_can_be_done_better_keeps_its_own_sentence(language):
    with translation.override(language):
        sentences = [
            translation.gettext(REASONS[code].borrower_message)
            for code in (*ADVICE.values(), ALIKE[0])
        ]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("language", SPOKEN)
def test_and_its_own_last_page(language):
    """The picture's are one family: light, distance and a mask."""
    families = {code: ENDINGS[code] for code in (*ADVICE.values(), ALIKE[0])}
    assert len(set(families.values())) == 4
    pages = {ended(language, "declined", "attempts_exhausted", code) for code in families}
    assert len(pages) == 4


def test_the_lender_is_told_each_code_by_words_of_its_own():
    details = [REASONS[code].lender_detail for code in ALIKE]
    assert len(set(details)) == len(ALIKE)


# What the page says on which a borrower goes on: why the step closed, and what may be done now.


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("code", sorted(HINDRANCES - {"borrower_busy"}))
def test_a_days_number_that_is_used_up_is_told_as_that_and_never_as_a_borrower_who_fell_silent(
    language, code
):
    html = shown(language, made("resume", notice=code))
    is_in(
        language,
        html,
        "Nothing is lost, and no attempt was used up. You may come back to this page later.",
    )
    with translation.override(language):
        assert gettext("Go on where you stopped") not in html


# What a page says beside its task: the last try, what was refused, whom to call, and masked
# numbers by ear.


LAST, REFUSED = "This is your last try.", "This signature was not accepted."


@pytest.mark.parametrize(("attempt", "is_last"), [(1, False), (2, False), (3, True)])
def test_a_last_try_is_called_one_and_a_repeated_one_stands_first_in_the_title(attempt, is_last):
    html = shown("en", made("statement", attempt=attempt, attempts=3))
    assert (LAST in html) is is_last
    assert (f"<title>Attempt {attempt} of 3 · " in html) is (attempt > 1)


@pytest.mark.parametrize("page", ["statement", "finished"])
def test_where_there_is_one_try_only_no_page_counts_it(page):
    html = shown("en", made(page, attempt=1, attempts=1, status="verified"))
    assert LAST not in html
    assert "<title>Attempt" not in html


@pytest.mark.parametrize(
    ("status", "code", "last_failure", "is_said"),
    [
        ("verified", "", "", False),
        ("in_review", "", "eds_malformed", False),
        ("declined", "attempts_exhausted", "eds_iin_mismatch", True),
        ("declined", "attempts_exhausted", "face_mismatch", False),
        ("declined", "coercion_reported", "eds_iin_mismatch", False),
        ("failed", "retries_exhausted", "eds_iin_mismatch", False),
        ("declined", "attempts_exhausted", "eds_revocation_unknown", False),
    ],
)
def test_a_signature_is_called_refused_only_where_it_was_the_reason(
    status, code, last_failure, is_said
):
    html = shown(
        "en",
        made("finished", status=status, code=code, last_failure=last_failure, offers_signed=True),
    )
    assert "What you signed" in html
    assert (REFUSED in html) is is_said


@pytest.mark.parametrize(
    ("status", "is_first"), [("verified", False), ("in_review", False), ("declined", True)]
)
def test_to_call_the_lender_comes_first_only_where_something_went_wrong(status, is_first):
    html = shown(
        "en", made("finished", status=status, code="attempts_exhausted" if is_first else "")
    )
    assert ('class="button button-primary" href="tel:' in html) is is_first
    assert html.count('href="tel:+77270000044"') == 1


def test_what_a_yes_does_is_read_before_the_answers_and_the_account_is_heard_by_its_end():
    html = shown("en", made("question"))
    assert html.index("If you press Yes, we stop") < html.index("Yes, somebody tells me what to do")
    heard = re.sub(r'<span aria-hidden="true">[^<]*</span>', "", html)
    assert "ending in 0100</span></strong>." in heard
    assert "KZ86" not in heard
    assert "ending in 67</span>" in shown("en", made("code"))
    statement = shown("en", made("statement"))
    assert statement.count('lang="en">ending in 0100</span>') == 1
    assert "ending in 0010</span>" in statement


@pytest.mark.parametrize("code", ["link_unusable", "session_ended", "phone_code_unusable"])
def test_where_no_lender_is_known_the_police_still_are(rf, code):
    with translation.override("en"):
        html = page_problems._page(rf.get("/v/"), status=410, code=code).content.decode()
    assert 'href="tel:102" aria-label="Call the police: 102"' in html
    assert "How to protect yourself" in html
    assert "The number on this page" not in html


def test_only_pages_of_the_borrower_name_the_police(rf):
    assert "tel:102" not in page_problems._page(rf.get("/oversight/"), status=404).content.decode()
