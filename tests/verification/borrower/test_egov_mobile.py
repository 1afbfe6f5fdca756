"""Signing by eGov Mobile over HTTP: the page's call, the app's three calls, and what neither of
them gives away.
"""

import copy
import json
import logging
import re
from base64 import b64decode, b64encode
from datetime import datetime
from urllib.parse import unquote, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given as drawn
from hypothesis import strategies as st

from config.log_lines import LineFormatter
from insecure_sandbox.signing import sign_cms
from tests.scenes import staged
from tests.verification.borrower.pages import made
from tests.verification.borrower.visits import NOW, browser, entries, find, text
from tests.verification.log.rows import tamper
from tests.verification.stories.story import IIN, begin, lender
from verification.access.tokens import SIGNERS
from verification.borrower import signing
from verification.core.errors import BadInput
from verification.log import signatures
from verification.models import AuditEntry, EvidenceItem, Verification

MINT, STATE = "/v/now/egov/", "/v/now/state/"


@pytest.fixture
def visit():
    """A verification, and a browser at its statement."""
    return staged("visit", _visit)


def _visit():
    story = begin(lender())
    client = browser(story)
    return story.to_statement(), client


@pytest.fixture
def story(visit):
    """The verification."""
    return visit[0]


@pytest.fixture
def page(visit):
    """The browser."""
    return visit[1]


@pytest.fixture
def turn(page, story):
    """The statement's turn."""
    return story.page().turn


@pytest.fixture
def app(page, turn):
    """The app, which has scanned the page's code."""
    return App(page.post(MINT, {"turn": turn}).json()["text"])


@pytest.mark.django_db(transaction=True)
def test_the_app_signs_in_three_calls_and_the_page_goes_on(story, page, app, issued, trusted):
    assert page.get(STATE).json()["egov_mobile"] == "waiting"
    app.start()
    assert page.get(STATE).json()["egov_mobile"] == "read"
    answer = app.put(signed(app.documents().json(), issued("gost512")))
    assert (answer.status_code, answer.json()) == (200, {"code": "200", "message": "success"})
    assert page.get(STATE).json()["page"] == "wait"
    assert "egov_mobile" not in page.get(STATE).json()
    story.work()
    assert Verification.objects.get(pk=story.id).status == "verified"


@pytest.mark.django_db(transaction=True)
def test_api1_says_who_asks_and_nothing_about_the_person_or_the_loan(story, app):
    asked = app.start()
    said = asked.json()
    assert said["organisation"] == dict.fromkeys(
        ("nameRu", "nameKz", "nameEn"), "Sandbox Credit"
    ) | {"bin": story.lender.bin}
    assert said["document"]["uri"].endswith(DOCUMENTS)
    assert said["document"]["auth_type"] == "Token"
    assert "только если вы сами просите заём у «Sandbox Credit»" in said["description"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0500", said["expiry_date"])
    assert datetime.strptime(said["expiry_date"], "%Y-%m-%dT%H:%M:%S.%f%z") > timezone.now()
    everything = json.dumps(said, ensure_ascii=False)
    for planted in (IIN, IIN[-4:], "ТЕСТОВ", "150000", "150 000", "77011234567", "KZ86", story.id):
        assert planted not in everything
    assert "no-store" in asked.headers["Cache-Control"]
    assert asked.cookies == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locale", ["kk", "ru", "en"])
def test_whatever_language_a_page_has_its_code_warns_in_kazakh_and_russian(story, app, locale):
    Verification.objects.filter(pk=story.id).update(locale=locale)
    warned = app.start().json()["description"].split(" / ")
    assert len(warned) == len({"kk", "ru", locale})
    assert warned[0].startswith("«Sandbox Credit» ұйымынан")
    assert warned[1].startswith("Подписывайте")
    assert all(sentence.startswith("Sign only if you") for sentence in warned[2:])


@pytest.mark.django_db(transaction=True)
def test_the_document_is_the_statement_to_the_byte_for_the_tokens_holder_only(story, app):
    assert app.documents().status_code == 403
    app.start()
    (document,) = app.documents().json()["documentsToSign"]
    assert b64decode(document["document"]["file"]["data"]) == story.statement()
    app.token = app.token[:-1] + ("A" if app.token[-1] != "A" else "B")
    assert app.documents().json()["code"] == "mobile_code_unusable"


# The code


@pytest.mark.django_db(transaction=True)
def test_a_code_is_made_by_a_press_only_and_never_by_a_visit(story, page, turn):
    before = entries(story)
    assert page.get(MINT).status_code == 405
    page.get(NOW)
    page.get(STATE)
    assert (entries(story), SIGNERS.rows.count()) == (before, 0)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = page.cookies
    assert strict.post(MINT, {"turn": turn}).status_code == 403
    assert Client().post(MINT, {"turn": turn}).status_code == 409
    assert page.post(MINT, {"turn": turn + 1}).json() == {"code": "not_your_turn"}
    assert page.post(MINT, {"turn": "x"}).status_code == 422
    assert SIGNERS.rows.count() == 0
    assert page.post(MINT, {"turn": turn}).status_code == 200
    assert entries(story) == before + 1


@pytest.mark.django_db(transaction=True)
def test_the_code_is_a_drawing_without_a_style_and_two_links_to_the_same_place(
    page, turn, settings
):
    said = page.post(MINT, {"turn": turn}).json()
    assert said["qr"].startswith("<svg")
    assert "style" not in said["qr"]
    address = said["text"].removeprefix("mobileSign:")
    assert re.fullmatch(
        re.escape(settings.TULGA_PUBLIC_URL) + r"/v/egov/[\w-]{43}/mgovSign", address
    )
    assert said["link"].startswith("https://m.egov.kz/mobileSign/?link=http%3A%2F%2F")
    assert unquote(said["link"].partition("link=")[2]).startswith(address)
    assert 290 <= said["seconds"] <= 300
    settings.TULGA_EGOV_MOBILE_LINK = "https://app.example/?to={address}"
    assert (
        page.post(MINT, {"turn": turn}).json()["link"].startswith("https://app.example/?to=http%3A")
    )


@pytest.mark.django_db(transaction=True)
def test_a_preview_neither_reads_nor_spends_a_code(app):
    for method, status in (("head", 405), ("options", 405), ("post", 403)):
        assert getattr(app.client, method)(app.place).status_code == status
    assert app.start().status_code == 200
    assert app.start().json()["code"] == "mobile_code_unusable"


@pytest.mark.django_db(transaction=True)
def test_a_code_and_a_token_are_no_way_into_the_pages(page, app):
    code = app.place.split("/")[3]
    app.start()
    for secret in (code, app.token):
        assert Client().post("/v/", {"token": secret}).status_code == 410
        other = Client()
        other.cookies["tulga_borrower"] = secret
        assert other.get(NOW).status_code == 410
        assert other.get(STATE).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_a_code_ends_when_the_borrower_goes_on_elsewhere(page, app):
    link = find(r"/v/#([\w-]{43})", text(page.post("/v/now/elsewhere/", {"by": "link"}))).group(1)
    Client().post("/v/", {"token": link})
    assert app.start().status_code == 403


def make_live(story):
    """The case and all its entries are of the live log, signed anew."""
    rows = list(
        AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    )
    for row in rows:
        row.log, row.body = "live", {name: row.body[name] for name in row.body if name != "signed"}
        signatures.sign([row])
        statement = "UPDATE verification_auditentry SET log = 'live', body = %s WHERE id = %s"
        tamper((statement, [json.dumps(row.body), row.pk]))
    Verification.objects.filter(pk=story.id).update(mode="live")


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_only_where_egov_knows_our_host_is_the_app_offered_in_live_mode(story, page, settings):
    assert 'id="egov"' in text(page.get(NOW))
    make_live(story)
    assert 'id="egov"' not in text(page.get(NOW))
    settings.TULGA_LIVE_EGOV_MOBILE = True
    shown = text(page.get(NOW))
    assert 'id="egov"' in shown
    assert "data-text" not in shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
@pytest.mark.parametrize("step", ["mint", "start", "documents", "put"])
def test_switched_off_it_is_off_at_every_call(story, page, app, turn, issued, settings, step):
    settings.TULGA_LIVE_EGOV_MOBILE = True
    make_live(story)
    before = [] if step in ("mint", "start") else [app.start()]
    back = signed(app.documents().json(), issued("rsa")) if before else {}
    calls = {
        "mint": lambda: page.post(MINT, {"turn": turn}),
        "start": app.start,
        "documents": app.documents,
        "put": lambda: app.put(back),
    }
    settings.TULGA_LIVE_EGOV_MOBILE = False
    assert calls[step]().json()["code"] == (
        "not_your_turn" if step == "mint" else "mobile_code_unusable"
    )
    assert story.page().turn == turn
    settings.TULGA_LIVE_EGOV_MOBILE = True
    if step != "start":  # a code is read once, whatever was said
        assert calls[step]().status_code == 200


# What comes back


def _other_statement(given, credential):
    content = b64decode(given["documentsToSign"][0]["document"]["file"]["data"])
    return signed(given, credential, content=content.replace(b'"amount":"', b'"amount":"9'))


REFUSED_AS_MALFORMED = "egov_answer_malformed"

HOSTILE = {
    "another statement signed": (_other_statement, "eds_statement_mismatch"),
    "other rows": (lambda given, key: signed(given, key, meta=[]), "egov_document_altered"),
    "unsigned": (lambda given, key: given, "eds_malformed"),
    "no JSON": (lambda given, key: b"\x00" * 100, REFUSED_AS_MALFORMED),
    "too large": (lambda given, key: b" " * (signing.PUT_MAX_BYTES + 1), REFUSED_AS_MALFORMED),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("make", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_takes_nothing_and_says_why(story, page, app, turn, issued, make, code):
    app.start()
    answer = app.put(make(app.documents().json(), issued("rsa")))
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert story.page().turn == turn
    assert not EvidenceItem.objects.filter(
        verification_id=story.id, kind="statement.signature"
    ).exists()
    assert page.get(STATE).json()["egov_mobile"] == code
    assert app.documents().status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_refused_answer_is_followed_by_a_good_one_under_a_new_code(
    story, page, app, turn, issued, trusted
):
    app.start()
    app.put({})
    again = App(page.post(MINT, {"turn": turn}).json()["text"])
    again.start()
    assert again.put(signed(again.documents().json(), issued("rsa"))).status_code == 200
    story.work()
    assert Verification.objects.get(pk=story.id).status == "verified"


@pytest.mark.django_db(transaction=True)
def test_without_the_token_nothing_is_read_and_the_code_lives_on(story, app, turn, issued):
    app.start()
    back = signed(app.documents().json(), issued("rsa"))
    token = app.token
    for header in ("", "x", "y" * 70, "\u00ff", token.lower()):
        app.token = header
        assert app.put(back).status_code == 403
    app.token = ""
    assert app.put(back, Authorization=f"Basic {token}").status_code == 403
    assert story.page().turn == turn
    app.token = token
    assert app.put(back).status_code == 200
    assert app.put(back).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_no_secret_reaches_the_log_however_a_call_ends(page, app, issued, caplog):
    caplog.set_level(logging.DEBUG)
    code = app.place.split("/")[3]
    app.client.head(app.place)
    app.start()
    app.start()
    app.client.get(f"{app.place}/more")
    app.put({})
    app.documents()
    lines = [LineFormatter().format(record) for record in caplog.records]
    assert any("[secret]/mgovSign" in line for line in lines)
    for secret in (code, app.token, IIN):
        assert not [line for line in lines if secret in line]


DOCUMENTS = "/v/egov/documents"


class App:
    """The app: no cookie of ours, and only what the QR code said."""

    def __init__(self, qr_text):
        assert qr_text.startswith("mobileSign:http")
        self.place = urlsplit(qr_text.removeprefix("mobileSign:")).path
        self.client = Client(enforce_csrf_checks=True)
        self.token = ""

    def start(self):
        asked = self.client.get(self.place)
        if asked.status_code == 200:
            self.token = asked.json()["document"]["auth_token"]
        return asked

    @property
    def _headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def documents(self):
        return self.client.get(DOCUMENTS, headers=self._headers)

    def put(self, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        more = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put(DOCUMENTS, body, content_type="application/json", headers=more)


def signed(given, credential, **changes):
    back = json.loads(json.dumps(given))
    (document,) = back["documentsToSign"]
    content = b64decode(document["document"]["file"]["data"])
    der = sign_cms(
        credential, changes.pop("content", content), attached=False, signed_at=timezone.now()
    )
    document["document"]["file"]["data"] = b64encode(der).decode()
    document.update(changes)
    return back


# What the app sends back is read for one thing only, and never falls over anything else.


GIVEN = signing.documents_to_sign(made("statement"))

CODES = {"egov_answer_malformed", "egov_document_altered"}

SIGNATURE = "MIIB"


def answer(**changes):
    """The app's answer as it must be; `changes` are at places such as `file__data`."""
    back = copy.deepcopy(GIVEN)
    (document,) = back["documentsToSign"]
    document["document"]["file"]["data"] = SIGNATURE
    places = {"root": back, "document": document, "file": document["document"]["file"]}
    for name, value in changes.items():
        place, _, field = name.partition("__")
        places[place][field] = value
    return back


def read(back):
    untrusted = back if isinstance(back, bytes) else json.dumps(back, ensure_ascii=False).encode()
    return signing.signature_in(untrusted, offer=GIVEN)


def code_of(back):
    with pytest.raises(BadInput) as refused:
        read(back)
    return refused.value.code


def outcome(back):
    """The signature that was read, or the code of the refusal."""
    try:
        return read(back)
    except BadInput as refused:
        return refused.code


def test_the_app_gets_the_very_bytes_and_the_rows_of_the_page():
    page = made("statement")
    (document,) = GIVEN["documentsToSign"]
    assert GIVEN["signMethod"] == "CMS_SIGN_ONLY"
    assert document["document"]["file"]["data"] == page.data["statement_base64"]
    assert document["nameRu"].endswith("«First Credit LLP»")
    assert {"name": "БИН кредитора", "value": "120340000125"} in document["meta"]
    assert len({document["nameRu"], document["nameKz"], document["nameEn"]}) == 3


@pytest.mark.parametrize(
    "back",
    [
        answer(),
        answer(file__data="MIIB\nAAAA\n"),
        answer(document__meta=None, document__nameKz=None),
        answer(document__documentXml=None, root__version=1, document__signMethod="CMS_SIGN_ONLY"),
        answer(root__signedAt=1_732_450_000_000, file__scale=1.5),
        {"documentsToSign": [{"document": {"file": {"data": SIGNATURE}}}]},
    ],
)
def test_the_same_document_with_a_signature_in_place_is_read(back):
    assert read(back).startswith(SIGNATURE)


ALTERED = [
    answer(root__signMethod="CMS_WITH_DATA"),
    answer(root__signMethod=["CMS_SIGN_ONLY"]),
    answer(document__id=2),
    answer(document__id="1"),
    answer(document__id=True),
    answer(document__id=1.0),
    answer(document__id=10**12),
    answer(document__nameRu="Другое"),
    answer(document__nameKz=""),
    answer(document__meta=[]),
    answer(document__meta=[{"name": "a", "value": "b"}]),
    answer(document__meta={}),
    answer(file__mime="application/pdf"),
]

MALFORMED = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff",
    b"{}",
    b'{"documentsToSign": 1}',
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"documentsToSign":[],"documentsToSign":[]}',
    json.dumps(answer()).encode("utf-16"),
    json.dumps(answer()).replace('"id": 1', '"id": NaN').encode(),
    json.dumps(answer()).encode() + b"x",
    json.dumps(answer(root__x="x" * signing.PUT_MAX_BYTES)).encode(),
    {"documentsToSign": []},
    {"documentsToSign": [1]},
    {"documentsToSign": [{}]},
    {"documentsToSign": [answer()["documentsToSign"][0]] * 2},
    answer(document__document=None),
    answer(document__document=[]),
    answer(document__document={"file": SIGNATURE}),
    answer(file__data=None),
    answer(file__data=""),
    answer(file__data=" \n"),
    answer(file__data=[SIGNATURE]),
    answer(file__data={"a": 1}),
    answer(file__data=True),
    *(answer(file__data=number) for number in (7, 10**9, -(10**9), 10**30, 1.5, 1e300)),
]


@pytest.mark.parametrize("back", ALTERED)
def test_an_altered_document_is_refused_by_its_code(back):
    assert code_of(back) == "egov_document_altered"


@pytest.mark.parametrize("back", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_not_the_document_is_refused_by_its_code(back):
    assert code_of(back) == "egov_answer_malformed"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)

_PLACES = (
    "root__signMethod",
    "root__documentsToSign",
    "document__id",
    "document__meta",
    "document__document",
)


@drawn(
    st.sampled_from((*_PLACES, "file__mime", "file__data", "root__more", "document__more")), _JSON
)
def test_any_json_at_any_place_is_read_or_refused_by_a_code(place, value):
    back = answer(**{place: value})
    said = outcome(back)
    assert said in CODES or said == back["documentsToSign"][0]["document"]["file"]["data"]


@drawn(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 40))
def test_any_bytes_in_the_middle_are_read_or_refused_by_a_code(inserted, at, cut):
    whole = json.dumps(answer(), ensure_ascii=False).encode()
    at %= len(whole)
    assert outcome(whole[:at] + inserted + whole[at + cut :])
