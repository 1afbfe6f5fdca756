"""Facts in the borrower's words."""

import json

import pytest
from django.utils import translation

from tests.verification.borrower.pages import AT, STATEMENT, made
from verification.borrower import signing, wording
from verification.core.codes import REASONS

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "amount", "said"),
    [
        ("en", "150000.00", "150,000 ₸"),
        ("ru", "150000.00", "150 000 ₸"),
        ("kk", "1250000", "1 250 000 ₸"),
        ("kk", "155700.50", "155 700,50 ₸"),
        ("en", "999.5", "999.5 ₸"),
        ("en", "no number", "no number ₸"),
    ],
)
def test_a_sum_is_written_as_the_language_writes_it(language, amount, said):
    with translation.override(language):
        assert wording.money(amount, "KZT").replace(NBSP, " ") == said
        assert wording.money("10", "USD") == f"10{NBSP}USD"


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("ru", 1, "1 день"),
        ("ru", 3, "3 дня"),
        ("ru", 30, "30 дней"),
        ("kk", 30, "30 күн"),
        ("en", 1, "1 day"),
    ],
)
def test_a_term_has_the_right_plural(language, number, said):
    with translation.override(language):
        assert wording.days(number) == said


def test_a_time_is_that_of_kazakhstan():
    with translation.override("en"):
        assert (
            wording.moment(AT) == wording.moment(AT.isoformat()) == "24.11.2026 15:40 (Astana time)"
        )


@pytest.mark.parametrize("language", ["kk", "ru"])
@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_code_has_a_sentence_in_the_borrowers_language(code, language):
    with translation.override(language):
        assert wording.sentence(code) not in ("", REASONS[code].borrower_message)
        assert wording.sentence("") == wording.sentence("no_such_code") == ""


def test_the_last_page_says_its_own_reason_and_asks_for_nothing_more():
    again = made(
        "finished", status="declined", code="coercion_reported", notice="coercion_reported"
    )
    other = made(
        "finished", status="declined", code="attempts_exhausted", notice="eds_iin_mismatch"
    )
    assert wording.frame(again)["notice"] == ""
    assert wording.frame(other)["notice"] == ""
    assert wording.frame(other, notice="not_your_turn")["notice"] == ""


def test_a_refused_answer_is_named_even_where_the_page_has_a_notice_of_its_own():
    shown = wording.frame(made(notice="abandoned"), notice="bad_answer")
    assert shown["notice"] == wording.sentence("bad_answer")


def request_of(page):
    return json.loads(signing.context(page)["ncalayer_request"])["args"]


def test_only_in_test_mode_is_ncalayer_asked_for_certificates_of_any_root():
    assert request_of(made("statement"))["signerParams"]["chain"] == []
    assert "chain" not in request_of(made("statement", mode="live"))["signerParams"]


def test_ncalayer_gets_the_very_bytes_of_the_statement_and_the_pages_language():
    page = made("statement")
    with translation.override("kk"):
        args = request_of(page)
    assert args["data"] == page.data["statement_base64"]
    assert args["locale"] == "kk"
    assert args["signerParams"]["extKeyUsageOids"] == page.data["eku_oids"]
    assert args["signingParams"] == {"decode": True, "encapsulate": True, "digested": False}


def test_the_older_module_gets_the_very_same_bytes_to_be_put_into_the_signature():
    page = made("statement")
    request = json.loads(signing.context(page)["ncalayer_common_request"])
    assert (request["module"], request["method"]) == (
        "kz.gov.pki.knca.commonUtils",
        "createCAdESFromBase64",
    )
    assert request["args"] == ["PKCS12", "SIGNATURE", page.data["statement_base64"], True]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_what_is_shown_is_what_is_signed_whatever_language_the_page_speaks(language):
    with translation.override(language):
        shown = signing.context(made("statement"))
    text, said = shown["exact_text"], shown["statement"]
    assert said["title"] == "Заявление о займе"
    assert text.startswith(f"{said['title']}\n{said['declaration']}\n")
    assert all(f"\n{label}: {value}\n" in text for label, value in said["rows"])
    assert json.loads(text.rpartition("\n")[2]) == STATEMENT
    assert shown["offers_language"] == ("" if language == "ru" else language)


def test_no_language_is_offered_where_no_other_would_be_written():
    page = made("statement")
    assert page.data["may_change_language"]
    page = made("statement", data={**page.data, "may_change_language": False})
    with translation.override("kk"):
        assert signing.context(page)["offers_language"] == ""
