"""The borrower's pages over HTTP: what they show, what they take, and nothing half-done."""

import base64
import html
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from insecure_sandbox.credential import Credential
from tests.statements import statements
from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import NOW, browser, consent, entries, find, text
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    begin,
    lender,
    opening,
    wait_until,
)
from verification.access import hand_over, links, open_page
from verification.access.tokens import LINKS
from verification.artifacts import reading as artifacts
from verification.borrower import browsers, wording
from verification.case import policy
from verification.core.errors import LinkUnusable, NotFound
from verification.core.statement_text import read
from verification.evidence import erasure
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.stages.confirmation import policy as consent_policy

SETTING = "django_language"


# Answers


@pytest.mark.django_db
def test_consent_leads_on_to_waiting_and_to_the_question(client, story):
    shown = text(client.get(NOW))
    assert "Sandbox Credit" in shown
    assert 'name="language" value="ru"' in shown
    assert client.post(NOW, consent(story)).headers["Location"] == NOW
    turn = story.page().turn
    state = {"page": "wait", "turn": turn, "notice": ""}
    assert client.get("/v/now/state/").json() == state
    assert 'id="waiting"' in text(client.get(NOW))
    story.work()
    question = text(client.get(NOW))
    assert "KZ86 •••• 0100" in question
    assert client.get("/v/now/state/").json()["page"] == "question"


@pytest.mark.django_db
def test_the_same_answer_twice_shows_the_open_page_with_a_sentence(client, story):
    answer = consent(story)
    client.post(NOW, answer)
    again = client.post(NOW, answer)
    assert again.status_code == 409
    assert wording.sentence("not_your_turn") != ""
    assert "На этот шаг уже ответили" in text(again)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"agreed": "perhaps"},
        {"agreed": ""},
        {"version": "1999-01"},
        {"language": "xx"},
        {"turn": ""},
        {"turn": "-1"},
        {"turn": "9" * 40},
        {"turn": "१"},
        {"turn": "1.0"},
    ],
)
def test_an_answer_that_cannot_be_read_gets_a_sentence_and_leaves_the_turn_open(
    client, story, changes
):
    before, turn = entries(story), story.page().turn
    response = client.post(NOW, consent(story, **changes))
    assert response.status_code == 422
    assert "Не удалось прочитать ваш ответ" in text(response)
    assert (entries(story), story.page().turn) == (before, turn)
    assert client.post(NOW, consent(story)).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/octet-stream"]
)
def test_a_body_of_another_kind_gets_a_sentence(client, story, content_type):
    response = client.post(NOW, json.dumps(consent(story)), content_type=content_type)
    assert response.status_code == 422
    assert "Не удалось прочитать ваш ответ" in text(response)


@pytest.mark.django_db
def test_an_answer_after_the_lender_canceled_shows_the_end(client, story):
    answer = consent(story)
    story.cancel()
    response = client.post(NOW, answer)
    assert response.status_code == 409
    assert "Кредитор остановил эту проверку" in text(response)
    assert client.post("/v/now/elsewhere/").headers["Location"] == NOW


@pytest.mark.django_db
def test_a_silence_is_resumed_by_a_press(client, story):
    attempt = Verification.objects.get(pk=story.id).attempts.get()
    type(attempt).objects.filter(pk=attempt.pk).update(expires_at=attempt.opened_at)
    assert "/v/now/resume/" in text(client.get(NOW))
    assert client.get("/v/now/state/").json()["page"] == "resume"


@pytest.mark.django_db
def test_a_route_that_is_not_offered_is_no_choice(client):
    response = client.post("/v/now/route/", {"route": "../admin"})
    assert response.status_code in (409, 422)


# The statement


@pytest.mark.django_db
def test_only_the_page_of_the_statement_may_reach_ncalayer(client, story):
    assert "wss:" not in client.get(NOW).headers["Content-Security-Policy"]
    story.to_statement()
    response = client.get(NOW)
    assert (
        "connect-src 'self' wss://127.0.0.1:13579;"
        in response.headers["Content-Security-Policy"] + ";"
    )
    request = json.loads(
        find(r'data-request="([^"]*)"', text(response)).group(1).replace("&quot;", '"')
    )
    assert request["args"]["data"] == story.page().data["statement_base64"]


@pytest.mark.django_db
def test_the_statement_is_shown_in_words_with_the_iin_masked(client, story):
    story.to_statement()
    rows = find(r'<dl class="facts">.*?</dl>', text(client.get(NOW))).group(0)
    assert "********0010" in rows
    assert "990101100010" not in rows
    assert "150 000 ₸" in rows.replace("\N{NO-BREAK SPACE}", " ")


# Languages


@pytest.mark.django_db
def test_the_verification_speaks_first_and_the_switch_wins(story):
    client = browser(story, headers={"Accept-Language": "kk"})
    assert "Ваше согласие" in text(client.get(NOW))
    switched = client.post("/i18n/setlang/", {"language": "kk", "next": NOW})
    assert switched.headers["Location"] == NOW
    shown = text(client.get(NOW))
    assert "Сіздің келісіміңіз" in shown
    assert 'lang="kk"' in shown
    assert 'name="language" value="kk"' in shown


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_lenders_markup_stays_text(language):
    facts = lender('<script>alert(1)</script> & "ТОО"')
    story = begin(facts)
    client = browser(story)
    client.cookies[SETTING] = language
    assert "<script>alert" not in text(client.get(NOW))
    assert "&lt;script&gt;alert(1)" in text(client.get(NOW))


@pytest.mark.django_db
def test_the_way_back_to_the_lender_carries_no_result(client, monkeypatch):
    page = made("finished", status="verified", return_url="https://lender.example/back?n=1&m=2")
    monkeypatch.setattr(open_page, "borrower_page", lambda *, verification_id: page)
    monkeypatch.setattr(open_page, "page_of", lambda *_: page)
    shown = text(client.get(NOW))
    assert 'href="https://lender.example/back?n=1&amp;m=2" rel="noreferrer"' in shown
    assert "progress" not in shown


@pytest.mark.django_db
def test_a_head_request_of_a_scanner_gets_no_body_and_spends_nothing(story):
    response = Client().head("/v/")
    assert (response.status_code, response.content) == (200, b"")
    assert LINKS.rows.get().spent_at is None


@pytest.mark.django_db
def test_a_session_of_one_verification_never_answers_another(story):
    second = begin(lender("Other Credit", number=2), reference=opening("B-2").client_reference)
    client = browser(story)
    turn = open_page.borrower_page(verification_id=second.id).turn
    client.post(NOW, consent(story, turn=turn))
    assert open_page.borrower_page(verification_id=second.id).turn == turn
    assert (
        links.verification_of(untrusted_session=client.cookies[browsers.SESSION].value) == story.id
    )


# The statements that each page of a borrower sends. A page that sends more needs its new number
# here.


# BEGIN, COMMIT, savepoints and set_config apart.
COUNTED = {
    "link": 8,
    "consent": 2,
    "answer": 9,
    "wait": 2,
    "poll": 1,
    "question": 2,
    "statement": 3,
    "poll at the statement": 2,
}


def shown(client: Client, path: str = NOW) -> int:
    """The statements of a page."""
    with statements() as sent:
        assert client.get(path).status_code == 200
    return len(sent)


@pytest.mark.django_db
def test_each_page_sends_as_many_statements_as_are_listed(story: Story) -> None:
    with statements() as opened:
        client = browser(story)
    found = {"link": len(opened), "consent": shown(client)}
    form = consent(story)
    with statements() as answered:
        client.post(NOW, form)
    found |= {"answer": len(answered), "wait": shown(client), "poll": shown(client, f"{NOW}state/")}
    story.work()
    found["question"] = shown(client)
    story.answer(somebody_tells_me=False)
    story.work()
    found |= {"statement": shown(client), "poll at the statement": shown(client, f"{NOW}state/")}
    assert found == COUNTED


# What a borrower reads before the check: a program decides, and whom to call.


LANGUAGES = ("kk", "ru", "en")

# A program compares · it can refuse · the register of people is asked · a human being.
CONSENT = {
    "kk": (
        "адам емес, автоматты бағдарлама тексереді",
        "адамның қатысуынсыз теріс шешім шығара алады",
        "жеке тұлғалардың мемлекеттік тізілімінен менің кім екенім, тірі екенім",
        "кредиторға қоңырау шалып, адаммен сөйлесе аламын",
    ),
    "ru": (
        "Автоматическая программа, а не человек, проверяет",
        "может отказать мне без участия человека",
        "у государственного реестра физических лиц запрашивается, кто я, жив(а) ли я",
        "по его телефону, указанному на этой странице, и поговорить с человеком",
    ),
    "en": (
        "An automated program, not a person, checks",
        "can refuse me without a person",
        "the state register of people is asked who I am, whether I am alive",
        "can call the lender at its telephone shown on this page and talk to a human being",
    ),
}

CAMERA = {
    "kk": (
        "Адам емес, бағдарлама",
        "Ол теріс шешім шығара алады.",
        "Кредитор қызметкерімен сөйлесу: +7 727 000 00 44",
    ),
    "ru": (
        "Программа, а не человек, проверяет",
        "Она может отказать.",
        "Чтобы поговорить с сотрудником кредитора: +7 727 000 00 44",
    ),
    "en": (
        "A program, not a person, checks",
        "It can refuse you.",
        "To talk to a human being at the lender: +7 727 000 00 44",
    ),
}

REGISTER = {
    "kk": "Жеке тұлғалардың мемлекеттік тізілімінен де сіз туралы мәлімет сұратылады.",
    "ru": "Сведения о вас запрашиваются и в государственном реестре физических лиц.",
    "en": "The state register of people is asked about you, too.",
}

REVIEW = {
    "kk": r"қайта қара|қайта тексер|шағым|апелляц",
    "ru": r"пересм|перепровер|обжал|апелляц|жалоб|повторн|ещё раз",
    "en": r"review|reconsider|appeal|complain|look again|second look|once more",
}


def words(markup: str) -> str:
    """What a person reads of it, in one line."""
    plain = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    return " ".join(plain.replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture
def main_of(client, shows):
    """The part of a page above its footer, in a language."""

    def page_in(page, language, **changes):
        shows(page, **changes)
        client.cookies["django_language"] = language
        return text(client.get(NOW)).partition("<main")[2].partition("</main>")[0]

    return page_in


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consent_says_that_a_program_decides_and_shows_whom_to_call(main_of, language):
    page = main_of("consent", language)
    assert [phrase for phrase in CONSENT[language] if phrase not in words(page)] == []
    assert '<a class="nowrap" href="tel:+77270000044">' in page
    # The number stands above the text that names it.
    assert words(page).index("+7 727 000 00 44") < words(page).index(CONSENT[language][0])


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consent_is_five_lines_and_the_whole_text_that_is_hashed_before_the_button(
    main_of, language
):
    page = main_of("consent", language)
    lines = page.partition('<ul class="plain-lines">')[2].partition("</ul>")[0]
    assert lines.count("<li>") == 5
    assert len(words(lines).split()) <= 140
    whole = page.partition('<details class="whole">')[2].partition("</details>")[0]
    text_hashed = consent_policy.CONSENT.wordings[consent_policy.CONSENT.current][language]
    assert words(whole).endswith(" ".join(text_hashed.split()))
    assert page.index("</details>") < page.index('name="agreed" value="true"')
    assert f'name="version" value="{consent_policy.CONSENT.current}"' in page
    assert f'name="language" value="{language}"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_camera_says_so_before_it_is_turned_on(main_of, language):
    page = main_of("commands", language)
    before, _, later = page.partition('data-state="primer"')
    assert [phrase for phrase in CAMERA[language] if phrase not in words(before)] == []
    assert page.index('href="tel:+77270000044"') < page.index("data-primer")
    assert "tel:" not in later


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_camera_names_the_register_of_people_where_it_is_asked(main_of, language):
    assert REGISTER[language] in words(main_of("commands", language, asks_register=True))
    assert REGISTER[language] not in words(main_of("commands", language))


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consent_asks_the_registers_only_after_the_sms(language):
    agreed = consent_policy.CONSENT.wordings[consent_policy.CONSENT.current][language]
    asked = CONSENT[language][2]
    paragraph = next(part for part in agreed.split("\n\n") if asked in part)
    assert "1414" in paragraph.partition(asked)[2]
    # Not every request has this question.
    law = {"kk": "қолданылатын заңға", "ru": "от закона", "en": "on the law"}
    assert law[language] in paragraph


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_neither_page_promises_that_a_refusal_is_looked_at_again(main_of, language):
    camera, _, _ = main_of("commands", language).partition('<details class="cannot">')
    for page in (
        consent_policy.CONSENT.wordings[consent_policy.CONSENT.current][language],
        words(camera),
    ):
        assert re.findall(REVIEW[language], page, re.IGNORECASE) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "promise"),
    [
        ("kk", "Теріс шешім қайта қаралады."),
        ("ru", "Я могу просить о пересмотре отказа."),
        ("en", "I may ask for a human review."),
    ],
)
def test_a_promise_of_a_review_would_be_noticed(language, promise):
    assert re.search(REVIEW[language], promise, re.IGNORECASE)


# The last page gives the borrower what they signed, while the session lives; the statement's page
# shows its words.


Issued = Callable[..., Credential]

FILES = ("statement", "signature")


def place(file: str) -> str:
    return f"{NOW}signed/{file}/"


@pytest.mark.django_db(transaction=True)
def test_who_is_verified_downloads_the_statement_and_the_signature_as_judged(
    signer: Story, issued: Issued
) -> None:
    client, statement = browser(signer), signer.statement()
    signer.sign(issued())
    signer.work()
    assert [client.get(place(file)).status_code for file in FILES] == [200, 200]
    shown = text(client.get(NOW))
    for file, suffix, kind in (
        ("statement", "txt", "text/plain"),
        ("signature", "cms", "application/octet-stream"),
    ):
        assert f'href="{place(file)}"' in shown
        answer = client.get(place(file))
        assert answer.headers["Content-Type"].partition(";")[0] == kind
        assert (
            answer.headers["Content-Disposition"]
            == f'attachment; filename="{signer.id}.{file}.{suffix}"'
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
    assert client.get(place("statement")).content == statement
    assert base64.b64decode(client.get(place("signature")).content)[:1] == b"\x30"
    # Borrowers who take their own files leave no entry of a look.
    assert not AuditEntry.objects.filter(type="document.read").exists()


@pytest.mark.django_db(transaction=True)
def test_who_was_declined_after_signing_has_what_was_judged_last(
    signing: Client, signer: Story, issued: Issued
) -> None:
    for _ in range(3):
        last = signer.statement()
        signer.sign(issued(iin=OTHER_IIN))
        signer.work()
    assert signer.row().status == "declined"
    assert place("signature") in text(signing.get(NOW))
    assert signing.get(place("statement")).content == last


@pytest.mark.django_db(transaction=True)
def test_before_the_end_and_after_none_was_signed_there_is_nothing(
    signing: Client, signer: Story, issued: Issued
) -> None:
    assert [signing.get(place(file)).status_code for file in FILES] == [404, 404]
    signer.sign(issued(iin=OTHER_IIN))
    signer.work()
    assert signer.row().status == "requires_input"
    assert signing.get(place("signature")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_end_without_a_signature_offers_no_file(signing: Client, signer: Story) -> None:
    signer.cancel()
    assert place("statement") not in text(signing.get(NOW))
    assert signing.get(place("statement")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_another_browser_gets_no_file_and_there_are_only_two(
    signing: Client, signer: Story, issued: Issued
) -> None:
    signer.sign(issued())
    signer.work()
    assert signing.get(place("report")).status_code == 404
    assert signing.post(place("statement")).status_code == 405
    without = Client()
    assert [without.get(place(file)).status_code for file in FILES] == [410, 410]
    erasure.erase(
        signer.id,
        at=signer.row().finished_at or signer.row().created_at,
    )
    assert signing.get(place("statement")).status_code != 200


@pytest.mark.django_db(transaction=True)
def test_the_page_shows_the_words_that_are_signed_and_offers_its_own_language(
    signing: Client,
    signer: Story,
) -> None:
    shown = text(signing.get(NOW))
    assert "Я лично прошу предоставить мне этот микрокредит" in shown
    assert 'name="language" value="kk"' not in find("<main.*</main>", shown)[0]
    signing.cookies["django_language"] = "kk"
    kazakh = text(signing.get(NOW))
    assert '<div lang="ru">' in kazakh
    assert "Я лично прошу предоставить мне этот микрокредит" in kazakh
    assert 'name="language" value="kk">Мәлімдемені қазақша' in kazakh
    turn = signer.page().turn
    assert signing.post(NOW, {"turn": turn, "language": "kk"}).status_code == 302
    signer.work()
    again = text(signing.get(NOW))
    assert '<div lang="kk">' in again
    assert "Осы қарызды осы шарттармен өзім сұраймын" in again
    assert read(signer.statement())["language"] == "kk"
    kinds = EvidenceItem.objects.filter(
        verification_id=signer.id, kind__startswith="statement.text"
    )
    assert {item.kind for item in kinds} == {"statement.text", "statement.text.1"}


@pytest.mark.django_db(transaction=True)
def test_a_copied_cookie_opens_the_last_page_and_the_files_for_a_day_and_never_again(
    signing: Client, signer: Story, issued: Issued
) -> None:
    signer.sign(issued())
    signer.work()
    thief = Client()
    thief.cookies[browsers.SESSION] = signing.cookies[browsers.SESSION].value
    finished_at = signer.row().finished_at
    assert finished_at is not None
    over_at = finished_at + timedelta(seconds=policy.SESSION_AFTER_END_SECONDS)
    addresses = (NOW, f"{NOW}state/", *map(place, FILES))
    wait_until(over_at - timedelta(seconds=30))
    assert [thief.get(address).status_code for address in addresses] == [200] * 4
    wait_until(over_at)
    answers = [thief.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [410] * 4
    assert not any(b"990101100010" in answer.content for answer in answers)
    # Nor by a way that had let somebody in before.
    with pytest.raises(NotFound):
        artifacts.read_for_borrower(
            verification_id=signer.id,
            file="statement",
            session=signer.session(),
        )
    assert not open_page.borrower_page(verification_id=signer.id).offers_signed


@pytest.mark.django_db(transaction=True)
def test_an_open_verification_is_seen_until_nothing_can_wait_any_more(
    signing: Client,
    signer: Story,
) -> None:
    session = signing.cookies[browsers.SESSION].value
    ends_at = signer.row().expires_at + timedelta(
        seconds=policy.REVIEW_SECONDS + policy.SESSION_AFTER_END_SECONDS
    )
    wait_until(ends_at - timedelta(seconds=30))
    assert links.verification_of(untrusted_session=session) == signer.id
    wait_until(ends_at)
    with pytest.raises(LinkUnusable):
        links.verification_of(untrusted_session=session)


@pytest.mark.django_db(transaction=True)
def test_a_phone_that_is_not_let_in_is_offered_no_file(signer: Story, issued: Issued) -> None:
    client, phone = browser(signer), Client()
    signer.sign(issued(iin=OTHER_IIN))
    signer.work()
    code = hand_over.mint(untrusted_session=client.cookies[browsers.SESSION].value).token
    assert phone.post("/v/phone/", {"token": code}).status_code == 302
    phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
    signer.work()
    assert signer.row().status == "declined"
    assert place("statement") in text(client.get(NOW))
    stopped = phone.get("/v/phone/now/")
    assert stopped.status_code == 200
    assert "/signed/" not in text(stopped)
