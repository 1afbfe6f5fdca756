"""The pages of a form and of a one-time code."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.verification.borrower.pages import DATA, made
from tests.verification.borrower.visits import find
from tests.verification.stories.story import begin, lender
from verification.access import answers, links
from verification.access import open_page as pages
from verification.borrower import browsers, forms
from verification.core.errors import BadInput

pytestmark = pytest.mark.django_db

NOW = "/v/now/"


@pytest.fixture
def client():
    client = Client()
    assert client.post("/v/", {"token": begin(lender()).token}).status_code == 302
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def shows(monkeypatch):
    """Makes the open page one made by hand; gives what is answered to it."""
    posted = []

    def show(page, *, refuse="", **changes):
        open_page = made(page, **changes)

        def answer(*, verification_id, turn, untrusted, session, visited):
            posted.append(dict(untrusted))
            if refuse:
                raise BadInput("made by a test", code="bad_answer", pointer=refuse)

        monkeypatch.setattr(pages, "borrower_page", lambda *, verification_id: open_page)
        monkeypatch.setattr(pages, "page_of", lambda *_: open_page)
        monkeypatch.setattr(answers, "answer", answer)
        return posted

    return show


def text(response):
    return response.content.decode()


def field(shown, name):
    return find(rf'<input [^>]*id="field-{name}".*?>', shown).group(0)


# The form


def test_a_form_asks_for_its_fields_with_words_and_limits(client, shows):
    shows("form")
    shown = text(client.get(NOW))
    number = field(shown, "document_number")
    assert 'type="text"' in number
    assert 'maxlength="20"' in number
    assert "aria-invalid" not in shown
    assert '<label for="field-document_number">Document number</label>' in shown


def test_a_day_is_asked_in_three_fields_that_a_browser_fills_in(client, shows):
    shows("form")
    shown = text(client.get(NOW))
    fieldset = find(r"(?s)<fieldset.*?</fieldset>", shown).group(0)
    assert "<legend>Date of birth</legend>" in fieldset
    assert 'aria-describedby="hint-birth_date"' in fieldset
    assert 'id="hint-birth_date">As it stands in the document, for example 27 3 1985.' in fieldset
    for part, label, longest in (("day", "Day", 2), ("month", "Month", 2), ("year", "Year", 4)):
        asked = field(fieldset, f"birth_date_{part}")
        assert (
            f'inputmode="numeric" value="" required maxlength="{longest}"'
            f' autocomplete="bday-{part}"' in asked
        )
        assert f'<label for="field-birth_date_{part}">{label}</label>' in fieldset
    assert 'type="date"' not in shown


TYPED = {
    "document_number": "012345678",
    "birth_date_day": "31",
    "birth_date_month": "1",
    "birth_date_year": "1999",
}


def test_a_form_sends_what_was_typed(client, shows):
    answers = shows("form")
    assert client.post(NOW, {"turn": 7} | TYPED).status_code == 302
    assert {name: answers[0][name] for name in TYPED} == TYPED


def test_a_number_that_cannot_be_read_is_marked_and_nothing_typed_is_lost(client, shows):
    shows("form", refuse="/document_number")
    response = client.post(NOW, {"turn": 7} | TYPED | {"document_number": '"><b>'})
    assert response.status_code == 422
    shown = text(response)
    assert 'aria-invalid="true"' in field(shown, "document_number")
    assert 'id="wrong-document_number"' in shown
    assert 'value="&quot;&gt;&lt;b&gt;"' in field(shown, "document_number")
    for part in ("day", "month", "year"):
        assert "aria-invalid" not in field(shown, f"birth_date_{part}")
        assert f'value="{TYPED[f"birth_date_{part}"]}"' in field(shown, f"birth_date_{part}")


def test_a_day_that_cannot_be_read_is_marked_as_one(client, shows):
    shows("form", refuse="/birth_date")
    shown = text(client.post(NOW, {"turn": 7} | TYPED | {"birth_date_month": "13"}))
    assert 'aria-describedby="wrong-birth_date hint-birth_date"' in shown
    assert shown.count('id="wrong-birth_date"') == 1
    assert 'value="13"' in field(shown, "birth_date_month")
    assert "aria-invalid" not in field(shown, "document_number")
    for part in ("day", "month", "year"):
        marked = field(shown, f"birth_date_{part}")
        assert 'aria-invalid="true" aria-describedby="wrong-birth_date"' in marked
        assert ("autofocus" in marked) == (part == "day")


# What was typed, after a mismatch


def test_what_was_typed_comes_back_after_a_mismatch(client, shows):
    shows("form")
    assert client.post(NOW, {"turn": 7} | TYPED).status_code == 302
    shows("form", notice="registry_mismatch", attempt=2, attempts=3)
    shown = text(client.get(NOW))
    assert {
        name: TYPED[name] for name in TYPED if f'value="{TYPED[name]}"' in field(shown, name)
    } == TYPED


def test_the_browser_keeps_it_sealed_out_of_reach_and_for_a_while(client, shows):
    shows("form")
    client.post(NOW, {"turn": 7} | TYPED)
    kept = client.cookies[browsers.TYPED]
    assert (kept["max-age"], kept["path"], kept["httponly"], kept["samesite"]) == (
        900,
        "/v/",
        True,
        "Lax",
    )
    opened = base64.urlsafe_b64decode(kept.value)
    assert not [
        typed for typed in ("012345678", "1999") if typed.encode() in opened or typed in kept.value
    ]


def test_who_goes_on_by_another_session_reads_nothing_even_with_the_seal(client, shows):
    shows("form")
    client.post(NOW, {"turn": 7} | TYPED)
    other = Client()
    link = links.successor(untrusted_session=client.cookies[browsers.SESSION].value)
    assert other.post("/v/", {"token": link.token}).status_code == 302
    other.cookies[browsers.TYPED] = client.cookies[browsers.TYPED].value
    other.cookies["django_language"] = "en"
    shown = text(other.get(NOW))
    assert "Date of birth" in shown
    assert not [typed for typed in TYPED.values() if f'value="{typed}"' in shown]


@pytest.mark.parametrize("seal", ["", "no seal", "AAAA", "A" * 5000, "é"])
def test_a_malformed_seal_shows_an_empty_form(client, shows, seal):
    shows("form")
    client.cookies[browsers.TYPED] = seal
    assert 'value=""' in field(text(client.get(NOW)), "document_number")


def test_it_is_kept_while_the_page_waits_and_forgotten_by_any_other(client, shows):
    shows("form")
    client.post(NOW, {"turn": 7} | TYPED)
    shows("wait")
    assert browsers.TYPED not in client.get(NOW).cookies
    shows("code")
    assert client.get(NOW).cookies[browsers.TYPED].value == ""


def test_an_answer_to_another_page_gives_nothing_to_keep(client, shows):
    shows("code")
    client.post(NOW, {"turn": 7, "code": "123456"})
    assert browsers.TYPED not in client.cookies


def test_a_refusal_of_the_whole_form_marks_no_field(client, shows):
    shows("form", refuse="/turn")
    response = client.post(NOW, {"turn": 7})
    assert response.status_code == 422
    assert "aria-invalid" not in text(response)


# The code


def test_a_code_page_names_the_masked_phone_and_what_is_left(client, shows):
    shows("code")
    shown = text(client.get(NOW))
    assert "+7 7•• ••• •• 67" in shown
    assert "You have 5 tries left." in shown
    assert "New codes left: 3." in shown
    assert 'inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}"' in field(
        shown, "code"
    )
    assert "We never ask for this code by phone" in shown


def test_the_code_alone_may_be_offered_out_of_the_message_and_on_this_page_only(client, shows):
    shows("code")
    powers = client.get(NOW).headers["Permissions-Policy"].split(", ")
    assert [power for power in powers if not power.endswith("=()")] == ["otp-credentials=(self)"]
    shows("form")
    assert "otp-credentials=()" in client.get(NOW).headers["Permissions-Policy"].split(", ")


def test_where_no_code_can_be_sent_no_button_promises_one(client, shows):
    shows("code", data=DATA["code"] | {"resends_left": 0})
    shown = text(client.get(NOW))
    assert 'name="resend"' not in shown
    assert "No more codes can be sent" in shown


def test_a_code_and_a_wish_for_another_are_different_answers(client, shows):
    answers = shows("code")
    client.post(NOW, {"turn": 7, "code": "123456"})
    client.post(NOW, {"turn": 7, "resend": "true"})
    assert [answer.get("code") for answer in answers] == ["123456", None]
    assert [answer.get("resend") for answer in answers] == [None, True]


def test_seconds_are_whole_and_never_negative():
    now = timezone.now()
    data = DATA["code"] | {
        "resend_from": (now - timedelta(seconds=9)).isoformat(),
        "expires": (now + timedelta(seconds=100)).isoformat(),
    }
    shown = forms.code_context(made("code", data=data))
    assert shown["resend_in"] == 0
    assert 95 <= shown["expires_in"] <= 100
