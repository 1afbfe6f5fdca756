"""The pages of a form and of a one-time code."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.verification.borrower.pages import DATA, made
from tests.verification.borrower.visits import find
from tests.verification.workflow.story import begin, lender
from verification.borrower import one_time_code
from verification.core.errors import BadInput
from verification.workflow.moving import commands
from verification.workflow.reading import queries

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
    answers = []

    def show(page, *, refuse="", **changes):
        open_page = made(page, **changes)

        def answer(*, verification_id, turn, untrusted, known):
            answers.append(dict(untrusted))
            if refuse:
                raise BadInput("made by a test", code="bad_answer", pointer=refuse)

        monkeypatch.setattr(queries, "borrower_page", lambda *, verification_id: open_page)
        monkeypatch.setattr(queries, "page_of", lambda *_: open_page)
        monkeypatch.setattr(commands, "answer", answer)
        return answers

    return show


def text(response):
    return response.content.decode()


def field(shown, name):
    return find(rf'<input [^>]*id="field-{name}".*?>', shown).group(0)


# The form


def test_a_form_asks_for_its_fields_with_words_and_limits(client, shows):
    shows("form")
    shown = text(client.get(NOW))
    number, birth = field(shown, "document_number"), field(shown, "birth_date")
    assert 'type="text"' in number
    assert 'maxlength="20"' in number
    assert 'type="date"' in birth
    assert f'max="{timezone.localdate().isoformat()}"' in birth
    assert "aria-invalid" not in shown
    assert '<label for="field-document_number">Document number</label>' in shown


def test_a_form_sends_what_was_typed(client, shows):
    answers = shows("form")
    typed = {"document_number": "012345678", "birth_date": "1999-01-31"}
    assert client.post(NOW, {"turn": 7} | typed).status_code == 302
    assert {name: answers[0][name] for name in typed} == typed


@pytest.mark.parametrize(("wrong", "right"), [("document_number", "birth_date"), ("birth_date", "document_number")])
def test_a_field_that_cannot_be_read_is_marked_and_nothing_typed_is_lost(client, shows, wrong, right):
    shows("form", refuse=f"/{wrong}")
    response = client.post(NOW, {"turn": 7, "document_number": '"><b>', "birth_date": "1999-01-31"})
    assert response.status_code == 422
    shown = text(response)
    assert 'aria-invalid="true"' in field(shown, wrong)
    assert f'id="wrong-{wrong}"' in shown
    assert "aria-invalid" not in field(shown, right)
    assert 'value="&quot;&gt;&lt;b&gt;"' in field(shown, "document_number")
    assert 'value="1999-01-31"' in field(shown, "birth_date")


def test_a_refusal_of_the_whole_form_marks_no_field(client, shows):
    shows("form", refuse="/turn")
    response = client.post(NOW, {"turn": 7})
    assert response.status_code == 422
    assert "aria-invalid" not in text(response)


def test_a_field_without_words_of_ours_is_asked_by_its_name(client, shows):
    shows("form", data={"fields": [{"name": "unheard_of", "kind": "text"}]})
    assert '<label for="field-unheard_of">unheard_of</label>' in text(client.get(NOW))


# The code


def test_a_code_page_names_the_masked_phone_and_what_is_left(client, shows):
    shows("code")
    shown = text(client.get(NOW))
    assert "+7 7•• ••• •• 67" in shown
    assert "You have 5 tries left." in shown
    assert "New codes left: 3." in shown
    assert 'inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}"' in field(shown, "code")
    assert "We never ask for this code by phone" in shown


def test_the_last_try_is_counted_in_the_singular(client, shows):
    shows("code", data=DATA["code"] | {"guesses_left": 1})
    assert "You have 1 try left." in text(client.get(NOW))


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
    shown = one_time_code.context(made("code", data=data))
    assert shown["resend_in"] == 0
    assert 95 <= shown["expires_in"] <= 100
