"""What openapi.json never named in a request is refused."""

from typing import Any

import pytest

from tests.lenders.samples import Caller, opening

pytestmark = pytest.mark.django_db

V, E = "/v1/verifications", "/v1/webhook-endpoints"
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "zeros before": ({"loan__amount": "0150000.00"}, "/loan/amount", "decimal_malformed"),
    "places too many": ({"loan__amount": "150000.000"}, "/loan/amount", "decimal_malformed"),
    "blanks": ({"client_reference": " loan-1 "}, "/client_reference", "reference_malformed"),
    "a line's end": ({"purpose": "Consumer microcredit\n"}, "/purpose", "text_malformed"),
    "number with blanks": (
        {"subject__document__number": " 045678912 "},
        "/subject/document/number",
        "document_malformed",
    ),
    "brackets": (
        {"return_url": "https://lender.example/back?a=[1]"},
        "/return_url",
        "url_malformed",
    ),
}
TIMES = [
    "2026-11-24T10:00Z",
    "2026-11-24T10:00:00+0600",
    "2026-11-24T10:00:00+06",
    "2026-11-24t10:00:00z",
]


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


@pytest.mark.parametrize("name", REFUSED)
def test_a_spelling_that_was_never_named_is_refused(api: Caller, name: str) -> None:
    changes, pointer, code = REFUSED[name]
    assert faults(api.post(V, opening(**changes))) == [(pointer, code)]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_that_is_none_of_rfc_3339_is_refused(api: Caller, time: str) -> None:
    assert faults(api.get(V, created_from=time)) == [("?created_from", "time_malformed")]


def test_a_date_of_a_strange_year_is_refused(api: Caller) -> None:
    assert faults(api.post(V, opening(subject__birth_date="0999-01-01"))) == [
        ("/subject/birth_date", "date_malformed")
    ]


def test_what_was_named_is_accepted(api: Caller) -> None:
    named = {
        "loan__amount": "150000.0",
        "purpose": " Consumer microcredit ",
        "client_reference": "loan-1",
    }
    assert (
        api.post(
            V, opening(**named, return_url="https://lender.example/back?a=%5B1%5D")
        ).status_code
        == 201
    )
    for time in ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00.5+06:00"):
        assert api.get(V, created_from=time).status_code == 200


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
    expected = [("?dry_run", "unknown_field")]
    assert faults(send(f"{path}?dry_run=1", body)) == expected == faults(api.get(f"{V}?dry_run=1"))
    assert api.get(V).json()["data"] == []
    assert faults(send(f"{path}?dry_run=1&dry_run=2", body)) == [("?dry_run", "choice_repeated")]


def test_a_method_that_is_not_there_is_told_before_a_parameter_is(api: Caller) -> None:
    assert api.send("PUT", f"{V}?dry_run=1", "").status_code == 405
