"""How a request is parsed, authenticated and repeated, and which problem answers a bad one."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.exceptions import APIException, ErrorDetail, ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response as Answer
from rest_framework.test import APIRequestFactory

from lenders import idempotency, keys, openapi, parsing, policy, problems, requests
from lenders.keys import law_of
from lenders.models import ApiKey, IdempotentRequest, Lender
from lenders.policy import API_VERSION
from lenders.requests import StrictJSONParser
from lenders.resources import verifications
from tests import registered
from tests.lenders.log_of_lenders import happen
from tests.lenders.samples import Caller, code, faults, opening
from tests.responses import Response
from verification import transactions
from verification.core import almaty, errors, profiles, stored
from verification.core import opening as openings
from verification.core.codes import FIELDS, LAW_FILES, PROBLEMS, REASONS
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.core.ids import secret_digest
from verification.core.opening import Form, Opening
from verification.models import Verification

# How a request is parsed and authenticated, and which problem answers a bad one.


# What of a request is read: values, bodies, parameters, and a field that is declared once.


WHOLE = partial(parsing.whole_number, least=1, most=30)
WORD = partial(parsing.one_of, choices=("kk", "ru"))
WORDS = partial(parsing.several_of, choices=("a", "b"))
TEXT = partial(parsing.text, longest=5)
AMOUNT = partial(parsing.decimal, places=2, most=10**12, above_zero=True)
RATE = partial(parsing.decimal, places=4, most=1000)
ROUTES = partial(parsing.route_names, most=10)
REFERENCE = parsing.READERS["client_reference"]
DAY = partial(parsing.day, least_age=None)
NUMBER = partial(parsing.document_number, longest=20)
METADATA = partial(parsing.metadata, keys=20, longest_key=40, longest=500)
READ: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (TEXT, " abc ", "abc"),
    (REFERENCE, "Loan_1.a:b-c", "Loan_1.a:b-c"),
    (WORD, "kk", "kk"),
    (WORDS, ["b", "a"], ("b", "a")),
    (ROUTES, ["eds", "live_face"], ("eds", "live_face")),
    (WHOLE, 30, 30),
    (WHOLE, Decimal("30.0"), 30),
    (WHOLE, Decimal("3e1"), 30),
    (AMOUNT, "150000", "150000.00"),
    (AMOUNT, "0.01", "0.01"),
    (AMOUNT, 150000, "150000.00"),
    (AMOUNT, Decimal("150000.1"), "150000.10"),
    (AMOUNT, Decimal("1.5e5"), "150000.00"),
    (AMOUNT, "1000000000000", "1000000000000.00"),
    (RATE, "0", "0.00"),
    (RATE, Decimal("-0.0"), "0.00"),
    (RATE, "46", "46.00"),
    (RATE, Decimal("45.9125"), "45.9125"),
    (RATE, "45.10", "45.10"),
    (DAY, "2028-02-29", date(2028, 2, 29)),
    (parsing.moment, "2026-11-24T10:00:00+05:00", datetime(2026, 11, 24, 5, tzinfo=UTC)),
    (NUMBER, "n 1234567", "N1234567"),
    (parsing.sha256_hex, "AB" * 32, "ab" * 32),
    (parsing.kato, "750000000", "750000000"),
    (METADATA, {"a.b": ""}, {"a.b": ""}),
    (parsing.sequence_number, "0", 0),
    (partial(parsing.query_number, least=1, most=100), "100", 100),
    (parsing.yes_or_no, False, False),
    *(
        (parsing.https_url, url, url)
        for url in (
            "https://lender.example/back?id=1",
            "https://lender.example:8443/",
            "https://a.kz",
        )
    ),
    (parsing.iban, "KZ86 125K ZT50 0410 0100", "KZ86125KZT5004100100"),
    (partial(parsing.our_id, prefix="ver"), "ver_" + "a" * 26, "ver_" + "a" * 26),
]
# What no category but "unassigned", or no category at all, tells of: noncharacters, and what is
# drawn as nothing.
NOT_SEEN = (
    "\ufffe\uffff\ufdd0\u0378\U0010ffff\u3164\u115f\u1160\u034f\ufe00\ufe0f\U000e0100\U000e01ef"
    "\u2060\u2065\u206f\uffa0\u17b4\u17b5\u180b\u180f\u2800"
)
OTHER_BLANKS = "\u00a0\u1680\u2000\u2003\u200a\u202f\u205f\u3000"
NO_ADDRESSES: list[object] = [
    "http://lender.example/back",
    "https://",
    "https://me@lender.example/",
    "https://lender.example/#x",
    "https://lender.example/a b",
    "https://lender.example/\r\nSet-Cookie:a",
    "https://lender.example:99999/",
    "https://lender.example\\@evil.example/",
    "//lender.example",
    "javascript:alert(1)",
    "https://ля.kz/",
    "https://[::1/",
    7,
    "https://a.kz/" + "a" * 2048,
    "HTTPS://a.kz/",
    "https://a.kz:/",
    "https://a.kz/[1]",
]
NO_ACCOUNTS = [
    "KZ87125KZT5004100100",
    "DE89370400440532013000",
    "KZ86",
    "KZ86125KZT500410010!",
    "KZ86125KZT500410010ı",
]
REFUSED: list[tuple[Callable[[Any], Any], Any, str]] = [
    (TEXT, "abcdef", "length_wrong"),
    (TEXT, "  abcd", "length_wrong"),
    (TEXT, "   ", "length_wrong"),
    (TEXT, 5, "type_wrong"),
    (TEXT, "a\nb", "text_malformed"),
    (TEXT, "ab\n", "text_malformed"),
    (TEXT, "\tab", "text_malformed"),
    (TEXT, "a\u202eb", "text_malformed"),
    (TEXT, "a\u2028b", "text_malformed"),
    (TEXT, "a\u200bb", "text_malformed"),
    *((TEXT, f"a{sign}b", "text_malformed") for sign in NOT_SEEN + OTHER_BLANKS),
    *((TEXT, f"{sign}ab", "text_malformed") for sign in OTHER_BLANKS),
    (TEXT, "a  b", "text_malformed"),
    (REFERENCE, "Loan 1", "reference_malformed"),
    (REFERENCE, " Loan-1", "reference_malformed"),
    (REFERENCE, "a" * 65, "length_wrong"),
    (REFERENCE, "loan-990101100010", "personal_number"),
    (REFERENCE, "+77011234567", "personal_number"),
    (WORD, "en", "choice_unknown"),
    (WORD, ["kk"], "choice_unknown"),
    (WORDS, ["a", "a"], "choice_repeated"),
    (WORDS, ["a", "c"], "choice_unknown"),
    (WORDS, "a", "type_wrong"),
    (WORDS, [["a"]], "choice_unknown"),
    (ROUTES, [], "type_wrong"),
    (ROUTES, ["eds", "eds"], "choice_repeated"),
    (ROUTES, ["EDS"], "choice_unknown"),
    (WHOLE, 31, "out_of_range"),
    (WHOLE, 0, "out_of_range"),
    (WHOLE, True, "type_wrong"),
    (WHOLE, "30", "type_wrong"),
    (WHOLE, Decimal("29.5"), "type_wrong"),
    (WHOLE, Decimal("1e999999"), "out_of_range"),
    (AMOUNT, "150000.001", "decimal_malformed"),
    (AMOUNT, Decimal("150000.001"), "decimal_malformed"),
    (AMOUNT, "0", "out_of_range"),
    (AMOUNT, -1, "out_of_range"),
    (AMOUNT, "-1", "decimal_malformed"),
    (AMOUNT, "1 000", "decimal_malformed"),
    (AMOUNT, "1e3", "decimal_malformed"),
    (AMOUNT, "١٢", "decimal_malformed"),
    (AMOUNT, True, "decimal_malformed"),
    (AMOUNT, None, "decimal_malformed"),
    (AMOUNT, "1000000000000.01", "out_of_range"),
    (AMOUNT, Decimal("1e999999"), "out_of_range"),
    (AMOUNT, Decimal("1e-999999"), "decimal_malformed"),
    (AMOUNT, Decimal("1e-10"), "decimal_malformed"),
    (AMOUNT, "0150000.00", "decimal_malformed"),
    (AMOUNT, "150000.000", "decimal_malformed"),
    (RATE, "1000.01", "out_of_range"),
    (RATE, "46.00001", "decimal_malformed"),
    (DAY, "2027-02-29", "date_malformed"),
    (DAY, "20280229", "date_malformed"),
    (DAY, "0028-02-29", "date_malformed"),
    (parsing.moment, "2026-11-24T10:00:00", "time_malformed"),
    (parsing.moment, "yesterday", "time_malformed"),
    (parsing.moment, "2026-11-24T10:00Z", "time_malformed"),
    (parsing.moment, "2026-11-24T10:00:00+0600", "time_malformed"),
    (parsing.moment, "2026-11-24t10:00:00z", "time_malformed"),
    (parsing.moment, "2026-11-24T10Z", "time_malformed"),
    (parsing.moment, "2026-11-24T24:00:00Z", "time_malformed"),
    (parsing.moment, "2026-11-24T10:00:00+05:00:30", "time_malformed"),
    (parsing.moment, "2026-W48-2T10:00:00Z", "time_malformed"),
    (parsing.moment, "0001-01-01T00:00:00+14:00", "time_malformed"),
    (parsing.moment, "9999-12-31T23:59:59-14:00", "time_malformed"),
    (NUMBER, "N-1234567", "document_malformed"),
    (NUMBER, " N1234567", "document_malformed"),
    (NUMBER, "ß1", "document_malformed"),
    (NUMBER, "1" * 21, "document_malformed"),
    (parsing.sha256_hex, "ab" * 31, "sha256_malformed"),
    (parsing.kato, "75000000", "region_malformed"),
    (METADATA, {"a b": ""}, "metadata_key_malformed"),
    (METADATA, {"990101100010": "x"}, "metadata_key_malformed"),
    (METADATA, {"a": "call 8 701 123 45 67"}, "personal_number"),
    (METADATA, {"a": "x" * 501}, "length_wrong"),
    (METADATA, {"a": 1}, "type_wrong"),
    (METADATA, {f"k{n}": "" for n in range(21)}, "length_wrong"),
    (METADATA, [], "type_wrong"),
    (parsing.sequence_number, "-1", "cursor_malformed"),
    (partial(parsing.query_number, least=1, most=100), "101", "out_of_range"),
    (parsing.yes_or_no, 0, "type_wrong"),
    *((parsing.https_url, url, "url_malformed") for url in NO_ADDRESSES),
    *((parsing.iban, account, "iban_malformed") for account in NO_ACCOUNTS),
    (partial(parsing.our_id, prefix="ver"), "evt_" + "a" * 26, "id_malformed"),
]


@pytest.mark.parametrize(("parse", "untrusted", "value"), READ)
def test_a_good_value_is_read(parse: Callable[[Any], Any], untrusted: Any, value: Any) -> None:
    assert parse(untrusted) == value


@pytest.mark.parametrize(("parse", "untrusted", "code"), REFUSED)
def test_a_bad_value_has_a_code(parse: Callable[[Any], Any], untrusted: Any, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(untrusted)
    assert refused.value.code == code


# Texts that must name no person.
HOLDS = [
    "990101100010",
    "loan-990101100010",
    "a990101100010b",
    "12990101100010",  # inside a longer number
    "990101-100010",
    "9901 0110 0010",
    "+77011234567",
    "87011234567",
    "tel:7-701-123-45-67",
    "8 (701) 123-45-67",
]
HOLDS_NONE = [
    "",
    "loan-2026-000123",
    "990101100011",  # the check digit does not fit
    "993101100010",  # there is no 31st month
    "77011234567890123",  # a longer number, not a mobile one
    "8701123456",  # a digit short
    "87211234567",  # a landline
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "2026-11-24T10:00:00",
]


# What is no JSON, or could be read in two ways, is refused.
NO_JSON = {
    "empty": b"",
    "cut": b'{"a": 1',
    "two texts": b"{} {}",
    "doubled name": b'{"a": 1, "a": 2}',
    "doubled name below": b'[{"a": {"b": 1, "b": 1}}]',
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "half a character": b'{"a": "\\ud800"}',
    "half a character in a name": b'{"\\udfff": 1}',
    "NUL": b'{"a": "\\u0000"}',
    "nested too deeply": b"[" * 18 + b"]" * 18,
    "nested absurdly": b"[" * 200_000,
    "a number of ten thousand digits": b"1" * 10_000,
    "comment": b'{"a": 1} // x',
}


def parse_body(body: bytes) -> Any:
    return StrictJSONParser().parse(BytesIO(body))


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
def test_a_body_that_is_no_plain_json_is_malformed(body: bytes) -> None:
    with pytest.raises(ParseError) as refused:
        parse_body(body)
    assert refused.value.detail.code == "malformed_json"  # type: ignore[union-attr]


def test_fractions_stay_exact_and_sixteen_levels_are_read() -> None:
    assert parse_body(b'{"amount": 0.1}') == {"amount": Decimal("0.1")}
    assert parse_body(b"[" * 16 + b"]" * 16)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [*((text, True) for text in HOLDS), *((text, False) for text in HOLDS_NONE)],
)
def test_a_text_with_a_personal_number_is_found(text: str, *, is_found: bool) -> None:
    assert parsing.holds_personal_number(text) is is_found


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    fitting = b'"' + b"a" * (policy.BODY_MAX_BYTES - 2) + b'"'
    assert len(parse_body(fitting)) == policy.BODY_MAX_BYTES - 2
    with pytest.raises(APIException) as refused:
        parse_body(fitting + b" ")
    assert refused.value.detail.code == "body_too_large"  # type: ignore[union-attr]


def test_an_honest_length_over_the_limit_is_refused_unread() -> None:
    class Unread(BytesIO):
        # as Django has it
        META = {"CONTENT_LENGTH": str(policy.BODY_MAX_BYTES + 1)}  # noqa: RUF012

        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(APIException) as refused:
        StrictJSONParser().parse(Unread())
    assert refused.value.detail.code == "body_too_large"  # type: ignore[union-attr]


# What openapi.json never named in a request is refused.
V, E = "/v1/verifications", "/v1/webhook-endpoints"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", V, opening()),
        ("POST", f"{V}/ver_x/cancel", None),
        ("POST", "/v1/test/clock", {"advance_seconds": 60}),
        ("PATCH", f"{E}/whe_x", {"enabled": True}),
        ("DELETE", f"{E}/whe_x", None),
    ],
)
def test_a_parameter_of_a_query_is_refused_by_what_changes_something_as_by_a_list(
    api: Caller, method: str, path: str, body: Any
) -> None:
    send = {
        "POST": api.post,
        "PATCH": api.patch,
        "DELETE": lambda where, _: api.delete(where),
    }[method]
    expected = {("?dry_run", "unknown_field")}
    assert faults(send(f"{path}?dry_run=1", body)) == expected == faults(api.get(f"{V}?dry_run=1"))
    assert api.get(V).json()["data"] == []
    assert faults(send(f"{path}?dry_run=1&dry_run=2", body)) == {("?dry_run", "choice_repeated")}


@pytest.mark.django_db
def test_a_method_that_is_not_there_is_told_before_a_parameter_is(api: Caller) -> None:
    assert api.send("PUT", f"{V}?dry_run=1", "").status_code == 405


# A field of an opening is declared once: it is read, refused, described, sealed and told back
# from that alone.
SCHEMA = {"type": "string", "minLength": 1, "maxLength": 5}


@dataclass(frozen=True, kw_only=True)
class WithBranch(Opening):
    """An opening with one field more."""

    branch: Annotated[
        str, Form("text", SCHEMA, limits={"longest": 5}, help="Where it was opened.", is_told=True)
    ] = ""


def test_it_is_read_and_may_be_left_out() -> None:
    assert requests.read(WithBranch, opening(branch="Abay ")).branch == "Abay"
    assert requests.read(WithBranch, opening()).branch == ""


def test_a_bad_value_is_refused_at_its_place() -> None:
    with pytest.raises(ValidationError) as refused:
        requests.read(WithBranch, opening(branch="Almaty"))
    assert refused.value.get_codes() == {"branch": ["length_wrong"]}
    with pytest.raises(ValidationError) as refused:
        requests.read(Opening, opening(branch="Abay"))
    assert refused.value.get_codes() == {"branch": ["unknown_field"]}


def test_it_is_sealed_and_an_older_case_is_read() -> None:
    given = requests.read(WithBranch, opening(branch="Abay"))
    assert stored.read(stored.as_record(given), into=WithBranch, what="case") == given
    older = stored.as_record(requests.read(Opening, opening()))
    assert stored.read(older, into=WithBranch, what="case").branch == ""


def test_it_is_described_and_told_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "Opening", WithBranch)
    told = verifications.VerificationAnswer().fields["branch"]
    assert told.get_attribute(_Viewed(requests.read(WithBranch, opening(branch="Abay")))) == "Abay"
    [described] = [each for each in openapi.parameters_of(WithBranch) if each.name == "branch"]
    assert (described.type, described.description) == (SCHEMA, "Where it was opened.")


def test_a_field_without_a_form_is_none() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Forgotten(openings.Opening):
        branch: str = ""

    with pytest.raises(TypeError, match="branch"):
        requests.read(Forgotten, opening())


@dataclass(frozen=True)
class _Viewed:
    opening: Any


# Errors of one shape with documented codes; the one version of the API that each answer says.


_ROOT = Path(problems.__file__).resolve().parent.parent
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadInput("x"), 422),
        (errors.BadInput("x", pointer="/a", code="iin_malformed"), 422),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.Conflict("x", code="receipt_not_ready"), 409),
        (errors.NotYourTurn("x"), 409),
        (errors.LinkUnusable("x"), 410),
        (errors.Refused("eds_malformed"), 422),
        (errors.SourceUnavailable("ocsp"), 503),
        (errors.FenceLost("x"), 503),
        (errors.EvidenceUnreadable("x"), 500),
        (errors.LogInconsistent("x"), 500),
        (errors.Misconfigured("x"), 500),
        (errors.TulgaError("x"), 500),
    ],
)
def test_every_class_of_our_errors_has_a_status(error: errors.TulgaError, status: int) -> None:
    assert problems.status_of(error) == status


def answer(error: Exception) -> dict[str, object]:
    request = APIRequestFactory().get("/v1/verifications/ver_1")
    response = problems.handle(error, {"request": request})
    assert response.content_type == "application/problem+json"
    assert set(response.data) == MEMBERS
    assert response.data["status"] == response.status_code
    return dict(response.data)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2"),
        errors.Misconfigured("TULGA_KEYS_DIR /srv/keys"),
        errors.EvidenceUnreadable("row 5"),
        errors.SourceUnavailable("ocsp", "http://10.0.0.5/"),
    ],
)
def test_a_fault_of_ours_says_nothing_of_our_insides(error: Exception) -> None:
    said = str(answer(error))
    for word in ("hunter2", "srv", "row", "10.0.0.5", "ocsp", "RuntimeError"):
        assert word not in said


def test_the_places_of_faults_are_json_pointers() -> None:
    tree: dict[str, Any] = {
        "a": {"b/c~d": [ErrorDetail("x", code="required")]},
        "non_field_errors": [ErrorDetail("y", code="invalid")],
    }
    faults = answer(ValidationError(tree))["errors"]
    assert faults == [
        {"pointer": "/a/b~1c~0d", "code": "required", "detail": "x"},
        {"pointer": "", "code": "invalid", "detail": "y"},
    ]


def test_every_code_that_is_raised_is_documented() -> None:
    """A code in a `raise` of ours that /docs/problems does not list would lead a developer
    nowhere.
    """
    known = {*PROBLEMS, *FIELDS, *REASONS}
    never_over_http = {
        "stored_unreadable",
        "scope_unknown",
        "mode_unknown",
        "cidr_malformed",
        "name_unresolved",
    }
    never_over_http |= {
        "bin_malformed",
        "calendar_malformed",
        "calendar_unordered",
        "calendar_too_early",
        "calendar_too_lax",
        "calendar_empty",
    }
    never_over_http |= {*LAW_FILES}
    places = [*(_ROOT / "lenders").rglob("*.py"), *(_ROOT / "verification/core").glob("*.py")]
    places.remove(_ROOT / "verification/core/codes.py")
    places += [
        _ROOT / f"verification/access/{name}.py" for name in ("openings", "answers", "links")
    ]
    said = {
        code for place in places for code in re.findall(r"\bcode=\"([a-z_]+)\"", place.read_text())
    }
    assert len(said) > 30
    assert said - known - never_over_http == set()


def test_every_class_of_errors_is_answered_with_a_documented_code() -> None:
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TulgaError)
    ]
    assert len(classes) > 10
    assert {str(answer(kind("x"))["code"]) for kind in classes} <= {*PROBLEMS, *REASONS}
    assert answer(errors.Conflict("x", code="never_heard_of"))["code"] == "conflict"


def test_the_type_of_a_problem_leads_to_our_documentation(client: Client, db: None) -> None:
    leads = urlsplit(str(answer(errors.NotFound("x"))["type"])).path
    page = client.get(leads)
    assert (leads, page.status_code) == ("/docs/problems/not_found", 200)
    assert 'id="not_found"' in client.get("/docs/problems").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/verifications/",
        "/v1/verifications/a/b/c",
        "/v2",
        "/v1/events/a%0Ab",
        "/v1%0A",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_address_is_a_problem_in_json(
    client: Client, db: None, path: str, method: str
) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_sentences_do_not_follow_the_callers_language(client: Client, db: None) -> None:
    said = client.get("/v1/events", headers={"accept-language": "ru"}).json()
    assert said["title"] == PROBLEMS["not_authenticated"].title
    assert said["detail"] == PROBLEMS["not_authenticated"].advice


def test_an_answer_is_json_whatever_the_caller_accepts(api: Caller) -> None:
    response = api._client.get("/v1/events", headers={"accept": "text/html"})
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert len(response.headers["X-Request-Id"]) >= 8


def test_the_header_may_name_the_version(api):
    happen(api)
    named = api.send("GET", "/v1/events", "", headers={"tulga-version": API_VERSION})
    assert named.json() == api.get("/v1/events").json()
    assert [event["version"] for event in named.json()["data"]] == [API_VERSION]


@pytest.mark.parametrize(
    "name",
    ["2026-11-25", "2020-01-01", "newest", "", " ", "2026-11-28,2026-11-25", "2026-11-28\t1"],
)
@pytest.mark.parametrize("path", [V, "/v1/events", "/v1/log/checkpoint", f"{V}/ver_a/receipt"])
def test_another_version_is_refused(api, path, name):
    refused = api.send("GET", path, "", headers={"tulga-version": name})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Tulga-Version"] == API_VERSION


def test_every_answer_to_a_key_says_the_version(api):
    happen(api)
    for path in (V, "/v1/log/checkpoint", f"{V}/ver_a", "/v1/events?after=x", "/v1/nowhere"):
        assert api.get(path).headers["Tulga-Version"] == API_VERSION
    created = api.post(E, {"url": "https://lender.example/hook"})
    deleted = api.delete(f"{E}/{created.json()['id']}")
    for answer in (created, deleted):
        assert answer.headers["Tulga-Version"] == API_VERSION


def test_an_endpoint_may_name_the_version(api):
    url = "https://lender.example/hook"
    created = api.post(E, {"url": url}).json()
    assert created["version"] == API_VERSION
    assert api.post(E, {"url": url, "version": API_VERSION}).json()["version"] == API_VERSION
    place = f"{E}/{created['id']}"
    assert api.patch(place, {"version": API_VERSION}).json()["version"] == API_VERSION
    for refused in (
        api.post(E, {"url": url, "version": "2026-11-25"}),
        api.patch(place, {"version": None}),
    ):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/version"


def test_the_changelog_names_the_version(client, db):
    page = unescape(client.get("/docs/changelog").content.decode())
    assert f'id="{API_VERSION}"' in page
    assert f"/openapi.json?version={API_VERSION}" in page


def test_the_description_is_of_the_version(client, db):
    described = client.get("/openapi.json").json()
    assert client.get("/openapi.json", {"version": API_VERSION}).json() == described
    assert described["info"]["version"] == API_VERSION
    for item in described["paths"].values():
        for operation in item.values():
            header = operation["parameters"][-1]
            assert (header["name"], header["schema"]["enum"]) == ("Tulga-Version", [API_VERSION])
    refused = client.get("/openapi.json", {"version": "2026-11-25"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")


# Who gets in, with which key, from where, for what, how often, and by which law.


PATH = "/v1/verifications"


def answered(secret: str, **options: str) -> tuple[int, str]:
    response = Caller(secret, **options).get(PATH)
    return response.status_code, response.json().get("code", "")


def test_a_key_is_256_random_bits_and_only_its_hash_is_kept(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    assert len(issued.secret) == len("tlg_test_") + 43
    assert issued.secret not in str(ApiKey.objects.filter(pk=issued.key.pk).values().get())
    assert issued.key.sha256 == secret_digest(issued.secret).hex()
    assert answered(issued.secret) == (200, "")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"),
        ("", "key_malformed"),
        ("Bearer", "key_malformed"),
        ("Bearer abc", "key_malformed"),
        ("Basic dGxnX3Rlc3Q6", "key_malformed"),
        ("Bearer tlg_test_" + "A" * 43, "key_unknown"),
        ("Bearer tlg_test_Ж", "key_unknown"),
    ],
)
def test_without_a_key_access_is_refused(db: None, header: str | None, code: str) -> None:
    response = Client().get(PATH, headers={"authorization": header} if header is not None else {})
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tulga"'


def test_a_key_that_ran_out_is_out(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    issued.key.expires_at = timezone.now()
    registered.saved(issued.key)
    assert answered(issued.secret) == (401, "key_expired")


def test_retiring_never_lengthens_a_key(lender: Lender) -> None:
    key = keys.issue(lender, mode="test").key
    soon = timezone.now() + timedelta(minutes=1)
    key.expires_at = soon
    registered.saved(key)
    assert keys.retire(key) == soon


def test_a_key_for_a_network_is_let_in_from_there_only(lender: Lender) -> None:
    secret = keys.issue(lender, mode="test", cidrs=["203.0.113.0/24", "2001:db8::/32"]).secret
    assert answered(secret, address="203.0.113.9")[0] == 200
    assert answered(secret, address="2001:db8::9")[0] == 200
    assert answered(secret, address="203.0.114.9") == (403, "address_not_allowed")
    assert answered(secret, address="") == (403, "address_unknown")


@pytest.mark.parametrize(
    ("options", "code"),
    [({"scopes": ["all"]}, "scope_unknown"), ({"cidrs": ["10.0.0.1/8"]}, "cidr_malformed")],
)
def test_a_key_with_nonsense_is_not_issued(
    lender: Lender, options: dict[str, list[str]], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        keys.issue(lender, mode="test", **options)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_no_live_key_without_a_complete_live_set(lender: Lender, settings: Settings) -> None:
    lender.live_calendar = profiles.calendar_of("KZ-2026-01")
    settings.TULGA_MODES_LIVE = False
    with pytest.raises(Misconfigured, match="no live keys"):
        keys.issue(lender, mode="live")
    assert not ApiKey.objects.filter(mode="live").exists()


def test_the_use_of_a_key_is_noted_to_the_minute(lender: Lender) -> None:
    issued = keys.issue(lender, mode="test")
    answered(issued.secret)
    first = ApiKey.objects.get(pk=issued.key.pk).last_used_at
    assert first is not None
    answered(issued.secret)
    assert ApiKey.objects.get(pk=issued.key.pk).last_used_at == first
    ApiKey.objects.filter(pk=issued.key.pk).update(last_used_at=first - timedelta(seconds=61))
    answered(issued.secret)
    again = ApiKey.objects.get(pk=issued.key.pk).last_used_at
    assert again is not None
    assert again >= first


# How many requests a key may make.


@pytest.fixture
def _three_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RATE_REQUESTS", 3)
    monkeypatch.setattr(policy, "RATE_SECONDS", 3600)  # so that no window ends within the test


@pytest.mark.usefixtures("_three_a_minute")
def test_the_request_after_the_last_is_refused_and_told_when_to_come_back(api: Caller) -> None:
    answers = [api.get(PATH) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert answers[3].json()["code"] == "throttled"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3601
    assert 0 < int(answers[3].headers["RateLimit-Reset"]) <= 3600


@pytest.mark.usefixtures("_three_a_minute")
def test_one_key_does_not_spend_anothers_requests(api: Caller, lender: Lender) -> None:
    for _ in range(4):
        api.get(PATH)
    assert Caller(keys.issue(lender, mode="test").secret).get(PATH).status_code == 200


# Which profile a lender holds at a time, by its calendar.
TWO = [
    {"from": "2025-01-01", "profile": "KZ-2025-01"},
    {"from": "2026-01-26", "profile": "KZ-2026-01"},
]


def _law(calendar: list[dict[str, str]], day: date) -> str:
    return law_of(ApiKey(mode="test", lender=Lender(test_calendar=calendar)), at=almaty.begins(day))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 1, 1), "KZ-2025-01"),
        (date(2026, 1, 25), "KZ-2025-01"),
        (date(2026, 1, 26), "KZ-2026-01"),
        (date(2031, 1, 1), "KZ-2026-01"),
    ],
)
def test_a_profile_is_held_from_its_day_on(day, expected):
    assert _law(TWO, day) == expected


@pytest.mark.parametrize("calendar", [[], TWO], ids=["empty", "not begun"])
def test_before_the_first_day_no_calendar_is_held(calendar):
    with pytest.raises(Conflict) as refused:
        _law(calendar, date(2024, 12, 31))
    assert refused.value.code == "profile_not_held"


def test_a_key_for_no_mode_is_not_issued(lender: Lender) -> None:
    with pytest.raises(BadInput):
        keys.issue(lender, mode="production")


# The same key does its work once, however often and however parallel it comes.


PARALLEL = 64


def test_a_repeat_gets_the_first_answer_link_included(api: Caller, other_api: Caller) -> None:
    spelled = json.dumps(dict(reversed(opening().items())), indent=2)
    first = api.post(PATH, opening(), key="k-1")
    for again in (
        api.post(PATH, opening(), key="k-1"),
        api.post(PATH, opening(), key='"k-1"'),
        api.send("POST", PATH, spelled, key="k-1"),
    ):
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    row = IdempotentRequest.objects.get()
    assert first.json()["url"].partition("#")[2].encode() not in bytes(row.sealed_answer or b"")
    assert "k-1" not in str(IdempotentRequest.objects.values().get())
    other = other_api.post(PATH, opening(), key="k-1")
    assert (other.status_code, other.json()["id"] == first.json()["id"]) == (201, False)
    assert Verification.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["", "k-1"])
def test_a_body_is_read_before_anything_is_written(
    api: Caller, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A body that cannot be read reserves no key. The web worker has received it as a whole."""
    parse, written = StrictJSONParser.parse, list[tuple[int, int]]()

    def noting(self: StrictJSONParser, *given: Any, **named: Any) -> Any:
        written.append((IdempotentRequest.objects.count(), Verification.objects.count()))
        return parse(self, *given, **named)

    monkeypatch.setattr(StrictJSONParser, "parse", noting)
    for number in range(2):
        given = opening(client_reference=f"loan-{number}")
        assert api.post(PATH, given, key=key and f"{key}-{number}").status_code == 201
    assert written == [(0, 0), (1 if key else 0, 1)]


@pytest.mark.parametrize("change", [{"purpose": "Another"}, {"loan__amount": "1.00"}])
def test_another_body_under_the_same_key_is_refused(api: Caller, change: dict[str, str]) -> None:
    opened = api.post(PATH, opening(), key="k-1").json()["id"]
    for refused in (
        api.post(PATH, opening(**change), key="k-1"),
        api.post(f"{PATH}/{opened}/cancel", key="k-1"),
    ):
        assert code(refused) == (422, "idempotency_key_reused")
    assert Verification.objects.count() == 1


@pytest.mark.parametrize("key", ['""', "a b", "ключ", "a" * 256])
def test_an_unusable_key_is_refused(api: Caller, key: str) -> None:
    refused = api.post(PATH, opening(), key=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_malformed")
    assert not Verification.objects.exists()


def test_while_the_first_is_at_work_a_repeat_is_told_to_wait(api: Caller) -> None:
    api.post(PATH, opening(), key="k-1")
    soon = timezone.now() + timedelta(seconds=5)
    IdempotentRequest.objects.update(
        answered_at=None, status=None, sealed_answer=None, reserved_until=soon
    )
    waiting = api.post(PATH, opening(), key="k-1")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_in_progress")
    assert int(waiting.headers["Retry-After"]) >= 1


def test_a_dead_workers_reservation_is_taken_over(lender: Lender) -> None:
    request, row = _abandoned(lender, seconds=policy.RESERVATION_SECONDS - 2)
    assert _code(lambda: idempotency.run_once(request, _two)) == "idempotency_in_progress"
    row.reserved_until = timezone.now() - timedelta(seconds=1)
    row.save()
    assert getattr(idempotency.run_once(request, _two), "data", None) == {"n": 2}
    assert IdempotentRequest.objects.get(pk=row.pk).fence != row.fence


@pytest.mark.django_db(transaction=True)
def test_a_key_is_free_as_soon_as_the_process_that_held_it_is_gone(lender: Lender) -> None:
    request, row = _abandoned(lender, seconds=0)
    with somebody() as number:
        IdempotentRequest.objects.filter(pk=row.pk).update(process=number)
        assert (
            _code(lambda: idempotency.run_once(request, lambda: Answer({}, status=201)))
            == "idempotency_in_progress"
        )
    deadline = time.monotonic() + 5
    while not transactions.is_gone(number, since=timezone.now()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert getattr(idempotency.run_once(request, _two), "data", None) == {"n": 2}


@contextmanager
def somebody() -> Iterator[int]:
    """Another process than this one, as the database knows it; gone afterwards."""
    if connection.vendor != "postgresql":
        with subprocess.Popen(["sleep", "60"]) as process:
            yield process.pid
            process.kill()
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(transactions.process).result()
        pool.submit(connections.close_all).result()


@pytest.mark.django_db(transaction=True)
def test_a_late_worker_whose_reservation_was_taken_over_commits_nothing(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = idempotency._reserve

    def taken_over(*given: Any) -> IdempotentRequest:
        row = reserve(*given)
        IdempotentRequest.objects.filter(pk=row.pk).update(fence="ab" * 16)
        return row

    monkeypatch.setattr(idempotency, "_reserve", taken_over)
    assert code(api.post(PATH, opening(), key="k-1")) == (503, "fence_lost")
    assert not Verification.objects.exists()
    assert IdempotentRequest.objects.get().fence == "ab" * 16


def test_answers_are_kept_for_a_day_and_forgotten_after_the_time_of_the_policy(api: Caller) -> None:
    assert policy.REPLAY_SECONDS >= 24 * 3600
    api.post(PATH, opening(), key="k-1")
    created = IdempotentRequest.objects.get().created_at
    assert idempotency.purge(at=created + timedelta(seconds=policy.REPLAY_SECONDS)) == 0
    assert idempotency.purge(at=created + timedelta(seconds=policy.REPLAY_SECONDS + 1)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_64_times_in_parallel_opens_one_verification() -> None:
    """Real threads with connections of their own, on whatever database the leg runs on."""
    lender = registered.lender(name="Parallel LLP", bin="180440012362", phone="+77270000044")
    secret = keys.issue(lender, mode="test").secret
    body = json.dumps(opening())

    def send(_: int) -> Response:
        try:
            headers = {"authorization": f"Bearer {secret}", "idempotency-key": "k-1"}
            return Client().post(PATH, body, content_type="application/json", headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(send, range(PARALLEL)))
    assert Verification.objects.count() == 1
    made = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(waiting) == PARALLEL
    assert [answer for answer in made if "Idempotent-Replayed" not in answer.headers].__len__() == 1
    assert {answer.json()["url"] for answer in made}.__len__() == 1
    assert all(answer.json()["code"] == "idempotency_in_progress" for answer in waiting)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in waiting)


def _request(key: ApiKey, body: str = "{}") -> Request:
    plain = APIRequestFactory().post(
        PATH,
        body,
        content_type="application/json",
        headers={"idempotency-key": "key-of-a-unit-test"},
    )
    request = Request(plain, parsers=[StrictJSONParser()])
    request.auth = key
    return request


def _abandoned(lender: Lender, *, seconds: int) -> tuple[Request, IdempotentRequest]:
    """A request whose key was reserved this long ago by a worker that is gone."""
    request = _request(keys.issue(lender, mode="test").key)
    with pytest.raises(SystemExit):
        idempotency.run_once(request, _dies)
    row = IdempotentRequest.objects.get()
    row.reserved_until = timezone.now() + timedelta(seconds=policy.RESERVATION_SECONDS - seconds)
    row.save()
    return request, row


def _two() -> Answer:
    return Answer({"n": 2}, status=201)


def _dies() -> Answer:
    raise SystemExit


def _code(act: Any) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cannot_be_stored_takes_the_work_back(api: Caller) -> None:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "sealed_answer" in sql:
            raise DatabaseError("the answer is not stored")
        return execute(sql, params, many, context)

    assert api.post(PATH, opening(subject__iin="1"), key="k-1").status_code == 422
    assert not IdempotentRequest.objects.exists(), "an error is not kept"
    with connection.execute_wrapper(refuse):
        refused = api.post(PATH, opening(), key="k-1")
    assert refused.status_code == 500
    assert not Verification.objects.exists(), (
        "the work outlived its answer: a repeat would do it again"
    )
    assert api.post(PATH, opening(), key="k-1").status_code == 201
    assert Verification.objects.count() == 1
