"""The client is a package of its own, small, and in step with openapi.json: each operation, each
field, both ways.
"""

import ast
import dataclasses
import inspect
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import pytest

from lenders import openapi
from tulga import calls, fields
from tulga.calls import Call
from tulga.resources import IdentityDocument, Loan, Opening, Payment, Receipt, Subject

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "clients" / "python"
STATEMENTS_MAX = 1400
AT, ONE = datetime(2026, 11, 28, tzinfo=UTC), Decimal(1)

_DOCUMENT = IdentityDocument(type="x", number="x", valid_to=date(2031, 5, 1))
_SUBJECT = Subject(
    iin="x",
    surname="x",
    name="x",
    birth_date=date(1899, 1, 1),
    phone="x",
    document=_DOCUMENT,
    patronymic="x",
)
_LOAN = Loan(
    amount=ONE,
    term_days=1,
    annual_rate=ONE,
    total_repayable=ONE,
    payout_account="x",
    contract_sha256="x",
    region="x",
)
_OPENING = Opening(
    purpose="x",
    subject=_SUBJECT,
    loan=_LOAN,
    client_reference="x",
    locale="x",
    routes=("x",),
    return_url="x",
    opened_by="x",
    metadata={},
)
_PAYMENT = Payment(amount=ONE, iin="x", contract_sha256="x", payout_account="x")

# Each operation with all that can be said in it; the ids of its address are `x`.
ALL: dict[str, Call[Any]] = {
    "advance_test_clock": calls.advance_test_clock(1, verification="x"),
    "ask_for_clearance": calls.ask_for_clearance("x", contract_sha256="x"),
    "cancel_verification": calls.cancel_verification("x"),
    "change_webhook_endpoint": calls.change_webhook_endpoint(
        "x", url="x", events=(), version="x", enabled=True
    ),
    "consume_clearance": calls.consume_clearance("x", _PAYMENT),
    "create_webhook_endpoint": calls.create_webhook_endpoint("x", events=("x",)),
    "delete_webhook_endpoint": calls.delete_webhook_endpoint("x"),
    "get_consistency": calls.get_consistency(1, 2),
    "get_checkpoint": calls.get_checkpoint(),
    "get_clearance": calls.get_clearance("x"),
    "list_clearances": calls.list_clearances(
        status="x", consumed_from=AT, consumed_to=AT, after="x", limit=1
    ),
    "get_document": calls.get_document("x", "x"),
    "get_proof": calls.get_proof("x"),
    "get_receipt": calls.get_receipt("x"),
    "get_signature": calls.get_signature("x"),
    "get_statement": calls.get_statement("x"),
    "get_test_clock": calls.get_test_clock(),
    "get_verification": calls.get_verification("x", with_checks=True),
    "get_webhook_endpoint": calls.get_webhook_endpoint("x"),
    "list_deliveries": calls.list_deliveries(
        endpoint="x", event="x", status="x", after="x", limit=1
    ),
    "list_documents": calls.list_documents("x"),
    "list_events": calls.list_events(types=("x",), limit=1),
    "list_scenarios": calls.list_scenarios(),
    "list_verifications": calls.list_verifications(
        client_reference="x",
        case_number="x",
        status="x",
        created_from=AT,
        created_to=AT,
        after="x",
        limit=1,
    ),
    "list_webhook_endpoints": calls.list_webhook_endpoints(),
    "make_link": calls.make_link("x", sent_by="x"),
    "open_verification": calls.open_verification(_OPENING),
    "redact_verification": calls.redact_verification("x"),
    "redeliver": calls.redeliver("x"),
    "redeliver_range": calls.redeliver_range(AT, AT, endpoint="x"),
    "report_contract": calls.report_contract("x", AT, contract_sha256="x"),
    "report_obligation": calls.report_obligation("x", "x", AT),
    "rotate_webhook_secret": calls.rotate_webhook_secret("x"),
    "simulate": calls.simulate("x", scenario="x", route="x"),
    "test_webhook_endpoint": calls.test_webhook_endpoint("x"),
}
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in openapi.document()["paths"].items()
    for method, operation in item.items()
}


FUNCTIONS = {
    name: function
    for name, function in vars(calls).items()
    if inspect.isfunction(function)
    and function.__module__ == calls.__name__
    and not name.startswith("_")
}


def test_every_operation_is_there() -> None:
    assert set(ALL) == set(OPERATIONS)
    assert set(FUNCTIONS) == {*ALL, "get_keys", "list_clearances_as_csv"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_operation_is_a_function_with_typed_parameters_and_a_typed_answer(name: str) -> None:
    function = FUNCTIONS[name]
    hints = get_type_hints(function)
    assert Any not in hints.values()
    assert get_origin(hints["return"]) is Call
    assert get_args(hints["return"]) not in ((), (Any,))
    assert function.__doc__
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in hints
        assert parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_operation_without_its_required_arguments_is_a_type_error(name: str) -> None:
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    if any(parameter.default is parameter.empty for parameter in parameters):
        with pytest.raises(TypeError):
            FUNCTIONS[name]()
    with pytest.raises(TypeError):
        FUNCTIONS[name](*["x"] * 9)


def test_every_post_has_its_effect_once_by_its_key() -> None:
    for name, (method, _, operation) in OPERATIONS.items():
        takes = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
        assert ("Idempotency-Key" in takes) == (method == "POST"), name
        assert ALL[name].is_repeatable


def test_each_post_takes_a_key_of_the_callers() -> None:
    for name, (method, _, _) in OPERATIONS.items():
        assert ("key" in inspect.signature(FUNCTIONS[name]).parameters) == (method == "POST"), name


def test_clearances_come_as_a_table_too() -> None:
    call = calls.list_clearances_as_csv(AT, AT + timedelta(days=1))
    assert (call.accept, call.path) == ("text/csv", "/v1/clearances")
    assert call.query == {
        "consumed_from": "2026-11-28T00:00:00Z",
        "consumed_to": "2026-11-29T00:00:00Z",
    }
    assert call.read("займ,150000.00\r\n".encode()) == "займ,150000.00\r\n"


def test_events_of_several_types_are_one_word() -> None:
    call = calls.list_events(types=("clearance.issued", "clearance.consumed"))
    assert call.query == {"after": 0, "type": "clearance.issued,clearance.consumed"}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_it_is_asked_as_it_is_documented(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    call = ALL[name]
    assert (call.method, call.path) == (
        method,
        "/".join("x" if "{" in step else step for step in path.split("/")),
    )
    asked = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    assert {*call.query} == asked
    documented = (
        operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema")
    )
    assert_spelled(call.body or {}, documented or {})


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_its_answer_is_read_as_it_is_documented(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    read = ALL[name].read
    for status, answer in operation["responses"].items():
        if not (status.startswith("2") and "content" in answer and isinstance(read, partial)):
            continue
        if read.func is fields.parse and read.args[0] is not Any:
            assert_read(read.args[0], answer["content"]["application/json"]["schema"])


def test_a_receipt_is_read_as_it_is_documented() -> None:
    documented = json.loads((ROOT / "docs" / "receipt.schema.json").read_text())
    assert {field.name for field in dataclasses.fields(Receipt)} == {
        *documented["properties"],
    } - {"type", "version", "issuer"}


def test_a_webhook_is_read_as_it_is_documented() -> None:
    from_tulga = openapi.document()["webhooks"]
    bodies = [
        one["post"]["requestBody"]["content"]["application/json"]["schema"]
        for one in from_tulga.values()
    ]
    assert bodies
    assert all(
        schema_of(body) == schema_of({"$ref": "#/components/schemas/WebhookBody"})
        for body in bodies
    )


def assert_spelled(body: Any, documented: Mapping[str, Any]) -> None:
    """What is sent has each documented field, and no other."""
    known = schema_of(documented).get("properties", {})
    assert set(body) == set(known)
    for name, value in body.items():
        if isinstance(value, dict) and schema_of(known[name]).get("properties"):
            assert_spelled(value, known[name])


def assert_read(kind: Any, documented: Mapping[str, Any]) -> None:
    """The dataclass has each documented field and no other, and what may be null is read where it
    is.
    """
    schema, origin = schema_of(documented), get_origin(kind) or kind
    known = schema["properties"]
    hints, inner = get_type_hints(origin), get_args(kind)
    of_page = {"has_more", "next"} if origin.__name__ == "Page" else set()
    assert {field.name for field in dataclasses.fields(origin)} == set(known) | of_page
    for field in dataclasses.fields(origin):
        if field.name not in known:
            continue
        hint = hints[field.name][inner] if isinstance_of_t(hints[field.name]) else hints[field.name]
        can_be_none = type(None) in get_args(hint)
        assert can_be_none or not is_nullable(known[field.name]), (
            f"{origin.__name__}.{field.name} can be null"
        )
        for below in records_in(hint):
            place = known[field.name]
            while schema_of(place).get("type") == "array" or "items" in schema_of(place):
                place = schema_of(place)["items"]
            assert_read(below, place)


def isinstance_of_t(hint: Any) -> bool:
    return any(isinstance(one, TypeVar) for one in getattr(hint, "__parameters__", ()))


def records_in(hint: Any) -> list[Any]:
    if isinstance(get_origin(hint) or hint, type) and dataclasses.is_dataclass(
        get_origin(hint) or hint
    ):
        return [hint]
    return [found for one in get_args(hint) for found in records_in(one)]


def is_nullable(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", ())
    return "null" in (kinds if isinstance(kinds, list) else [kinds]) or any(
        is_nullable(one) for word in ("oneOf", "anyOf") for one in schema.get(word, ())
    )


def schema_of(documented: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to, and what of several may be there besides null."""
    for word in ("oneOf", "anyOf", "allOf"):
        if word in documented:
            real = [one for one in documented[word] if one.get("type") != "null"]
            if len(real) == 1:
                return schema_of(real[0])
    if "$ref" in documented:
        return schema_of(
            openapi.document()["components"]["schemas"][documented["$ref"].rpartition("/")[2]]
        )
    return documented


def test_it_is_small_and_needs_two_packages() -> None:
    modules = [ast.parse(path.read_text("utf-8")) for path in (PLACE / "tulga").rglob("*.py")]
    assert (
        sum(isinstance(node, ast.stmt) for tree in modules for node in ast.walk(tree))
        <= STATEMENTS_MAX
    )
    project = tomllib.loads((PLACE / "pyproject.toml").read_text("utf-8"))["project"]
    assert (project["name"], sorted(one.partition(">")[0] for one in project["dependencies"])) == (
        "tulga-client",
        ["cryptography", "httpx"],
    )


def test_its_types_are_strict_for_those_who_check_theirs() -> None:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"]
    command += ["--cache-dir", "/dev/null"]
    checked = subprocess.run(
        command, cwd=PLACE, capture_output=True, text=True, timeout=180, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def test_it_is_installed_from_its_folder_alone(tmp_path: Path) -> None:
    shutil.copytree(
        PLACE,
        tmp_path / "source",
        ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"),
    )
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--no-build-isolation",
    ]
    command += [
        "--python",
        sys.executable,
        "--target",
        str(tmp_path / "there"),
        str(tmp_path / "source"),
    ]
    subprocess.run(command, check=True, timeout=120)
    told = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tulga; print(tulga.__file__,"
        " tulga.Client.__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", told, str(tmp_path / "there")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.split() == [str(tmp_path / "there" / "tulga" / "__init__.py"), "Client"]
    assert (tmp_path / "there" / "tulga" / "py.typed").is_file()
